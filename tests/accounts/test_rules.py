"""Roles: what each may do, and where its link leads."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from expo.accounts.rules import CANS, ROLES, Role, RoomGrant, landing, room_rights
from expo.errors import Forbidden
from expo.ids import ParticipantId, RoomId, ShowcaseId

CHUNGBUK = ShowcaseId("chungbuk")


@pytest.mark.parametrize("role", ROLES)
def test_everybody_with_a_role_may_watch(role: Role) -> None:
    assert "watch" in room_rights(role, own=True)
    assert "watch" in room_rights(role, own=False)


@pytest.mark.parametrize("role", ["buyer", "interpreter", "moderator", "operator"])
def test_who_does_not_present_may_only_watch(role: Role) -> None:
    assert room_rights(role, own=True) == {"watch"}


@pytest.mark.parametrize("role", ["organiser", "exhibitor", "technician"])
def test_who_runs_the_show_may_publish_and_take_over(role: Role) -> None:
    assert room_rights(role, own=True) == set(CANS)


def test_an_exhibitor_without_a_part_watches_like_a_buyer() -> None:
    assert room_rights("exhibitor", own=False) == {"watch"}


@pytest.mark.parametrize(
    ("role", "path"),
    [
        ("exhibitor", "/studio/chungbuk"),
        ("buyer", "/s/chungbuk"),
        ("organiser", "/s/chungbuk"),
        ("moderator", "/s/chungbuk"),
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
