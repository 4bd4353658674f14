"""What there is of each recording, read from rows, from its show and from its files, and remembered for a moment.

A thousand viewers ask for a piece every two seconds; what they may see is decided anew once a second for all of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar, TypeVarTuple

from expo.archive import queries, rules, service
from expo.archive.lists import List, Playing
from expo.archive.programme import Programmes, ShownPart, ShowProgramme
from expo.archive.rules import Chapter, Part, Reader, Rights
from expo.clock import monotonic_us, utc_now
from expo.errors import NotFound, Unavailable
from expo.ids import RoomId, SegmentId
from expo.media.recording import playlist
from expo.media.recording.index import Kept, Span
from expo.media.recording.layout import recording_folder
from expo.media.recording.playlist import Film, Stretch
from expo.media.recording.reader import IndexReader
from expo.store.db import Database

FRESH_US = 1_000_000
"""Rights and files may be that old; after a change by this worker they are read anew at once."""
GROWING_US = 1_000_000
"""The files of a show that is on may be that old; they grow twice a second."""
MOST_REMEMBERED = 64
THREADS = 4
MOST_WAITING = 256
"""Reads of files that wait for a thread; more are refused, and a player asks again."""
READ_S = 10.0
CLOSING = timedelta(seconds=10)
"""After a show's end its recorder may still be writing the last of it."""

STILLS = "stills"
"""The folder of posters in a recording's own."""

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
Signature = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Files:
    """What a recording's folder holds, and where in media time anything was kept; `reader` reads what comes next."""

    signature: Signature
    kept: Kept | None
    stretches: tuple[Stretch, ...]
    reader: IndexReader


@dataclass(slots=True)
class Shelf:
    """One recording as it is now. `kept` is None where there are no files (any more); `epoch` is its rights'.

    `with_media` are the chapters of which something was kept; `growing`: its recorder still writes.
    """

    show: ShowProgramme
    begun_at: datetime
    keep_days: int
    epoch: int
    deleted_at: datetime | None
    rights: Rights
    kept: Kept | None
    chapters: tuple[Chapter, ...]
    with_media: frozenset[SegmentId]
    growing: bool
    now: datetime
    playing: dict[tuple[SegmentId, ...], Playing] = field(default_factory=dict[tuple[SegmentId, ...], Playing])
    """By the chapters that are shown."""

    @property
    def parts(self) -> Mapping[SegmentId, ShownPart]:
        return {part.segment_id: part for part in self.show.parts}

    def shown(self, reader: Reader) -> tuple[Chapter, ...]:
        """The chapters that play for a reader."""
        return tuple(
            one for one in self.chapters if one.segment in self.with_media and self.rights.shows(one, reader, self.now)
        )

    def film(self, reader: Reader, segment: SegmentId | None = None) -> Film:
        """What plays for a reader, or of that one chapter alone."""
        return self._playing(reader, segment).film

    def listed(self, reader: Reader, name: str, make: Callable[[Film], str]) -> List:
        """A playlist of what plays for a reader, made if nobody has asked for one of this name."""
        playing = self._playing(reader, None)
        found = playing.lists.get(name)
        if found is None:
            found = playing.lists[name] = List.of(make(playing.film))
        return found

    def goes_on(self, before: Shelf) -> None:
        """Nothing of what plays has changed since: what was made of it serves on."""
        same = self.kept is before.kept and self.growing == before.growing
        if same and self.chapters == before.chapters:
            self.playing = before.playing

    def _playing(self, reader: Reader, segment: SegmentId | None) -> Playing:
        shown = [one for one in self.shown(reader) if segment in {None, one.segment}]
        key = tuple(one.segment for one in shown)
        found = self.playing.get(key)
        if found is None:
            selection = rules.selection(self.chapters, shown)
            film = Film((), ()) if self.kept is None else playlist.film(self.kept, selection, growing=self.growing)
            found = self.playing[key] = Playing(film)
        return found


class Library:
    """Every recording of this server. `close` ends its threads; idempotent."""

    def __init__(
        self, database: Database, programmes: Programmes, root: Path, now: Callable[[], datetime] = utc_now
    ) -> None:
        self.root = root
        self.database = database
        self.programmes = programmes
        self._now = now
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="archive")
        self._waiting = 0
        self._shelves: OrderedDict[RoomId, tuple[int, Shelf | None]] = OrderedDict()  # None: nothing was recorded
        self._files: OrderedDict[RoomId, tuple[int, Files]] = OrderedDict()
        self._asked: dict[RoomId, asyncio.Lock] = {}

    def folder(self, room: RoomId) -> Path:
        """Where its files lie. NotFound `recording.none` for what is no id."""
        try:
            return recording_folder(self.root, room)
        except ValueError:
            raise service.none_of(room) from None

    async def shelf(self, room: RoomId) -> Shelf:
        """One recording. NotFound `recording.none`; Unavailable `store.*`, `recording.unreadable`."""
        lock = self._asked.setdefault(room, asyncio.Lock())
        try:
            async with lock:
                known = self._shelves.get(room)
                if known is None or monotonic_us() - known[0] >= FRESH_US:
                    before, asked_us = known, monotonic_us()
                    shelf = await self._read(room)
                    if shelf is not None and before is not None and before[1] is not None:
                        shelf.goes_on(before[1])
                    known = asked_us, shelf
                    remember(self._shelves, room, known)
                if known[1] is None:
                    raise service.none_of(room)
                return known[1]
        finally:
            if not lock.locked():
                self._asked.pop(room, None)

    def forget(self, room: RoomId) -> None:
        """Something was changed: read anew when it is asked for next."""
        self._shelves.pop(room, None)
        if (known := self._files.get(room)) is not None:
            self._files[room] = 0, known[1]

    async def files(self, room: RoomId, *, is_live: bool) -> Files:
        """What lies in its folder. Unavailable `recording.*`."""
        folder = self.folder(room)
        known = self._files.get(room)
        asked_us = monotonic_us()
        if is_live and known is not None and known[1].kept is not None and asked_us - known[0] < GROWING_US:
            return known[1]
        files = await self.in_thread(_files, folder, None if known is None else known[1])
        remember(self._files, room, (asked_us, files))
        return files

    async def read(self, room: RoomId, span: Span) -> bytes:
        """Bytes of one of its files. NotFound `replay.gone` when they are not there any more."""
        path = self.folder(room) / span.file
        found = await self.in_thread(_read, path, span.offset, span.length)
        if len(found) != span.length:
            raise NotFound("replay.gone", "these bytes are not there any more")
        return found

    async def in_thread(self, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """Work on files, off the loop. Unavailable `recording.busy` when too much waits, `recording.unreadable`."""
        if self._waiting >= MOST_WAITING:
            raise Unavailable("recording.busy", "too many pieces are asked for at once", retry_after_s=1)
        self._waiting += 1
        try:
            async with asyncio.timeout(READ_S):
                return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
        except TimeoutError:
            raise Unavailable("recording.unreadable", "the disk does not answer", retry_after_s=5) from None
        except FileNotFoundError:
            raise NotFound("replay.gone", "these files are not there any more") from None
        except OSError as error:
            raise Unavailable("recording.unreadable", f"the disk refuses: {error.strerror}", retry_after_s=5) from error
        finally:
            self._waiting -= 1

    async def free_bytes(self) -> int:
        """What is left of the disk that recordings land on."""
        return await self.in_thread(_free, self.root)

    async def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _read(self, room: RoomId) -> Shelf | None:
        now = self._now()
        show = await self.programmes.programme(room)
        if show is None:
            raise service.none_of(room)
        async with self.database.read() as db:
            row = await queries.recording(db, room)
            if row is None:
                return None
            rights = await service.rights(db, row)
        kept = None if rights.deleted else (await self.files(room, is_live=show.state == "live")).kept
        over = show.state == "ended" and show.ended_at is not None
        closing = show.ended_at is not None and now < show.ended_at + CLOSING
        growing = kept is not None and not kept.closed and (not over or closing)
        parts = [Part(part.segment_id, part.exhibitor_id, part.started_at, part.ended_at) for part in show.parts]
        chapters = () if kept is None else chapters_of(kept, parts, rights)
        return Shelf(
            show=show,
            begun_at=row.begun_at,
            keep_days=row.keep_days,
            epoch=row.epoch,
            deleted_at=row.deleted_at,
            rights=rights,
            kept=kept,
            chapters=chapters,
            with_media=frozenset(
                one.segment for one in chapters if kept is not None and playlist.has_media(kept, one.whole)
            ),
            growing=growing,
            now=now,
        )


def chapters_of(kept: Kept, parts: Sequence[Part], rights: Rights) -> tuple[Chapter, ...]:
    """The chapters of what was kept."""
    return rules.chapters(parts, rights.edits, kept.media_us, kept.end_us, kept.cast)


def remember(known: OrderedDict[RoomId, T], room: RoomId, value: T) -> None:
    """Bounded: the one that was not asked for longest leaves first."""
    known[room] = value
    known.move_to_end(room)
    if len(known) > MOST_REMEMBERED:
        known.popitem(last=False)


def _files(folder: Path, known: Files | None) -> Files:
    """What the folder holds; read only where a file has changed, and of what grows only what is new."""
    signature: Signature = ()
    with contextlib.suppress(FileNotFoundError):
        found = [(path.name, path.stat()) for path in folder.iterdir() if path.name != STILLS]
        signature = tuple(sorted((name, stat.st_size, stat.st_mtime_ns) for name, stat in found))
    if known is not None and known.signature == signature:
        return known
    reader = IndexReader(folder) if known is None else known.reader
    kept = reader.read() if signature else None
    return Files(signature, kept, () if kept is None else playlist.kept_stretches(kept), reader)


def _read(path: Path, offset: int, length: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(length)


def _free(root: Path) -> int:
    whole = root.resolve()
    return shutil.disk_usage(next(path for path in (whole, *whole.parents) if path.is_dir())).free
