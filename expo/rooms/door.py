"""The way to a room from any worker: it is here, with a sibling, or nobody's yet, and then it is taken here."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, TypeVar

from aiohttp import web

from expo.cluster.lease import Held, owner_of
from expo.cluster.redis import Valkey
from expo.cluster.workers import index_of
from expo.errors import NotFound
from expo.ids import RoomId
from expo.media.recording.recorder import RecordingHealth
from expo.rooms.host import RoomHost
from expo.rooms.live import LiveState
from expo.rooms.operations import FORWARDED
from expo.rooms.recording import Recordings
from expo.rooms.room import Room
from expo.rooms.room_owner import RoomOwner
from expo.rooms.room_sharer import moved
from expo.rooms.sibling import OwnerAwayError, Sibling

OWN_S = 5.0
"""How long the lease of a worker that died is waited for; it ends by itself after 3 s."""
AGAIN_S = 0.25
MAX_KNOWN = 10_000

Answer = TypeVar("Answer")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class RoomDoor(Protocol):
    """What the rest of the server may ask of a room without knowing where it is."""

    async def live_state(self, room: RoomId) -> LiveState:
        """Of a room that nobody has: nothing on air. Unavailable when who has it is not known or does not answer."""
        ...


class Door:
    """This worker's rooms and its siblings. `close` ends the connections to them."""

    def __init__(
        self,
        owner: RoomOwner,
        host: RoomHost,
        recordings: Recordings,
        valkey: Valkey,
        siblings: Mapping[int, Sibling],
        proof: str,
    ) -> None:
        self._owner = owner
        self._host = host
        self._recordings = recordings
        self._valkey = valkey
        self._siblings = siblings
        self._proof = proof
        self._known: dict[RoomId, Sibling] = {}
        """Who had a room last; it serves while Valkey is away, and is forgotten when contradicted."""

    async def close(self) -> None:
        """Idempotent."""
        for sibling in self._siblings.values():
            await sibling.close()

    def here(self, room: RoomId) -> Room | None:
        """The room, if this worker has it now."""
        return self._owner.room(room)

    def forget(self, room: RoomId) -> None:
        """Whoever was known to have the room may not have it any more."""
        self._known.pop(room, None)

    async def through(
        self,
        room: RoomId,
        here: Callable[[Room], Awaitable[Answer]],
        there: Callable[[Sibling], Awaitable[Answer]],
    ) -> Answer:
        """What whoever has the room answers; a room that nobody has is taken, also that of a worker that just died.

        Raises what taking it raises, NotFound where no rows describe it, Unavailable rooms.owner_away.
        """

        async def ask() -> Answer:
            found = await self._find(room)
            return await (here(found) if isinstance(found, Room) else there(found))

        return await self._answered(room, ask)

    async def remove(self, room: RoomId) -> None:
        """Have a room whose rows are gone removed by whoever has it, else here.

        Raises Unavailable rooms.owner_away, rooms.moved, cluster.away, store.*.
        """

        async def ask() -> None:
            sibling = self._sibling(await owner_of(self._valkey, room))
            if sibling is not None:
                await sibling.remove_room(room)
            elif held := await self._owner.remove(room):
                raise OwnerAwayError(f"{held.owner} has it", gone=True)

        await self._answered(room, ask)
        self.forget(room)

    async def remove_here(self, room: RoomId) -> None:
        """The same where nobody else has the room. Raises Unavailable rooms.moved where somebody has."""
        if await self._owner.remove(room):
            raise moved()

    async def review(self, room: RoomId) -> None:
        """Have whoever has the room, if anybody, look at its people's consent again; returns once it counts.

        Raises Unavailable rooms.owner_away, cluster.away, store.*.
        """

        async def ask() -> None:
            if self._owner.room(room) is not None:
                await self._recordings.review(room)
            elif sibling := self._sibling(await owner_of(self._valkey, room)):
                await sibling.review(room)

        await self._answered(room, ask)

    async def review_here(self, room: RoomId) -> None:
        """The same where nobody else has the room. Raises Unavailable rooms.moved where somebody has."""
        if self._owner.room(room) is None and await owner_of(self._valkey, room) is not None:
            raise moved()
        await self._recordings.review(room)

    async def recording_health(self, room: RoomId) -> RecordingHealth | None:
        """How the recorder of whoever has the room does; None where nothing is being recorded.

        Raises Unavailable rooms.owner_away, rooms.moved, cluster.away.
        """
        if self._owner.room(room) is not None:
            return self._recordings.health(room)
        return await self._told(room, lambda far: far.recording_health(room))

    def recording_health_here(self, room: RoomId) -> RecordingHealth | None:
        """The same of this worker's recorders alone."""
        return self._recordings.health(room)

    async def _answered(self, room: RoomId, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """What is answered, asked again while the worker with the room is gone and its lease is not over."""
        clock = asyncio.get_running_loop().time
        give_up_s = clock() + OWN_S
        while True:
            try:
                return await ask()
            except OwnerAwayError as error:
                self.forget(room)
                if not error.gone or clock() >= give_up_s:
                    raise
            await asyncio.sleep(AGAIN_S)

    async def own(self, room: RoomId) -> Room:
        """The room, taken here if nobody has it. Raises Unavailable rooms.moved where somebody has."""
        taken = await self._taken(room)
        if not isinstance(taken, Room):
            raise moved()
        return taken

    async def live_state(self, room: RoomId) -> LiveState:
        if self._owner.room(room) is not None:
            return self._host.live_state(room)
        return await self._told(room, lambda far: far.live_state(room)) or LiveState()

    async def _told(self, room: RoomId, ask: Callable[[Sibling], Awaitable[Answer]]) -> Answer | None:
        """What a sibling with the room answers to one question; None where no sibling has it."""
        sibling = self._known.get(room) or self._sibling(await owner_of(self._valkey, room))
        try:
            return None if sibling is None else await ask(sibling)
        except OwnerAwayError:
            self.forget(room)
            raise

    def require_sibling(self, request: web.Request) -> None:
        """NotFound for who is no worker of this server."""
        if not self._is_sibling(request):
            raise NotFound("request.unknown_address", "there is nothing here for you")

    def at_owner(self, room_of: Callable[[web.Request], RoomId]) -> Callable[[Handler], Handler]:
        """Have a handler run on the worker with the room; what was passed on already goes no further."""

        def placed(handler: Handler) -> Handler:
            @functools.wraps(handler)
            async def handle(request: web.Request) -> web.StreamResponse:
                room = room_of(request)
                if self._is_sibling(request):
                    await self.own(room)
                    return await handler(request)
                return await self.through(room, lambda _room: handler(request), lambda far: far.pass_on(request))

            return handle

        return placed

    async def _find(self, room: RoomId) -> Room | Sibling:
        known = self._known.get(room)
        if known is not None and self._owner.room(room) is None:
            return known
        taken = await self._taken(room)
        if isinstance(taken, Room):
            return taken
        sibling = self._sibling(taken.owner)
        if sibling is None:  # a former life of this worker, or one that is no more
            raise OwnerAwayError(f"{taken.owner} has it", gone=True)
        if len(self._known) >= MAX_KNOWN:
            del self._known[next(iter(self._known))]
        self._known[room] = sibling
        return sibling

    async def _taken(self, room: RoomId) -> Room | Held:
        if found := self._owner.room(room):
            return found
        await self._host.require_known(room)  # or any made-up id would leave a token in Valkey for ever
        return await self._owner.own(room)

    def _sibling(self, owner: str | None) -> Sibling | None:
        index = index_of(owner) if owner is not None else None
        return self._siblings.get(index) if index is not None else None

    def _is_sibling(self, request: web.Request) -> bool:
        return hmac.compare_digest(request.headers.get(FORWARDED, "").encode(), self._proof.encode())


def proof_of(secret: str) -> str:
    """What one worker shows another, derived from the cluster secret."""
    return hmac.digest(secret.encode(), b"expo.rooms.door.v1", hashlib.sha256).hex()
