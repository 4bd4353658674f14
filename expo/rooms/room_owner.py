"""The rooms that this worker owns: taking them over from wherever they were, and giving them back."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol
from weakref import WeakValueDictionary

import msgspec

from expo.cluster.eventlog import EventLog, Loaded, StaleTokenError
from expo.cluster.lease import TTL_S, Held, Lease, LeaseKeeper, owner_of, release, take
from expo.cluster.redis import Valkey
from expo.errors import NotFound, Unavailable
from expo.ids import ProductId, RoomId
from expo.kit.logging import get_logger
from expo.kit.tasks import Nursery
from expo.rooms.commands import SetProgramme
from expo.rooms.events import read_entries
from expo.rooms.machine import replay
from expo.rooms.machine_stage import lit
from expo.rooms.model import Phase, Segment, State
from expo.rooms.projector import RoomProjector
from expo.rooms.room import Room, now_ms
from expo.rooms.room_sharer import AGAIN_S, moved

HOLD_OFF_S = TTL_S
"""How long Valkey must have answered before a room is taken from whoever had it: its owner renews within this."""
OPEN_S = 8.0
"""How long taking a room over may take, its rows included; longer than SQLite's busy timeout."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Programme:
    """A room as its rows have it; the times in `segments` are Unix ms."""

    phase: Phase
    segments: tuple[Segment, ...]
    pin: ProductId | None = None


class RoomOpening(Protocol):
    """Implemented by the feature whose rows rooms are."""

    async def opening_state(self, room: RoomId) -> Programme:
        """The room's rows now. NotFound when there are none, Unavailable when the store is away."""
        ...


class RoomOwner:
    """Opens rooms for this worker and keeps them until they are given up, lost or drained.

    `owner` names this process for others to find, and must differ from that of every process before it. `on_lost` is
    told of a room that another worker has now: its media must close and its clients rejoin. `on_taken` is told of
    every room that this worker has now.
    """

    def __init__(
        self,
        valkey: Valkey,
        owner: str,
        opening: RoomOpening,
        *,
        projectors: Sequence[RoomProjector] = (),
        on_lost: Callable[[RoomId], None] = lambda _: None,
        on_taken: Callable[[Room], None] = lambda _: None,
        clock: Callable[[], int] = now_ms,
        ttl_s: float = TTL_S,
        hold_off_s: float = HOLD_OFF_S,
        again_s: float = AGAIN_S,
    ) -> None:
        self._valkey = valkey
        self._owner = owner
        self._opening = opening
        self._projectors = tuple(projectors)
        self._on_lost = on_lost
        self._on_taken = on_taken
        self._clock = clock
        self._ttl_s = ttl_s
        self._hold_off_s = hold_off_s
        self._again_s = again_s
        self._log = EventLog(valkey)
        self._keeper = LeaseKeeper(valkey, every_s=ttl_s / 3, ttl_s=ttl_s)
        self._rooms: dict[RoomId, Room] = {}
        self._turns: WeakValueDictionary[RoomId, asyncio.Lock] = WeakValueDictionary()
        self._nursery = Nursery("owner")
        self._ending: set[Room] = set()
        """Lost, and closing."""
        self._draining = False

    def open(self) -> None:
        """Start renewing; `close` ends it."""
        self._nursery.keep("leases", self._keeper.run)

    @property
    def rooms(self) -> Iterable[Room]:
        """The rooms owned now."""
        return tuple(self._rooms.values())

    def room(self, room: RoomId) -> Room | None:
        """The room, if it is owned here now."""
        return self._rooms.get(room)

    async def own(self, room: RoomId) -> Room | Held:
        """The room, taken over if nobody has it; else who has it. Nobody's is taken right behind an outage.

        Raises what `opening_state` raises, Unavailable `rooms.stopping`, `rooms.policy_slow`, `rooms.log_unreadable`,
        `cluster.away`.
        """
        if found := self._rooms.get(room):
            return found
        async with self._turn(room):
            return self._rooms.get(room) or await self._take(room)

    async def give_up(self, room: RoomId) -> None:
        """Share the rest and let anybody take the room; harmless when it is not owned."""
        async with self._turn(room):
            if found := self._rooms.pop(room, None):
                self._keeper.drop(found.lease)
                await found.close()

    async def remove(self, room: RoomId) -> Held | None:
        """Give a room up and leave nothing of it in Valkey but its token, unless there are rows; who else has it.

        Raises what `opening_state` raises but NotFound, Unavailable `rooms.moved`, `cluster.away`.
        """
        async with self._turn(room):
            if found := self._rooms.pop(room, None):
                self._keeper.drop(found.lease)
                await found.close()
            lease = await take(self._valkey, room, self._owner, ttl_s=self._ttl_s)
            if isinstance(lease, Held):
                return lease
            try:
                await self._opening.opening_state(room)
            except NotFound:
                await self._drop(lease)
            finally:
                with contextlib.suppress(Unavailable):
                    await release(self._valkey, lease)
        if found:
            self._on_lost(room)  # its followers look where it is now, and learn that it is nowhere
        return None

    async def drain(self) -> None:
        """Take no more rooms and give up all, so that others go on at once. Idempotent."""
        self._draining = True
        await asyncio.gather(*(self.give_up(room) for room in tuple(self._rooms)))

    async def close(self) -> None:
        """Drain, then end the tasks. Idempotent."""
        await self.drain()
        await self._nursery.close()
        for room in tuple(self._ending):
            await room.close()

    def _turn(self, room: RoomId) -> asyncio.Lock:
        """Taking and giving up one room come after each other; the lock lives as long as somebody holds it."""
        turn = self._turns.get(room) or asyncio.Lock()
        self._turns[room] = turn
        return turn

    async def _take(self, room: RoomId) -> Room | Held:
        if self._draining:
            raise Unavailable("rooms.stopping", "this server is stopping", retry_after_s=1)
        if (wait_s := self._hold_off_s - self._valkey.quiet_s) > 0:  # in an outage leases expire whose owners are well
            holder = await owner_of(self._valkey, room)
            if holder is not None and holder != self._owner:
                return Held(holder)
            raise Unavailable("cluster.away", "Valkey is just back", retry_after_s=math.ceil(wait_s))
        lease = await take(self._valkey, room, self._owner, ttl_s=self._ttl_s)
        if isinstance(lease, Held):
            return lease
        try:
            async with asyncio.timeout(OPEN_S):
                return await self._open(lease)
        except BaseException as error:
            with contextlib.suppress(Unavailable):
                await release(self._valkey, lease)
            if isinstance(error, TimeoutError):
                raise Unavailable("rooms.policy_slow", "the room's rows took too long", retry_after_s=5) from None
            if isinstance(error, StaleTokenError):
                raise moved() from None
            raise

    async def _open(self, lease: Lease) -> Room:
        loaded = await self._log.load(lease.room)
        state, changed, saved = restored(loaded), None, loaded.revision
        if state is None:
            state = await self._from_rows(lease, loaded)
            saved = state.revision
        elif state.phase == "draft":
            changed = SetProgramme(segments=(await self._opening.opening_state(lease.room)).segments)
        room = Room(
            lease,
            state,
            saved=saved,
            valkey=self._valkey,
            event_log=self._log,
            projectors=self._projectors,
            clock=self._clock,
            on_lost=self._lost,
            again_s=self._again_s,
        )
        room.open()
        if changed:
            room.post(changed)
        self._rooms[lease.room] = room
        self._keeper.keep(lease, on_lost=room.lose, on_forgotten=room.doubt)
        self._on_taken(room)
        log.info("room taken", room=lease.room, revision=state.revision, replayed=loaded.entries.count)
        return room

    async def _from_rows(self, lease: Lease, loaded: Loaded) -> State:
        """A state whose revision was never used before, even where the log was wiped: followers go on with it."""
        programme = await self._opening.opening_state(lease.room)
        state = opened(lease.room, programme, max(self._clock(), loaded.revision, loaded.entries.last))
        text = msgspec.json.encode(state).decode()
        names = [projector.name for projector in self._projectors]
        await self._log.save(lease, state.revision, text, projectors=names)
        return state

    async def _drop(self, lease: Lease) -> None:
        try:
            await self._log.remove(lease)
        except StaleTokenError:
            raise moved() from None
        log.info("room removed", room=lease.room)

    def _lost(self, room: Room) -> None:
        self._keeper.drop(room.lease)
        if self._rooms.get(room.lease.room) is room:
            del self._rooms[room.lease.room]
        self._ending.add(room)
        self._nursery.start(f"lost.{room.lease.room}", self._end(room))
        self._on_lost(room.lease.room)

    async def _end(self, room: Room) -> None:
        await room.close()
        self._ending.discard(room)


def opened(room: RoomId, programme: Programme, revision: int) -> State:
    """The state that rows describe."""
    on = [each.id for each in programme.segments if each.started_ms is not None and each.ended_ms is None]
    current = on[-1] if on and programme.phase in ("live", "paused") else None
    state = State(room=room, revision=revision, seen=revision, phase=programme.phase, segments=programme.segments)
    return lit(msgspec.structs.replace(state, current=current, pin=programme.pin if current else None))


def restored(loaded: Loaded) -> State | None:
    """The state that Valkey holds; None where it holds none, or has forgotten a part.

    Raises Unavailable `rooms.log_unreadable` when another version of this program wrote it.
    """
    if not loaded.state:
        return None
    try:
        state = msgspec.json.decode(loaded.state, type=State)
        entries = read_entries(loaded.entries.lines)
    except msgspec.DecodeError as error:
        raise Unavailable("rooms.log_unreadable", str(error), retry_after_s=5) from error
    for revision, entry in enumerate(entries, start=state.revision + 1):
        if entry.revision != revision:
            log.warning("the log has a gap", room=state.room, revision=revision - 1, next=entry.revision)
            return None
    return replay(state, entries)
