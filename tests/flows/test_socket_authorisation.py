"""Every socket command as every role, through real sockets on both workers: who is let in to what."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, get_args

import pytest
import pytest_asyncio
from socketio.exceptions import ConnectionError as Refused

from expo.accounts.rules import ROOM_GRANT_LIFE, Can, Role, RoomGrant, room_rights
from expo.accounts.service import known_role
from expo.accounts.tokens import Tokens
from expo.clock import utc_now
from expo.ids import ParticipantId, PersonId, RoomId
from expo.rooms.commands import WireCommand
from expo.store.db import Database
from tests.support.callers import ABROAD, CLOSED, other_tenant
from tests.support.house import SECRET, House, open_house
from tests.support.live import Page, opened_page

pytestmark = [pytest.mark.cluster, pytest.mark.asyncio(loop_scope="module")]

HOSTS = frozenset({"organiser", "moderator"})
STAGE = HOSTS | {"exhibitor"}
NAMED = STAGE | {"buyer", "interpreter", "technician", "guest"}
ROLES = (*sorted(NAMED), "operator", "stranger")
"""An operator watches and speaks for nobody in a room; a stranger has not said a name."""

RULES: dict[str, tuple[frozenset[str], dict[str, Any]]] = {
    "say": (NAMED, {"text": "hello"}),
    "ask": (NAMED, {"text": "how much?"}),
    "withdraw": (NAMED, {"message": 1}),
    "interested": (NAMED, {"product": "none"}),
    "take_seat": (STAGE, {}),
    "pin": (STAGE, {"product": "none"}),
    "unpin": (STAGE, {}),
    "point_picture": (STAGE, {"seat": None}),
    "answer_question": (STAGE, {"message": 1}),
    "set_ready": (frozenset({"exhibitor"}), {"ready": True}),
    "report_check": (frozenset({"exhibitor"}), {"verdict": "pass"}),
    "finish": (frozenset({"exhibitor"}), {}),
    "leave_seat": (STAGE, {}),
    "open_waiting_room": (HOSTS, {}),
    "go_live": (HOSTS, {}),
    "arm_next": (HOSTS, {"segment": "none"}),
    "cancel_next": (HOSTS, {}),
    "undo_next": (HOSTS, {}),
    "pause": (HOSTS, {}),
    "resume": (HOSTS, {}),
    "reorder": (HOSTS, {"segments": []}),
    "set_length": (HOSTS, {"segment": "none", "plannedS": 600}),
    "hide_message": (HOSTS, {"message": 1}),
    "mute_seat": (HOSTS, {"seat": "nobody"}),
    "remove_seat": (HOSTS, {"seat": "nobody"}),
    "end": (HOSTS, {}),
}
"""Who may send a command, and members with which it is well formed; a new command needs a line."""

INVITABLE = NAMED - {"guest"}
"""Those who can be revoked: a guest's name is the guest's own, and a person who is removed from a room stays out."""

AT_ONCE = 15
"""Commands of one socket: fewer than its burst."""
SOON_S = 3.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[House]:
    async with open_house(tmp_path_factory.mktemp("house")) as opened:
        database = await Database.open(opened.database_url)
        await other_tenant(database)
        await database.close()
        yield opened


async def test_every_command_has_a_rule() -> None:
    assert set(RULES) == {command.__struct_config__.tag for command in get_args(WireCommand)}


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_is_refused_what_is_not_its_own(house: House, role: str) -> None:
    forbidden = [command for command, (allowed, _) in RULES.items() if role not in allowed]
    answers = await send(house, role, forbidden)
    code = "guest.missing" if role in {"operator", "stranger"} else "token.not_granted"
    assert answers == dict.fromkeys(forbidden, code)


@pytest.mark.parametrize("role", [*sorted(NAMED - HOSTS), *sorted(HOSTS)])
async def test_a_role_is_let_in_to_what_is_its_own(house: House, role: str) -> None:
    own = [command for command, (allowed, _) in RULES.items() if role in allowed]
    answers = await send(house, role, own)
    assert set(answers) == set(own)
    assert not [code for code in answers.values() if code.startswith(("token.", "guest.", "request.", "rooms.bad_"))]


@pytest.mark.parametrize("what", ["expired", "wrong room", "forged"])
async def test_a_token_that_is_not_for_here_opens_no_socket(house: House, what: str) -> None:
    now = utc_now()
    participant = ParticipantId(house.person("exhibitor").id)
    can: frozenset[Can] = frozenset({"watch", "write", "present"})
    good = RoomGrant(RoomId(house.room), participant, "Somebody", can, now + timedelta(minutes=5), "exhibitor")
    grants = {
        "expired": (replace(good, expires_at=now - timedelta(seconds=1)), SECRET, "token.expired"),
        "wrong room": (replace(good, room=RoomId("daegu")), SECRET, "token.wrong_room"),
        "forged": (good, "somebody else's secret, as long as ours", "token.foreign"),
    }
    grant, secret, code = grants[what]
    await refused(opened_page(house.sockets[1], house.room, token=Tokens(secret).sign(grant)), code)


@pytest.mark.parametrize("by", ["login", "token"])
async def test_who_is_revoked_is_cut_off_within_three_seconds_and_nothing_more_is_done_for_them(
    house: House, by: str
) -> None:
    desk = await house.cookies("organiser")
    async with contextlib.AsyncExitStack() as opened, house.page(1) as stranger:
        people = [await revocable(house, desk, role) for role in sorted(INVITABLE)]
        sockets = [
            (each, some, await opened.enter_async_context(each.page(house, by, number % 2)))
            for each in people
            for number, some in enumerate(chunks(RULES))
        ]
        said_before = (await stranger.ask("snapshot"))["state"]["messages"]
        for each in people:
            await house.revoke(desk, each.person)
        async with asyncio.timeout(SOON_S), asyncio.TaskGroup() as all_:
            for _, _, page in sockets:
                all_.create_task(page.until(lambda page=page: page.goodbyes))
        answers = await asyncio.gather(*(last_words(page, some) for _, some, page in sockets))
        assert {code for some in answers for code in some.values()} <= {"token.revoked", "gone"}
        assert {page.goodbyes[0]["code"] for _, _, page in sockets} == {"token.revoked"}
        async with asyncio.timeout(SOON_S):
            for _, _, page in sockets:
                await page.gone.wait()
        assert (await stranger.ask("snapshot"))["state"]["messages"] == said_before

    for each in people:  # a login that counts for nothing makes a stranger of them
        if by == "login":
            assert await send_as(house, each.cookies, RULES) == dict.fromkeys(RULES, "guest.missing")
        else:
            await refused(each.page(house, by, 1), "token.revoked")


async def test_people_of_another_agency_are_strangers_here(house: House) -> None:
    for role in sorted(INVITABLE | {"operator"}):
        person = PersonId(f"abroad-{role}")
        cookies = await house.entered(person, known_role(role), ABROAD)
        assert await send_as(house, cookies, RULES) == dict.fromkeys(RULES, "guest.missing"), role
        await refused(opened_page(house.sockets[1], CLOSED, cookies=cookies), "login.missing")
        token = room_token(person, known_role(role), ABROAD)
        for each in (None, cookies):
            await refused(opened_page(house.sockets[0], house.room, cookies=each, token=token), "token.wrong_room")


async def test_what_another_agency_does_in_its_room_is_not_done_in_ours(house: House) -> None:
    organiser = await house.entered(PersonId("abroad-organiser"), "organiser", ABROAD)
    async with house.page(0) as here, opened_page(house.sockets[0], ABROAD, cookies=organiser) as there:
        for command in ("open_waiting_room", "say"):
            answer = await there.command(command, **RULES[command][1])
            assert answer.get("error") is None, answer
        await there.event("said")
        names = [each["name"] for each in (await here.ask("snapshot"))["state"]["messages"]]
        assert "Abroad" not in names


@dataclass(frozen=True, slots=True)
class Revocable:
    """Somebody who was invited for this test, with both proofs of it."""

    person: PersonId
    cookies: dict[str, str]
    token: str

    def page(self, house: House, by: str, worker: int) -> AbstractAsyncContextManager[Page]:
        if by == "login":
            return house.page(worker, self.cookies)
        return opened_page(house.sockets[worker], house.room, token=self.token)


async def revocable(house: House, desk: dict[str, str], role: str) -> Revocable:
    person, cookies = await house.invited(desk, role=role)
    return Revocable(person, cookies, room_token(person, known_role(role), RoomId(house.room)))


def room_token(person: PersonId, role: Role, room: str) -> str:
    """What the pages of such a person carry."""
    can = room_rights(role, own=True)
    grant = RoomGrant(RoomId(room), ParticipantId(person), "Yến", can, utc_now() + ROOM_GRANT_LIFE, role)
    return Tokens(SECRET).sign(grant)


async def refused(opening: AbstractAsyncContextManager[Page], code: str) -> None:
    with pytest.raises(Refused) as refusal:
        async with opening:
            pass
    assert refusal.value.args[-1]["data"]["code"] == code


async def last_words(page: Page, commands: Iterable[str]) -> dict[str, str]:
    """What each of these is answered by a socket that is being cut; "gone" when it is cut before."""
    answers: dict[str, str] = {}
    for command in commands:
        try:
            answer = await page.command(command, **RULES[command][1])
        except ConnectionResetError:
            answers[command] = "gone"
        else:
            answers[command] = answer.get("error", {}).get("code", "")
    return answers


async def send(house: House, role: str, commands: Iterable[str]) -> dict[str, str]:
    """What each command of this role is answered: a problem's code, or ""."""
    cookies = None
    if role == "guest":
        cookies = await house.guest("Lan")
    elif role != "stranger":
        cookies = await house.cookies(role)
    return await send_as(house, cookies, commands)


async def send_as(house: House, cookies: dict[str, str] | None, commands: Iterable[str]) -> dict[str, str]:
    answers: dict[str, str] = {}
    for number, some in enumerate(chunks(commands)):
        async with house.page(number % 2, cookies) as page:
            answers |= await last_words(page, some)
    return answers


def chunks(commands: Iterable[str]) -> list[list[str]]:
    """As many at a time as one socket may send."""
    left = list(commands)
    return [left[first : first + AT_ONCE] for first in range(0, len(left), AT_ONCE)]
