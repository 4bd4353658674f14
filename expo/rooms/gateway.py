"""The way to live rooms from any worker: commands go to the worker that owns them, what happens comes from their log.

The worker with the media owns the rooms. Another one passes commands on over its private socket, with the proof that
it is a worker of this server, and follows the room's log; it sees what is shared.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from expo.cluster.eventlog import Entries, EventLog, Tail
from expo.cluster.lease import Held
from expo.errors import ExpoError, Unavailable
from expo.ids import RoomId
from expo.kit.logging import get_logger
from expo.kit.tasks import Nursery
from expo.rooms.commands import Ack, Actor, PassedRequest, Request
from expo.rooms.events import read_entries
from expo.rooms.machine import reduce
from expo.rooms.model import State
from expo.rooms.room import Listener, Room
from expo.rooms.room_owner import RoomOwner, restored

OWN_S = 5.0
"""How long the lease of a worker that died is waited for; it ends by itself after 3 s."""
AGAIN_S = 0.25

log = get_logger(__name__)


class RoomGateway(Protocol):
    """What sockets need of rooms, wherever those are."""

    async def submit(self, room: RoomId, actor: Actor, request: Request | PassedRequest) -> Ack:
        """Carry a command out once per `request.id`. Raises what `Room.submit` raises, and rooms.owner_away."""
        ...

    async def follow(self, room: RoomId, hear: Listener, replaced: Callable[[State], None]) -> State:
        """The room's state now; `hear` gets every entry behind it. One follower a room.

        `replaced` gets a whole state when entries were missed. Raises what opening the room raises.
        """
        ...

    def leave(self, room: RoomId) -> None:
        """Follow no more. Harmless twice."""
        ...


class OwnRooms:
    """Rooms that this worker owns, or takes."""

    def __init__(self, owner: RoomOwner, opened: Callable[[Room], None] = lambda _room: None) -> None:
        """`opened` is called, maybe again, with every room that is asked for."""
        self._owner = owner
        self._opened = opened
        self._followed: dict[RoomId, Callable[[], None]] = {}
        self._replaced: dict[RoomId, tuple[Listener, Callable[[State], None]]] = {}
        self._nursery = Nursery("own_rooms")

    async def close(self) -> None:
        """Idempotent."""
        await self._nursery.close()

    async def submit(self, room: RoomId, actor: Actor, request: Request | PassedRequest) -> Ack:
        return await (await self.room(room)).submit(actor, request.command, request.id)

    async def follow(self, room: RoomId, hear: Listener, replaced: Callable[[State], None]) -> State:
        found = await self.room(room)
        self._replaced[room] = hear, replaced
        self._followed[room] = found.listen(hear)
        return found.state

    def leave(self, room: RoomId) -> None:
        self._replaced.pop(room, None)
        unfollow = self._followed.pop(room, None)
        if unfollow is not None:
            unfollow()

    def lost(self, room: RoomId) -> None:
        """Another worker had the room for a moment: take it again and let its followers start over."""
        if room in self._replaced:
            self._nursery.start(f"again.{room}", self._again(room))

    async def room(self, room: RoomId) -> Room:
        """The room, owned here; waits for the lease of a worker that has just died."""
        clock = asyncio.get_running_loop().time
        give_up_s = clock() + OWN_S
        while isinstance(found := await self._owner.own(room), Held):
            if clock() >= give_up_s:
                raise Unavailable("rooms.owner_away", f"{found.owner} has the room", retry_after_s=1)
            await asyncio.sleep(AGAIN_S)
        self._opened(found)
        return found

    async def _again(self, room: RoomId) -> None:
        while room in self._replaced:
            hear, replaced = self._replaced[room]
            try:
                found = await self.room(room)
            except ExpoError as error:
                log.warning("a room is not back yet", room=room, error=error.code)
                await asyncio.sleep(AGAIN_S)
                continue
            if self._replaced.get(room) == (hear, replaced):
                self._followed[room] = found.listen(hear)
                replaced(found.state)
            return


class FarDoor(Protocol):
    """How a worker asks the owner (`rooms.door.FarDoor`)."""

    async def open_room(self, room: RoomId) -> None: ...

    async def command(self, room: RoomId, actor: Actor, request: Request | PassedRequest) -> Ack: ...


class FarRooms:
    """Rooms of the worker behind the door. `open` starts following logs, `close` ends it."""

    def __init__(self, door: FarDoor, event_log: EventLog) -> None:
        self._door = door
        self._log = event_log
        self._tail = Tail(event_log)
        self._replicas: dict[RoomId, State] = {}
        self._heard: dict[RoomId, tuple[Listener, Callable[[State], None]]] = {}
        self._nursery = Nursery("far_rooms")

    def open(self) -> None:
        self._nursery.keep("tail", self._tail.run)

    async def close(self) -> None:
        """Idempotent."""
        await self._nursery.close()

    async def submit(self, room: RoomId, actor: Actor, request: Request | PassedRequest) -> Ack:
        return await self._door.command(room, actor, request)

    async def follow(self, room: RoomId, hear: Listener, replaced: Callable[[State], None]) -> State:
        state = await self._load(room)
        self._heard[room] = hear, replaced
        self._start(room, state)
        return state

    def leave(self, room: RoomId) -> None:
        self._tail.leave(room)
        self._heard.pop(room, None)
        self._replicas.pop(room, None)

    def _start(self, room: RoomId, state: State) -> None:
        self._replicas[room] = state
        self._tail.follow(room, state.revision, lambda entries: self._hear(room, entries))

    def _hear(self, room: RoomId, entries: Entries) -> None:
        hear, _ = self._heard[room]
        for entry in read_entries(entries.lines):
            before = self._replicas[room]
            if entry.revision <= before.revision:
                continue
            if entry.revision != before.revision + 1:
                self._tail.leave(room)
                self._nursery.start(f"again.{room}", self._again(room))
                return
            self._replicas[room] = reduce(before, entry)
            hear(before, entry)

    async def _again(self, room: RoomId) -> None:
        while room in self._heard:
            try:
                state = await self._load(room)
            except ExpoError as error:
                log.warning("a room's log is not readable yet", room=room, error=error.code)
                await asyncio.sleep(AGAIN_S)
                continue
            if room in self._heard:
                self._start(room, state)
                self._heard[room][1](state)
            return

    async def _load(self, room: RoomId) -> State:
        await self._door.open_room(room)
        state = restored(await self._log.load(room))
        if state is None:
            raise Unavailable("rooms.owner_away", "the room's log is not there yet", retry_after_s=1)
        return state
