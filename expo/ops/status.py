"""How the server does, in figures that a person reads: workers, live rooms, recordings, disks, and what needs a look.

`look` gathers; what is worth somebody's attention is decided by `troubles_of`, which is pure.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from expo.cluster.redis import Valkey
from expo.cluster.workers import index_of
from expo.errors import Unavailable
from expo.ids import RoomId
from expo.media.recording.layout import recording_folder
from expo.ops import rooms
from expo.ops.doctor import FEW_BYTES
from expo.ops.health import Probe, states
from expo.ops.metrics import Meters, Totals
from expo.rooms.model import Phase
from expo.settings import Settings
from expo.showcases.sheets import Line

NEARLY = 0.9
"""Of the viewers that a worker admits: who comes next may have to wait."""

Folder = Literal["data", "recordings", "both"]


@dataclass(frozen=True, slots=True)
class WorkerLine:
    """One worker that answers. `cpu` is a share of one core, `sent_bps` goes to viewers, `up_s` is its age."""

    index: int
    viewers: int
    publishers: int
    rooms: int
    sockets: int
    sent_bps: float
    cpu: float
    memory_bytes: int
    up_s: float


@dataclass(frozen=True, slots=True)
class RoomLine:
    """One open room of a showcase. `worker` is None while nobody has it, `phase` where its state cannot be read."""

    id: RoomId
    title: str
    phase: Phase | None = None
    worker: int | None = None
    viewers: int = 0
    here: int = 0
    recording: bool = False
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk with one of our folders on it, or with both."""

    folder: Folder
    free_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that a person should look at: `code` is the last part of its message's key, `values` fill that."""

    code: str
    values: Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Status:
    """`rooms` is None while Valkey is away; `planes` are as the worker sees them that answers, `ok` or a code."""

    planes: Mapping[str, str]
    workers: Sequence[WorkerLine]
    silent: Sequence[int]
    budget: int
    rooms: Sequence[RoomLine] | None
    kept: int
    kept_bytes: int
    disks: Sequence[Disk]


async def look(
    settings: Settings, meters: Meters, probes: Mapping[str, Probe], valkey: Valkey, lines: Sequence[Line]
) -> Status:
    """How everything is now; of rooms and recordings those of `lines`. What does not answer is said, not raised."""
    titles = {RoomId(line.id): line.title for line in lines}
    (totals, silent), planes, open_rooms, (kept, kept_bytes), disks = await asyncio.gather(
        meters.every(),
        states(probes),
        _rooms(valkey, titles),
        asyncio.to_thread(_recordings, settings.recordings_dir, list(titles)),
        asyncio.to_thread(_disks, settings),
    )
    return Status(
        planes=planes,
        workers=sorted((_worker(each) for each in totals), key=lambda line: line.index),
        silent=sorted(silent),
        budget=settings.viewers_per_worker,
        rooms=open_rooms,
        kept=kept,
        kept_bytes=kept_bytes,
        disks=disks,
    )


def troubles_of(found: Status, size: Callable[[int], str]) -> list[Trouble]:
    """What needs a look, the worst first; `size` writes bytes for the reader."""
    troubles = [Trouble(f"plane.{plane}", {}) for plane, state in found.planes.items() if state != "ok"]
    troubles += [Trouble("worker_silent", {"number": index + 1}) for index in found.silent]
    for room in found.rooms or ():
        if room.phase in {"live", "paused"} and room.worker is None:
            troubles.append(Trouble("room_alone", {"title": room.title}))
        if room.trouble is not None:
            troubles.append(Trouble("not_recorded", {"title": room.title}))
    for disk in found.disks:
        if disk.free_bytes < FEW_BYTES:
            troubles.append(Trouble(f"disk.{disk.folder}", {"free": size(disk.free_bytes)}))
    for worker in found.workers:
        if worker.viewers >= NEARLY * found.budget:
            values = {"number": worker.index + 1, "viewers": worker.viewers, "most": found.budget}
            troubles.append(Trouble("worker_full", values))
    return troubles


def _worker(totals: Totals) -> WorkerLine:
    samples, rates = totals.samples, totals.rates

    def whole(name: str) -> int:
        return int(samples.get(name, 0))

    return WorkerLine(
        index=totals.worker,
        viewers=whole("expo_media_viewers_current"),
        publishers=whole("expo_media_publishers_current"),
        rooms=whole("expo_rooms_open"),
        sockets=whole("expo_sockets_open"),
        sent_bps=rates.get("expo_media_bytes_forwarded_total", 0.0) * 8,
        cpu=rates.get("process_cpu_seconds_total", 0.0),
        memory_bytes=whole("process_resident_memory_bytes"),
        up_s=samples.get("expo_worker_uptime_seconds", 0.0),
    )


async def _rooms(valkey: Valkey, titles: Mapping[RoomId, str]) -> list[RoomLine] | None:
    try:
        views = await rooms.among(valkey, titles)
    except Unavailable:
        return None
    lines = [_room(view, titles[view.room]) for view in views]
    order: dict[Phase | None, int] = {"live": 0, "paused": 1, "waiting": 2, None: 3}
    return sorted((line for line in lines if line.phase in order), key=lambda line: (order[line.phase], line.title))


def _room(view: rooms.RoomView, title: str) -> RoomLine:
    worker = None if view.owner is None else index_of(view.owner)
    if view.state is None:
        return RoomLine(view.room, title, worker=worker)
    return RoomLine(
        id=view.room,
        title=title,
        phase=view.state.phase,
        worker=worker,
        viewers=view.state.viewers,
        here=sum(seat.here for seat in view.state.seats.values()),
        recording=view.state.recording,
        trouble=view.state.trouble,
    )


def _recordings(root: Path, ids: Sequence[RoomId]) -> tuple[int, int]:
    """How many of these have files, and how large those are together. Blocking."""
    count = size = 0
    for folder in (recording_folder(root, room) for room in ids):
        files = [path.stat().st_size for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []
        count, size = count + bool(files), size + sum(files)
    return count, size


def _disks(settings: Settings) -> list[Disk]:
    data, kept = _existing(settings.data_dir), _existing(settings.recordings_dir)
    if data.stat().st_dev == kept.stat().st_dev:
        return [_disk("both", data)]
    return [_disk("data", data), _disk("recordings", kept)]


def _existing(path: Path) -> Path:
    """The folder, or the one above in which it will be made."""
    found = path.resolve()
    while not found.exists() and found != found.parent:
        found = found.parent
    return found


def _disk(name: Folder, path: Path) -> Disk:
    usage = shutil.disk_usage(path)
    return Disk(name, usage.free, usage.total)
