"""Figures of our server alone: `ingest`, `memory`, `join`."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncGenerator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import aiohttp

from expo.media.aiortc_seam import Certificate
from expo.media.peer import Peer, PeerOptions
from tests.bench.calm import calmest
from tests.bench.cpu import Meter, resident_kib
from tests.bench.fanout import CIPHER, crowd, everyone_sees
from tests.bench.figures import Figure, Spread
from tests.bench.ours import OurServer, our_server
from tests.bench.place import HOST, SERVER_CORE, show
from tests.bench.source import FPS, Publisher, encode_programme

_AT_ONCE = 4
# A core that was asleep makes the first joins half as dear again.
_WARM_UP = 150


@dataclass(frozen=True, slots=True)
class Studio:
    """A server with publishers on air, each in a room of its own; most figures have but one."""

    certificate: Certificate
    server: OurServer
    publishers: tuple[Publisher, ...]
    peers: tuple[Peer, ...]

    @property
    def publisher(self) -> Publisher:
        return self.publishers[0]

    @property
    def peer(self) -> Peer:
        return self.peers[0]

    def meter(self) -> Meter:
        return Meter(partial(list[int], self.server.pids), SERVER_CORE)

    @property
    def packets(self) -> int:
        """Sent so far."""
        return sum(publisher.packets for publisher in self.publishers)

    async def pause(self) -> None:
        """Stop all but the first; returns once their last packet has had time to arrive."""
        await asyncio.gather(*(publisher.pause() for publisher in self.publishers[1:]))

    async def resume(self) -> None:
        """One after the other, so that their pictures come spread over the frame time, as cameras' do."""
        for publisher in self.publishers[1:]:
            publisher.resume()
            await asyncio.sleep(1 / FPS / len(self.publishers))


@contextlib.asynccontextmanager
async def studio(publishers: int = 1) -> AsyncGenerator[Studio]:
    certificate = Certificate.generate()
    frames, opus = encode_programme()
    async with contextlib.AsyncExitStack() as opened:
        folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
        server = await opened.enter_async_context(our_server(Path(folder) / "ours", stages=publishers))
        peers: list[Peer] = []
        running: list[Publisher] = []
        for number in range(publishers):
            peer = Peer.publisher(certificate, PeerOptions(bind=HOST))
            await server.publish(peer, number)
            opened.push_async_callback(peer.close)
            peers.append(peer)
            running.append(Publisher([peer], frames, opus))
            await opened.enter_async_context(running[-1].running())
        yield Studio(certificate, server, tuple(running), tuple(peers))


async def ingest(publishers: int, viewers: int, seconds: float, repeat: int) -> Figure:
    """CPU per packet that comes in from more publishers, on a worker that forwards one programme to `viewers`.

    What the worker does anyway is measured before and after, and taken off. A worker without any other work is another
    matter: its core sleeps and forgets its caches between the bursts of a camera, and every wake-up costs several times
    what it costs a busy one, of a core that nobody needs (`--alone` shows that).
    """
    async with studio(publishers + 1) as place, contextlib.AsyncExitStack() as watched:
        await place.pause()
        if viewers:
            people = await watched.enter_async_context(crowd(place.certificate, viewers, place.server))
            await everyone_sees([people])
        else:
            await place.publisher.pause()
        await asyncio.sleep(2)
        rounds = [await _more_publishers(place, seconds) for _ in range(repeat)]
    cost = Spread.of([each[0] for each in rounds])
    lost = sum(each[2] for each in rounds)
    show(f"us per packet: {cost}")
    beside = f"beside one programme to {viewers} viewers" if viewers else "on a worker that does nothing else"
    return Figure(
        name=f"ingest --publishers {publishers} " + (f"--viewers {viewers}" if viewers else "--alone"),
        what=f"server CPU per packet that comes in from {publishers} publishers, {beside}",
        value=round(cost.middle, 2),
        unit="us",
        target=25,
        viewers=viewers,
        packets=sum(each[1] for each in rounds),
        seconds=seconds * repeat,
        lost=lost,
        cipher=CIPHER,
        details={"us_per_packet": asdict(cost), "publishers": publishers},
        why=(f"{lost} packets lost",) if lost else (),
    )


async def _more_publishers(place: Studio, seconds: float) -> tuple[float, int, int]:
    """One repetition: us of CPU for each packet of all publishers but the first, those packets, and the lost ones."""
    without = await _usage(place, seconds / 2)
    before, sent, first = await place.server.counters(), place.packets, place.publisher.packets
    meter = place.meter()
    await place.resume()
    await asyncio.sleep(seconds)
    await place.pause()
    usage = meter.stop()
    after, sent, first = await place.server.counters(), place.packets - sent, place.publisher.packets - first
    without_after = await _usage(place, seconds / 2)
    arrived = round(after["packets_received"] - before["packets_received"]) - first
    cost = (usage.cpu_ns / 1e3 - (without + without_after) / 2 * usage.seconds) / max(1, arrived)
    show(f"without them {without / 1e4:.2f} % of a core before, {without_after / 1e4:.2f} % after; {cost:.2f} us each")
    return cost, arrived, sent - first - arrived


async def _usage(place: Studio, seconds: float) -> float:
    """The server's CPU time (us) per second, measured for so long."""
    meter = place.meter()
    await asyncio.sleep(seconds)
    usage = meter.stop()
    return usage.cpu_ns / 1e3 / usage.seconds


async def memory(viewers: int) -> Figure:
    """Resident memory of the worker that the viewers after the first few cost, while media flows."""
    async with studio() as place:
        async with crowd(place.certificate, 10, place.server) as early:
            await everyone_sees([early])
            await asyncio.sleep(2)
        await asyncio.sleep(1)
        before = resident_kib(place.server.worker_pid)
        await place.publisher.pause()
        async with crowd(place.certificate, viewers, place.server) as people:
            place.publisher.resume()
            await everyone_sees([people])
            counts = people.counts
            await asyncio.sleep(5)
            packets = sum(people.counts) - sum(counts)
            after = resident_kib(place.server.worker_pid)
    each = (after - before) / viewers
    show(f"worker: {before} KiB before, {after} KiB with {viewers} viewers")
    return Figure(
        name="memory",
        what="server memory per viewer",
        value=round(each, 1),
        unit="KiB",
        target=150,
        viewers=viewers,
        packets=packets,
        seconds=5,
        cipher=CIPHER,
        details={"kib_per_viewer": round(each, 1), "worker_kib": after},
    )


async def join(joins: int, tries: int) -> Figure:
    """CPU from a viewer's POST to its SRTP keys, each over an HTTP connection of its own; silence on air."""
    async with studio() as place:
        await place.publisher.pause()
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as http:
            place.server.http = http
            for peer in await _join_many(place, _WARM_UP):
                await peer.close()
            return await calmest(partial(_join, place, joins), tries)


async def _join(place: Studio, joins: int) -> tuple[Figure, float]:
    before = await place.server.counters()
    meter = place.meter()
    peers = await _join_many(place, joins)
    usage = meter.stop()
    foreign = meter.foreign_share(usage.cpu_ns)
    after = await place.server.counters()
    for peer in peers:
        await peer.close()
    done = round(after["handshakes_completed"] - before["handshakes_completed"])
    each = usage.cpu_ns / 1e6 / joins
    show(f"{joins / usage.seconds:.0f} joins a second")
    figure = Figure(
        name="join",
        what="server CPU per WHEP join (HTTP, SDP, ICE, DTLS)",
        value=round(each, 3),
        unit="ms",
        target=2.5,
        viewers=joins,
        seconds=usage.seconds,
        cipher=CIPHER,
        details={"ms_per_join": round(each, 3), "joins": joins},
        why=(f"{done} of {joins} handshakes completed",) if done != joins else (),
    )
    return figure, foreign


async def _join_many(place: Studio, count: int) -> list[Peer]:
    """Join `count` viewers, a few at a time."""
    waiting = list(range(count))
    peers: list[Peer] = []

    async def come() -> None:
        while waiting:
            waiting.pop()
            peer = Peer.viewer(place.certificate, PeerOptions(bind=HOST))
            await peer.connect(await place.server.watch(peer))
            peers.append(peer)

    async with asyncio.TaskGroup() as group:
        for number in range(_AT_ONCE):
            group.create_task(come(), name=f"bench.join-{number}")
    return peers
