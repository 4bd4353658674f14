"""Templates, page data, static files and formats."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import aiohttp
import msgspec
import pytest
import structlog
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from expo.edge import auth
from expo.edge.formats import Formats
from expo.edge.http import application
from expo.edge.pages import render
from expo.edge.server import EdgeRunner
from expo.edge.templates import Templates, json_block
from expo.errors import Unavailable
from tests.support.site import SCRIPT, Served, build_web, raw, site

NASTY = "</script><script>alert(1)</script><!-- \u2028 & 'x' \"y\""
BLOCK = re.compile(r'<script type="application/json" id="page-data">(.*?)</script>', re.DOTALL)


class PageData(msgspec.Struct, frozen=True, rename="camel"):
    showcase_id: str
    state_url: str


async def page(request: web.Request) -> web.Response:
    await auth.identify(request)
    data = PageData(NASTY, "/api/showcases/s1")
    return render(request, "page.html", page_data=data, title=NASTY)


async def broken(request: web.Request) -> web.Response:
    return render(request, "page.html")


ROUTES = (web.get("/page", page), web.get("/broken", broken))


async def get(served: Served, path: str, **headers: str) -> tuple[aiohttp.ClientResponse, bytes]:
    async with (
        aiohttp.ClientSession(auto_decompress=False) as http,
        http.get(served.url + path, headers={"Accept-Encoding": "identity", **headers}) as answer,
    ):
        return answer, await answer.read()


async def test_a_page_is_told_in_the_readers_language_and_never_cached_for_others(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES) as served:
        answer, body = await get(served, "/page", **{"Accept-Language": "ko"})
    assert answer.content_type == "text/html"
    assert answer.headers["Content-Language"] == "ko"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "Accept-Language" in answer.headers["Vary"]
    assert "서버에 문제가 생겼습니다" in body.decode()


async def test_page_data_survives_whatever_it_holds(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES) as served:
        text = (await get(served, "/page"))[1].decode()
    found = BLOCK.findall(text)
    assert len(found) == 1
    data = json.loads(found[0])
    assert data["showcaseId"] == NASTY
    assert data["language"] == "en"
    assert data["messages"]["error.server.error"].startswith("Something went wrong")
    assert "alert(1)" not in text.replace(found[0], "").replace("&lt;script&gt;alert(1)&lt;/script&gt;", "")


def nested(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.lists(inner) | st.dictionaries(st.text(), inner)


@given(st.recursive(st.text() | st.integers(-(2**53), 2**53) | st.none(), nested, max_leaves=6))
def test_no_json_can_end_its_script_element(value: object) -> None:
    text = str(json_block(value))
    assert not set(text) & set("<>&\u2028\u2029")
    assert json.loads(text) == value


async def test_a_page_greets_who_is_known(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES) as served:
        assert "Nguyễn Thị Lan" in (await get(served, "/page", Cookie="expo_login=lan"))[1].decode()
        assert "Nguyễn Thị Lan" not in (await get(served, "/page"))[1].decode()


async def test_a_template_that_names_what_is_not_there_fails(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES) as served:
        with structlog.testing.capture_logs() as lines:
            answer, _ = await get(served, "/broken")
    assert answer.status == 500
    assert "a handler failed" in {line["event"] for line in lines}


async def test_long_pages_are_compressed_for_those_who_can_read_it(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES) as served:
        answer, body = await get(served, "/page", **{"Accept-Encoding": "gzip"})
        assert answer.headers["Content-Encoding"] == "gzip"
        assert b"<!doctype html>" in gzip.decompress(body)
        assert "Content-Encoding" not in (await get(served, "/page"))[0].headers


async def test_hashed_assets_are_immutable_and_others_are_not(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES) as served:
        text = (await get(served, "/page"))[1].decode()
        assert 'src="/static/assets/stage-a1b2c3.js"' in text
        script, body = await get(served, "/static/assets/stage-a1b2c3.js")
        assert script.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert script.content_type == "text/javascript"
        assert body.decode() == SCRIPT
        icon, _ = await get(served, "/favicon.ico")
        assert (icon.content_type, icon.headers["Cache-Control"]) == ("image/svg+xml", "public, max-age=600")


async def test_assets_are_compressed_and_validated(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES) as served:
        path = "/static/assets/stage-a1b2c3.js"
        answer, body = await get(served, path, **{"Accept-Encoding": "br, gzip"})
        assert answer.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(body).decode() == SCRIPT
        again, body = await get(served, path, **{"If-None-Match": answer.headers["ETag"]})
        assert (again.status, body) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/static/manifest.json",
        "/static/nothing.js",
        "/static/../templates/page.html",
        "/static/%2e%2e/templates/page.html",
        "/static/..%2ftemplates%2fpage.html",
        "/static//etc/passwd",
        "/static/assets",
        "/static/%00",
    ],
)
async def test_nothing_but_built_assets_is_served(tmp_path: Path, path: str) -> None:
    async with site(tmp_path, ROUTES) as served:
        answer = await raw(served, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b" 404 " in answer.split(b"\r\n")[0]


async def test_a_server_without_built_pages_does_not_start(tmp_path: Path) -> None:
    runner = EdgeRunner(application(web_folder=tmp_path))
    with pytest.raises(Unavailable) as refused:
        await runner.setup()
    assert refused.value.code == "web.not_built"
    await runner.cleanup()


def test_an_asset_that_was_not_built_is_a_bug(tmp_path: Path) -> None:
    templates = Templates.open(build_web(tmp_path))
    assert templates.asset("src/pages/stage.ts") == "/static/assets/stage-a1b2c3.js"
    with pytest.raises(LookupError):
        templates.asset("src/pages/nothing.ts")


@dataclass(frozen=True)
class City:
    zone: str
    city: str


HANOI, SEOUL = City("Asia/Ho_Chi_Minh", "Hanoi"), City("Asia/Seoul", "Seoul")
AT = datetime(2026, 11, 22, 7, 30, tzinfo=UTC)


def test_times_are_told_for_both_cities_on_24_hours() -> None:
    formats = Formats("ko")
    assert formats.both_times(AT, (HANOI, SEOUL)) == "14:30 Hanoi · 16:30 Seoul"
    assert formats.both_times(AT + timedelta(hours=8), (HANOI, SEOUL)) == "22:30 Hanoi · 00:30 Seoul (+1)"


@pytest.mark.parametrize(
    ("language", "date", "number", "price"),
    [
        ("en", "November 22, 2026", "1,234.5", "$4.20"),
        ("ko", "2026년 11월 22일", "1,234.5", "US$4.20"),
        ("vi", "22 tháng 11, 2026", "1.234,5", "4,20\xa0US$"),
    ],
)
def test_dates_numbers_and_prices_follow_the_reader(language: str, date: str, number: str, price: str) -> None:
    formats = Formats(language)
    assert formats.date(AT, "Asia/Seoul") == date
    assert formats.number(1234.5) == number
    assert formats.price(Decimal("4.20"), "USD") == price
