"""A picture from each chapter, made at the show's end or when asked for, kept beside the recording, deleted with it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from expo.archive.library import STILLS, Library, Shelf
from expo.archive.rules import Chapter, Reader
from expo.errors import ExpoError
from expo.ids import RoomId, SegmentId
from expo.kit.logging import get_logger
from expo.kit.tasks import Nursery
from expo.media.recording.index import Span
from expo.media.recording.still import stills

AT_US = 10_000_000
"""So far into a chapter whoever presents has begun."""
PATIENCE_S = 2.0
"""A page waits no longer for a picture; it has another one."""
MOST_KEPT = 64
"""Pictures of one recording; edits leave old ones behind."""
MOST_MADE = 32
"""Chapters of which pictures are made at once."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a chapter's picture is in the recording's files, and the name under which it is kept."""

    name: str
    spans: tuple[Span, Span]


class Posters:
    """Pictures of the recordings in `library`. `close` gives up what is being made; idempotent."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._nursery = Nursery("posters")
        self._making: dict[RoomId, asyncio.Event] = {}
        self._closed = False

    async def close(self) -> None:
        self._closed = True
        await self._nursery.close()

    def prepare(self, room: RoomId) -> None:
        """Have those ready that will be asked for: the show is over. Nothing more once it is closed."""
        if not self._closed:
            self._nursery.start(f"prepare.{room}", self._prepare(room))

    async def of(self, shelf: Shelf, chapter: Chapter) -> bytes | None:
        """A chapter's picture as JPEG; None where there is none (yet). Unavailable as the files are."""
        frame = frame_of(shelf, chapter)
        if frame is None:
            return None
        room = shelf.show.room
        path = self._library.folder(room) / STILLS / frame.name
        found = await self._library.in_thread(_bytes, path)
        if found is None:
            made = self._begun(shelf)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_S):
                    await made.wait()
            found = await self._library.in_thread(_bytes, path)
        return found or None

    async def _prepare(self, room: RoomId) -> None:
        self._library.forget(room)  # what was written last is not in what was read before
        with contextlib.suppress(ExpoError):
            await self._begun(await self._library.shelf(room)).wait()

    def _begun(self, shelf: Shelf) -> asyncio.Event:
        """Set once those of this recording are made that are missing now."""
        room = shelf.show.room
        if (made := self._making.get(room)) is None:
            made = self._making[room] = asyncio.Event()
            self._nursery.start(f"make.{room}", self._make(shelf, made))
        return made

    async def _make(self, shelf: Shelf, made: asyncio.Event) -> None:
        """All that are missing of a recording, in one go."""
        room = shelf.show.room
        folder = self._library.folder(room) / STILLS
        try:
            frames = [frame for chapter in shelf.chapters if (frame := frame_of(shelf, chapter)) is not None]
            missing = await self._library.in_thread(_missing, folder, frames)
            pieces = [b"".join([await self._library.read(room, span) for span in frame.spans]) for frame in missing]
            found = await stills(pieces) if pieces else []
            await self._library.in_thread(_keep, folder, [frame.name for frame in missing], found)
            log.info("posters made", room=room, posters=sum(bool(picture) for picture in found))
        except ExpoError as error:  # deleted meanwhile, or the disk is in trouble: asked for again next time
            log.warning("no posters", room=room, error=error.code)
        finally:
            self._making.pop(room, None)
            made.set()


def frame_of(shelf: Shelf, chapter: Chapter) -> Frame | None:
    """A chapter's picture: ten seconds in, in a short one sooner; None without one, or while it has just begun."""
    film = shelf.film(Reader("crew"), chapter.segment)
    video = next((one for one in film.chosen if one.rendition.kind == "video"), None)
    goes_on = shelf.growing and shelf.parts[chapter.segment].ended_at is None
    if video is None or (goes_on and film.length_us < AT_US):
        return None
    at_us = film.media_us(min(AT_US, film.length_us // 3))
    segment = video.segments[max(0, bisect_right(video.segments, at_us, key=lambda one: one.start_us) - 1)]
    init, part = video.init(segment).span, segment.parts[0].span
    named = f"{chapter.segment}/{part.file}/{part.offset}/{part.length}"
    return Frame(f"{hashlib.blake2s(named.encode(), digest_size=12).hexdigest()}.jpg", (init, part))


def poster_path(room: RoomId, segment: SegmentId) -> str:
    """Where a chapter's picture is on our own site."""
    return f"/s/{room}/posters/{segment}.jpg"


def _bytes(path: Path) -> bytes | None:
    """None where it was never made; empty where it could not be."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _missing(folder: Path, frames: Sequence[Frame]) -> list[Frame]:
    return [frame for frame in frames if not (folder / frame.name).exists()][:MOST_MADE]


def _keep(folder: Path, names: Sequence[str], pictures: Sequence[bytes]) -> None:
    """Write as many as there are, whole. FileNotFoundError when the recording is gone: it must stay so."""
    folder.mkdir(exist_ok=True)
    for name, picture in zip(names, pictures, strict=False):
        beside = folder / f"{name}.part"
        beside.write_bytes(picture)
        beside.replace(folder / name)
    by_age = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    for path in by_age[: max(0, len(by_age) - MOST_KEPT)]:
        path.unlink(missing_ok=True)
