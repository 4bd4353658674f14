"""Who may publish and watch."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from expo.accounts.rules import Can, RoomGrant
from expo.errors import ExpoError
from expo.ids import ParticipantId, RoomId
from expo.rooms.policy import Opening, RoomState
from expo.rooms.rules import (
    MAX_PUBLICATIONS,
    SILENT_AFTER_US,
    admit_publisher,
    admit_viewer,
    read_lanes,
    read_source,
    waits,
)

ROOM = RoomId("r1")
NOW_US = 50_000_000


def opening(state: RoomState = "live", *, open_to_all: bool = True) -> Opening:
    return Opening(ROOM, state, open_to_all, auto_live=False)


def grant(*can: Can, who: str = "p1", room: RoomId = ROOM) -> RoomGrant:
    return RoomGrant(room, ParticipantId(who), "Somebody", frozenset(can), datetime.now(UTC))


def publishing(
    permit: RoomGrant, heard_ago_us: int | None = None, state: RoomState = "live", publications: int = 0
) -> str:
    """The refusal's code, or "admitted"."""
    heard_us = None if heard_ago_us is None else NOW_US - heard_ago_us
    try:
        admit_publisher(opening(state), permit, heard_us, publications, NOW_US)
    except ExpoError as error:
        return error.code
    return "admitted"


def watching(permit: RoomGrant | None, at: Opening, of: str | None = None) -> str:
    try:
        admit_viewer(at, permit, of)
    except ExpoError as error:
        return error.code
    return "admitted"


def test_publishing_needs_the_grant() -> None:
    assert publishing(grant("publish")) == "admitted"
    assert publishing(grant("watch", "takeover")) == "token.not_granted"
    assert publishing(grant("publish", room=RoomId("r2"))) == "token.wrong_room"


def test_backstage_is_seen_by_who_may_preview_even_where_watching_is_open_to_all() -> None:
    assert watching(grant("watch", "preview"), opening(), "next") == "admitted"
    assert watching(grant("preview"), opening(), "next") == "token.not_granted"
    assert watching(grant("watch", "backstage", "run"), opening(), "kim") == "token.not_granted"
    assert watching(None, opening(), "next") == "token.missing"
    assert watching(grant("watch", "preview"), opening("ended"), "next") == "rooms.ended"


def test_one_publishes_a_source_once() -> None:
    assert publishing(grant("publish"), 0) == "rooms.publisher_present"
    assert publishing(grant("publish", "takeover"), 0) == "admitted"


def test_a_silent_publisher_may_be_replaced_by_itself() -> None:
    assert publishing(grant("publish"), SILENT_AFTER_US) == "rooms.publisher_present"
    assert publishing(grant("publish"), SILENT_AFTER_US + 1) == "admitted"


def test_a_room_has_so_many_publications_and_who_replaces_their_own_needs_no_further_place() -> None:
    full = MAX_PUBLICATIONS
    assert publishing(grant("publish"), publications=full - 1) == "admitted"
    assert publishing(grant("publish", "takeover"), publications=full) == "rooms.publishers_full"
    assert publishing(grant("publish", "takeover"), 0, publications=full) == "admitted"


def test_backstage_starts_no_show_and_waits_in_one_that_is_announced() -> None:
    assert publishing(grant("backstage"), state="scheduled") == "admitted"
    assert publishing(grant("backstage"), state="draft") == "rooms.draft"
    assert waits(grant("backstage"), "camera")
    assert not waits(grant("publish"), "camera")
    assert waits(grant("publish", "start"), "screen")


@pytest.mark.parametrize("values", [[""], ["Screen"], ["screen", "screen"], ["screen,camera"]])
def test_a_source_is_a_camera_or_a_screen(values: list[str]) -> None:
    assert (read_source([]), read_source(["camera"]), read_source(["screen"])) == ("camera", "camera", "screen")
    with pytest.raises(ExpoError, match=r"whip\.bad_source"):
        read_source(values)


@pytest.mark.parametrize(
    ("state", "code"),
    [("draft", "rooms.draft"), ("scheduled", "admitted"), ("live", "admitted"), ("ended", "rooms.ended")],
)
def test_a_room_is_entered_while_it_is_announced_or_live(state: RoomState, code: str) -> None:
    assert publishing(grant("publish", "start"), state=state) == code
    assert watching(None, opening(state)) == code


def test_an_encoder_starts_only_a_showcase_that_goes_live_by_itself() -> None:
    assert publishing(grant("publish"), state="scheduled") == "rooms.not_started"
    by_itself = Opening(ROOM, "scheduled", True, auto_live=True)
    admit_publisher(by_itself, grant("publish"), None, 0, NOW_US)


def test_a_closed_room_wants_a_token_from_its_viewers() -> None:
    closed = opening(open_to_all=False)
    assert watching(None, closed) == "token.missing"
    assert watching(grant("watch"), closed) == "admitted"
    assert watching(grant("publish"), closed) == "token.not_granted"
    assert watching(grant("watch", room=RoomId("r2")), closed) == "token.wrong_room"


def test_a_closed_draft_is_not_told_to_strangers() -> None:
    assert watching(None, opening("draft", open_to_all=False)) == "token.missing"


def test_lanes_are_read_in_order() -> None:
    assert read_lanes([]) is None
    assert read_lanes(["picture,floor"]) == ("picture", "floor")
    assert read_lanes(["floor"]) == ("floor",)
    assert read_lanes(["channel-vi.1,picture"]) == ("channel-vi.1", "picture")


@pytest.mark.parametrize(
    "values",
    [
        [""],
        ["picture,"],
        ["picture,picture"],
        ["Picture"],
        ["picture", "floor"],
        ["a b"],
        ["ă"],
        [",".join("abcdefghijklmnopq")],
    ],
)
def test_lanes_that_make_no_sense_are_refused(values: list[str]) -> None:
    with pytest.raises(ExpoError, match=r"whep\.bad_lanes"):
        read_lanes(values)
