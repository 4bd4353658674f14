"""The run of show as HTML from a whole worker: for whom it opens, what it hands to its script, and its words."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from expo.clock import utc_now
from expo.edge.i18n import Catalogues
from expo.ids import RoomId
from expo.showcases.keys import TOKENS
from tests.support.worker import Worker, running_worker

pytestmark = pytest.mark.media
WEB = Path(__file__).parents[2] / "web"
BUILT = (
    r"run\.(before|chat|check|check_long|check_of|monitor|needs\.recording|phase|pictured|questions|role|said|show"
    r"|standing)[._]"
)
"""Keys that scripts put together."""


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncGenerator[Worker]:
    async with running_worker(tmp_path) as found:
        yield found


async def page(worker: Worker, person: str | None, showcase: str) -> tuple[int, str]:
    """Status and text of the run of show, for a visitor who came by the person's link."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as visitor:
        if person is not None:
            found = next(one for one in worker.seeded.people if one.id == person)
            async with visitor.get(worker.link(found), allow_redirects=False) as response:
                assert response.status == 303
        async with visitor.get(f"{worker.url}/run/{showcase}", headers={"Accept": "text/html"}) as response:
            return response.status, await response.text()


def page_data(html: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="page-data">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


@pytest.mark.parametrize(
    ("person", "status"),
    [
        (None, 401),
        ("demo-buyer", 403),
        ("demo-exhibitor", 403),
        ("demo-interpreter", 403),
        ("demo-technician", 403),
        ("demo-organiser", 200),
        ("demo-moderator", 200),
    ],
)
async def test_the_run_of_show_opens_for_those_who_run_it(worker: Worker, person: str | None, status: int) -> None:
    assert (await page(worker, person, "chungbuk"))[0] == status


async def test_who_does_not_run_it_is_led_to_their_own_page(worker: Worker) -> None:
    _, html = await page(worker, "demo-exhibitor", "daegu")
    assert re.search(r'<a class="btn primary" href="/studio/chungbuk">', html)
    assert 'href="/code' not in html, "they are signed in"
    _, html = await page(worker, None, "daegu")
    assert 'href="/studio' not in html
    assert 'href="/code' in html


async def test_an_unknown_showcase_has_none(worker: Worker) -> None:
    assert (await page(worker, "demo-organiser", "nobody"))[0] == 404


async def test_it_opens_for_a_draft_too(worker: Worker) -> None:
    assert (await page(worker, "demo-organiser", "chungbuk-encore"))[0] == 200


async def test_the_script_gets_names_for_every_company_of_the_delegation(worker: Worker) -> None:
    _, html = await page(worker, "demo-organiser", "chungbuk-encore")
    programme = page_data(html)["programme"]
    assert programme["companies"]["sobaek-medi"] == {"name": "Sobaek Medi", "url": "/stands/sobaek-medi"}
    assert "hansol-farm" in programme["companies"], "without a part here yet"
    assert programme["products"]["camellia-serum"]["image"] == "/static/img/products/camellia-serum.svg"


async def test_the_monitor_carries_a_token_only_where_watching_needs_one(worker: Worker) -> None:
    _, html = await page(worker, "demo-organiser", "chungbuk")
    assert page_data(html)["whepToken"] is None
    _, html = await page(worker, "demo-organiser", "jeonnam")
    given = page_data(html)
    for name, can in (("whepToken", {"watch"}), ("previewToken", {"watch", "preview"})):
        assert worker.app[TOKENS].verify(given[name], utc_now(), room=RoomId("jeonnam")).can == can


async def test_it_is_useful_before_its_script_and_runs_none_inline(worker: Worker) -> None:
    _, html = await page(worker, "demo-organiser", "chungbuk")
    assert re.findall(r'<b class="cut">([^<]*)</b>', html)[:2] == ["Sandeul Foods", "Danyang Garlic"]
    assert re.search(r"<style|\sstyle=|\son[a-z]+=", html) is None
    assert re.findall(r"<script(?![^>]*(?:src=|application/json))", html) == []


def test_every_word_of_it_is_in_the_catalogue_and_none_is_left_over() -> None:
    files = [*(WEB / "templates").rglob("*.html"), *(WEB / "src").rglob("*.ts")]
    source = "\n".join(path.read_text(encoding="utf-8") for path in files if not path.name.endswith(".test.ts"))
    named = set(re.findall(r"""["'`](run\.[a-z_.]+[a-z])["'`]""", source))
    known = set(Catalogues.load(WEB / "locale").areas["run"])
    assert sorted(named - known) == []
    assert [key for key in sorted(known - named) if not re.match(BUILT, key)] == []
