"""Viewers by the dozen: joined by the real client, then read by a process that only counts what arrives.

The joining process goes on sending what viewers send: receiver reports, and requests for packets that are recent enough
to make sense, so that servers are measured while they do their whole work.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from expo.media.aiortc_seam import Certificate
from expo.media.peer import Peer, PeerOptions
from expo.media.rtcp import Nack, ReceiverReport, ReportBlock, RtcpItem, ntp_time
from tests.bench.reader import NEVER, Inlet, Reader, Sample

SO_RCVBUFFORCE = 33  # asm-generic/socket.h; beyond net.core.rmem_max, for root
_RECEIVE_BUFFER_BYTES = 4 << 20
_FEEDBACK_S = 1.0
_REPORT_AGE_S = 0.5
_REPORT_DELAY = round((_REPORT_AGE_S - 0.001) * 65536)  # RFC 3550 6.4.1; what is left is the round trip, 1 ms
_NO_REPORTS_S = 1e9  # of the peers' own: they have nothing to say of packets that they never see


@dataclass(frozen=True, slots=True)
class Watcher:
    """A joined viewer whose socket the reader empties."""

    peer: Peer
    sock: socket.socket
    source: int
    """The picture's ssrc."""


class Crowd:
    """Viewers of one server: `join` them, `start` the reader, `close` at the end."""

    def __init__(self, certificate: Certificate, host: str, sampled: int, core: int) -> None:
        self._certificate = certificate
        self._options = PeerOptions(bind=host, report_interval_s=_NO_REPORTS_S)
        self._sampled = sampled
        self._core = core
        self._watchers: list[Watcher] = []
        self._reader: Reader | None = None
        self._requests: asyncio.Task[None] | None = None
        self.asked = 0
        """Packets reported missing."""

    @property
    def reader(self) -> Reader:
        assert self._reader is not None, "not started"
        return self._reader

    @property
    def counts(self) -> list[int]:
        """Packets of picture and sound of each viewer."""
        return list(self.reader.counts)

    @property
    def resent(self) -> int:
        return sum(self.reader.resent)

    async def join(self, count: int, answer: Callable[[Peer], Awaitable[str]]) -> None:
        """Join `count` viewers; `answer` does the signalling and returns what the server said."""
        for _ in range(count):
            peer = Peer.viewer(self._certificate, self._options)
            await peer.connect(await answer(peer))
            sock = peer.detach()
            roomy(sock)
            assert peer.answer is not None
            video = next(media for media in peer.answer.media if media.kind == "video")
            self._watchers.append(Watcher(peer, sock, video.sources[0]))

    def start(self) -> None:
        """Fork the reader, and report to the server every second from now on, spread over that second."""
        spread = sampled_positions(len(self._watchers), self._sampled)
        inlets: list[Inlet] = []
        for index, watcher in enumerate(self._watchers):
            assert watcher.peer.answer is not None
            plans = {media.kind: media for media in watcher.peer.answer.media}
            inlets.append(
                Inlet(
                    watcher.sock,
                    plans["video"].payload_type,
                    plans["audio"].payload_type,
                    plans["video"].rtx_payload_type,
                    index in spread,
                    partial(_answer_check, watcher.peer),
                )
            )
        self._reader = Reader(inlets, self._core)
        self._requests = asyncio.create_task(self._feed_back(), name="crowd.feedback")

    def decrypt(self, samples: Sequence[Sample]) -> dict[int, list[tuple[int, bytes]]]:
        """(receive time in ns, payload) by viewer; anchors are read and left out. A forged datagram raises."""
        plain: dict[int, list[tuple[int, bytes]]] = {}
        for sample in samples:
            srtp = self._watchers[sample.viewer].peer.link.srtp
            assert srtp is not None
            packet = srtp.unprotect(sample.datagram)
            if not sample.anchor:
                received = plain.setdefault(sample.viewer, [])
                received.append((sample.received_ns, packet[header_bytes(packet) :]))
        return plain

    async def close(self) -> None:
        if self._requests is not None:
            self._requests.cancel()
            await asyncio.wait({self._requests})
        if self._reader is not None:
            self._reader.stop()
        for watcher in self._watchers:
            await watcher.peer.close()

    async def _feed_back(self) -> None:
        """What browsers send: a receiver report a second, here each with a request for two recent packets."""
        pause_s = _FEEDBACK_S / max(1, len(self._watchers))
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            for index, watcher in enumerate(self._watchers):
                due += pause_s
                await asyncio.sleep(max(0.0, due - loop.time()))
                newest = self.reader.newest[index]
                if newest == NEVER:
                    continue
                me = watcher.peer.ssrc
                # The sender reports went to the reader. Their clock is this machine's, so a report is made up that
                # was half a second old: Janus keeps packets for repeating only while it knows a round-trip time.
                lsr = ntp_time(time.time() - _REPORT_AGE_S) >> 16 & 0xFFFFFFFF
                block = ReportBlock(watcher.source, 0, 0, newest, 0, lsr, _REPORT_DELAY)
                lost = tuple((newest - back) & 0xFFFF for back in (4, 2))
                items: list[RtcpItem] = [ReceiverReport(me, (block,)), Nack(me, watcher.source, lost)]
                watcher.peer.send_rtcp(items)
                self.asked += len(lost)


def _answer_check(peer: Peer, datagram: bytes) -> None:
    """In the reader's process: an answer needs only what both copies of the peer know."""
    if peer.link.ice.selected is not None:
        peer.link.ice.take(datagram, peer.link.ice.selected)


def roomy(sock: socket.socket) -> None:
    """A receive buffer that survives a second without the CPU; the load must not be what loses packets."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, _RECEIVE_BUFFER_BYTES)
    except PermissionError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)


def sampled_positions(count: int, sampled: int) -> set[int]:
    """`sampled` of `count` positions, first and last among them."""
    if sampled <= 1 or count <= 1:
        return set(range(min(count, sampled)))
    sampled = min(count, sampled)
    return {position * (count - 1) // (sampled - 1) for position in range(sampled)}


def header_bytes(packet: bytes) -> int:
    """Length of an RTP header with its contributors and extension (RFC 3550 5.1)."""
    size = 12 + 4 * (packet[0] & 15)
    if packet[0] & 0x10:
        size += 4 + 4 * int.from_bytes(packet[size + 2 : size + 4], "big")
    return size
