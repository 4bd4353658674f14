"""Live rooms over sockets: who comes in, what they are told, what they may ask; docs/protocol.md has the messages."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Protocol
from weakref import WeakValueDictionary

import msgspec
from aiohttp import web

from expo.clock import monotonic_us
from expo.edge.keys import LIMITER, PROXIES
from expo.edge.limits import RateLimiter
from expo.edge.origin import UNKNOWN, network_of
from expo.edge.socket import Sid, SocketServer
from expo.errors import Forbidden, Invalid, Unauthenticated, Unavailable
from expo.ids import ParticipantId, RoomId
from expo.rooms.commands import Actor, LeaveSeat, Request, TakeSeat
from expo.rooms.events import Entry
from expo.rooms.gateway import RoomGateway
from expo.rooms.machine import require_welcome
from expo.rooms.model import MAX_ID_CHARS, SCHEMA, State
from expo.rooms.readers import RoomReaders
from expo.rooms.room import now_ms

MESSAGES = ("command", "snapshot")
MESSAGES_PER_S = 5.0
MESSAGE_BURST = 20
"""Of one socket: a person who types and taps; what floods is told to wait."""
NETWORK_PER_S = 50.0
NETWORK_BURST = 1000
"""Of all sockets of one address: a hall behind one NAT that presses at once, and no more than a crowd can read."""
MAX_SOCKETS = 5_000
RETRY_S = 5


class JoinRoom(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a client says when it connects. `token` is a room token, for a room that is not open to all."""

    room: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ID_CHARS)]
    token: Annotated[str, msgspec.Meta(max_length=4096)] | None = None
    v: Literal[1] = SCHEMA


class Goodbye(msgspec.Struct, frozen=True):
    """The last thing that a socket hears: it need not come back."""

    code: str
    v: int = SCHEMA


@dataclass(frozen=True, slots=True)
class _Here:
    """A socket's place; `actor` is None for who only reads."""

    room: RoomId
    actor: Actor | None
    network: str


class Admit(Protocol):
    """Who this is to the room; None may read only. Wired in `expo.app`. Raises what keeps somebody out."""

    async def __call__(self, request: web.Request, room: RoomId, token: str | None) -> Actor | None: ...


class RoomSockets:
    """The handler behind `edge.socket.SocketServer` of this worker."""

    def __init__(self, gateway: RoomGateway, admit: Admit) -> None:
        self.server = SocketServer(self, MESSAGES)
        self._gateway = gateway
        self._admit = admit
        self._rooms: dict[RoomId, RoomReaders] = {}
        self._turns: WeakValueDictionary[RoomId, asyncio.Lock] = WeakValueDictionary()
        self._here: dict[Sid, _Here] = {}
        self._coming: dict[Sid, set[ParticipantId]] = {}
        """For each who is being admitted, those who were expelled meanwhile."""
        self._sitting: dict[Sid, tuple[RoomId, ParticipantId]] = {}
        self._limiter = RateLimiter(per_second=MESSAGES_PER_S, burst=MESSAGE_BURST)
        self._networks = RateLimiter(per_second=NETWORK_PER_S, burst=NETWORK_BURST)

    async def close(self) -> None:
        """Cut every socket off. Idempotent."""
        await self.server.close()
        for room in tuple(self._rooms):
            self._close_room(room)

    def sitting(self) -> Mapping[RoomId, frozenset[ParticipantId]]:
        """Who holds a seat of which room: the sockets that have taken one, while they last."""
        found: dict[RoomId, set[ParticipantId]] = {}
        for room, participant in self._sitting.values():
            found.setdefault(room, set()).add(participant)
        return {room: frozenset(people) for room, people in found.items()}

    def expel(self, participants: Iterable[ParticipantId], code: str) -> None:
        """Say goodbye to these people wherever they are; who is just coming in is refused."""
        gone = frozenset(participants)
        for expelled in self._coming.values():
            expelled.update(gone)
        for sid, here in tuple(self._here.items()):
            if here.actor is not None and here.actor.participant in gone:
                self._say_goodbye(sid, code)
                self._rooms[here.room].remove(sid)

    async def connect(self, sid: Sid, request: web.Request, auth: object) -> None:
        """Admit a socket to its room. Raises ExpoErrors."""
        network = network_of(request.app[PROXIES].address(request))
        if network != UNKNOWN:
            request.app[LIMITER].admit(network, monotonic_us())
        if len(self._here) + len(self._coming) >= MAX_SOCKETS:
            raise Unavailable("rooms.busy", "this worker has as many sockets as it may", retry_after_s=RETRY_S)
        try:
            join = msgspec.convert(auth, JoinRoom)
        except msgspec.ValidationError as error:
            raise Invalid("rooms.bad_command", str(error)) from error
        room = RoomId(join.room)
        expelled = self._coming[sid] = set()
        try:
            actor = await self._admit(request, room, join.token)
            async with self._turns.setdefault(room, asyncio.Lock()):
                readers = self._rooms.get(room) or await self._open(room)
                try:
                    if actor is not None:
                        require_welcome(readers.state, actor.participant)
                        _require_granted(actor, expelled)
                except (Forbidden, Unauthenticated):
                    self._close_if_empty(room)
                    raise
                self._here[sid] = _Here(room, actor, network)
                readers.add(sid, actor)
        finally:
            del self._coming[sid]

    async def message(self, sid: Sid, name: str, body: object) -> object:
        """Answer `command` with an Ack and `snapshot` with a Snapshot. Raises ExpoErrors."""
        here = self._here[sid]
        room, actor, readers = here.room, here.actor, self._rooms[here.room]
        self._limiter.admit(sid, monotonic_us())
        if here.network != UNKNOWN:
            self._networks.admit(here.network, monotonic_us())
        if sid not in readers:  # sent away; the connection ends in a moment
            if actor is not None:
                require_welcome(readers.state, actor.participant)
            raise _revoked()
        if name == "snapshot":
            return msgspec.to_builtins(readers.refresh(sid))
        if actor is None:
            raise Unauthenticated("guest.missing", "say a name first (POST /api/guests), then connect again")
        try:
            asked = msgspec.convert(body, Request)
        except msgspec.ValidationError as error:
            raise Invalid("rooms.bad_command", str(error)) from error
        ack = await self._gateway.submit(room, actor, asked)
        if isinstance(asked.command, TakeSeat) and sid in self._here:
            self._sitting[sid] = room, actor.participant
        elif isinstance(asked.command, LeaveSeat):
            self._sitting.pop(sid, None)
        return msgspec.to_builtins(ack)

    def disconnect(self, sid: Sid) -> None:
        """Forget a socket; the last one of a room lets go of the room."""
        self._sitting.pop(sid, None)
        found = self._here.pop(sid, None)
        if found is not None:
            self._rooms[found.room].remove(sid)
            self._close_if_empty(found.room)

    async def _open(self, room: RoomId) -> RoomReaders:
        """Follow the room; `hear` may be called as soon as `follow` has returned, and not before."""
        state = await self._gateway.follow(
            room,
            lambda before, entry: self._hear(room, before, entry),
            lambda anew: self._replace(room, anew),
            lambda code: self._gone(room, code),
        )
        readers = self._rooms[room] = RoomReaders(state, self.server.push, self._say_goodbye, now_ms)
        return readers

    def _hear(self, room: RoomId, before: State, entry: Entry) -> None:
        self._rooms[room].hear(before, entry)

    def _replace(self, room: RoomId, state: State) -> None:
        self._rooms[room].replace(state)

    def _gone(self, room: RoomId, code: str) -> None:
        """There is no such room any more: everybody in it may go."""
        for sid in [sid for sid, here in self._here.items() if here.room == room]:
            self._say_goodbye(sid, code)
            self._rooms[room].remove(sid)

    def _close_if_empty(self, room: RoomId) -> None:
        if not any(here.room == room for here in self._here.values()):
            self._close_room(room)

    def _close_room(self, room: RoomId) -> None:
        readers = self._rooms.pop(room, None)
        if readers is not None:
            self._gateway.leave(room)
            readers.close()

    def _say_goodbye(self, sid: Sid, code: str) -> None:
        self.server.farewell(sid, "goodbye", msgspec.json.encode(Goodbye(code)))


def _require_granted(actor: Actor, expelled: Iterable[ParticipantId]) -> None:
    """Unauthenticated token.revoked for somebody expelled since the rows were asked: there was nothing to cut then."""
    if actor.participant in expelled:
        raise _revoked()


def _revoked() -> Unauthenticated:
    return Unauthenticated("token.revoked", "this person's grants were taken back")
