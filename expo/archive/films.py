"""Recordings to keep as MP4 files: made one after another in each worker, offered for a while, then deleted.

A film lies in a folder that all workers see, named after all that decides what is in it. So whoever is asked knows how
far it is, asking again makes nothing twice, and what somebody withdrew is not in the film that is asked for then.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import shutil
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from expo.errors import Conflict, ExpoError, NotFound, Unavailable
from expo.ids import RoomId
from expo.kit.logging import get_logger
from expo.kit.tasks import Nursery
from expo.media.recording.layout import recording_folder
from expo.media.recording.playlist import Film
from expo.media.recording.remux import Label, Mark, remux

FOLDER = ".films"
"""Beside the recordings' folders; no recording's id begins with a dot."""
OFFERED_S = 2 * 3600
SWEEP_EVERY_S = 300.0
STALE_S = {"making": 60.0, "waiting": 1800.0}
"""Who makes a film says so at least every second; after this its worker is gone."""
MOST_WAITING = 8
SPARE_BYTES = 500 << 20
"""So much of the disk stays free: a recording may be running."""

log = get_logger(__name__)

Stage = Literal["none", "waiting", "making", "ready", "failed"]


class FilmState(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """How far a film is: `done` from 0 to 1, `error` the code of what went wrong, `bytes` once it is ready."""

    v: int = 1
    stage: Stage = "none"
    done: float = 0.0
    bytes: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """A film as it is wanted."""

    room: RoomId
    film: Film
    labels: Mapping[str, Label]
    marks: Sequence[Mark]

    @property
    def name(self) -> str:
        """The same for the same content."""
        said = [self.room, *(repr(mark) for mark in self.marks)]
        for one in self.film.chosen:
            last = one.segments[-1]
            said += [one.rendition.name, repr(self.labels.get(one.rendition.name)), repr(last.span)]
            said += [f"{each.number}:{each.init}" for each in one.segments]
        return hashlib.blake2s("\n".join(said).encode(), digest_size=15).hexdigest()


class Films:
    """The films of this server's recordings in `root`. `close` gives up the one being made; idempotent."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="films")
        self._nursery = Nursery("films")
        self._waiting = 0
        self._stop = threading.Event()

    def open(self) -> None:
        self._nursery.keep("sweep", self._sweeping)

    async def close(self) -> None:
        self._stop.set()
        await self._nursery.close()
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def state(self, order: Order) -> FilmState:
        """How far it is, whoever makes it."""
        return await asyncio.to_thread(_state, self._path(order))

    async def order(self, order: Order) -> FilmState:
        """Have it made unless it is there or on its way.

        Conflict `film.empty` without anything to show; Unavailable `film.busy`, `film.no_space`.
        """
        if not order.film.chosen:
            raise Conflict("film.empty", "there is nothing to put into a film")
        path = self._path(order)
        known = await asyncio.to_thread(_state, path)
        if known.stage in {"waiting", "making", "ready"}:
            return known
        if self._waiting >= MOST_WAITING:
            raise Unavailable("film.busy", "too many films are waiting", retry_after_s=60)
        self._waiting += 1
        waiting = FilmState(stage="waiting")
        await asyncio.to_thread(_queued, path, waiting)
        self._nursery.start("make", self._make(order, path))
        return waiting

    async def ready(self, order: Order) -> Path:
        """The file. NotFound `film.none` unless it is ready."""
        if (await self.state(order)).stage != "ready":
            raise NotFound("film.none", "this film has not been made (any more)")
        return self._path(order)

    async def drop(self, room: RoomId) -> None:
        """Delete the films of a recording: something in them may not be seen any more."""
        await asyncio.to_thread(shutil.rmtree, self._folder(room), ignore_errors=True)

    async def sweep(self) -> None:
        """Delete what was offered for long enough."""
        await asyncio.to_thread(_swept, self._root / FOLDER, time.time() - OFFERED_S)

    def _folder(self, room: RoomId) -> Path:
        return recording_folder(self._root / FOLDER, room)

    def _path(self, order: Order) -> Path:
        return self._folder(order.room) / f"{order.name}.mp4"

    async def _make(self, order: Order, path: Path) -> None:
        try:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._thread, _made, order, self._root, path, self._stop)
        finally:
            self._waiting -= 1

    async def _sweeping(self) -> None:
        while True:
            await self.sweep()
            await asyncio.sleep(SWEEP_EVERY_S)


def _made(order: Order, root: Path, path: Path, stop: threading.Event) -> None:
    """Make it beside its place and put it there whole; what went wrong is told in its state. In the films' thread."""
    unfinished, ordered = path.with_suffix(".part"), path.with_suffix(".json")
    spoken = 0.0

    def is_wanted() -> bool:
        """Where its order went (with the folder), something in it may not be seen any more."""
        return not stop.is_set() and ordered.exists()

    def told(done: float) -> bool:
        nonlocal spoken
        if not is_wanted():
            return False
        if time.monotonic() - spoken > 0.5:
            spoken = time.monotonic()
            _tell(path, FilmState(stage="making", done=round(done, 3)))
        return True

    if not told(0.0):
        return
    try:
        _require_space(order, path)
        remux(recording_folder(root, order.room), order.film, order.labels, order.marks, unfinished, told)
        if not is_wanted():
            return
        unfinished.replace(path)
        log.info("film made", room=order.room, bytes=path.stat().st_size)
        _forget(path)
    except ExpoError as error:
        log.warning("no film", room=order.room, error=error.code, detail=error.detail)
        _tell(path, FilmState(stage="failed", error=error.code))
    except OSError as error:
        log.warning("no film", room=order.room, error="film.no_space", detail=error.strerror)
        _tell(path, FilmState(stage="failed", error="film.no_space"))
    finally:
        unfinished.unlink(missing_ok=True)


def _queued(path: Path, state: FilmState) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    _tell(path, state)


def _require_space(order: Order, path: Path) -> None:
    needed = sum(segment.span.length for one in order.film.chosen for segment in one.segments)
    if shutil.disk_usage(path.parent).free < needed + SPARE_BYTES:
        raise Unavailable("film.no_space", "the disk has no room for this film")


def _state(path: Path) -> FilmState:
    with contextlib.suppress(FileNotFoundError):
        return FilmState(stage="ready", done=1.0, bytes=path.stat().st_size)
    told = path.with_suffix(".json")
    try:
        state = msgspec.json.decode(told.read_bytes(), type=FilmState)
        age_s = time.time() - told.stat().st_mtime
    except (FileNotFoundError, msgspec.DecodeError):
        return FilmState()
    return FilmState() if age_s > STALE_S.get(state.stage, OFFERED_S) else state


def _tell(path: Path, state: FilmState) -> None:
    with contextlib.suppress(OSError):  # the folder went with the recording, or the disk is full: nobody can be told
        beside = path.with_suffix(".new")
        beside.write_bytes(msgspec.json.encode(state))
        beside.replace(path.with_suffix(".json"))


def _forget(path: Path) -> None:
    path.with_suffix(".json").unlink(missing_ok=True)


def _swept(folder: Path, before_s: float) -> None:
    for path in folder.glob("*/*"):
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime < before_s:
                path.unlink()
    for path in folder.glob("*"):
        with contextlib.suppress(OSError):
            path.rmdir()  # only where it is empty
