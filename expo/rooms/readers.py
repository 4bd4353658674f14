"""The sockets of one room in this worker: each gets its own view of the room, and what is the same is encoded once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import msgspec

from expo.ids import ExhibitorId, ParticipantId
from expo.rooms.commands import Actor, Can
from expo.rooms.events import ALL, CREW, CrowdEvent, Entry, seat_audience
from expo.rooms.machine import reduce
from expo.rooms.model import SCHEMA, SeatRole, State
from expo.rooms.projections import Delivered, Reader, Snapshot, deliver, snapshot

CROWD_EVERY_S = 0.2
"""What the crowd does is told at most so often; everything else at once, with what has gathered."""

Push = Callable[[Iterable[str], str, bytes], None]
"""Send sockets an event whose argument is JSON."""

_encode = msgspec.json.Encoder().encode


class You(msgspec.Struct, frozen=True, rename="camel"):
    """Who a socket is to the room."""

    participant: ParticipantId
    name: str
    company: str
    can: tuple[Can, ...]
    role: SeatRole | None
    exhibitor: ExhibitorId | None


class Hello(msgspec.Struct, frozen=True, rename="camel"):
    """The first thing that a socket hears; `you` is null for somebody without a name."""

    you: You | None
    snapshot: Snapshot
    v: int = SCHEMA


@dataclass(slots=True)
class _Socket:
    actor: Actor | None
    reader: Reader
    after: int
    """Revision of the whole state that its last snapshot was taken of, or of the last event that it was given."""


class RoomReaders:
    """`hear` every entry of the room, in order; `replace` the state when some were missed."""

    def __init__(self, state: State, push: Push, expel: Callable[[str, str], None], clock: Callable[[], int]) -> None:
        """`expel(sid, code)` ends a socket whose person was removed; `clock` is the room's, in Unix ms."""
        self.state = state
        self._push = push
        self._expel = expel
        self._clock = clock
        self._sockets: dict[str, _Socket] = {}
        self._pending: list[tuple[State, Entry]] = []
        self._told_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._sockets)

    def __contains__(self, sid: str) -> bool:
        return sid in self._sockets

    def add(self, sid: str, actor: Actor | None) -> None:
        """Greet a new socket with its view; from here on it hears what follows."""
        self._sockets[sid] = _Socket(actor, reader_of(actor, self.state), self.state.revision)
        self._push([sid], "hello", _encode(Hello(you_of(actor), self.snapshot_of(sid))))

    def remove(self, sid: str) -> None:
        """Forget a socket; harmless twice."""
        self._sockets.pop(sid, None)

    def snapshot_of(self, sid: str) -> Snapshot:
        """What this socket may see now. KeyError for one that is not here."""
        return snapshot(self.state, self._sockets[sid].reader, self._clock())

    def refresh(self, sid: str) -> Snapshot:
        """`snapshot_of` for a socket that has lost track: events up to it are not sent any more."""
        self._sockets[sid].after = self.state.revision
        return self.snapshot_of(sid)

    def hear(self, _before: State, entry: Entry) -> None:
        """Take the next entry of the room."""
        before = self.state
        self.state = reduce(before, entry)
        if not self._sockets:
            return
        self._pending.append((before, entry))
        if not isinstance(entry.event, CrowdEvent):
            self._tell()
        elif self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(max(loop.time(), self._told_s + CROWD_EVERY_S), self._tell)

    def replace(self, state: State) -> None:
        """Go on from a state that entries are missing to; everybody gets a snapshot."""
        self._tell()
        self.state = state
        for sid, socket in tuple(self._sockets.items()):
            socket.reader = reader_of(socket.actor, state)
            self._push([sid], "snapshot", _encode(self.refresh(sid)))

    def close(self) -> None:
        """Stop the timer. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tell(self) -> None:
        self.close()
        pending, self._pending = self._pending, []
        if not pending:
            return
        self._told_s = asyncio.get_running_loop().time()
        first = pending[0][1].revision
        views: dict[tuple[Reader, int], list[str]] = {}
        for sid, socket in self._sockets.items():
            views.setdefault((socket.reader, max(socket.after, first - 1)), []).append(sid)
            socket.after = pending[-1][1].revision
        for (reader, after), sids in views.items():
            told = [deliver(before, entry, reader) for before, entry in pending if entry.revision > after]
            if events := [each for each in told if each is not None]:
                self._push(sids, "events", _events(events))
        self._reseat()

    def _reseat(self) -> None:
        """Give those who took, lost or left a seat their other view, and send those away who were removed."""
        for sid, socket in tuple(self._sockets.items()):
            if socket.actor is None:
                continue
            if socket.actor.participant in self.state.removed:
                self._expel(sid, "rooms.removed")
                self.remove(sid)
                continue
            reader = reader_of(socket.actor, self.state)
            if reader != socket.reader:
                socket.reader = reader
                self._push([sid], "snapshot", _encode(self.refresh(sid)))


def reader_of(actor: Actor | None, state: State) -> Reader:
    """Whose view somebody has: the crew's, that of the own seat, or everybody's."""
    if actor is None:
        return ALL
    if "run" in actor.can:
        return CREW
    return seat_audience(actor.participant) if actor.participant in state.seats else ALL


def you_of(actor: Actor | None) -> You | None:
    """What a page may know of its own person."""
    if actor is None:
        return None
    can = tuple(sorted(actor.can))
    return You(actor.participant, actor.name, actor.company, can, actor.role, actor.exhibitor)


def _events(events: list[Delivered]) -> bytes:
    return _encode(events)
