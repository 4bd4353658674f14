"""Other sites cannot act with our readers' cookies; our pages, programs and the media endpoints can."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from tests.support.site import Served, site


async def done(request: web.Request) -> web.Response:
    return web.Response(text="done")


ROUTES = (
    web.route("*", "/act", done),
    web.post("/whip/room", done),
    web.post("/whep/room", done),
)


async def ask(served: Served, method: str, path: str = "/act", **headers: str) -> int:
    headers = {name.replace("_", "-"): value.format(port=served.port) for name, value in headers.items()}
    async with aiohttp.ClientSession() as http, http.request(method, served.url + path, headers=headers) as answer:
        return answer.status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec_Fetch_Site": "same-origin"}, 200),
        ({"Sec_Fetch_Site": "none"}, 200),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Sec_Fetch_Site": "nonsense"}, 403),
        ({"Sec_Fetch_Site": "cross-site", "Origin": "http://127.0.0.1:{port}"}, 403),
        ({"Sec_Fetch_Site": "same-origin", "Origin": "null"}, 200),
        ({"Origin": "http://127.0.0.1:{port}"}, 200),
        ({"Origin": "https://127.0.0.1:{port}"}, 200),
        ({"Origin": "http://127.0.0.1"}, 403),
        ({"Origin": "http://elsewhere.example"}, 403),
        ({"Origin": "http://127.0.0.1:{port}.elsewhere.example"}, 403),
        ({"Origin": "http://elsewhere.example:{port}"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Origin": "http://[::"}, 403),
        ({"Origin": "https://live.example", "Host": "live.example"}, 200),
        ({"Origin": "https://live.example", "Host": "live.example:443"}, 200),
        ({"Origin": "https://LIVE.example", "Host": "live.example"}, 200),
        ({}, 200),
    ],
)
@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_only_our_own_pages_and_programs_may_act(
    tmp_path: Path, method: str, headers: dict[str, str], status: int
) -> None:
    async with site(tmp_path, ROUTES) as served:
        assert await ask(served, method, **headers) == status


async def test_reading_is_open_to_links_from_everywhere(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES) as served:
        assert await ask(served, "GET", Sec_Fetch_Site="cross-site", Origin="http://elsewhere.example") == 200


@pytest.mark.parametrize("path", ["/whip/room", "/whep/room"])
async def test_media_may_be_published_and_watched_from_any_page_with_a_token_and_from_ours_without(
    tmp_path: Path, path: str
) -> None:
    elsewhere = {"Sec_Fetch_Site": "cross-site", "Origin": "http://elsewhere.example"}
    async with site(tmp_path, ROUTES) as served:
        assert await ask(served, "POST", path, **elsewhere, Authorization="Bearer token") == 200
        assert await ask(served, "POST", path, **elsewhere) == 403
        assert await ask(served, "POST", path, Origin="http://elsewhere.example") == 403
        assert await ask(served, "POST", path, Sec_Fetch_Site="same-origin", Origin="http://127.0.0.1:{port}") == 200
        assert await ask(served, "POST", path) == 200  # no page: a player, an encoder


async def test_the_refusal_has_a_code_and_words(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES) as served, aiohttp.ClientSession() as http:
        headers = {"Origin": "http://elsewhere.example", "Accept-Language": "vi"}
        async with http.post(f"{served.url}/act", headers=headers) as answer:
            told = await answer.json()
        assert (answer.status, told["code"]) == (403, "request.cross_site")
        assert "trang khác" in told["title"]
