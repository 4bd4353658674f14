"""Live rooms as this worker's sockets need them: commands go to whoever has the room, what happens comes from there.

A room of this worker is heard directly. That of a sibling is read from its log, so what is seen of it is shared; when
its worker dies, whichever worker notices first takes the room, and everybody who follows it goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from expo.cluster.eventlog import Entries, EventLog, Tail
from expo.cluster.lease import LAPSED, owners_of
from expo.cluster.redis import Valkey
from expo.errors import ExpoError, NotFound, Unavailable
from expo.ids import RoomId
from expo.kit.logging import get_logger
from expo.kit.tasks import Nursery
from expo.rooms.commands import Ack, Actor, PassedRequest, Request
from expo.rooms.door import AGAIN_S, Door
from expo.rooms.events import read_entries
from expo.rooms.machine import reduce
from expo.rooms.model import State
from expo.rooms.room import Listener, Room
from expo.rooms.room_owner import restored
from expo.rooms.sibling import Sibling

WATCH_EVERY_S = 0.5
"""How often it is asked whether the rooms that are followed still have an owner."""

log = get_logger(__name__)


class RoomGateway(Protocol):
    """What sockets need of rooms, wherever those are."""

    async def submit(self, room: RoomId, actor: Actor, request: Request | PassedRequest) -> Ack:
        """Carry a command out once per `request.id`. Raises what `Room.submit` raises, and rooms.owner_away."""
        ...

    async def follow(
        self, room: RoomId, hear: Listener, replaced: Callable[[State], None], gone: Callable[[str], None]
    ) -> State:
        """The room's state now; `hear` gets every entry behind it. One follower a room.

        `replaced` gets a whole state when entries were missed; `gone` the code, once no rows describe the room any
        more. Raises what opening the room raises.
        """
        ...

    async def remove(self, room: RoomId) -> None:
        """Have nothing left of a room whose rows are gone. Raises Unavailable when that cannot be now."""
        ...

    def leave(self, room: RoomId) -> None:
        """Follow no more. Harmless twice."""
        ...


@dataclass(slots=True)
class _Follower:
    """`unlisten` stands for a room of this worker, `replica` for the log of another's; `ready` has its first state."""

    hear: Listener
    replaced: Callable[[State], None]
    gone: Callable[[str], None]
    ready: bool = False
    unlisten: Callable[[], None] | None = None
    replica: State | None = None


class Rooms:
    """`open` starts following logs and owners, `close` ends it. Tell it what this worker has `taken` and `lost`."""

    def __init__(self, door: Door, valkey: Valkey) -> None:
        self._door = door
        self._valkey = valkey
        self._log = EventLog(valkey)
        self._tail = Tail(self._log)
        self._followers: dict[RoomId, _Follower] = {}
        self._moving: set[RoomId] = set()
        self._nursery = Nursery("followed_rooms")

    def open(self) -> None:
        self._nursery.keep("tail", self._tail.run)
        self._nursery.keep("owners", self._watch)

    async def close(self) -> None:
        """Idempotent."""
        await self._nursery.close()

    async def submit(self, room: RoomId, actor: Actor, request: Request | PassedRequest) -> Ack:
        return await self._door.through(
            room,
            lambda found: found.submit(actor, request.command, request.id),
            lambda sibling: sibling.command(room, actor, request),
        )

    async def follow(
        self, room: RoomId, hear: Listener, replaced: Callable[[State], None], gone: Callable[[str], None]
    ) -> State:
        follower = self._followers[room] = _Follower(hear, replaced, gone)
        try:
            state = await self._attach(room, follower)
        except BaseException:
            del self._followers[room]
            raise
        if follower.unlisten is None and (found := self._door.here(room)):  # taken while its log was read
            state = self._listen(found, follower)
        follower.ready = True
        return state

    async def remove(self, room: RoomId) -> None:
        await self._door.remove(room)

    def leave(self, room: RoomId) -> None:
        follower = self._followers.pop(room, None)
        self._tail.leave(room)
        if follower is not None and follower.unlisten is not None:
            follower.unlisten()

    def taken(self, room: Room) -> None:
        """This worker has the room from now on."""
        follower = self._followers.get(room.lease.room)
        if follower is not None and follower.ready and follower.unlisten is None:
            follower.replaced(self._listen(room, follower))

    def lost(self, room: RoomId) -> None:
        """Another worker has the room from now on."""
        follower = self._followers.get(room)
        if follower is not None:
            follower.unlisten = None
            self._move(room)

    def _listen(self, room: Room, follower: _Follower) -> State:
        if follower.unlisten is None and self._followers.get(room.lease.room) is follower:
            self._tail.leave(room.lease.room)
            follower.replica = None
            follower.unlisten = room.listen(follower.hear)
        return room.state

    async def _attach(self, room: RoomId, follower: _Follower) -> State:
        """Hear the room from now on, wherever it is."""

        async def here(found: Room) -> State:
            return self._listen(found, follower)

        async def there(sibling: Sibling) -> State:
            await sibling.open_room(room)
            state = restored(await self._log.load(room))
            if state is None:
                raise Unavailable("rooms.owner_away", "the room's log is not there yet", retry_after_s=1)
            if follower.unlisten is None and self._followers.get(room) is follower:
                follower.replica = state
                self._tail.follow(room, state.revision, lambda entries: self._hear(room, entries))
            return state

        return await self._door.through(room, here, there)

    def _hear(self, room: RoomId, entries: Entries) -> None:
        follower = self._followers.get(room)
        if follower is None:
            return
        for entry in read_entries(entries.lines):
            before = follower.replica
            if before is None or entry.revision <= before.revision:
                continue
            if entry.revision != before.revision + 1:
                self._tail.leave(room)
                self._move(room)
                return
            follower.replica = reduce(before, entry)
            follower.hear(before, entry)

    def _move(self, room: RoomId) -> None:
        if room not in self._moving:
            self._moving.add(room)
            self._nursery.start(f"move.{room}", self._again(room))

    async def _again(self, room: RoomId) -> None:
        try:
            while follower := self._followers.get(room):
                try:
                    state = await self._attach(room, follower)
                except NotFound as error:
                    follower.gone(error.code)
                    return
                except ExpoError as error:
                    log.warning("a room is not back yet", room=room, error=error.code)
                    await asyncio.sleep(AGAIN_S)
                    continue
                if self._followers.get(room) is follower:
                    if follower.unlisten is None:  # else `taken` has told it
                        follower.replaced(state)
                    return
        finally:
            self._moving.discard(room)

    async def _watch(self) -> None:
        """Take what nobody has any more: a countdown must end also where all are silent."""
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            far = [room for room, each in self._followers.items() if each.unlisten is None]
            try:
                owners = await owners_of(self._valkey, far)
            except Unavailable as error:
                log.debug("owners are not known", error=error.code)
                continue
            for room, owner in zip(far, owners, strict=True):
                if owner == LAPSED:
                    self._door.forget(room)
                if owner in (LAPSED, None):
                    self._move(room)
