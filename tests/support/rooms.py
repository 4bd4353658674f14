"""A Valkey that can be made to forget and to stop, and workers whose rooms live in it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from expo.cluster.eventlog import EventLog
from expo.cluster.lease import Held, Lease, take
from expo.cluster.redis import Call, Script, Valkey
from expo.errors import ExpoError, Unavailable
from expo.ids import RoomId
from expo.rooms.events import Entry
from expo.rooms.room import Room, now_ms
from expo.rooms.room_owner import Programme, RoomOwner
from tests.support.shows import ROOM, draft
from tests.support.valkey import running_valkey

Found = TypeVar("Found")


@dataclass(frozen=True)
class Place:
    """A running Valkey, one client of it and the logs in it."""

    url: str
    valkey: Valkey
    log: EventLog

    async def command(self, *words: str) -> object:
        """Any command that a script may run: `FLUSHALL`, `DEL`, ..."""
        return await self.valkey.call(Call(Script("return redis.call(unpack(ARGV))"), [], words))

    async def pause(self, ms: int) -> None:
        """Answer nobody for so long; what is asked meanwhile runs afterwards."""
        reader, writer = await asyncio.open_unix_connection(self.url.removeprefix("unix://"))
        writer.write(b"CLIENT PAUSE %d ALL\r\n" % ms)
        assert await reader.readline() == b"+OK\r\n"
        writer.close()
        await writer.wait_closed()

    async def taken(self, owner: str = "a", *, room: RoomId = ROOM, ttl_s: float = 60.0) -> Lease:
        """The lease, which nobody else holds yet."""
        lease = await take(self.valkey, room, owner, ttl_s=ttl_s)
        assert not isinstance(lease, Held)
        return lease


@contextlib.asynccontextmanager
async def fresh_valkey(folder: Path) -> AsyncGenerator[Place]:
    """A Valkey with nothing in it."""
    async with running_valkey(folder) as url:
        valkey = Valkey(url)
        try:
            yield Place(url, valkey, EventLog(valkey))
        finally:
            await valkey.close()


async def until(look: Callable[[], Awaitable[Found | None]], timeout_s: float = 10, every_s: float = 0.005) -> Found:
    """What `look` finds, as soon as it finds something true."""
    async with asyncio.timeout(timeout_s):
        while not (found := await look()):  # noqa: ASYNC110 - what is in Valkey or rows tells nobody
            await asyncio.sleep(every_s)
        return found


class Rows:
    """A feature in memory: the rows that rooms open from, and those that a projector writes."""

    name = "rows"

    def __init__(self) -> None:
        self.programme = Programme("draft", draft().segments)
        self.opened = 0
        self.written: dict[int, Entry] = {}
        self.batches = 0
        self.trouble: ExpoError | None = None

    async def opening_state(self, room: RoomId) -> Programme:
        self.opened += 1
        if self.trouble:
            raise self.trouble
        return self.programme

    async def project(self, room: RoomId, entries: Sequence[Entry]) -> None:
        self.batches += 1
        if self.trouble:
            raise self.trouble
        for entry in entries:
            assert self.written.setdefault(entry.revision, entry) == entry


class Faulty(Valkey):
    """A Valkey whose next calls go wrong: `unsent` ones never arrive, of `unanswered` ones the answer is lost."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.unsent = 0
        self.unanswered = 0

    async def call(self, call: Call) -> object:
        if self.unsent:
            self.unsent -= 1
            raise Unavailable("cluster.away", "never sent")
        answer = await super().call(call)
        if self.unanswered:
            self.unanswered -= 1
            raise Unavailable("cluster.away", "the answer was lost")
        return answer

    async def members(self, key: str) -> set[str]:
        if self.unsent:
            self.unsent -= 1
            raise Unavailable("cluster.away", "never sent")
        return await super().members(key)


class Worker:
    """One worker's rooms. `kill` leaves Valkey as a killed process does: nothing given back, nothing more shared."""

    def __init__(
        self, place: Place, name: str, rows: Rows | None = None, *, ttl_s: float = 60.0, hold_off_s: float = 0.0
    ) -> None:
        self.rows = rows or Rows()
        self.lost: asyncio.Queue[RoomId] = asyncio.Queue(16)
        self.clock_ms = 0
        self.owner = RoomOwner(
            place.valkey,
            name,
            self.rows,
            projectors=[self.rows],
            on_lost=self.lost.put_nowait,
            clock=lambda: now_ms() + self.clock_ms,
            ttl_s=ttl_s,
            hold_off_s=hold_off_s,
        )
        self.owner.open()

    async def room(self) -> Room:
        """The room, owned by this worker, as soon as nobody else has it."""

        async def owned() -> Room | None:
            room = await self.owner.own(ROOM)
            return None if isinstance(room, Held) else room

        return await until(owned)

    async def kill(self) -> None:
        for room in self.owner.rooms:
            room.lose()
        await self.owner.close()


@contextlib.asynccontextmanager
async def workers(place: Place, *names: str, ttl_s: float = 60.0) -> AsyncGenerator[list[Worker]]:
    """Workers that share one feature's rows; closed at the end."""
    rows = Rows()
    all_ = [Worker(place, name, rows, ttl_s=ttl_s) for name in names]
    try:
        yield all_
    finally:
        for worker in all_:
            await worker.owner.close()
