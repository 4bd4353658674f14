"""Studio and device check as HTML from a whole worker: for whom they open, and what they hand to their scripts."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from expo.clock import utc_now
from expo.edge.keys import DATABASE
from expo.ids import RoomId, ShowcaseId
from expo.showcases import service
from expo.showcases.keys import TOKENS
from tests.support.worker import Worker, running_worker

pytestmark = [pytest.mark.media, pytest.mark.asyncio(loop_scope="module")]

LANGUAGES = ("en", "ko", "vi")
ROOM = RoomId("chungbuk")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worker(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Worker]:
    async with running_worker(tmp_path_factory.mktemp("worker")) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def fresh(tmp_path: Path) -> AsyncGenerator[Worker]:
    """A worker whose rows a test may change."""
    async with running_worker(tmp_path) as found:
        yield found


@contextlib.asynccontextmanager
async def browsing(worker: Worker, person: str | None = None) -> AsyncGenerator[aiohttp.ClientSession]:
    """A visitor with a cookie jar, signed in if a person is named."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as visitor:
        if person is not None:
            found = next(one for one in worker.seeded.people if one.id == person)
            async with visitor.get(worker.link(found), allow_redirects=False) as response:
                assert response.status == 303
        yield visitor


async def page(visitor: aiohttp.ClientSession, url: str, status: int = 200) -> str:
    async with visitor.get(url, headers={"Accept": "text/html"}) as response:
        assert response.status == status
        return await response.text()


def page_data(html: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="page-data">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


@pytest.mark.parametrize(
    ("person", "status"),
    [
        (None, 401),
        ("demo-buyer", 403),
        ("demo-interpreter", 403),
        ("demo-exhibitor-daegu", 403),
        ("demo-exhibitor", 200),
        ("demo-organiser", 200),
        ("demo-technician", 200),
    ],
)
async def test_the_studio_opens_for_those_who_may_present(worker: Worker, person: str | None, status: int) -> None:
    async with browsing(worker, person) as visitor:
        await page(visitor, f"{worker.url}/studio/chungbuk", status)


async def test_an_unknown_showcase_has_no_studio(worker: Worker) -> None:
    async with browsing(worker, "demo-organiser") as visitor:
        await page(visitor, f"{worker.url}/studio/nobody", 404)


async def test_each_token_can_what_it_is_for_and_nothing_more(worker: Worker) -> None:
    async with browsing(worker, "demo-exhibitor") as visitor:
        data = page_data(await page(visitor, f"{worker.url}/studio/chungbuk"))
    grants = {
        name: worker.app[TOKENS].verify(data[name], utc_now(), room=ROOM)
        for name in ("backstageToken", "publishToken", "pageToken", "encoderToken", "whepToken")
    }
    assert {name: grant.can for name, grant in grants.items()} == {
        "backstageToken": {"backstage"},
        "publishToken": {"publish", "start"},
        "pageToken": {"publish", "start", "takeover", "watch", "write", "present"},
        "encoderToken": {"publish"},
        "whepToken": {"watch"},
    }
    assert grants["encoderToken"].participant != grants["publishToken"].participant, "an encoder is not the page"
    assert data["whipUrl"] == "/whip/chungbuk"
    assert data["stateUrl"] == "/api/showcases/chungbuk"


async def test_both_pages_render_in_every_language_without_inline_code(worker: Worker) -> None:
    async with browsing(worker, "demo-organiser") as visitor:
        for language in LANGUAGES:
            for path in ("/studio/chungbuk", "/studio/jeonnam", "/studio/chungbuk-encore", "/check"):
                async with visitor.get(f"{worker.url}/lang/{language}", allow_redirects=False) as response:
                    assert response.status == 303
                html = await page(visitor, worker.url + path)
                assert f'<html lang="{language}">' in html
                assert re.search(r"<style|\sstyle=|\son[a-z]+=", html) is None
                assert re.findall(r"<script(?![^>]*(?:src=|application/json))", html) == []


async def test_the_studio_is_useful_before_its_script(worker: Worker) -> None:
    async with browsing(worker, "demo-exhibitor") as visitor:
        html = await page(visitor, f"{worker.url}/studio/chungbuk")
    for words in ("대기실", "동백 세럼 50 ml", "다음 순서: 소백메디"):
        assert words in html


async def test_pages_with_tokens_are_kept_by_nobody(worker: Worker) -> None:
    async with browsing(worker, "demo-exhibitor") as visitor, visitor.get(f"{worker.url}/studio/chungbuk") as response:
        assert response.headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("/s/chungbuk", "/s/chungbuk"),
        ("/studio/chungbuk?x=1", "/studio/chungbuk?x=1"),
        ("", None),
        ("//evil.example", None),
        ("https://evil.example", None),
        ("javascript:alert(1)", None),
        ("/\\evil.example", None),
    ],
)
async def test_the_check_leads_on_within_the_site_only(worker: Worker, given: str, kept: str | None) -> None:
    async with browsing(worker) as visitor, visitor.get(f"{worker.url}/check", params={"next": given}) as response:
        assert page_data(await response.text())["next"] == kept


async def test_the_check_measures_with_an_open_showcase_the_live_one_first(fresh: Worker) -> None:
    async with browsing(fresh) as visitor:
        assert page_data(await page(visitor, f"{fresh.url}/check"))["probe"] == {
            "whepUrl": "/whep/chungbuk",
            "whepToken": None,
        }
        async with fresh.app[DATABASE].write() as db:
            await service.end(db, ShowcaseId("chungbuk"), utc_now())
        probe = page_data(await page(visitor, f"{fresh.url}/check"))["probe"]
        assert probe["whepUrl"] in {"/whep/daegu", "/whep/bac-giang"}, "one that is waited in"
