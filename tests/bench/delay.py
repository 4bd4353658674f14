"""What the server adds to the way of a packet: `latency`, and `chat` with a hall of sockets in the same room."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass

import msgspec

from tests.bench.beside import beside
from tests.bench.calm import calmest
from tests.bench.crowd import Crowd, roomy
from tests.bench.fanout import CIPHER, crowd, everyone_sees, silence
from tests.bench.figures import Figure, lost_packets, mismatches, percentile
from tests.bench.hall import Heard
from tests.bench.place import show
from tests.bench.reader import SO_TIMESTAMPNS, receive_stamped
from tests.bench.solo import Studio, studio
from tests.bench.source import digest

LINES_A_SECOND = 5
_DIRECT_PACKETS = 500
_WARM_UP_S = 3.0  # of the server: its first receiver reports and requests are not like the later ones


@dataclass(frozen=True, slots=True)
class Round:
    """Milliseconds from the publisher's send call to the kernel's receive time at a viewer, less the direct path's."""

    p50_ms: float
    p99_ms: float
    seconds: float
    packets: int
    lost: int
    verified: int
    foreign: float
    why: tuple[str, ...]


class Stand:
    """A publisher, its viewers, and when each payload was sent."""

    def __init__(self, place: Studio, people: Crowd, sent: dict[bytes, int], direct_us: float) -> None:
        self.place = place
        self._people = people
        self._sent = sent
        self._direct_us = direct_us

    async def measure(self, seconds: float) -> Round:
        """From one silence to the next."""
        publisher, people = self.place.publisher, self._people
        await silence(publisher, [people])
        people.decrypt(people.reader.samples())
        self._sent.clear()
        publisher.remember = True
        people.reader.keep(True)
        counts, published = people.counts, publisher.packets
        meter = self.place.meter()
        publisher.resume()
        await asyncio.sleep(seconds)
        await silence(publisher, [people])
        usage = meter.stop()
        publisher.remember = False
        people.reader.keep(False)
        received = [now - then for now, then in zip(people.counts, counts, strict=True)]
        delays: list[float] = []
        wrong = 0
        for packets in people.decrypt(people.reader.samples()).values():
            digests = [digest(payload) for _, payload in packets]
            wrong += mismatches(self._sent, digests)
            delays += [
                (at_ns - self._sent[each]) / 1e3 - self._direct_us
                for (at_ns, _), each in zip(packets, digests, strict=True)
                if each in self._sent
            ]
        lost = lost_packets(publisher.packets - published, received)
        p50, p99 = (round(percentile(delays, share) / 1e3, 3) for share in (0.5, 0.99))
        show(f"added latency p50 {p50} ms, p99 {p99} ms, max {max(delays, default=0) / 1e3:.3f} ms")
        why = [f"{lost} packets lost"] if lost else []
        if wrong:
            why.append(f"{wrong} sampled packets missing, repeated or different")
        foreign = meter.foreign_share(usage.cpu_ns)
        return Round(p50, p99, seconds, sum(received), lost, len(delays), foreign, tuple(why))


@contextlib.asynccontextmanager
async def stand(viewers: int) -> AsyncGenerator[Stand]:
    """Viewers who all see the programme."""
    direct_us = direct_path_us()
    show(f"a datagram without a server takes {direct_us:.0f} us (median)")
    async with studio() as place:
        await place.publisher.pause()
        with stamped(place) as sent:
            async with crowd(place.certificate, viewers, place.server) as people:
                place.publisher.resume()
                await everyone_sees([people])
                await asyncio.sleep(_WARM_UP_S)
                yield Stand(place, people, sent, direct_us)


@contextlib.contextmanager
def stamped(place: Studio) -> Generator[dict[bytes, int]]:
    """Digests of the first publisher's payloads, and when (ns) each was handed to the socket, while it remembers."""
    sent: dict[bytes, int] = {}

    def stamp(plain: bytes) -> bool:
        # Called right before the datagram is sent; the payload begins behind 12 bytes and the extension.
        if place.publisher.remember:
            size = 12 + (4 + 4 * int.from_bytes(plain[14:16], "big") if plain[0] & 0x10 else 0)
            sent[digest(plain[size:])] = time.time_ns()
        return False

    place.peer.lose_outgoing = stamp
    yield sent


async def latency(viewers: int, seconds: float, tries: int) -> Figure:
    """What is added for viewers of one programme, with nothing else going on."""
    async with stand(viewers) as measured:

        async def once() -> tuple[Figure, float]:
            found = await measured.measure(seconds)
            return _figure(f"latency --viewers {viewers}", "added latency, p99", viewers, found), found.foreign

        return await calmest(once, tries)


async def chat(viewers: int, sockets: int, seconds: float, tries: int) -> Figure:
    """The same while `sockets` in the same room, of the same worker, hear LINES_A_SECOND; before it, without them."""
    async with stand(viewers) as measured:

        async def once() -> tuple[Figure, float]:
            without = await measured.measure(seconds)
            server = measured.place.server
            where = (server.server.base_url, server.stage.id, str(sockets), str(LINES_A_SECOND))
            async with beside("hall", *where) as talking:
                await talking.tell(b"talk")
                found = await measured.measure(seconds)
                await talking.tell(b"still")
                heard = msgspec.json.decode(await talking.line(), type=Heard)
            show(f"{heard.said} lines, {heard.least} with the socket that got fewest, {heard.refused} refused")
            why = [f"without sockets: {each}" for each in without.why]
            if heard.refused or heard.least != heard.said or heard.said < LINES_A_SECOND * seconds - 1:
                why.append(f"{heard.said} lines said, {heard.refused} refused, {heard.least} heard by all")
            figure = _figure(
                f"chat --viewers {viewers} --sockets {sockets}",
                f"added latency, p99, while {sockets} sockets hear {LINES_A_SECOND} lines a second",
                viewers,
                found,
                why,
                {"without_p50_ms": without.p50_ms, "without_p99_ms": without.p99_ms, "lines": heard.said},
            )
            return figure, max(found.foreign, without.foreign)

        return await calmest(once, tries)


def _figure(
    name: str,
    what: str,
    viewers: int,
    found: Round,
    why: list[str] | None = None,
    details: dict[str, object] | None = None,
) -> Figure:
    return Figure(
        name=name,
        what=what,
        value=found.p99_ms,
        unit="ms",
        target=20,
        viewers=viewers,
        packets=found.packets,
        seconds=found.seconds,
        lost=found.lost,
        verified=found.verified,
        cipher=CIPHER,
        details={"p50_ms": found.p50_ms, "p99_ms": found.p99_ms, **(details or {})},
        why=(*found.why, *(why or ())),
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
