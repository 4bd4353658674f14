"""`record`: what recordings cost a worker that forwards, and what they do to its viewers."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import AsyncGenerator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import msgspec

from expo.media.aiortc_seam import Certificate
from expo.media.peer import Peer, PeerOptions
from expo.media.recording.repair import verify
from tests.bench.delay import Round, Stand, direct_path_us, stamped
from tests.bench.fanout import CIPHER, crowd, everyone_sees
from tests.bench.figures import Figure, Spread
from tests.bench.ours import OurServer
from tests.bench.place import HOST, SERVER_CORE, pinned, show
from tests.bench.solo import Studio
from tests.bench.source import Publisher, encode_programme
from tests.bench.tapes import Order, Told

VIDEO_BPS = 2_000_000
MOST_SHARE = 3.0
MOST_P99_MS = 20.0
_ORDER_S = 30.0
_SETTLE_S = 1.5


class TapesServer:
    """The process of tests.bench.tapes, with what of a server this benchmark needs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.pids = [process.pid]

    async def order(self, order: Order) -> Told:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(msgspec.json.encode(order) + b"\n")
        async with asyncio.timeout(_ORDER_S):
            line = await self.process.stdout.readline()
        return msgspec.json.decode(line, type=Told)

    async def publish(self, peer: Peer, number: int = 0) -> None:
        await peer.connect((await self.order(Order("publish", room=number, offer=peer.offer))).answer)

    async def watch(self, peer: Peer) -> str:
        return (await self.order(Order("watch", offer=peer.offer))).answer


@contextlib.asynccontextmanager
async def tapes(folder: Path, rooms: int) -> AsyncGenerator[TapesServer]:
    pipe = asyncio.subprocess.PIPE
    with pinned(SERVER_CORE):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.bench.tapes", HOST, str(folder), str(rooms)),
            stdin=pipe,
            stdout=pipe,
            limit=1 << 20,
        )
    try:
        yield TapesServer(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(_ORDER_S):
                await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one recording: share of a core (%), us for each packet that came in for it."""

    share: float
    us_per_packet: float


async def record(publishers: int, viewers: int, seconds: float, repeat: int) -> Figure:
    """CPU of recording 2 Mb/s and sound, measured with and without it; what viewers of one of the rooms see of it."""
    certificate = Certificate.generate()
    frames, opus = encode_programme(video_bps=VIDEO_BPS)
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/var/tmp") as name:
        folder = Path(name)
        async with contextlib.AsyncExitStack() as opened:
            server = await opened.enter_async_context(tapes(folder, publishers))
            running: list[Publisher] = []
            peers: list[Peer] = []
            for number in range(publishers):
                peers.append(Peer.publisher(certificate, PeerOptions(bind=HOST)))
                await server.publish(peers[-1], number)
                opened.push_async_callback(peers[-1].close)
                running.append(Publisher([peers[-1]], frames, opus))
                await opened.enter_async_context(running[-1].running())
            place = Studio(certificate, cast("OurServer", server), tuple(running), tuple(peers))
            await place.publisher.pause()
            with stamped(place) as sent:
                people = await opened.enter_async_context(crowd(certificate, viewers, cast("OurServer", server)))
                place.publisher.resume()
                await everyone_sees([people])
                stand = Stand(place, people, sent, direct_path_us())
                costs = [await _cost(place, server, publishers, seconds) for _ in range(repeat)]
                without = await stand.measure(seconds)
                told = await server.order(Order("keep", rooms=publishers))
                await asyncio.sleep(_SETTLE_S)
                before = told.kept_ms
                found = await stand.measure(seconds)
                told = await server.order(Order("keep"))
                await asyncio.sleep(_SETTLE_S)
                told = await server.order(Order("look"))
        wrong = [finding for path in folder.iterdir() for finding in verify(path)]
    kept_s = [(now - then) / 1000 for now, then in zip(told.kept_ms, before, strict=True)]
    show(f"kept {min(kept_s):.1f} to {max(kept_s):.1f} s, {told.dropped} frames dropped, {told.gaps} gaps")
    return _figure(publishers, viewers, costs, (without, found), seconds * repeat, told, len(wrong))


async def _cost(place: Studio, server: TapesServer, publishers: int, seconds: float) -> Cost:
    async def usage() -> tuple[float, float]:
        packets = (await server.order(Order("look"))).counters["packets_received"]
        meter = place.meter()
        await asyncio.sleep(seconds / 2)
        used = meter.stop()
        packets = (await server.order(Order("look"))).counters["packets_received"] - packets
        return used.cpu_ns / 1e3 / used.seconds, packets / used.seconds

    without, _ = await usage()
    await server.order(Order("keep", rooms=publishers))
    await asyncio.sleep(_SETTLE_S)
    recording, rate = await usage()
    recording_again, _ = await usage()
    await server.order(Order("keep"))
    await asyncio.sleep(_SETTLE_S)
    without_after, _ = await usage()
    more = (recording + recording_again - without - without_after) / 2
    cost = Cost(more / 1e4 / publishers, more / rate)
    show(
        f"without {without / 1e4:.2f} and {without_after / 1e4:.2f} % of a core, with {recording / 1e4:.2f} and"
        f" {recording_again / 1e4:.2f} %; {cost.share:.2f} % a recording, {cost.us_per_packet:.2f} us a packet"
    )
    return cost


def _figure(
    publishers: int,
    viewers: int,
    costs: list[Cost],
    rounds: tuple[Round, Round],
    seconds: float,
    told: Told,
    wrong: int,
) -> Figure:
    without, found = rounds
    share, each = Spread.of([cost.share for cost in costs]), Spread.of([cost.us_per_packet for cost in costs])
    show(f"% of a core per recording: {share}; us per packet: {each}")
    why = list(found.why)
    if found.p99_ms - without.p99_ms > MOST_P99_MS:
        why.append(f"viewers wait {found.p99_ms - without.p99_ms:.1f} ms longer (p99)")
    if wrong or told.dropped:
        why.append(f"{wrong} findings in the files, {told.dropped} frames dropped")
    return Figure(
        name=f"record --publishers {publishers}",
        what=f"share of a core that recording one of {publishers} 2 Mb/s publishers takes",
        value=round(share.middle, 2),
        unit="%",
        target=MOST_SHARE,
        viewers=viewers,
        packets=found.packets,
        seconds=seconds,
        lost=found.lost,
        verified=found.verified,
        cipher=CIPHER,
        details={
            "share": asdict(share),
            "us_per_packet": asdict(each),
            "p99_ms": found.p99_ms,
            "p50_ms": found.p50_ms,
            "without_p99_ms": without.p99_ms,
            "without_p50_ms": without.p50_ms,
            "recorded_bytes": told.bytes,
            "gaps": told.gaps,
        },
        why=tuple(why),
    )
