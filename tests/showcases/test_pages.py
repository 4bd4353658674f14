"""Home and stage as HTML from a whole worker: useful before any script, in every language, for whom they are meant."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import pytest
import pytest_asyncio

from expo.clock import utc_now
from expo.edge.keys import DATABASE
from expo.ids import ShowcaseId
from expo.showcases import service
from tests.support.worker import Worker, running_worker

pytestmark = [pytest.mark.media, pytest.mark.asyncio(loop_scope="module")]

LANGUAGES = ("en", "ko", "vi")
SHOWCASES = ("chungbuk", "daegu", "bac-giang", "jeonnam", "daegu-textiles")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worker(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Worker]:
    async with running_worker(tmp_path_factory.mktemp("worker")) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def fresh(tmp_path: Path) -> AsyncGenerator[Worker]:
    """A worker whose rows a test may change."""
    async with running_worker(tmp_path) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def http() -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def page(http: aiohttp.ClientSession, url: str, language: str = "en", status: int = 200) -> str:
    async with http.get(url, headers={"Accept-Language": language, "Accept": "text/html"}) as response:
        assert response.status == status
        assert response.headers["Content-Language"] == language
        return await response.text()


def page_data(html: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="page-data">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


async def test_every_page_renders_in_every_language_without_inline_code(
    worker: Worker, http: aiohttp.ClientSession
) -> None:
    for language in LANGUAGES:
        for path in ("/", "/programme", *(f"/s/{showcase}" for showcase in SHOWCASES)):
            html = await page(http, worker.url + path, language)
            assert f'<html lang="{language}">' in html
            assert re.search(r"<style|\sstyle=|\son[a-z]+=", html) is None
            assert re.findall(r"<script(?![^>]*(?:src=|application/json))", html) == []


async def test_the_stage_is_useful_before_its_script(worker: Worker, http: aiohttp.ClientSession) -> None:
    html = await page(http, f"{worker.url}/s/chungbuk", "vi")
    for words in ("Gyeol Cosmetics", "Tinh chất hoa trà 50 ml", "3304.99", "Sobaek Medi", "Trực tiếp"):
        assert words in html
    data = page_data(html)
    assert data["whepUrl"] == "/whep/chungbuk"
    assert data["whepToken"] is None, "watching is open to all"
    assert data["stateUrl"] == "/api/showcases/chungbuk"
    assert data["showcase"]["state"] == "live"
    assert [link["url"] for link in data["languages"]] == [f"/lang/{code}?next=%2Fs%2Fchungbuk" for code in LANGUAGES]
    assert [clock["zone"] for clock in data["clocks"]] == ["Asia/Ho_Chi_Minh", "Asia/Seoul"]


async def test_the_page_starts_from_the_shape_that_the_api_tells(worker: Worker, http: aiohttp.ClientSession) -> None:
    data = page_data(await page(http, f"{worker.url}/s/chungbuk"))
    async with http.get(worker.url + data["stateUrl"], headers={"Accept-Language": "en"}) as response:
        told = await response.json()
    assert data["showcase"].keys() == told.keys()
    changing = {"serverTime"}
    assert {key: data["showcase"][key] for key in told.keys() - changing} == {
        key: told[key] for key in told.keys() - changing
    }


async def test_only_people_of_the_expo_get_a_token_for_an_invited_show(
    worker: Worker, http: aiohttp.ClientSession
) -> None:
    assert page_data(await page(http, f"{worker.url}/s/jeonnam"))["whepToken"] is None
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as guest:
        async with guest.get(worker.link(worker.person("buyer"))) as response:
            assert response.status == 200
        async with guest.get(f"{worker.url}/s/jeonnam") as response:
            token = page_data(await response.text())["whepToken"]
    assert isinstance(token, str)
    assert token.count(".") == 2


async def test_a_draft_is_nobodys_business_but_the_crews(worker: Worker, http: aiohttp.ClientSession) -> None:
    await page(http, f"{worker.url}/s/chungbuk-encore", status=404)
    for role, status in (("organiser", 200), ("buyer", 404)):
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as person:
            async with person.get(worker.link(worker.person(role))) as response:
                assert response.status == 200
            async with person.get(f"{worker.url}/s/chungbuk-encore") as response:
                assert response.status == status


async def test_the_last_company_of_a_show_has_nobody_after_it(fresh: Worker, http: aiohttp.ClientSession) -> None:
    async with fresh.app[DATABASE].write() as db:
        await service.go_live(db, ShowcaseId("jeonnam"), utc_now())
    assert "Bogil Sea Farm" in await page(http, f"{fresh.url}/s/jeonnam")


async def test_the_front_page_leads_to_what_is_on_and_what_comes(worker: Worker, http: aiohttp.ClientSession) -> None:
    html = await page(http, worker.url + "/")
    hero, rest = html.split('id="next"', 1)
    assert 'href="/s/chungbuk"' in hero
    assert "company 3 of 8" in hero
    for showcase in ("daegu", "bac-giang", "jeonnam", "daegu-textiles"):
        assert f'href="/s/{showcase}"' in rest
    assert "chungbuk-encore" not in html


async def test_the_front_page_leads_on_to_delegations_stands_products_and_the_programme(
    worker: Worker, http: aiohttp.ClientSession
) -> None:
    html = await page(http, worker.url + "/")
    for path in ("/programme", "/delegations/daegu", "/stands/gyeol-cosmetics", "/products/camellia-serum"):
        assert f'href="{path}"' in html
    assert page_data(html)["clocks"][0] == {"zone": "Asia/Ho_Chi_Minh", "city": "Hanoi"}


async def test_the_programme_has_every_company_in_both_cities_times_and_what_is_over_last(
    worker: Worker, http: aiohttp.ClientSession
) -> None:
    html = await page(http, worker.url + "/programme")
    coming, past = html.split('id="past"')
    assert coming.index("Gyeol Cosmetics") < coming.index("Dalgu Precision") < coming.index("Bogil Sea Farm")
    assert "Daegu textiles for hotels and spas" in past
    assert "chungbuk-encore" not in html, "a draft"
    first = re.search(
        r'<time datetime="([^"]+)" data-times="column"><b>(\d\d:\d\d) <small>Hanoi</small></b><span>(.*?)</span>',
        coming,
    )
    assert first is not None
    at = datetime.fromisoformat(first[1])
    assert first[2] == f"{at.astimezone(ZoneInfo('Asia/Ho_Chi_Minh')):%H:%M}"
    assert first[3].startswith(f"{at.astimezone(ZoneInfo('Asia/Seoul')):%H:%M} Seoul")


async def test_a_showcase_to_come_goes_into_a_calendar_and_a_draft_does_not(
    worker: Worker, http: aiohttp.ClientSession
) -> None:
    assert 'href="/s/daegu/calendar.ics"' in await page(http, worker.url + "/programme")
    async with http.get(f"{worker.url}/s/daegu/calendar.ics", headers={"Accept-Language": "ko"}) as response:
        assert (response.status, response.content_type) == (200, "text/calendar")
        entry = (await response.text()).replace("\r\n ", "")
    starts = page_data(await page(http, f"{worker.url}/s/daegu"))["showcase"]["startsAt"]
    assert f"DTSTART:{datetime.fromisoformat(starts):%Y%m%dT%H%M%SZ}\r\n" in entry
    assert f"URL:{worker.url}/s/daegu\r\n" in entry
    assert "달구정밀" in entry
    async with http.get(f"{worker.url}/s/chungbuk-encore/calendar.ics") as response:
        assert response.status == 404


async def test_a_page_is_previewed_with_absolute_addresses(worker: Worker, http: aiohttp.ClientSession) -> None:
    html = await page(http, f"{worker.url}/s/chungbuk?from=messenger")
    assert f'<meta property="og:url" content="{worker.url}/s/chungbuk">' in html
    assert re.search(rf'<meta property="og:image" content="{worker.url}/static/img/[^"]+">', html) is not None
