"""Figures of our server alone: `ingest`, `memory`, `join`, `latency`."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import tempfile
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import aiohttp

from expo.media.aiortc_seam import Certificate
from expo.media.peer import Peer, PeerOptions
from tests.bench.calm import calmest
from tests.bench.cpu import Meter, resident_kib
from tests.bench.crowd import roomy
from tests.bench.fanout import CIPHER, crowd, everyone_sees, silence
from tests.bench.figures import Figure, lost_packets, mismatches, percentile
from tests.bench.ours import OurServer, our_server
from tests.bench.place import HOST, SERVER_CORE, show
from tests.bench.reader import SO_TIMESTAMPNS, receive_stamped
from tests.bench.source import FPS, Publisher, digest, encode_programme

_AT_ONCE = 4
_DIRECT_PACKETS = 500


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
        """Returns once the last packet of all has had time to arrive."""
        await asyncio.gather(*(publisher.pause() for publisher in self.publishers))

    async def resume(self) -> None:
        """One after the other, so that their pictures come spread over the frame time, as cameras' do."""
        for publisher in self.publishers:
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


async def ingest(publishers: int, seconds: float, tries: int) -> Figure:
    """CPU per packet that comes in from `publishers`, nobody watching; the idle server is measured apart and taken off.

    How many there are decides: between the bursts of a lone camera the core sleeps and forgets its caches, which on a
    machine with nothing else to do makes every wake-up cost several times what it costs a busy one.
    """
    async with studio(publishers) as place:
        await asyncio.sleep(2)
        return await calmest(partial(_ingest, place, seconds), tries)


async def _ingest(place: Studio, seconds: float) -> tuple[Figure, float]:
    await place.pause()
    idle_meter = place.meter()
    await asyncio.sleep(seconds / 2)
    idle = idle_meter.stop()
    idle_us_per_s = idle.cpu_ns / 1e3 / idle.seconds
    before, sent = await place.server.counters(), place.packets
    meter = place.meter()
    await place.resume()
    await asyncio.sleep(seconds)
    await place.pause()
    usage = meter.stop()
    after, sent = await place.server.counters(), place.packets - sent
    arrived = round(after["packets_received"] - before["packets_received"])
    gross = usage.cpu_ns / 1e3 / max(1, arrived)
    net = (usage.cpu_ns / 1e3 - idle_us_per_s * usage.seconds) / max(1, arrived)
    foreign = meter.foreign_share(usage.cpu_ns)
    show(f"idle server {idle_us_per_s / 1e4:.2f} % of a core")
    show(f"{net:.2f} us per packet, {gross:.2f} us with all that an idle server does (timers, Valkey, supervisor)")
    count = len(place.publishers)
    figure = Figure(
        name=f"ingest --publishers {count}",
        what=f"server CPU per packet that comes in from {count} publishers, nobody watching",
        value=round(net, 2),
        unit="us",
        target=25,
        packets=arrived,
        seconds=seconds,
        lost=sent - arrived,
        cipher=CIPHER,
        details={"us_per_packet": round(net, 2), "us_per_packet_with_idle": round(gross, 2), "publishers": count},
        why=(f"{sent - arrived} packets lost",) if sent != arrived else (),
    )
    return figure, foreign


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
            for peer in await _join_many(place, 20):
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


async def latency(viewers: int, seconds: float, tries: int) -> Figure:
    """From the publisher's send call to the kernel's receive time at the viewer, less that of a plain socket pair."""
    direct_us = direct_path_us()
    show(f"a datagram without a server takes {direct_us:.0f} us (median)")
    sent: dict[bytes, int] = {}
    async with studio() as place:
        await place.publisher.pause()

        def stamp(plain: bytes) -> bool:
            # Called right before the datagram is sent; the payload begins behind 12 bytes and the extension.
            if place.publisher.remember:
                size = 12 + (4 + 4 * int.from_bytes(plain[14:16], "big") if plain[0] & 0x10 else 0)
                sent[digest(plain[size:])] = time.time_ns()
            return False

        place.peer.lose_outgoing = stamp
        async with crowd(place.certificate, viewers, place.server) as people:
            place.publisher.resume()
            await everyone_sees([people])

            async def once() -> tuple[Figure, float]:
                await silence(place.publisher, [people])
                people.decrypt(people.reader.samples())
                sent.clear()
                place.publisher.remember = True
                people.reader.keep(True)
                counts, published = people.counts, place.publisher.packets
                meter = place.meter()
                place.publisher.resume()
                await asyncio.sleep(seconds)
                await silence(place.publisher, [people])
                usage = meter.stop()
                place.publisher.remember = False
                people.reader.keep(False)
                published = place.publisher.packets - published
                received = [now - then for now, then in zip(people.counts, counts, strict=True)]
                delays: list[float] = []
                wrong = 0
                for packets in people.decrypt(people.reader.samples()).values():
                    digests = [digest(payload) for _, payload in packets]
                    wrong += mismatches(sent, digests)
                    delays += [
                        (at_ns - sent[each]) / 1e3 - direct_us
                        for (at_ns, _), each in zip(packets, digests, strict=True)
                        if each in sent
                    ]
                lost = lost_packets(published, received)
                figure = _latency_figure(viewers, seconds, sum(received), lost, wrong, delays)
                return figure, meter.foreign_share(usage.cpu_ns)

            return await calmest(once, tries)


def _latency_figure(viewers: int, seconds: float, packets: int, lost: int, wrong: int, delays: list[float]) -> Figure:
    p50, p99 = (round(percentile(delays, share) / 1e3, 3) for share in (0.5, 0.99))
    show(f"added latency p50 {p50} ms, p99 {p99} ms, max {max(delays, default=0) / 1e3:.3f} ms")
    why = [f"{lost} packets lost"] if lost else []
    if wrong:
        why.append(f"{wrong} sampled packets missing, repeated or different")
    return Figure(
        name=f"latency --viewers {viewers}",
        what="added latency, p99",
        value=p99,
        unit="ms",
        target=20,
        viewers=viewers,
        packets=packets,
        seconds=seconds,
        lost=lost,
        verified=len(delays),
        cipher=CIPHER,
        details={"p50_ms": p50, "p99_ms": p99},
        why=tuple(why),
    )


def direct_path_us() -> float:
    """Median time (us) from a send call to the kernel's receive time, without anything between."""
    taken: list[float] = []
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        roomy(receiver)
        receiver.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        receiver.bind(("127.0.0.1", 0))
        for _ in range(_DIRECT_PACKETS):
            before = time.time_ns()
            sender.sendto(bytes(1200), receiver.getsockname())
            taken.append((receive_stamped(receiver)[1] - before) / 1e3)
    return percentile(taken, 0.5)
