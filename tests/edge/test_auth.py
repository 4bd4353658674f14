"""Role links, the login cookie, the language cookie and where they may lead."""

from __future__ import annotations

from http.cookies import Morsel
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from expo.edge import auth
from expo.edge.auth import own_path
from tests.support.site import LOGIN_S, Served, site


async def whoami(request: web.Request) -> web.Response:
    principal = await auth.identify(request)
    return web.Response(text=principal.name if principal else "a stranger")


async def studio(request: web.Request) -> web.Response:
    return web.Response(text=(await auth.require(request, "exhibitor")).name)


async def stage(request: web.Request) -> web.Response:
    return web.Response(text=(await auth.require(request, "exhibitor", "buyer")).name)


ROUTES = (web.get("/whoami", whoami), web.get("/studio", studio), web.get("/stage", stage))


async def get(served: Served, path: str, **headers: str) -> tuple[aiohttp.ClientResponse, str]:
    async with (
        aiohttp.ClientSession() as http,
        http.get(served.url + path, headers=headers, allow_redirects=False) as answer,
    ):
        return answer, await answer.text()


def cookie(answer: aiohttp.ClientResponse, name: str) -> Morsel[str]:
    return answer.cookies[name]


async def test_a_role_link_sets_the_login_and_leads_to_the_roles_page(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES) as served:
        for _ in range(2):  # harmless to repeat
            answer, _ = await get(served, "/enter/lan")
            assert (answer.status, answer.headers["Location"]) == (303, "/s/s1")
            login = cookie(answer, "expo_login")
            assert login["httponly"]
            assert login["samesite"] == "Lax"
            assert login["path"] == "/"
            assert int(login["max-age"]) == LOGIN_S
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["Referrer-Policy"] == "no-referrer"


async def test_cookies_are_secure_exactly_when_the_page_came_by_https(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES, trusted_proxies=["127.0.0.0/8"]) as served:
        answer, _ = await get(served, "/enter/lan")
        assert not cookie(answer, "expo_login")["secure"]
        answer, _ = await get(served, "/enter/lan", **{"X-Forwarded-Proto": "https"})
        assert cookie(answer, "expo_login")["secure"]
        assert cookie(answer, "expo_lang")["secure"]


async def test_a_stranger_cannot_claim_https(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES) as served:
        answer, _ = await get(served, "/enter/lan", **{"X-Forwarded-Proto": "https"})
        assert not cookie(answer, "expo_login")["secure"]


async def test_the_persons_language_is_taken_unless_the_reader_has_chosen(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES) as served:
        answer, _ = await get(served, "/enter/lan")
        assert cookie(answer, "expo_lang").value == "vi"
        answer, _ = await get(served, "/enter/lan", Cookie="expo_lang=ko")
        assert "expo_lang" not in answer.cookies


async def test_a_bad_link_is_refused_and_sets_nothing(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES) as served:
        answer, body = await get(served, "/enter/mallory")
        assert answer.status == 401
        assert "link.forged" in body
        assert not answer.cookies


async def test_the_cookie_says_who_asks(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES) as served:
        assert (await get(served, "/whoami", Cookie="expo_login=lan"))[1] == "Nguyễn Thị Lan"
        assert (await get(served, "/whoami", Cookie="expo_login=forged"))[1] == "a stranger"
        assert (await get(served, "/whoami"))[1] == "a stranger"


async def test_a_page_for_some_roles_refuses_the_others(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES) as served:
        answer, body = await get(served, "/studio", Cookie="expo_login=lan")
        assert (answer.status, "login.role" in body) == (403, True)
        answer, body = await get(served, "/studio")
        assert (answer.status, "login.missing" in body) == (401, True)
        answer, _ = await get(served, "/stage", Cookie="expo_login=lan")
        assert answer.status == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_language_is_chosen_and_leads_back(tmp_path: Path, method: str) -> None:
    async with site(tmp_path, ROUTES) as served, aiohttp.ClientSession() as http:
        url = f"{served.url}/lang/ko?next=/s/abc%3Fx%3D1"
        async with http.request(method, url, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/s/abc?x=1")
            chosen = cookie(answer, "expo_lang")
            assert (chosen.value, chosen["samesite"], int(chosen["max-age"])) == ("ko", "Lax", auth.LANGUAGE_COOKIE_S)


async def test_an_unknown_language_is_told(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES) as served:
        answer, body = await get(served, "/lang/tlh")
        assert (answer.status, "language.unknown" in body) == (404, True)


@pytest.mark.parametrize(
    ("wanted", "led"),
    [
        ("/s/abc", "/s/abc"),
        ("/s/abc?tab=about#x", "/s/abc?tab=about#x"),
        ("", "/"),
        ("https://elsewhere.example/", "/"),
        ("//elsewhere.example/", "/"),
        ("/\\elsewhere.example/", "/"),
        ("\\/elsewhere.example", "/"),
        ("/s/\r\nSet-Cookie: a=b", "/"),
        ("javascript:alert(1)", "/"),
        ("/하노이", "/%ED%95%98%EB%85%B8%EC%9D%B4"),
    ],
)
def test_only_paths_of_our_own_site_are_led_to(wanted: str, led: str) -> None:
    assert own_path(wanted) == led


@given(st.text())
def test_no_text_leads_off_the_site_or_breaks_the_header(text: str) -> None:
    path = own_path(text)
    assert path.startswith("/")
    assert not path.startswith(("//", "/\\"))
    assert path.isascii()
    assert path.isprintable()
