"""One live room over the real path: an engine on loopback, a publisher with numbered content, viewers that check it."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Self

from expo.media.aiortc_seam import Certificate
from expo.media.engine import EngineConfig, MediaEngine
from expo.media.peer import Peer, PeerOptions
from expo.media.peer_streams import Incoming
from expo.media.publication import Publication
from expo.media.router import Router
from expo.media.rtp import RtpPacket
from expo.media.subscriber import Downlink

LOOPBACK = "127.0.0.1"
OPTIONS = PeerOptions(bind=LOOPBACK)
_KEY = bytes([0x65, 0x80])  # NAL type 5, first slice of its picture: one IDR in one packet
_DELTA = bytes([0x61, 0x80])
_NUMBER = struct.Struct("!I")


class Source:
    """A publisher whose every payload says which one it is; a frame is `parts` packets of video and one of sound."""

    def __init__(self, peer: Peer, parts: int = 3) -> None:
        self.peer = peer
        self.frames = 0
        self.sent: list[bytes] = []
        self.key_frame_due = True
        self.parts = parts
        self.level_dbov: int | None = None
        peer.on_key_frame_request = self._want_key_frame

    def _want_key_frame(self) -> None:
        self.key_frame_due = True

    def send(self, *, audio: bool = True) -> None:
        """One frame now; a key frame whenever one is due."""
        kind, self.key_frame_due = (_KEY if self.key_frame_due else _DELTA), False
        first = self.frames * self.parts
        payloads = [
            (kind if part == 0 else _DELTA) + _NUMBER.pack(first + part) + bytes(1000) for part in range(self.parts)
        ]
        now_us = time.time_ns() // 1000
        self.peer.send_frame("video", payloads, now_us)
        self.sent += payloads
        if audio:
            self.peer.send_frame("audio", [b"opus" + _NUMBER.pack(self.frames)], now_us, self.level_dbov)
        self.frames += 1

    async def run(self, frames: int, *, gap_s: float = 0.005) -> None:
        """Send `frames` frames paced by `gap_s`."""
        for _ in range(frames):
            self.send()
            await asyncio.sleep(gap_s)


class Watching:
    """A watching peer that keeps what it got, by number."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.video: dict[int, bytes] = {}
        self.audio: list[int] = []
        self.sequences: list[int] = []
        self.timestamps: list[int] = []
        self._changed = asyncio.Event()
        peer.on_packet = self._take

    def _take(self, incoming: Incoming, packet: RtpPacket) -> None:
        if incoming.kind == "audio":
            self.audio.append(_NUMBER.unpack_from(packet.payload, 4)[0])
        elif len(packet.payload) > 5:
            self.video[_NUMBER.unpack_from(packet.payload, 2)[0]] = packet.payload
            self.sequences.append(packet.sequence)
            self.timestamps.append(packet.timestamp)
        self._changed.set()

    async def until(self, condition: Callable[[Self], bool], timeout_s: float = 10) -> None:
        """Wait until what has come satisfies `condition`."""
        async with asyncio.timeout(timeout_s):
            while not condition(self):
                self._changed.clear()
                await self._changed.wait()

    def missed(self, source: Source) -> list[int]:
        """Numbers that should have come since this viewer's first packet, and did not, or differ."""
        first = min(self.video)
        return [n for n in range(first, len(source.sent)) if self.video.get(n) != source.sent[n]]


@asynccontextmanager
async def missing_nothing(source: Source, viewer: Watching) -> AsyncGenerator[None]:
    """Frames flow before, during and after the block; the viewer must have each of them in the end, byte for byte."""
    sending = asyncio.create_task(source.run(100_000, gap_s=0.02), name="canary.source")
    try:
        await viewer.until(lambda seen: bool(seen.video))
        yield
    finally:
        sending.cancel()
        with suppress(asyncio.CancelledError):
            await sending
    await source.run(5)
    last = len(source.sent) - 1
    await viewer.until(lambda seen: last in seen.video and not seen.missed(source))


class Viewer(Watching):
    """One whose server side is at hand."""

    def __init__(self, peer: Peer, downlink: Downlink) -> None:
        super().__init__(peer)
        self.downlink = downlink


@dataclass
class Room:
    engine: MediaEngine
    router: Router
    certificate: Certificate
    ended: list[str] = field(default_factory=list[str])
    peers: list[Peer] = field(default_factory=list[Peer])
    _somebody_left: asyncio.Event = field(default_factory=asyncio.Event)

    def leave(self, who: str) -> None:
        self.ended.append(who)
        self._somebody_left.set()

    async def until_ended(self, count: int = 1) -> None:
        """Wait until the server has let go of `count` participants."""
        async with asyncio.timeout(5):
            while len(self.ended) < count:
                self._somebody_left.clear()
                await self._somebody_left.wait()

    async def publish(self, options: PeerOptions = OPTIONS, **source: int) -> tuple[Source, Publication]:
        """A connected publisher on the picture and the floor."""
        peer = Peer.publisher(self.certificate, options)
        self.peers.append(peer)
        publication = await self.engine.publish(
            peer.offer, self.router, max_bps=2_500_000, on_closed=lambda why: self.leave(f"publisher {why}")
        )
        self.router.point(picture=publication, floor=publication)
        await peer.connect(publication.answer)
        return Source(peer, **source), publication

    async def watch(self, options: PeerOptions = OPTIONS) -> Viewer:
        """A connected viewer of picture and floor."""
        peer = Peer.viewer(self.certificate, options)
        self.peers.append(peer)
        downlink = await self.engine.watch(
            peer.offer, self.router, lanes=None, on_closed=lambda why: self.leave(f"viewer {why}")
        )
        viewer = Viewer(peer, downlink)
        await peer.connect(downlink.answer)
        return viewer


@asynccontextmanager
async def open_room(
    budget: int = 250, *, bind: str = LOOPBACK, port: int = 0, announced: tuple[str, ...] = (LOOPBACK,)
) -> AsyncGenerator[Room]:
    """A room in an engine of its own; everything is closed at the end, whatever happened."""
    engine = await MediaEngine.open(EngineConfig(bind, port, announced, budget))
    room = Room(engine, engine.router(), Certificate.generate())
    try:
        yield room
    finally:
        for peer in room.peers:
            await peer.close()
        await engine.close()
        room.router.close()
