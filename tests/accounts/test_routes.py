"""The organiser's API, the bearer's pages and guests, through the whole application of a worker."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from sqlalchemy import select, update

from expo.accounts.tables import Invitation, Login
from expo.accounts.tokens import MAX_CHARS
from expo.clock import utc_now
from expo.edge.formats import Formats
from expo.edge.keys import CATALOGUES, DATABASE
from tests.support.worker import Worker, running_worker

pytestmark = [pytest.mark.media, pytest.mark.asyncio(loop_scope="module")]

HTML = {"Accept": "text/html"}
MINSU = {"role": "exhibitor", "name": "김민수", "company": "dalgu-precision"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worker(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Worker]:
    async with running_worker(tmp_path_factory.mktemp("worker")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def fresh(tmp_path: Path) -> AsyncGenerator[Worker]:
    """A worker in which nobody was invited or signed in yet."""
    async with running_worker(tmp_path) as running:
        yield running


@contextlib.asynccontextmanager
async def browser(worker: Worker, role: str | None = None) -> AsyncGenerator[aiohttp.ClientSession]:
    """A browser of its own, signed in by a role link if a role is said."""
    jar = aiohttp.CookieJar(unsafe=True)  # our host is an IP address
    async with aiohttp.ClientSession(worker.url, cookie_jar=jar, headers={"Sec-Fetch-Site": "same-origin"}) as http:
        if role is not None:
            await http.get(worker.link(worker.person(role)), allow_redirects=False)
        yield http


async def call(http: aiohttp.ClientSession, method: str, path: str, body: object = None) -> tuple[int, Any]:
    async with http.request(method, path, json=body, allow_redirects=False) as answer:
        return answer.status, await answer.json() if answer.content_type.endswith("json") else await answer.text()


async def invited(http: aiohttp.ClientSession, body: object = MINSU) -> dict[str, Any]:
    status, made = await call(http, "POST", "/api/showcases/daegu/invitations", body)
    assert status == 201, made
    return made


def path_of(url: str) -> str:
    return "/i/" + url.rpartition("/i/")[2]


async def test_an_invitation_brings_its_person_to_the_studio(fresh: Worker) -> None:
    async with browser(fresh, "organiser") as desk, browser(fresh) as phone:
        made = await invited(desk)
        assert (made["role"], made["name"], made["language"], made["state"]) == ("exhibitor", "김민수", "ko", "open")
        assert made["url"].startswith(f"{fresh.url}/i/")
        path = path_of(made["url"])
        for _ in range(3):  # messengers look too
            async with phone.get(path, headers=HTML) as page:
                text = await page.text()
                assert page.status == 200
                assert "김민수 님, 초대합니다" in text  # in the person's language
                assert "Set-Cookie" not in page.headers
        async with phone.post(path, headers=HTML, allow_redirects=False) as led:
            assert (led.status, led.headers["Location"]) == (303, "/studio/daegu")
            assert led.cookies["expo_login"]["httponly"]
            assert led.cookies["expo_lang"].value == "ko"
        async with phone.get("/studio/daegu", headers=HTML) as studio:
            assert studio.status == 200
        status, listed = await call(desk, "GET", "/api/showcases/daegu/invitations")
        (one,) = listed["invitations"]
        assert (status, one["id"], len(one["devices"]), "url" in one and one["url"]) == (200, made["id"], 1, None)


async def test_another_site_cannot_press_the_button(worker: Worker) -> None:
    async with browser(worker, "organiser") as desk, aiohttp.ClientSession(worker.url) as victim:
        path = path_of((await invited(desk))["url"])
        async with victim.post(path, headers={"Origin": "https://elsewhere.example"}) as answer:
            assert (answer.status, (await answer.json())["code"]) == (403, "request.cross_site")
            assert "Set-Cookie" not in answer.headers


async def test_the_fourth_device_reads_what_to_do(worker: Worker) -> None:
    async with browser(worker, "organiser") as desk:
        path = path_of((await invited(desk))["url"])
        for _ in range(3):
            async with browser(worker) as device:
                assert (await call(device, "POST", path))[0] == 303
        async with browser(worker) as fourth:
            for method in ("GET", "POST"):
                status, told = await call(fourth, method, path)
                assert (status, told["code"]) == (409, "invitation.devices_used")
                async with fourth.request(method, path, headers=HTML) as page:
                    text = await page.text()
                    assert (page.status, "기기 3대에서 사용 중인 링크입니다" in text) == (409, True)
                    assert '<form method="post"' not in text


async def test_withdrawn_and_unknown_links_say_so(worker: Worker) -> None:
    async with browser(worker, "organiser") as desk, browser(worker) as phone:
        made = await invited(desk)
        path = path_of(made["url"])
        for _ in range(2):
            assert await call(desk, "DELETE", f"/api/invitations/{made['id']}") == (204, "")
        assert (await call(phone, "POST", path))[1]["code"] == "invitation.revoked"
        async with phone.get(path, headers=HTML) as page:
            text = await page.text()
            assert (page.status, "취소된 초대입니다" in text, "김민수" in text) == (410, True, False)
        status, told = await call(phone, "GET", "/i/nobody")
        assert (status, told["code"]) == (404, "invitation.unknown")


@pytest.mark.parametrize("language", ["en", "ko", "vi"])
async def test_an_expired_link_says_until_when_it_worked(worker: Worker, language: str) -> None:
    async with browser(worker, "organiser") as desk, browser(worker) as phone:
        made = await invited(desk)
        over = utc_now() - timedelta(days=3)
        async with worker.app[DATABASE].write() as db:
            await db.execute(update(Invitation).values(created_at=over - timedelta(days=1), expires_at=over))
        for method in ("GET", "POST"):
            headers = {**HTML, "Cookie": f"expo_lang={language}"}
            async with phone.request(method, path_of(made["url"]), headers=headers) as page:
                text = await page.text()
            assert page.status == 410
            assert worker.app[CATALOGUES].text("accounts.expired.title", language) in text
            assert Formats(language).date(over, "Asia/Ho_Chi_Minh") in text
            assert "김민수" not in text


async def test_a_device_and_a_person_can_be_signed_out_by_the_organiser(worker: Worker) -> None:
    async with browser(worker, "organiser") as desk, browser(worker) as phone, browser(worker) as laptop:
        made = await invited(desk)
        for device in (phone, laptop):
            await call(device, "POST", path_of(made["url"]))
        _, listed = await call(desk, "GET", "/api/showcases/daegu/invitations")
        first = listed["invitations"][0]["devices"][0]["id"]
        assert (await call(desk, "DELETE", f"/api/devices/{first}"))[0] == 204
        assert [(await call(device, "GET", "/studio/daegu"))[0] for device in (phone, laptop)] == [401, 200]
        assert (await call(desk, "DELETE", f"/api/people/{made['personId']}"))[0] == 204
        assert (await call(laptop, "GET", "/studio/daegu"))[0] == 401


async def test_signing_out_forgets_the_browser(fresh: Worker) -> None:
    async with browser(fresh, "exhibitor") as http:
        await call(http, "POST", "/api/guests", {"name": "Hà", "company": "Foods"})
        async with http.get("/sign-out", headers=HTML) as page:
            assert '<form class="wrap" method="post" action="/sign-out">' in await page.text()
        async with http.post("/sign-out", headers=HTML) as page:  # and back to the page
            assert (page.status, "<form" in await page.text()) == (200, False)
        assert (await call(http, "GET", "/studio/chungbuk"))[0] == 401
        assert (await call(http, "GET", "/api/guests/me"))[0] == 404
    async with fresh.app[DATABASE].read() as db:
        assert list(await db.scalars(select(Login))) == []


async def test_an_exhibitor_without_a_company_presents_in_one_showcase_alone(worker: Worker) -> None:
    async with browser(worker, "organiser") as desk, browser(worker) as phone:
        made = await invited(desk, {"role": "exhibitor", "name": "MC"})
        await call(phone, "POST", path_of(made["url"]))
        assert [(await call(phone, "GET", f"/studio/{room}"))[0] for room in ("daegu", "chungbuk")] == [200, 403]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "request.refused"),
        ({"role": "operator", "name": "X"}, 422, "request.refused"),
        ({"role": "buyer", "name": "X", "more": 1}, 422, "request.refused"),
        ({"role": "buyer", "name": "X", "language": "tlh"}, 422, "request.refused"),
        ({"role": "buyer", "name": "X", "days": 0}, 422, "request.refused"),
        ({"role": "buyer", "name": "x" * 10_000}, 400, "text.too_long"),
        ({"role": "buyer", "name": "a\u0000b"}, 400, "text.not_plain"),
        ({"role": "buyer"}, 400, "text.no_words"),
        ({"role": "buyer", "personId": "nobody"}, 404, "person.not_found"),
        ({"role": "exhibitor", "name": "X", "company": "nobody"}, 400, "invitation.company_unknown"),
    ],
)
async def test_what_is_no_invitation_is_refused(worker: Worker, body: object, status: int, code: str) -> None:
    async with browser(worker, "organiser") as desk:
        found, told = await call(desk, "POST", "/api/showcases/daegu/invitations", body)
        assert (found, told["code"]) == (status, code)


async def test_a_guest_says_name_and_company_once(worker: Worker) -> None:
    async with browser(worker) as http:
        assert (await call(http, "GET", "/api/guests/me"))[1]["code"] == "guest.unknown"
        async with http.post("/api/guests", json={"name": " Trần Thu Hà ", "company": "שוק הירקות 🌶️"}) as answer:
            made = await answer.json()
            cookie = answer.cookies["expo_guest"]
        assert (answer.status, made["name"], made["company"]) == (201, "Trần Thu Hà", "שוק הירקות 🌶️")
        assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
        assert await call(http, "GET", "/api/guests/me") == (200, made)
        status, changed = await call(http, "POST", "/api/guests", {"name": "김" * 80, "company": "株" * 120})
        assert (status, changed["id"]) == (201, made["id"])  # one and the same, under a new name
        assert await call(http, "GET", "/api/guests/me") == (200, changed)
        kept = next(one for one in http.cookie_jar if one.key == "expo_guest")
        assert len(kept.value) < MAX_CHARS


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("x" * 10_000, "text.too_long"),
        ("x" * 30_000, "request.refused"),
        ("a\nb", "text.not_plain"),
        ("", "text.no_words"),
        (7, "request.refused"),
    ],
)
@pytest.mark.parametrize("field", ["name", "company"])
async def test_a_guests_words_are_bounded_and_plain(worker: Worker, field: str, name: object, code: str) -> None:
    async with browser(worker) as http:
        status, told = await call(http, "POST", "/api/guests", {"name": "Hà", "company": "Foods", field: name})
        assert (status // 100, told["code"]) == (4, code)
        assert not [one for one in http.cookie_jar if one.key == "expo_guest"]


async def test_the_log_holds_neither_links_nor_names(worker: Worker, capsys: pytest.CaptureFixture[str]) -> None:
    async with browser(worker, "organiser") as desk, browser(worker) as phone:
        made = await invited(desk)
        await call(phone, "GET", path_of(made["url"]))
        await call(phone, "POST", path_of(made["url"]))
        await call(phone, "POST", "/api/guests", {"name": "Trần Thu Hà", "company": "Minh Châu"})
        await call(desk, "DELETE", f"/api/people/{made['personId']}")
        cookies = [cookie.value for cookie in phone.cookie_jar]
    logged = "".join(capsys.readouterr())
    assert "/i/{secret}" in logged
    assert "person revoked" in logged
    for secret in (made["url"].rpartition("/")[2], "김민수", "Trần Thu Hà", "Minh Châu", *cookies):
        assert len(secret) < 3 or secret not in logged


@pytest.mark.parametrize("value", ["x", "a.b.c", "x" * 5000])
async def test_a_forged_guest_is_nobody(worker: Worker, value: str) -> None:
    cookie = {"Cookie": f"expo_guest={value}"}
    async with aiohttp.ClientSession(worker.url) as http, http.get("/api/guests/me", headers=cookie) as answer:
        assert (answer.status, (await answer.json())["code"]) == (404, "guest.unknown")
