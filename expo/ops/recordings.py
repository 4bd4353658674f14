"""`expo recordings`: what is kept, whether its files are what their index says, and mending what a kill has left."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from expo.archive import queries, rules
from expo.cluster.lease import LAPSED, owner_of
from expo.cluster.redis import Valkey
from expo.errors import Conflict, NotFound
from expo.ids import RoomId
from expo.media.recording import repair
from expo.media.recording.index import Kept
from expo.media.recording.layout import media_files, owners, recording_folder
from expo.media.recording.reader import read_recording
from expo.media.recording.repair import Finding
from expo.ops.columns import columns
from expo.settings import Settings
from expo.showcases.archived import ArchivedShows
from expo.store.db import Database


@dataclass(frozen=True, slots=True)
class RecordingView:
    """One recording; `visibility` is empty for files without a row, `kept` None where there are no files."""

    room: RoomId
    visibility: str
    deleted_at: datetime | None
    until: datetime | None
    kept: Kept | None


async def every(settings: Settings) -> Sequence[RecordingView]:
    """All recordings of the rows and of the folder, by id. Raises Unavailable `store.*`."""
    database = await Database.open(settings.effective_database_url)
    try:
        async with database.read() as db:
            rows = {RoomId(row.id): row for row in await queries.recordings(db)}
        shows = ArchivedShows(database)
        views: list[RecordingView] = []
        for room in sorted({*rows, *folders(settings)}):
            row, show = rows.get(room), await shows.programme(room)
            until = None if row is None or show is None else rules.kept_until(show.ended_at, row.keep_days)
            kept = await asyncio.to_thread(read_recording, recording_folder(settings.recordings_dir, room))
            deleted_at = None if row is None else row.deleted_at
            views.append(RecordingView(room, "" if row is None else row.visibility, deleted_at, until, kept))
    finally:
        await database.close()
    return views


def table(views: Sequence[RecordingView]) -> str:
    """One line per recording for a terminal."""
    if not views:
        return "Nothing has been recorded yet."
    return columns([("RECORDING", "VISIBLE", "LENGTH", "MB", "GAPS", "STATE", "KEPT UNTIL"), *map(_row, views)])


def verified(settings: Settings, room: RoomId | None) -> dict[RoomId, list[Finding]]:
    """What is wrong with the files of one or all recordings. NotFound `recording.none`."""
    return {one: repair.verify(_folder(settings, one)) for one in ([room] if room else folders(settings))}


async def repaired(settings: Settings, room: RoomId) -> tuple[list[Finding], list[Finding]]:
    """Mend one recording, and say what was and what cannot be.

    NotFound `recording.none`; Conflict `recording.running` while a worker has its room; Unavailable `cluster.away` when
    nobody knows.
    """
    folder = _folder(settings, room)
    valkey = Valkey(settings.effective_redis_url)
    try:
        if await owner_of(valkey, room) not in {None, LAPSED}:
            raise Conflict("recording.running", "a worker has this room: it mends its own recording")
    finally:
        await valkey.close()
    mended = await asyncio.to_thread(repair.repair, folder)
    return mended, await asyncio.to_thread(repair.verify, folder)


def findings_table(found: dict[RoomId, list[Finding]]) -> str:
    """One line per finding for a terminal."""
    rows = [(room, one.file, str(one.offset), one.problem) for room, those in found.items() for one in those]
    if not rows:
        return f"{len(found)} recordings are as their indexes say." if len(found) != 1 else "It is as its index says."
    return columns([("RECORDING", "FILE", "BYTE", "WHAT"), *rows])


def folders(settings: Settings) -> list[RoomId]:
    """The recordings that have files."""
    root = settings.recordings_dir
    found = [path for path in root.iterdir() if path.is_dir()] if root.is_dir() else []
    return sorted(RoomId(path.name) for path in found if not path.name.startswith(".") and _is_recording(path))


def _folder(settings: Settings, room: RoomId) -> Path:
    try:
        folder = recording_folder(settings.recordings_dir, room)
    except ValueError:
        raise NotFound("recording.none", "this is no recording's id") from None
    if not _is_recording(folder):
        raise NotFound("recording.none", f"there are no files of {room!r}")
    return folder


def _is_recording(folder: Path) -> bool:
    return bool(owners(folder) or media_files(folder))


def _row(view: RecordingView) -> tuple[str, ...]:
    kept = view.kept
    seconds = 0 if kept is None else max((kept.end_us - kept.start_us) // 1_000_000, 0)
    state = "deleted" if view.deleted_at else "no files" if kept is None else "whole" if kept.closed else "open"
    return (
        view.room,
        view.visibility or "no row",
        f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}",
        f"{(kept.bytes if kept else 0) / 1e6:.1f}",
        str(sum(gap.reason != "unkept" for gap in kept.gaps) if kept else 0),
        state,
        f"{view.until:%Y-%m-%d}" if view.until else "-",
    )
