"""Brings a room's facts back to its feature: the log is read with a durable cursor, and a retry is harmless."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from expo.cluster.eventlog import EventLog
from expo.errors import ExpoError
from expo.ids import RoomId
from expo.kit.logging import get_logger
from expo.kit.tasks import Backoff
from expo.rooms.events import Entry, read_entries

PROJECT_S = 10.0
"""How long a feature may take for one batch; longer than SQLite's busy timeout."""

log = get_logger(__name__)


class RoomProjector(Protocol):
    """Implemented by features that keep rows of what happened in rooms."""

    @property
    def name(self) -> str:
        """Names its cursor; never changes, for the log waits for it."""
        ...

    async def project(self, room: RoomId, entries: Sequence[Entry]) -> None:
        """Write the rows of these consecutive entries in one transaction, idempotently: (room, revision) is unique."""
        ...


class Projection:
    """One projector in one room. `run` is the task; only the room's owner runs it."""

    def __init__(self, event_log: EventLog, room: RoomId, projector: RoomProjector) -> None:
        self._log = event_log
        self._room = room
        self._projector = projector
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self.cursor = 0
        """The last revision whose rows are durable, as far as this owner knows."""

    def poke(self) -> None:
        """The log holds more."""
        self._idle.clear()
        self._news.set()

    async def settled(self) -> None:
        """Return once the rows of everything in the log are durable."""
        await self._idle.wait()

    async def run(self) -> None:
        """Project until cancelled; a store or Valkey that is away delays it and loses nothing."""
        backoff = Backoff()
        known = False
        self._news.set()
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                if not known:
                    self.cursor = await self._log.cursor(self._room, self._projector.name)
                    known = True
                while await self._step():
                    backoff = Backoff()
                if not self._news.is_set():
                    self._idle.set()
            except (ExpoError, TimeoutError) as error:
                code = getattr(error, "code", "timeout")
                log.warning("facts are not projected yet", room=self._room, projector=self._projector.name, error=code)
                self._news.set()
                await asyncio.sleep(backoff.pause_s(0.0))

    async def _step(self) -> bool:
        entries = await self._log.read(self._room, self.cursor)
        if not entries.count:
            return False
        async with asyncio.timeout(PROJECT_S):
            await self._projector.project(self._room, read_entries(entries.lines))
        await self._log.advance(self._room, self._projector.name, entries.last)
        self.cursor = entries.last
        return True
