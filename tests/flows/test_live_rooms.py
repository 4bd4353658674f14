"""A show over sockets on two workers: whoever is connected where, all see the same room."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from socketio.exceptions import ConnectionError as Refused

from expo.accounts.rules import RoomGrant
from expo.accounts.tokens import Tokens
from expo.clock import utc_now
from expo.ids import ParticipantId, RoomId
from expo.media.aiortc_seam import Certificate
from expo.media.peer import Peer
from expo.media.peer_http import Refused as NotAdmitted
from expo.media.peer_http import join
from tests.support.house import SECRET, House, open_house
from tests.support.live import Page, Told, opened_page
from tests.support.room import OPTIONS, Source, Watching

pytestmark = [pytest.mark.cluster, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[House]:
    """One for all tests, which say only what they themselves did."""
    async with open_house(tmp_path_factory.mktemp("house")) as opened:
        yield opened


async def presenter(house: House, organiser: dict[str, str]) -> dict[str, str]:
    """The cookies of a presenter whom no other test knows."""
    return (await house.invited(organiser, role="exhibitor", name="김민수", company="gyeol-cosmetics"))[1]


async def pinned(desk: Page) -> str:
    """A product that has come up just now, in the room of this page."""
    seen = await state(desk)
    if seen["pin"] is not None:
        assert (await desk.command("unpin"))["shared"] is True
    product = seen["segments"][0]["products"][0]
    assert (await desk.command("pin", product=product))["shared"] is True
    return product


@contextlib.asynccontextmanager
async def on_the_air(house: House, studio: Page, expires_at: datetime) -> AsyncGenerator[Source]:
    """A publisher with the token of the studio's person."""
    participant = ParticipantId(studio.hello["you"]["participant"])
    grant = RoomGrant(RoomId(house.room), participant, "Somebody", frozenset({"publish", "takeover"}), expires_at)
    peer = Peer.publisher(Certificate.generate(), OPTIONS)
    try:
        async with aiohttp.ClientSession() as http:
            url = f"{house.server.base_url}/whip/{house.room}"
            joined = await join(http, url, peer.offer, Tokens(SECRET).sign(grant))
        await peer.connect(joined.answer)
        yield Source(peer)
    finally:
        await peer.close()


@contextlib.asynccontextmanager
async def watching(house: House) -> AsyncGenerator[Watching]:
    """A viewer without a token."""
    peer = Peer.viewer(Certificate.generate(), OPTIONS)
    try:
        async with aiohttp.ClientSession() as http:
            joined = await join(http, f"{house.server.base_url}/whep/{house.room}", peer.offer, None)
        viewer = Watching(peer)
        await peer.connect(joined.answer)
        yield viewer
    finally:
        await peer.close()


async def test_a_pin_and_words_reach_everybody_on_both_workers(house: House) -> None:
    organiser, guest = await house.cookies("organiser"), await house.guest("Nguyễn Thị Hoa")
    async with house.page(0, organiser) as desk, house.page(1) as stranger, house.page(1, guest) as buyer:
        assert (desk.hello["you"]["role"], stranger.hello["you"], buyer.hello["you"]["can"]) == (
            "organiser",
            None,
            ["write"],
        )
        product = await pinned(desk)
        for page in (stranger, buyer):
            assert (await page.event("pinned"))["event"]["product"] == product

        said = await buyer.command("say", text="<b>안녕하세요</b> 👋")
        assert said["shared"] is True
        for page in (desk, stranger, buyer):
            told = await page.event("said")
            assert (told["event"]["text"], told["event"]["name"]) == ("<b>안녕하세요</b> 👋", "Nguyễn Thị Hoa")

        await desk.command("hide_message", message=said["revision"], hidden=True)
        await stranger.event("message_hidden")
        seen = await stranger.ask("snapshot")
        assert [(each["hidden"], each["text"]) for each in seen["state"]["messages"]][-1:] == [(True, "")]


async def test_a_command_without_the_grant_or_sense_is_refused_in_words_and_changes_nothing(house: House) -> None:
    guest = await house.guest("Lan")
    async with house.page(0) as stranger, house.page(1, guest) as buyer:
        assert (await stranger.command("say", text="hello"))["error"]["code"] == "guest.missing"
        assert (await buyer.command("go_live"))["error"]["code"] == "token.not_granted"
        assert (await buyer.command("say", text="x" * 501))["error"]["code"] == "text.too_long"
        assert (await buyer.command("say", text="x", more=1))["error"]["code"] == "rooms.bad_command"
        assert (await buyer.ask("command", "{}"))["error"]["code"] == "rooms.bad_command"
        error = (await buyer.command("fly"))["error"]
        assert (error["status"], bool(error["title"])) == (400, True)
        assert (await state(buyer))["messages"] == buyer.hello["snapshot"]["state"]["messages"]


async def test_a_command_sent_twice_counts_once(house: House) -> None:
    guest = await house.guest("Lan")
    async with house.page(1, guest) as buyer:
        first = await buyer.command("say", "once", text="said once")
        again = await buyer.command("say", "once", text="said once")
        assert again["revision"] == first["revision"]
        assert [each["text"] for each in (await state(buyer))["messages"]].count("said once") == 1


UNFIT: tuple[tuple[str | None, tuple[tuple[str, str, dict[str, Any]], ...]], ...] = (
    (
        None,
        (
            ("arm_next", "rooms.not_live", {"segment": "2", "anyway": True}),
            ("pause", "rooms.not_live", {}),
            ("resume", "rooms.not_live", {}),
            ("end", "rooms.not_live", {}),
            ("finish", "rooms.not_live", {}),
            ("cancel_next", "rooms.not_armed", {}),
            ("undo_next", "rooms.undo_over", {}),
            ("mute_seat", "rooms.no_seat", {"seat": "nobody"}),
        ),
    ),
    (
        "go_live",
        (
            ("open_waiting_room", "rooms.already_live", {}),
            ("arm_next", "rooms.next_changed", {"segment": "2", "anyway": True}),
            ("arm_next", "rooms.next_not_ready", {"segment": "1"}),
            ("finish", "rooms.nobody_on", {}),
            ("reorder", "rooms.order_stale", {"segments": ["1"]}),
            ("hide_message", "rooms.no_message", {"message": 1}),
        ),
    ),
    (
        "end",
        (
            ("go_live", "rooms.ended", {}),
            ("pause", "rooms.ended", {}),
            ("resume", "rooms.ended", {}),
            ("arm_next", "rooms.ended", {"segment": "1", "anyway": True}),
            ("finish", "rooms.ended", {}),
            ("reorder", "rooms.ended", {"segments": []}),
        ),
    ),
)
"""For each phase, after the command that begins it, what does not fit it and why; "1" is the programme's first part."""


async def test_what_comes_out_of_order_is_refused_by_code_and_the_end_is_in_the_rows(house: House) -> None:
    room = "daegu"
    organiser = await house.cookies("organiser")
    person = next(each for each in house.seeded.people if (each.role, each.showcase_id) == ("exhibitor", room))
    exhibitor = await house.entered(person.id, person.role, person.showcase_id)
    async with (
        opened_page(house.sockets[0], room, cookies=organiser) as desk,
        opened_page(house.sockets[1], room, cookies=organiser) as far,
        opened_page(house.sockets[1], room, cookies=exhibitor) as studio,
    ):
        parts = {str(number): each["id"] for number, each in enumerate((await state(desk))["segments"], start=1)}

        for begin, commands in UNFIT:
            if begin is not None:
                assert (await far.command(begin))["shared"] is True
            before = await state(desk)
            for number, (kind, code, members) in enumerate(commands):
                page = studio if kind == "finish" else (desk, far)[number % 2]
                named = {"segment": parts[members["segment"]]} if "segment" in members else {}
                answer = await page.command(kind, **members | named)
                assert answer.get("error", {}).get("code") == code, (begin, kind, answer)
            assert await state(desk) == before
            if begin is not None:
                assert (await desk.command(begin)).get("revision") == before["revision"], "twice is once"
            if begin == "go_live":
                first = await desk.command("say", "one-id", text="one")
                for page in (desk, far):
                    assert (await page.command("say", "one-id", text="two"))["error"]["code"] == "rooms.id_reused"
                assert (await far.command("say", "one-id", text="one"))["revision"] == first["revision"]
                assert [each["text"] for each in (await state(far))["messages"]] == ["one"]
        assert not [page for page in (desk, far, studio) if page.gone.is_set() or page.goodbyes]
    async with aiohttp.ClientSession() as http, asyncio.timeout(20):
        while True:
            async with http.get(f"{house.server.base_url}/api/showcases/{room}") as answer:
                if (await answer.json())["state"] == "ended":
                    break
            await asyncio.sleep(0.05)


async def state(page: Page) -> Told:
    """The room as this page sees it now."""
    return (await page.ask("snapshot"))["state"]


async def test_a_flood_of_one_socket_is_told_to_wait(house: House) -> None:
    guest = await house.guest("Lan")
    async with house.page(0, guest) as buyer:
        answers = [await buyer.command("say", text=f"{number}") for number in range(40)]
        codes = [answer.get("error", {}).get("code") for answer in answers]
        assert "request.too_many" in codes
        assert codes[:20] == [None] * 20


async def test_a_seat_changes_what_its_person_sees(house: House) -> None:
    exhibitor = await presenter(house, await house.cookies("organiser"))
    async with house.page(1, exhibitor) as studio:
        assert (await studio.command("take_seat")).get("error") is None
        await studio.until(lambda: studio.snapshots)
        assert studio.snapshots[-1]["reader"] == f"seat:{studio.hello['you']['participant']}"
        await studio.command("set_ready", ready=True)
        assert (await studio.event("ready_set"))["event"]["ready"] is True


async def test_a_seat_is_away_when_its_page_has_closed_and_here_again_with_the_next(house: House) -> None:
    organiser = await house.cookies("organiser")
    exhibitor = await presenter(house, organiser)
    async with house.page(0, organiser) as desk:

        def told(seat: str) -> list[bool]:
            events = [each["event"] for each in desk.events]
            return [each["here"] for each in events if (each["type"], each.get("seat")) == ("seat_here", seat)]

        async with house.page(1, exhibitor) as studio:
            seat = studio.hello["you"]["participant"]
            await studio.command("take_seat")
        await desk.until(lambda: told(seat) == [False])
        async with house.page(0, exhibitor) as studio:
            await studio.command("take_seat")
            await desk.until(lambda: told(seat) == [False, True])
            assert (await state(studio))["seats"][seat]["here"] is True


async def test_a_removed_person_is_sent_away_and_stays_away(house: House) -> None:
    organiser, guest = await house.cookies("organiser"), await house.guest("Lan")
    async with house.page(0, organiser) as desk, house.page(1, guest) as buyer:
        await buyer.command("say", text="rude")
        answer = await desk.command("remove_seat", seat=buyer.hello["you"]["participant"])
        assert answer.get("error") is None, answer
        await buyer.until(lambda: buyer.goodbyes)
        assert buyer.goodbyes[0]["code"] == "rooms.removed"
        assert (await buyer.ask("snapshot"))["error"]["code"] == "rooms.removed"
        with pytest.raises(Refused):
            async with house.page(0, guest):
                pass


async def test_what_an_organiser_mutes_or_removes_obeys_whatever_its_page_does(house: House) -> None:
    organiser = await house.cookies("organiser")
    exhibitor = await presenter(house, organiser)
    expires_at = utc_now() + timedelta(minutes=10)
    async with (
        house.page(0, organiser) as desk,
        house.page(1, exhibitor) as studio,
        on_the_air(house, studio, expires_at) as source,
        watching(house) as viewer,
    ):
        seat = studio.hello["you"]["participant"]
        await studio.command("take_seat")
        await source.run(20)
        await studio.event("seat_media")
        await source.run(20)
        await viewer.until(lambda seen: bool(seen.audio))
        await desk.command("mute_seat", seat=seat)
        await studio.event("seat_muted")
        muted_at = source.frames
        await source.run(40)
        await viewer.until(lambda seen: len(source.sent) - 1 in seen.video)
        assert not [number for number in viewer.audio if number >= muted_at]
        await desk.command("mute_seat", seat=seat, muted=False)
        await source.run(40)
        await viewer.until(lambda seen: seen.audio[-1] == source.frames - 1)

        await desk.command("remove_seat", seat=seat)
        await asyncio.wait_for(source.peer.closed.wait(), 5)
        with pytest.raises(NotAdmitted, match=r"403.*rooms\.removed"):
            async with on_the_air(house, studio, expires_at):
                pass


async def test_a_killed_owner_comes_back_with_the_room_as_it_was(house: House) -> None:
    organiser = await house.cookies("organiser")
    async with house.page(0, organiser) as desk:
        product = await pinned(desk)
    killed = await house.owner()
    async with house.page(1 - killed) as watcher:
        os.kill(house.server.children()[f"worker-{killed}"], signal.SIGKILL)
        await house.server.log.event("child is back", child=f"worker-{killed}")
        async with house.page(killed, organiser) as desk:
            assert desk.hello["snapshot"]["state"]["pin"] == product
            assert (await desk.command("unpin"))["shared"] is True
            await watcher.event("unpinned")


async def test_half_an_emoji_is_no_trouble_on_any_worker(house: House) -> None:
    guest = await house.guest("Lan")
    async with house.page(0, guest) as near, house.page(1, guest) as far:
        for page in (near, far):
            assert (await page.command("say", text="half \ud83d"))["shared"] is True
            assert (await state(page))["messages"][-1]["text"] == "half"
            error = (await page.command("interested", product="\ud83d"))["error"]
            assert error["code"] in {"rooms.no_product", "rooms.bad_command"}


async def test_names_words_and_secrets_never_stand_in_the_log(house: House) -> None:
    words = {"name": "Đặng Thị Mỹ Duyên", "company": "Sao Mai", "text": "giá sỉ bao nhiêu", "person": "박서준"}
    organiser, guest = await house.cookies("organiser"), await house.guest(words["name"])
    person, exhibitor = await house.invited(
        organiser, role="exhibitor", name=words["person"], company="gyeol-cosmetics"
    )
    async with house.page(0, guest) as buyer, house.page(1, exhibitor) as studio:
        asked = [await buyer.command("ask", text=words["text"]), await buyer.command("go_live")]
        assert [answer.get("error", {}).get("code") for answer in asked] == [None, "token.not_granted"]
        await studio.command("take_seat")
        async with on_the_air(house, studio, utc_now() + timedelta(minutes=10)) as source:
            await source.run(20)
            await studio.event("seat_media")
            offer = source.peer.offer
        await house.revoke(organiser, person)
        await studio.until(lambda: studio.goodbyes)
    async with aiohttp.ClientSession(cookies=guest) as http:
        for path in (f"/s/{words['text']}", f"/i/{words['name']}", "/enter/x.y.z"):
            async with http.get(house.server.base_url + path, allow_redirects=False) as answer:
                assert answer.status >= 400
    await house.server.log.event("person revoked", person=person)
    log = "\n".join(house.server.log.lines)
    cookies = [each for some in (organiser, guest, exhibitor) for name, each in some.items() if name != "expo_lang"]
    secrets = [*cookies, *re.findall(r"a=ice-pwd:(\S+)", offer)]
    assert len(secrets) >= 4
    assert [each for each in (*words.values(), *secrets, "127.0.0.1") if each in log] == []


async def test_many_sockets_hear_a_pin(house: House) -> None:
    organiser = await house.cookies("organiser")
    async with contextlib.AsyncExitStack() as opened, house.page(0, organiser) as desk:
        pages = [await opened.enter_async_context(house.page(number % 2)) for number in range(60)]
        await pinned(desk)
        await asyncio.gather(*(page.event("pinned") for page in pages))


async def test_another_sites_page_gets_no_socket(house: House) -> None:
    url = f"{house.server.base_url}/socket.io/?EIO=4&transport=websocket"
    async with aiohttp.ClientSession() as http:
        for headers in ({"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await http.ws_connect(url, headers=headers)
            assert refused.value.status == 403
        async with http.get(f"{house.server.base_url}/socket.io/?EIO=4&transport=polling") as answer:
            assert answer.status == 400
