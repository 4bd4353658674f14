"""`fanout`: what forwarding one packet costs, beside another server that does the same work at the same time."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from expo.media.aiortc_seam import Certificate
from expo.media.peer import Peer, PeerOptions
from tests.bench.cpu import Meter
from tests.bench.crowd import Crowd
from tests.bench.figures import Figure, Spread, lost_packets, mismatches
from tests.bench.janus import janus_server
from tests.bench.mediarelay import relay_server
from tests.bench.ours import OurServer, idle_counters, our_server
from tests.bench.place import HOST, LOAD_CORE, SERVER_CORE, describe, dropped_datagrams, show
from tests.bench.source import STILL_S, Publisher, digest, encode_programme

SAMPLED = 3
CIPHER = "AES-128-GCM"
RELAY_VIEWERS = 3  # they fill a core
_WARM_UP_S = 2.0
_EVERYONE_SEES_S = 20.0
_SILENCE_S = 30.0


class Rival(Protocol):
    """A server to compare with."""

    pids: list[int]

    async def publish(self, peer: Peer) -> None: ...

    async def watch(self, peer: Peer) -> str: ...


@dataclass(frozen=True, slots=True)
class Round:
    """One repetition on one server."""

    cpu_us: float
    ticks_us: float
    seconds: float
    packets: int
    lost: int
    verified: int
    wrong: int
    viewers: int

    @property
    def us_per_packet(self) -> float:
        return self.cpu_us / max(1, self.packets)

    @property
    def cpu_share_per_viewer(self) -> float:
        """Seconds of CPU per viewer-second."""
        return self.cpu_us / 1e6 / self.seconds / self.viewers


async def fanout(viewers: int, against: str, seconds: float, repeat: int) -> Figure:
    """Both servers share one core, the load has the other; every repetition yields one ratio."""
    certificate = Certificate.generate()
    frames, opus = encode_programme()
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        ours = await stack.enter_async_context(our_server(folder / "ours"))
        rival: Rival = await stack.enter_async_context(
            janus_server(folder / "janus", certificate) if against == "janus" else relay_server(certificate)
        )
        peers = [Peer.publisher(certificate, PeerOptions(bind=HOST)) for _ in range(2)]
        await ours.publish(peers[0])
        await rival.publish(peers[1])
        for peer in peers:
            stack.push_async_callback(peer.close)
        publisher = Publisher(peers, frames, opus, decoded_by=None if against == "janus" else peers[1])
        await stack.enter_async_context(publisher.running())
        await publisher.pause()  # nobody reads the sockets of those who join first
        crowds = [
            await stack.enter_async_context(crowd(certificate, viewers, ours)),
            await stack.enter_async_context(
                crowd(certificate, viewers if against == "janus" else RELAY_VIEWERS, rival)
            ),
        ]
        publisher.resume()
        await everyone_sees(crowds)
        show(f"{viewers} viewers on each server" if against == "janus" else f"{viewers} and {RELAY_VIEWERS} viewers")
        before = await ours.counters()
        asked, resent = [each.asked for each in crowds], [each.resent for each in crowds]
        exact = (True, against == "janus")
        rounds = [await _repetition(publisher, crowds, (ours, rival), seconds, exact) for _ in range(repeat)]
        after = await ours.counters()
        why = [f"our server's {name} stood still" for name in idle_counters(before, after)]
        requests = [each.asked - then for each, then in zip(crowds, asked, strict=True)]
        repairs = [each.resent - then for each, then in zip(crowds, resent, strict=True)]
    names = ("expo", against)
    for name, request, repair in zip(names, requests, repairs, strict=True):
        show(f"{name}: {repair} retransmissions arrived for {request} packets reported missing")
    return _figure(viewers, against, rounds, why, repairs)


@contextlib.asynccontextmanager
async def crowd(certificate: Certificate, viewers: int, server: OurServer | Rival) -> AsyncGenerator[Crowd]:
    """Viewers of one server."""
    people = Crowd(certificate, HOST, SAMPLED, LOAD_CORE)
    try:
        await people.join(viewers, server.watch)
        people.start()
        yield people
    finally:
        await people.close()


async def everyone_sees(crowds: Sequence[Crowd]) -> None:
    """Return when every viewer got picture and sound."""
    async with asyncio.timeout(_EVERYONE_SEES_S):
        while any(min(each.counts) == 0 or max(each.reader.newest) > 0xFFFF for each in crowds):  # noqa: ASYNC110
            await asyncio.sleep(0.05)  # the counts are another process's, in shared memory


async def silence(publisher: Publisher, crowds: Sequence[Crowd]) -> None:
    """Pause, and return when nothing has arrived for a while: what is missing then is lost."""
    await publisher.pause()
    async with asyncio.timeout(_SILENCE_S):
        counts: list[list[int]] = []
        while counts != (counts := [each.counts for each in crowds]):  # noqa: ASYNC110
            await asyncio.sleep(STILL_S)


async def _repetition(
    publisher: Publisher,
    crowds: list[Crowd],
    servers: tuple[OurServer, Rival],
    seconds: float,
    exact: tuple[bool, bool],
) -> tuple[Round, Round]:
    """Measure from one silence to the next, so that every packet published is either counted or lost."""
    publisher.resume()
    await asyncio.sleep(_WARM_UP_S)
    await silence(publisher, crowds)
    for each in crowds:
        each.reader.keep(True)
    counts = [each.counts for each in crowds]
    published = publisher.packets
    publisher.sent.clear()
    publisher.remember = True
    meters = [Meter(partial(list[int], server.pids), SERVER_CORE) for server in servers]
    publisher.resume()
    await asyncio.sleep(seconds)
    await silence(publisher, crowds)
    usages = [meter.stop() for meter in meters]
    foreign = meters[0].foreign_share(sum(usage.cpu_ns for usage in usages))
    publisher.remember = False
    published = publisher.packets - published
    rounds: list[Round] = []
    for people, then, usage, whole in zip(crowds, counts, usages, exact, strict=True):
        people.reader.keep(False)
        received = [now - earlier for now, earlier in zip(people.counts, then, strict=True)]
        verified = wrong = 0
        if whole:
            for packets in people.decrypt(people.reader.samples()).values():
                digests = [digest(payload) for _, payload in packets]
                verified += sum(each in publisher.sent for each in digests)
                wrong += mismatches(publisher.sent, digests)
        lost = lost_packets(published, received) if whole else 0
        rounds.append(
            Round(
                usage.cpu_ns / 1e3,
                usage.ticks_ns / 1e3,
                seconds,
                sum(received),
                lost,
                verified,
                wrong,
                len(received),
            )
        )
    show(
        f"{seconds:.0f} s: us per packet {describe((each.us_per_packet for each in rounds), 2)}"
        f" (by ticks {describe((each.ticks_us / max(1, each.packets) for each in rounds), 2)}),"
        f" foreign load {foreign:.0%},"
        f" full buffers {dropped_datagrams()},"
        f" lost {rounds[0].lost} and {rounds[1].lost}, verified {rounds[0].verified} and {rounds[1].verified}"
    )
    return rounds[0], rounds[1]


def _figure(
    viewers: int, against: str, rounds: list[tuple[Round, Round]], why: list[str], repairs: list[int]
) -> Figure:
    ours, theirs = [ours for ours, _ in rounds], [theirs for _, theirs in rounds]
    lost, wrong = sum(each.lost for each in ours), sum(each.wrong for each in ours)
    if lost:
        why.append(f"{lost} packets lost")
    if wrong:
        why.append(f"{wrong} sampled packets missing, repeated or different")
    if not sum(each.verified for each in ours):
        why.append("no packet verified")
    cost = Spread.of([each.us_per_packet for each in ours])
    if against == "janus":
        ratios = Spread.of([mine.us_per_packet / his.us_per_packet for mine, his in rounds])
        their_lost = sum(each.lost for each in theirs)
        if their_lost or sum(each.wrong for each in theirs) or not repairs[1]:
            why.append(f"Janus did not do the same work: lost {their_lost}, repeated {repairs[1]}")
        details: dict[str, object] = {"janus_us_per_packet": Spread.of([each.us_per_packet for each in theirs]).middle}
        show(f"us per packet: ours {cost}, Janus {Spread.of([each.us_per_packet for each in theirs])}")
        what, target = "server CPU per forwarded packet, against Janus", 1.0
    else:
        ratios = Spread.of([mine.cpu_share_per_viewer / his.cpu_share_per_viewer for mine, his in rounds])
        share = Spread.of([1000 * each.cpu_share_per_viewer for each in theirs])
        mine = Spread.of([1000 * each.cpu_share_per_viewer for each in ours])
        if not min(each.packets for each in theirs):
            why.append("MediaRelay sent nothing")
        show(f"ms of CPU per viewer-second: ours {mine}, MediaRelay {share}")
        details = {"ms_per_viewer_second": {"ours": mine.middle, against: share.middle}}
        what, target = "server CPU per viewer-second, against aiortc's MediaRelay", 1 / 20
    show(f"ratio {ratios.middle:.3f} ({ratios.low:.3f} to {ratios.high:.3f})")
    return Figure(
        name=f"fanout --viewers {viewers} --against {against}",
        what=what,
        value=round(ratios.middle, 4),
        unit="x",
        target=target,
        viewers=viewers,
        packets=sum(each.packets for each in ours),
        seconds=sum(each.seconds for each in ours),
        lost=lost,
        verified=sum(each.verified for each in ours),
        cipher=CIPHER,
        details={"us_per_packet": round(cost.middle, 3), "ratio": {against: round(ratios.middle, 4)}, **details},
        why=tuple(why),
    )
