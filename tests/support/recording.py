"""A process that records: `python -m tests.support.recording FOLDER PICTURES TOKEN`, until it is killed.

PICTURES holds access units as a msgpack list. Prints the room clock (Unix ms) at every picture that it has published.
With `fill` behind them it fills the disk instead, makes room again, and prints what it saw as JSON.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import msgspec

from expo.clock import monotonic_us
from expo.media.feed import Feed, Source
from expo.media.recording.recorder import Recorder
from expo.media.recording.writer import Trouble
from tests.support.ballast import fill_up
from tests.support.tape import FLOOR, PICTURE, SOUND_US, Publisher, sound_packet

FRAME_US = 40_000


class Report(msgspec.Struct, forbid_unknown_fields=True):
    """`told_ms`: from the disk being full to the trouble being told. `kept_ms`: then, and at the end."""

    troubles: list[tuple[str, bool]]
    told_ms: int
    failing: str | None
    kept_ms: tuple[int, int]
    published: int
    forwarded: int


def room_clock() -> int:
    return time.time_ns() // 1_000_000


class Stage:
    """A publisher in real time, on Feeds with one more sink that counts, as a viewer would."""

    def __init__(self, units: list[bytes]) -> None:
        self.feeds = {PICTURE: Feed(PICTURE, "video", 90_000), FLOOR: Feed(FLOOR, "audio", 48_000)}
        self.agreed: list[Source] = []
        self.publisher = Publisher(self, video_delay_us=0, audio_delay_us=0)
        self.forwarded = 0
        self.published = 0
        self._units = units
        for feed in self.feeds.values():
            feed.add_sink(self)
        self.publisher.show()

    def push(self, packet: object, arrival_us: int, *, key_frame: bool) -> None:
        self.forwarded += 1

    async def run(self, *, tell: bool) -> None:
        """Publish for ever."""
        at_us, position = monotonic_us(), 0
        while True:
            if self.publisher.wanted:
                self.publisher.wanted = False
                position = 0
            self.publisher.tracks["video"].tick(monotonic_us())
            self.publisher.picture(self._units[position % len(self._units)], at_us)
            for half in range(2):
                self.publisher.sound(sound_packet(self.published * 2 + half), at_us + half * SOUND_US)
            position += 1
            self.published += 1
            if tell:
                print(room_clock() + (at_us - monotonic_us()) // 1000, flush=True)  # noqa: T201
            at_us += FRAME_US
            await asyncio.sleep(max(0.0, (at_us - monotonic_us()) / 1e6))


async def main(folder: Path, units: list[bytes], token: int, *, fill: bool) -> None:
    stage = Stage(units)
    troubles: asyncio.Queue[Trouble] = asyncio.Queue(9)
    recorder = await Recorder.open(
        folder / "r1",
        "r1",
        token,
        feeds=stage.feeds,
        clock=room_clock,
        on_trouble=troubles.put_nowait,
        least_free_bytes=0,
    )
    recorder.keep(stage.agreed)
    async with asyncio.TaskGroup() as tasks:
        publishing = tasks.create_task(stage.run(tell=not fill), name="stage")
        if not fill:
            return
        full, told_ms, kept_ms, failing = await _fill(folder, recorder, troubles)
        (folder / "ballast").unlink()
        over = await troubles.get()
        await _until_kept(recorder, kept_ms + 1000)
        publishing.cancel()
    await recorder.close("over")
    report = Report(
        troubles=[(each.code, each.over) for each in (full, over)],
        told_ms=told_ms,
        failing=failing,
        kept_ms=(kept_ms, recorder.health.kept_ms),
        published=stage.published,
        forwarded=stage.forwarded,
    )
    print(msgspec.json.encode(report).decode())  # noqa: T201


async def _fill(
    folder: Path, recorder: Recorder, troubles: asyncio.Queue[Trouble]
) -> tuple[Trouble, int, int, str | None]:
    await _until_kept(recorder, 1000)
    await asyncio.to_thread(fill_up, folder / "ballast", leave_bytes=0)
    full_us = monotonic_us()
    trouble = await troubles.get()
    told_ms = (monotonic_us() - full_us) // 1000
    return trouble, told_ms, recorder.health.kept_ms, recorder.health.failing


async def _until_kept(recorder: Recorder, wanted_ms: int) -> None:
    async with asyncio.timeout(30):
        while recorder.health.kept_ms < wanted_ms:  # noqa: ASYNC110 - another thread counts
            await asyncio.sleep(0.05)


if __name__ == "__main__":
    place, encoded, owner, *rest = sys.argv[1:]
    pictures = msgspec.msgpack.decode(Path(encoded).read_bytes(), type=list[bytes])
    asyncio.run(main(Path(place), pictures, int(owner), fill=rest == ["fill"]))
