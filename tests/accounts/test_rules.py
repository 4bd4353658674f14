"""Roles: what each may do, and where its link leads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expo.accounts.rules import (
    CANS,
    CODE_ALPHABET,
    CODE_CHARS,
    DEVICES_PER_LINK,
    ROLES,
    ROOM_GRANT_LIFE,
    LinkState,
    Role,
    RoomGrant,
    landing,
    link_state,
    participants_of,
    plain_code,
    room_rights,
)
from expo.errors import Forbidden
from expo.ids import ParticipantId, PersonId, RoomId, ShowcaseId

CHUNGBUK = ShowcaseId("chungbuk")
NOW = datetime(2026, 11, 24, tzinfo=UTC)
_OWN: dict[Role, set[str]] = {"organiser": {"run"}, "exhibitor": {"present"}}


@pytest.mark.parametrize("role", ROLES)
def test_everybody_with_a_role_may_watch(role: Role) -> None:
    assert "watch" in room_rights(role, own=True)
    assert "watch" in room_rights(role, own=False)


@pytest.mark.parametrize("role", ["buyer", "interpreter", "moderator"])
def test_who_does_not_present_may_only_watch_and_write(role: Role) -> None:
    assert room_rights(role, own=True) == {"watch", "write"}


def test_an_operator_only_watches() -> None:
    assert room_rights("operator", own=True) == {"watch"}


@pytest.mark.parametrize("role", ["organiser", "exhibitor", "technician"])
def test_who_makes_the_show_may_publish_and_take_over(role: Role) -> None:
    assert room_rights(role, own=True) == set(CANS) - {"run", "present", "backstage", "preview"} | _OWN.get(role, set())


def test_an_exhibitor_without_a_part_watches_like_a_buyer() -> None:
    assert room_rights("exhibitor", own=False) == room_rights("buyer", own=False)


@pytest.mark.parametrize(
    ("role", "path"),
    [
        ("exhibitor", "/studio/chungbuk"),
        ("buyer", "/s/chungbuk"),
        ("organiser", "/run/chungbuk"),
        ("moderator", "/run/chungbuk"),
        ("technician", "/s/chungbuk"),
        ("operator", "/s/chungbuk"),
        ("interpreter", "/check"),
    ],
)
def test_each_role_lands_on_its_page(role: Role, path: str) -> None:
    assert landing(role, CHUNGBUK) == path


@pytest.mark.parametrize("role", ROLES)
def test_a_link_without_a_showcase_still_lands_somewhere(role: Role) -> None:
    assert landing(role, None) == ("/check" if role == "interpreter" else "/")


def test_a_grant_refuses_by_name_what_it_does_not_cover() -> None:
    moment = datetime(2026, 11, 24, tzinfo=UTC)
    grant = RoomGrant(RoomId("chungbuk"), ParticipantId("p"), "Hà", frozenset({"watch"}), moment)
    grant.require("watch")
    with pytest.raises(Forbidden) as refused:
        grant.require("publish")
    assert refused.value.code == "token.not_granted"


def test_a_person_and_their_encoder_are_one_person() -> None:
    for participant in participants_of(PersonId("p")):
        grant = RoomGrant(RoomId("chungbuk"), participant, "Hà", frozenset({"publish"}), NOW + ROOM_GRANT_LIFE)
        assert (grant.person, grant.issued_at) == ("p", NOW)


@pytest.mark.parametrize(
    ("revoked", "expired", "devices", "known", "state"),
    [
        (False, False, DEVICES_PER_LINK - 1, False, "open"),
        (False, False, DEVICES_PER_LINK, False, "full"),
        (False, False, DEVICES_PER_LINK, True, "open"),
        (False, True, 0, True, "expired"),
        (True, False, 0, True, "revoked"),
        (True, True, DEVICES_PER_LINK, False, "revoked"),
    ],
)
def test_a_link_serves_its_devices_until_it_ends(
    revoked: bool, expired: bool, devices: int, known: bool, state: LinkState
) -> None:
    ends = NOW if expired else NOW + timedelta(microseconds=1)
    assert link_state(expires_at=ends, revoked=revoked, devices=devices, known=known, now=NOW) == state


@given(st.text(CODE_ALPHABET, min_size=CODE_CHARS, max_size=CODE_CHARS), st.randoms(use_true_random=False))
def test_a_code_is_understood_however_it_is_typed(code: str, random: Random) -> None:
    wide = {ord(one): ord(one) + 0xFEE0 for one in CODE_ALPHABET}  # fullwidth, from an East Asian keyboard
    typed = "".join(
        random.choice(("", " ", "-", "\u3000", "\n")) + random.choice((one, one.lower(), one.translate(wide)))
        for one in code
    )
    assert plain_code(typed) == code
