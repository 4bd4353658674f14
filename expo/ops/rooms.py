"""`expo rooms`: the live rooms as Valkey holds them, whoever owns them and whether or not a worker runs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from expo.cluster.eventlog import EventLog
from expo.cluster.lease import owner_of
from expo.cluster.redis import Valkey
from expo.errors import Unavailable
from expo.ids import RoomId
from expo.ops.columns import columns
from expo.rooms.model import State, segment_of
from expo.rooms.room_owner import restored
from expo.settings import Settings


@dataclass(frozen=True, slots=True)
class RoomView:
    """One room. `state` is None where Valkey has lost a part of it, or another version wrote it."""

    room: RoomId
    owner: str | None
    state: State | None


async def every(settings: Settings) -> Sequence[RoomView]:
    """All rooms, by id. Raises Unavailable `cluster.away`."""
    valkey = Valkey(settings.effective_redis_url)
    try:
        return await among(valkey)
    finally:
        await valkey.close()


async def among(valkey: Valkey, wanted: Collection[RoomId] | None = None) -> Sequence[RoomView]:
    """Those of `wanted` that have been opened, None for all, by id. Raises Unavailable `cluster.away`."""
    log = EventLog(valkey)
    rooms = [room for room in await log.rooms() if wanted is None or room in wanted]
    return [await _view(valkey, log, room) for room in sorted(rooms)]


def table(views: Sequence[RoomView]) -> str:
    """One line per room for a terminal."""
    if not views:
        return "No room has been opened yet."
    return columns([("ROOM", "PHASE", "OWNER", "VIEWERS", "SEATS", "ON AIR", "REVISION", "NOW"), *map(_row, views)])


async def _view(valkey: Valkey, log: EventLog, room: RoomId) -> RoomView:
    loaded, owner = await log.load(room), await owner_of(valkey, room)
    try:
        return RoomView(room, owner, restored(loaded))
    except Unavailable:
        return RoomView(room, owner, None)


def _row(view: RoomView) -> tuple[str, ...]:
    owner, state = view.owner or "nobody", view.state
    if state is None:
        return view.room, "unreadable", owner, "-", "-", "-", "-", "its next owner opens it from its rows"
    on_air = sum(seat.on_air for seat in state.seats.values())
    current = segment_of(state, state.current)
    counts = (state.viewers, len(state.seats), on_air, state.revision)
    return view.room, state.phase, owner, *map(str, counts), current.exhibitor if current else "-"
