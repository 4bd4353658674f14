"""The organiser's page of invitations, through the whole application of a worker and without any script."""

from __future__ import annotations

import contextlib
import html
import re
from collections.abc import AsyncGenerator, Mapping
from datetime import timedelta

import aiohttp
import pytest
import pytest_asyncio

from expo.accounts.invitations import InvitationView, Wanted, invitations, invite
from expo.accounts.invite_pages import days_for
from expo.clock import utc_now
from expo.edge.keys import DATABASE
from expo.ids import PersonId, ShowcaseId
from expo.showcases.occasions import occasion
from tests.support.worker import Worker, running_worker

pytestmark = [pytest.mark.media, pytest.mark.asyncio(loop_scope="module")]

HTML = {"Accept": "text/html"}
PAGE = "/invite/daegu"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worker(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Worker]:
    async with running_worker(tmp_path_factory.mktemp("worker")) as running:
        yield running


@contextlib.asynccontextmanager
async def browser(worker: Worker, role: str | None = None) -> AsyncGenerator[aiohttp.ClientSession]:
    """A browser of its own in Vietnamese, signed in by a role link if a role is said."""
    jar = aiohttp.CookieJar(unsafe=True)  # our host is an IP address
    headers = {"Sec-Fetch-Site": "same-origin", "Accept-Language": "vi"}
    async with aiohttp.ClientSession(worker.url, cookie_jar=jar, headers=headers) as http:
        if role is not None:
            await http.get(worker.link(worker.person(role)), allow_redirects=False)
        yield http


async def post(
    http: aiohttp.ClientSession, fields: Mapping[str, str], path: str = PAGE, accept: str = "text/html"
) -> tuple[int, str]:
    async with http.post(path, data=fields, headers={"Accept": accept}) as answer:
        return answer.status, html.unescape(await answer.text())


async def text_of(http: aiohttp.ClientSession, path: str = PAGE) -> str:
    async with http.get(path, headers=HTML) as answer:
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "private, no-store"
        return html.unescape(await answer.text())


def links(page: str) -> list[str]:
    """Paths of the links that a page shows."""
    return re.findall(r'data-link="[^"]*(/i/[^"]+)"', page)


async def every(worker: Worker) -> tuple[InvitationView, ...]:
    async with worker.app[DATABASE].read() as db:
        return await invitations(db, ShowcaseId("daegu"), utc_now())


async def test_several_are_invited_at_once_and_their_links_are_shown_once(worker: Worker) -> None:
    before = {view.id for view in await every(worker)}
    async with browser(worker, "organiser") as desk, browser(worker) as phone:
        people = "김민수, 달구정밀\r\n이서연\tpalgong-textile\r\nAlex, Dalgu Precision"
        status, page = await post(desk, {"role": "exhibitor", "people": people, "days": "90"})
        found = links(page)
        assert (status, len(found), len(re.findall(r"<svg[^>]*class=\"qr\"", page))) == (200, 3, 4)
        assert "김민수 님, 안녕하세요." in page  # the message speaks their language, the page the organiser's
        assert '<html lang="vi">' in page
        page = await text_of(desk)
        assert links(page) == []
        assert f'data-stage="{worker.url}/s/daegu"' in page
        assert len(re.findall(r"<svg[^>]*class=\"qr\"", page)) == 1, "the code that buyers watch by"
        async with phone.post(found[0], headers=HTML, allow_redirects=False) as led:
            assert (led.status, led.headers["Location"]) == (303, "/studio/daegu")
    new = [view for view in await every(worker) if view.id not in before]
    assert {(view.person.name, view.person.exhibitor_id, view.person.language) for view in new} == {
        ("김민수", "dalgu-precision", "ko"),
        ("이서연", "palgong-textile", "ko"),
        ("Alex", "dalgu-precision", "ko"),
    }
    assert {(view.expires_at - view.created_at).days for view in new} == {90}


async def test_a_buyer_keeps_the_company_that_stands_behind_the_name(worker: Worker) -> None:
    async with browser(worker, "organiser") as desk:
        fields = {"role": "buyer", "people": "Hà, Minh Châu Beauty", "language": "vi", "company": "dalgu-precision"}
        _, page = await post(desk, fields)
        assert "Kính gửi Hà," in page
        assert "Minh Châu Beauty" in page
    (view,) = [view for view in await every(worker) if view.person.name == "Hà"]
    assert (view.person.organisation, view.person.exhibitor_id) == ("Minh Châu Beauty", None)


async def test_one_bad_line_invites_nobody_and_all_of_them_are_told(worker: Worker) -> None:
    before = await every(worker)
    async with browser(worker, "organiser") as desk:
        people = f"박지후\n누구, 없는회사\n{'x' * 90}\n\u200b"
        status, page = await post(desk, {"role": "exhibitor", "people": people})
        assert (status, links(page)) == (400, [])
        for told in ("Dòng 2 <bdi>누구</bdi>:", "Dòng 3", "Dòng 4:", "Chưa có ai được mời.", "박지후\n누구, 없는회사"):
            assert told in page
        status, told = await post(desk, {"role": "exhibitor", "people": people}, accept="application/json")
        assert (status, "invitation.company_unknown" in told) == (400, True)
        status, page = await post(desk, {"role": "buyer", "people": " "})
        assert (status, "Chưa có ai được mời." in page) == (400, True)
        assert (await post(desk, {"role": "operator", "people": "X"}))[0] == 422
    assert await every(worker) == before


async def test_a_new_link_ends_the_one_before(worker: Worker) -> None:
    async with browser(worker, "organiser") as desk, browser(worker) as phone:
        _, page = await post(desk, {"role": "exhibitor", "people": "정유나, dalgu-precision"})
        (old,) = links(page)
        await phone.post(old)
        (view,) = [view for view in await every(worker) if view.person.name == "정유나"]
        status, page = await post(desk, {"invitation": view.id}, f"{PAGE}/new-link")
        (new,) = links(page)
        assert (status, new != old) == (200, True)
        for path, status in ((old, 410), ("/studio/daegu", 401), (new, 200)):
            async with phone.get(path, headers=HTML) as answer:
                assert answer.status == status
        renewed = [one for one in await every(worker) if one.person.name == "정유나"]
        assert [(one.person.id, one.state) for one in renewed] == [
            (view.person.id, "open"),
            (view.person.id, "revoked"),
        ]
        assert (await post(desk, {"invitation": view.id}, "/invite/chungbuk/new-link"))[0] == 404
        assert (await post(desk, {"invitation": "nobody"}, f"{PAGE}/new-link"))[0] == 404


async def test_withdrawing_ends_link_and_devices_and_says_so(worker: Worker) -> None:
    async with browser(worker, "organiser") as desk, browser(worker) as phone:
        _, page = await post(desk, {"role": "technician", "people": "Quân"})
        (link,) = links(page)
        await phone.post(link)
        (view,) = [view for view in await every(worker) if view.person.name == "Quân"]
        for _ in range(2):
            status, page = await post(desk, {"invitation": view.id}, f"{PAGE}/withdraw")
            assert (status, "Đã thu hồi lời mời" in page) == (200, True)
        async with phone.get("/studio/daegu", headers=HTML) as answer:
            assert answer.status == 401


async def test_one_device_is_signed_out_and_the_others_stay(worker: Worker) -> None:
    async with browser(worker, "organiser") as desk, browser(worker) as phone, browser(worker) as laptop:
        _, page = await post(desk, {"role": "exhibitor", "people": "오하늘, dalgu-precision"})
        (link,) = links(page)
        for device in (phone, laptop):
            await device.post(link)
        (view,) = [view for view in await every(worker) if view.person.name == "오하늘"]
        status, page = await post(desk, {"device": view.devices[0].id}, f"{PAGE}/sign-out")
        assert (status, "1/3 thiết bị" in page, "Đã đăng xuất thiết bị" in page) == (200, True, True)
        for device, status in ((phone, 401), (laptop, 200)):
            async with device.get("/studio/daegu", headers=HTML) as answer:
                assert answer.status == status
        assert (await post(desk, {"device": "nobody"}, f"{PAGE}/sign-out"))[0] == 404


async def test_companies_that_nobody_was_invited_for_are_named_and_chosen_by_a_link(worker: Worker) -> None:
    async with browser(worker, "organiser") as desk:
        page = await text_of(desk, "/invite/jeonnam")
        missing = re.findall(r'href="/invite/jeonnam\?company=([^"]+)#invite"', page)
        assert missing
        page = await text_of(desk, f"/invite/jeonnam?company={missing[0]}")
        assert f'<option value="{missing[0]}" selected>' in page
        await post(desk, {"role": "exhibitor", "people": "한지민", "company": missing[0]}, "/invite/jeonnam")
        assert f"?company={missing[0]}#" not in await text_of(desk, "/invite/jeonnam")


async def test_another_organisers_people_are_not_in_the_list(worker: Worker) -> None:
    async with worker.app[DATABASE].write() as db:
        to = await occasion(db, ShowcaseId("chungbuk"), "en")
        await invite(db, to, Wanted("buyer", name="Elsewhere"), PersonId("demo-organiser"), utc_now())
    async with browser(worker, "organiser") as desk:
        assert "Elsewhere" not in await text_of(desk)
        assert "Elsewhere" in await text_of(desk, "/invite/chungbuk")


async def test_a_link_outlives_the_showcase_unless_said(worker: Worker) -> None:
    async with worker.app[DATABASE].read() as db:
        to = await occasion(db, ShowcaseId("daegu"), "en")
    at = to.starts_at
    gone = [days_for(to, at - timedelta(days=days)) for days in (-3, 20, 29, 100, 400)]
    assert gone == [30, 30, 90, 180, 365]
