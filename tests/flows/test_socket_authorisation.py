"""Every socket command as every role, through real sockets on both workers: who is let in to what."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any, get_args

import pytest
import pytest_asyncio
from socketio.exceptions import ConnectionError as Refused

from expo.accounts.rules import Can, RoomGrant
from expo.accounts.tokens import Tokens
from expo.clock import utc_now
from expo.ids import ParticipantId, RoomId
from expo.rooms.commands import WireCommand
from tests.support.house import SECRET, House, open_house
from tests.support.live import opened_page

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
    "point_picture": (HOSTS, {"seat": None}),
    "hide_message": (HOSTS, {"message": 1}),
    "mute_seat": (HOSTS, {"seat": "nobody"}),
    "remove_seat": (HOSTS, {"seat": "nobody"}),
    "end": (HOSTS, {}),
}
"""Who may send a command, and members with which it is well formed; a new command needs a line."""

AT_ONCE = 15
"""Commands of one socket: fewer than its burst."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[House]:
    async with open_house(tmp_path_factory.mktemp("house")) as opened:
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
    with pytest.raises(Refused) as refused:
        async with opened_page(house.sockets[1], house.room, token=Tokens(secret).sign(grant)):
            pass
    assert refused.value.args[-1]["data"]["code"] == code


async def send(house: House, role: str, commands: Iterable[str]) -> dict[str, str]:
    """What each command is answered: a problem's code, or ""."""
    cookies = None
    if role == "guest":
        cookies = await house.guest("Lan")
    elif role != "stranger":
        cookies = await house.cookies(role)
    answers: dict[str, str] = {}
    left = list(commands)
    while left:
        some, left = left[:AT_ONCE], left[AT_ONCE:]
        async with house.page(len(left) % 2, cookies) as page:
            for command in some:
                answer: dict[str, Any] = await page.command(command, **RULES[command][1])
                answers[command] = answer.get("error", {}).get("code", "")
    return answers
