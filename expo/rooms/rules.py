"""Who may publish and watch, decided from values alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

from expo.errors import Conflict, Forbidden, Invalid, Unauthenticated
from expo.rooms.model import MAX_ID_CHARS, Source
from expo.rooms.policy import Opening, Permit

SILENT_AFTER_US = 2_000_000
"""A publisher not heard of for this long may be replaced by itself: an encoder that was restarted, a lost network."""
MAX_PUBLICATIONS = 8
"""Of one room: two presenters of two companies and a host, with a screen here and there."""
MAX_LANES = 16

_LANE = re.compile(r"[a-z][a-z0-9_.-]{0,39}", re.ASCII)

_SEAT = re.compile(rf"[\w.-]{{1,{MAX_ID_CHARS}}}", re.ASCII)


def admit_publisher(opening: Opening, permit: Permit, heard_us: int | None, publications: int, now_us: int) -> None:
    """Raise unless this permit may publish a source now.

    `heard_us` is when this participant was last heard on the same source, None where they do not publish it;
    `publications` counts those of the whole room. A scheduled room is started by its own studio (the token may start
    it), or by an encoder where it goes live by itself; who only goes backstage starts nothing. Forbidden
    token.wrong_room, token.not_granted; Conflict rooms.draft, rooms.ended (410), rooms.not_started,
    rooms.publisher_present, rooms.publishers_full.
    """
    _granted(opening, permit, "publish" if "backstage" not in permit.can else "backstage")
    _open(opening)
    if opening.state == "scheduled" and not opening.auto_live and not permit.can & {"start", "backstage"}:
        raise Conflict("rooms.not_started", "start this showcase from its studio first; an encoder may join then")
    if heard_us is None:
        if publications >= MAX_PUBLICATIONS:
            raise Conflict("rooms.publishers_full", f"a room has {MAX_PUBLICATIONS} publications")
    elif "takeover" not in permit.can and now_us - heard_us <= SILENT_AFTER_US:
        raise Conflict("rooms.publisher_present", "this person publishes here already, and this token may not replace")


def waits(permit: Permit, source: Source) -> bool:
    """Whether this goes backstage: viewers see it only when the room shows it, and it starts no show."""
    return source == "screen" or "publish" not in permit.can


def read_source(values: Sequence[str]) -> Source:
    """The source of `?source=screen`; a camera when not given. Raises Invalid("whip.bad_source")."""
    match list(values):
        case [] | ["camera"]:
            return "camera"
        case ["screen"]:
            return "screen"
        case _:
            raise Invalid("whip.bad_source", "give ?source= once: camera or screen")


def admit_viewer(opening: Opening, permit: Permit | None, of: str | None = None) -> None:
    """Raise unless this permit, or nobody in particular, may watch now; a scheduled room is waited in.

    Backstage (`of`, see `read_of`) is for who may look there, never for all. Unauthenticated token.missing;
    Forbidden token.wrong_room, token.not_granted; Conflict rooms.draft, rooms.ended.
    """
    if permit is not None:
        _granted(opening, permit, "watch")
    elif not opening.open_to_all:
        raise Unauthenticated("token.missing", "watching this room needs a token")
    if of is not None:
        require_crew(permit)
    _open(opening)


def require_crew(permit: Permit | None) -> Permit:
    """The permit, where it allows to look backstage. Unauthenticated token.missing, Forbidden token.not_granted."""
    if permit is None:
        raise Unauthenticated("token.missing", "looking backstage needs a token")
    if "preview" not in permit.can:
        raise Forbidden("token.not_granted", "this token does not allow to preview")
    return permit


def read_of(values: Sequence[str]) -> str | None:
    """Whom `?of=` wants to see backstage: `stage.NEXT` or a seat; None is the stage. Raises Invalid("whep.bad_of")."""
    if not values:
        return None
    if len(values) > 1 or not _SEAT.fullmatch(values[0]):
        raise Invalid("whep.bad_of", "give ?of= once: next, or the id of a seat")
    return values[0]


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
