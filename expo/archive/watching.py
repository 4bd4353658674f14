"""How often chapters are watched: sums by chapter, day and minute, gathered here and written every few seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from expo.archive import queries
from expo.archive.tables import Watched
from expo.clock import utc_now
from expo.edge.limits import RateLimiter
from expo.errors import Unavailable
from expo.ids import RoomId, SegmentId
from expo.kit.logging import get_logger
from expo.kit.tasks import Nursery
from expo.store.db import Database

FLUSH_S = 10.0
"""What a worker that is killed forgets."""
MOST_PENDING = 5000
PER_SECOND, BURST = 20.0, 600
"""Of one network: a hall of six hundred phones each say a minute once a minute."""

log = get_logger(__name__)

Key = tuple[RoomId, SegmentId, datetime, int]


class WatchCounts:
    """Sums that wait for their rows. `close` writes what is left; idempotent."""

    def __init__(self, database: Database, now: Callable[[], datetime] = utc_now) -> None:
        self.limiter = RateLimiter(PER_SECOND, BURST)
        self._database = database
        self._now = now
        self._pending: dict[Key, tuple[int, int]] = {}
        self._nursery = Nursery("watching")

    def open(self) -> None:
        self._nursery.keep("flush", self._run)

    async def close(self) -> None:
        await self._nursery.close()
        await self.flush()

    def count(self, room: RoomId, segment: SegmentId, minute: int, *, starts: bool) -> None:
        """One minute of a chapter was watched; over `MOST_PENDING` different ones nothing new is counted."""
        day = self._now().replace(hour=0, minute=0, second=0, microsecond=0)
        key = (room, segment, day, minute)
        minutes, begun = self._pending.get(key, (0, 0))
        if minutes or len(self._pending) < MOST_PENDING:
            self._pending[key] = minutes + 1, begun + starts

    async def flush(self) -> None:
        """Write the sums; what cannot be written now waits."""
        pending, self._pending = self._pending, {}
        if not pending:
            return
        try:
            async with self._database.write() as db:
                for (room, segment, day, minute), (minutes, starts) in pending.items():
                    row = await queries.watched(db, room, segment, day, minute)
                    if row is not None:
                        row.minutes, row.starts = row.minutes + minutes, row.starts + starts
                    elif (recording := await queries.recording(db, room)) is not None:
                        of = {"agency_id": recording.agency_id, "recording_id": room, "segment_id": segment}
                        db.add(Watched(day=day, minute=minute, minutes=minutes, starts=starts, **of))
        except Unavailable as error:
            log.warning("watch counts wait", error=error.code, waiting=len(pending))
            for key, (minutes, starts) in pending.items():
                more, begun = self._pending.get(key, (0, 0))
                self._pending[key] = more + minutes, begun + starts

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_S)
            await self.flush()
