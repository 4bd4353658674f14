"""A Valkey with what rooms need of it, and ways to make it forget and stop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

from expo.cluster.eventlog import EventLog
from expo.cluster.lease import Held, Lease, take
from expo.cluster.redis import Call, Script, Valkey
from expo.ids import RoomId
from tests.support.valkey import running_valkey

ROOM = RoomId("chungbuk")


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
