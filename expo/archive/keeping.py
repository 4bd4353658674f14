"""Deleting recordings for good, when their organiser says so or their time is over; mending what a kill has left."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from expo.archive import queries, rules, service
from expo.archive.films import Films
from expo.archive.library import Library
from expo.archive.rules import Cause
from expo.archive.tables import Deletion
from expo.clock import utc_now
from expo.errors import Conflict, ExpoError, NotFound
from expo.ids import PersonId, RoomId
from expo.kit.logging import get_logger
from expo.kit.tasks import Nursery
from expo.media.recording.repair import Finding, is_whole, repair

SWEEP_EVERY_S = 3600.0
SETTLED = timedelta(minutes=1)
"""After a show's end nobody writes its recording any more."""

log = get_logger(__name__)


class Keeping:
    """Takes recordings away, and mends them. One worker of a server opens it, so that all is looked at once.

    Any may `delete`.
    """

    def __init__(self, library: Library, films: Films, now: Callable[[], datetime] = utc_now) -> None:
        self._library = library
        self._films = films
        self._now = now
        self._proved: set[RoomId] = set()
        self._nursery = Nursery("keeping")

    def open(self) -> None:
        """Look for what is over or torn, now and every hour."""
        self._nursery.keep("sweep", self._sweeping)

    async def close(self) -> None:
        await self._nursery.close()

    async def delete(self, room: RoomId, person: PersonId | None, cause: Cause) -> None:
        """Delete every file of a recording, and its films; what was decided and how many watched stays. Idempotent.

        NotFound `recording.none`, also where there are no files; Conflict `recording.running` while it may still be
        written.
        """
        shelf = await self._library.shelf(room)
        if shelf.growing or shelf.show.state == "live":
            raise Conflict("recording.running", "the show is on: end it first")
        folder, now = self._library.folder(room), self._now()
        count, size = await self._library.in_thread(_measured, folder)
        if not count and shelf.deleted_at is None:
            raise service.none_of(room)
        async with self._library.database.write() as db:
            if await service.mark_deleted(db, room, now):
                of = {"agency_id": shelf.show.agency_id, "recording_id": room, "person_id": person}
                db.add(Deletion(cause=cause, deleted_at=now, files=count, bytes=size, **of))
                log.info("recording deleted", room=room, cause=cause, files=count, bytes=size)
        self._library.forget(room)
        await self._purge(room, folder)

    async def sweep(self) -> None:
        """Delete what is over, and what a server that was killed left of something deleted; mend what it left torn."""
        async with self._library.database.read() as db:
            found = [(RoomId(row.id), row.keep_days, row.deleted_at) for row in await queries.recordings(db)]
        for room, keep_days, deleted_at in found:
            try:
                if deleted_at is not None:
                    await self._purge(room, self._library.folder(room))
                    continue
                show = await self._library.programmes.programme(room)
                until = None if show is None else rules.kept_until(show.ended_at, keep_days)
                if until is not None and until <= self._now():
                    with contextlib.suppress(NotFound):  # nothing was ever kept of it
                        await self.delete(room, None, "retention")
                elif show is not None and show.ended_at is not None and show.ended_at + SETTLED <= self._now():
                    await self._mend(room)
            except ExpoError as error:
                log.warning("a recording could not be deleted", room=room, error=error.code)

    async def _mend(self, room: RoomId) -> None:
        """Once in a server's life where the disk lets us: a recording whose show is over changes no more."""
        if room in self._proved:
            return
        try:
            mended = await asyncio.to_thread(_mended, self._library.folder(room))
        except OSError as error:
            log.warning("a recording could not be mended", room=room, error=error.strerror)
            return
        self._proved.add(room)
        if mended:
            self._library.forget(room)
            log.info("recording mended", room=room, problems=sorted({finding.problem for finding in mended}))

    async def _purge(self, room: RoomId, folder: Path) -> None:
        await self._films.drop(room)
        await self._library.in_thread(_gone, folder)

    async def _sweeping(self) -> None:
        while True:
            await self.sweep()
            await asyncio.sleep(SWEEP_EVERY_S)


def _measured(folder: Path) -> tuple[int, int]:
    files = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    return len(files), sum(path.stat().st_size for path in files)


def _mended(folder: Path) -> list[Finding]:
    return [] if is_whole(folder) else repair(folder)


def _gone(folder: Path) -> None:
    if folder.is_dir():
        shutil.rmtree(folder)
