"""Who may publish and watch, decided from values alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from expo.errors import Conflict, Forbidden, Invalid, Unauthenticated
from expo.ids import ParticipantId
from expo.rooms.policy import Opening, Permit

SILENT_AFTER_US = 2_000_000
"""A publisher not heard of for this long may be replaced by itself: an encoder that was restarted, a lost network."""
MAX_LANES = 16

_LANE = re.compile(r"[a-z][a-z0-9_.-]{0,39}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Incumbent:
    """The publisher that holds the room; `last_heard_us` on the monotonic clock."""

    participant: ParticipantId
    last_heard_us: int


def admit_publisher(opening: Opening, permit: Permit, incumbent: Incumbent | None, now_us: int) -> None:
    """Raise unless this permit may publish now, in place of the incumbent if there is one.

    A scheduled room is started by its own studio (the token may start it), or by an encoder where it goes live by
    itself. Forbidden token.wrong_room, token.not_granted; Conflict rooms.draft, rooms.ended (410), rooms.not_started,
    rooms.publisher_present.
    """
    _granted(opening, permit, "publish")
    _open(opening)
    if opening.state == "scheduled" and not opening.auto_live and "start" not in permit.can:
        raise Conflict("rooms.not_started", "start this showcase from its studio first; an encoder may join then")
    if incumbent is None or "takeover" in permit.can:
        return
    silent = now_us - incumbent.last_heard_us > SILENT_AFTER_US
    if not (silent and incumbent.participant == permit.participant):
        raise Conflict("rooms.publisher_present", "somebody is publishing here, and this token may not take over")


def admit_viewer(opening: Opening, permit: Permit | None) -> None:
    """Raise unless this permit, or nobody in particular, may watch now; a scheduled room is waited in.

    Unauthenticated token.missing; Forbidden token.wrong_room, token.not_granted; Conflict rooms.draft, rooms.ended.
    """
    if permit is not None:
        _granted(opening, permit, "watch")
    elif not opening.open_to_all:
        raise Unauthenticated("token.missing", "watching this room needs a token")
    _open(opening)


def read_lanes(values: Sequence[str]) -> tuple[str, ...] | None:
    """The lanes of `?lanes=picture,floor`, in order; None when not given. Raises Invalid("whep.bad_lanes")."""
    if not values:
        return None
    if len(values) > 1:
        raise Invalid("whep.bad_lanes", "give ?lanes= once, with commas between the names")
    names = tuple(values[0].split(","))
    if len(names) > MAX_LANES or len(set(names)) != len(names) or not all(_LANE.fullmatch(name) for name in names):
        raise Invalid("whep.bad_lanes", f"lanes are up to {MAX_LANES} different names such as picture and floor")
    return names


def _granted(opening: Opening, permit: Permit, what: str) -> None:
    if permit.room != opening.room:
        raise Forbidden("token.wrong_room", "this token is for another room")
    if what not in permit.can:
        raise Forbidden("token.not_granted", f"this token does not allow to {what}")


def _open(opening: Opening) -> None:
    if opening.state == "draft":
        raise Conflict("rooms.draft", "this room is not announced yet")
    if opening.state == "ended":
        raise Conflict("rooms.ended", "this room has ended", status=410)
