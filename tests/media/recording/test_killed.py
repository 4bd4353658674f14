"""A recording process that is killed at any moment leaves files that play, and its successor goes on."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from pathlib import Path

import av
import msgspec
import pytest
from playwright.async_api import Page

from expo.media.recording.index import Kept, Rendition
from expo.media.recording.reader import read_recording
from expo.media.recording.repair import repair, verify
from tests.support.encoded import pictures
from tests.support.played import files_in_chromium, play
from tests.support.recording import Report

KILLS = int(os.environ.get("EXPO_KILLS", "10"))
AT_ONCE = 5
MOUNT = 'mount -t tmpfs -o size="$1" tmpfs "$2" && shift 2 && "$@"'


@pytest.fixture
def encoded(tmp_path: Path) -> Path:
    """Pictures of some 2 Mb/s."""
    path = tmp_path / "pictures"
    path.write_bytes(msgspec.msgpack.encode([unit for unit, _ in pictures(50, 320, 180, noise=True)]))
    return path


def command(folder: Path, encoded: Path, token: int, *more: str) -> tuple[str, ...]:
    return sys.executable, "-m", "tests.support.recording", str(folder), str(encoded), str(token), *more


def played(folder: Path, kept: Kept) -> float:
    """Decode every file; the time (s) at which the last picture is shown."""
    last = 0.0
    for rendition in kept.renditions:
        for name in {init.span.file for init in rendition.inits}:
            with av.open(str(folder / name)) as file:
                if rendition.kind == "video":
                    last = max(float(frame.time) for frame in file.decode(video=0))
                else:
                    assert sum(packet.size > 0 for packet in file.demux(audio=0)) > 20
    return last


def type_of(rendition: Rendition) -> str:
    return f'{rendition.kind}/mp4; codecs="{rendition.inits[0].codecs}"'


async def probed(path: Path) -> str:
    """What ffprobe says of a file, its complaints included."""
    process = await asyncio.create_subprocess_exec(
        *("ffprobe", "-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", str(path)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    return out.decode().strip()


async def killed(folder: Path, encoded: Path, token: int, pictures: int) -> int:
    """Run a recording, kill it after so many pictures; the room clock (ms) at the last one that it published."""
    process = await asyncio.create_subprocess_exec(
        *command(folder, encoded, token), stdout=asyncio.subprocess.PIPE, limit=1 << 20
    )
    assert process.stdout is not None
    said = [await process.stdout.readline() for _ in range(pictures)]
    process.kill()
    said += (await process.stdout.read()).splitlines(keepends=True)
    await process.wait()
    return int([line for line in said if line.endswith(b"\n")][-1])


async def one_kill(folder: Path, encoded: Path, number: int) -> tuple[Kept, int]:
    """The recording, repaired, and how much of it was lost (ms)."""
    folder.mkdir()
    at_ms = await killed(folder, encoded, 1, random.Random(number).randint(30, 60))
    place = folder / "r1"
    kept = read_recording(place)
    assert kept is not None
    assert [each.name for each in kept.renditions] == ["picture", "floor"]
    assert {finding.problem for finding in verify(place)} <= {"torn_index", "torn_media", "not_closed"}
    lost_ms = max(at_ms - kept.at_ms(each.segments[-1].end_us) for each in kept.renditions)
    assert lost_ms <= 1000, f"kill {number}"
    assert [finding.problem for finding in repair(place)][-1] == "not_closed"
    assert verify(place) == []
    again = read_recording(place)
    assert again is not None
    assert again.closed
    assert again.end_us == kept.end_us
    assert await asyncio.to_thread(played, place, again) > 0.5
    assert [await probed(place / f"{name}-1.mp4") for name in ("picture", "floor")] == ["h264", "opus"]
    return again, lost_ms


@pytest.mark.browser
async def test_a_killed_process_loses_less_than_a_second_and_its_files_play(tmp_path: Path, encoded: Path) -> None:
    places = asyncio.Semaphore(AT_ONCE)

    async def one(number: int, page: Page) -> int:
        async with places:
            kept, lost_ms = await one_kill(tmp_path / str(number), encoded, number)
            files = [(f"{number}/r1/{each.inits[0].span.file}", type_of(each)) for each in kept.renditions]
            seen = await play(page, files)
        assert abs(seen["first"] - seen["from"]) < 0.1, f"kill {number}: {seen}"
        assert seen["last"] > kept.end_us / 1e6 - 0.1, f"kill {number}: {seen}"
        return lost_ms

    async with files_in_chromium(tmp_path) as page, asyncio.TaskGroup() as tasks:
        kills = [tasks.create_task(one(number, page), name=f"kill-{number}") for number in range(KILLS)]
    lost = sorted(each.result() for each in kills)
    print(f"{KILLS} kills, all play in Chromium; lost at most {lost[-1]} ms, median {lost[KILLS // 2]} ms")  # noqa: T201


@pytest.mark.cluster
async def test_the_next_owner_goes_on_in_the_same_recording(tmp_path: Path, encoded: Path) -> None:
    first_ms = await killed(tmp_path, encoded, 100, 50)
    second_ms = await killed(tmp_path, encoded, 2000, 50)
    place = tmp_path / "r1"
    repair(place)
    assert verify(place) == []
    kept = read_recording(place)
    assert kept is not None
    assert kept.end_us > (second_ms - first_ms) * 1000
    for rendition in kept.renditions:
        assert len(rendition.inits) == 2
        assert [segment.discontinuity for segment in rendition.segments].count(True) == 1
        starts = [segment.start_us for segment in rendition.segments]
        assert starts == sorted(starts)
    assert [gap.reason for gap in kept.gaps if gap.duration_us > 400_000] == ["lost"]


@pytest.mark.cluster
async def test_a_full_disk_is_told_and_what_was_written_plays_and_it_goes_on(tmp_path: Path, encoded: Path) -> None:
    namespaces = ["--mount"] if os.geteuid() == 0 else ["--mount", "--user", "--map-root-user"]
    disk, copy = tmp_path / "disk", tmp_path / "copy"
    disk.mkdir()
    script = f'{MOUNT} && cp -r "{disk}" "{copy}"'
    process = await asyncio.create_subprocess_exec(
        *("unshare", *namespaces, "sh", "-c", script, "sh", "4m", str(disk), *command(disk, encoded, 1, "fill")),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    report = msgspec.json.decode(out.splitlines()[-1], type=Report)
    assert report.troubles == [("recording.disk_full", False), ("recording.disk_full", True)]
    assert report.told_ms < 2000
    assert report.failing == "recording.disk_full"
    assert report.kept_ms[1] > report.kept_ms[0] >= 1000
    assert report.forwarded >= report.published * 3
    assert verify(copy / "r1") == []
    kept = read_recording(copy / "r1")
    assert kept is not None
    assert [gap.reason for gap in kept.gaps if gap.duration_us > 2_000_000] == ["disk"]
    assert played(copy / "r1", kept) > 3
