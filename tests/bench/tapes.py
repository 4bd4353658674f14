"""A media engine whose rooms are recorded on demand, with nothing around it.

`python -m tests.bench.tapes HOST FOLDER ROOMS` takes a JSON order a line and answers each with one;
nobody has to agree to anything.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from pathlib import Path
from typing import Literal

import msgspec
import uvloop

from expo.media.engine import EngineConfig, MediaEngine
from expo.media.recording.recorder import Recorder
from expo.media.router import Router
from expo.media.track import Track

MAX_BPS = 2_500_000


class Order(msgspec.Struct, forbid_unknown_fields=True):
    """`publish` and `watch` bring an offer, `keep` how many rooms are recorded from now on, `look` nothing."""

    do: Literal["publish", "watch", "keep", "look"]
    room: int = 0
    offer: str = ""
    rooms: int = 0


class Told(msgspec.Struct, forbid_unknown_fields=True):
    """`counters` are the engine's; the rest is of all recordings together."""

    answer: str = ""
    counters: dict[str, int] = {}
    kept_ms: list[int] = []
    dropped: int = 0
    gaps: int = 0
    bytes: int = 0


class Rooms:
    def __init__(self, engine: MediaEngine, folder: Path, count: int) -> None:
        self.engine = engine
        self.folder = folder
        self.routers: list[Router] = [engine.router() for _ in range(count)]
        self.tracks: dict[int, tuple[Track, ...]] = {}
        self.recorders: list[Recorder] = []

    async def obey(self, order: Order) -> Told:
        match order.do:
            case "publish":
                publication = await self.engine.publish(
                    order.offer, self.routers[order.room], max_bps=MAX_BPS, on_closed=lambda _why: None
                )
                self.routers[order.room].point(picture=publication, floor=publication)
                self.tracks[order.room] = publication.tracks
                return Told(answer=publication.answer)
            case "watch":
                router = self.routers[order.room]
                downlink = await self.engine.watch(order.offer, router, lanes=None, on_closed=lambda _why: None)
                return Told(answer=downlink.answer)
            case "keep":
                await self._keep(order.rooms)
            case "look":
                pass
        return self._told()

    async def _keep(self, rooms: int) -> None:
        while len(self.recorders) < rooms:
            number = len(self.recorders)
            self.recorders.append(
                await Recorder.open(
                    self.folder / f"r{number}",
                    f"r{number}",
                    1,
                    feeds=self.routers[number].feeds,
                    clock=lambda: time.time_ns() // 1_000_000,
                    on_trouble=lambda trouble: sys.exit(str(trouble)),
                    least_free_bytes=0,
                )
            )
        for number, recorder in enumerate(self.recorders):
            recorder.keep(self.tracks[number] if number < rooms else ())

    def _told(self) -> Told:
        health = [recorder.health for recorder in self.recorders]
        return Told(
            counters=self.engine.stats.snapshot(),
            kept_ms=[each.kept_ms for each in health],
            dropped=sum(each.dropped for each in health),
            gaps=sum(each.gaps for each in health),
            bytes=sum(each.bytes for each in health),
        )


async def main(host: str, folder: Path, rooms: int) -> None:
    engine = await MediaEngine.open(EngineConfig(host, 0, (host,), 2000))
    place = Rooms(engine, folder, rooms)
    reader = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    gc.collect()
    gc.freeze()
    while line := await reader.readline():
        told = await place.obey(msgspec.json.decode(line, type=Order))
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
        sys.stdout.flush()
    for recorder in place.recorders:
        await recorder.close("over")
    await engine.close()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
