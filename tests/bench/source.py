"""What the load publishes: frames encoded and packetised once, then paced as a camera does."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

import av
import numpy as np

from expo.media.codecs import packetize_h264
from expo.media.peer import Peer

FPS = 30
WIDTH, HEIGHT = 1280, 720
VIDEO_BPS = 1_500_000
KEY_FRAME_EVERY = 90  # frames: 3 s; a key frame that is asked for comes at once
STAMP_BYTES = 8  # the end of every payload: time_ns when it was handed to the socket
_PAYLOAD_BYTES = 1180
_PROGRAMME_S = 6
STILL_S = 0.3


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture as RTP payloads without their stamps."""

    payloads: tuple[bytes, ...]
    key: bool


def encode_programme(seconds: int = _PROGRAMME_S, video_bps: int = VIDEO_BPS) -> tuple[list[Frame], list[bytes]]:
    """Pictures (720p, CBR, test picture with noise) and Opus packets (20 ms, 64 kb/s) to send round and round."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.framerate = WIDTH, HEIGHT, "yuv420p", Fraction(FPS)
    encoder.bit_rate = video_bps
    rate = f"vbv-maxrate={video_bps // 1000}:vbv-bufsize={video_bps // 2000}:nal-hrd=cbr"
    rate += f":keyint={KEY_FRAME_EVERY}:scenecut=0"
    encoder.options = {"preset": "veryfast", "tune": "zerolatency", "profile": "baseline", "x264-params": rate}
    random = np.random.default_rng(1)
    base = np.add.outer(np.arange(HEIGHT) // 4, np.arange(WIDTH) // 8).astype(np.uint8)
    frames: list[Frame] = []
    for number in range(seconds * FPS):
        picture = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
        picture[:HEIGHT] = base + random.integers(0, 12, base.shape, np.uint8) + number
        encoded = cast("Any", encoder).encode(av.VideoFrame.from_ndarray(picture, "yuv420p"))  # av's types are partial
        for packet in encoded:
            payloads = packetize_h264(bytes(packet), _PAYLOAD_BYTES - STAMP_BYTES)
            frames.append(Frame(tuple(payloads), packet.is_keyframe))
    opus = [bytes([0xFC]) + random.bytes(159) for _ in range(50)]
    return frames, opus


class Publisher:
    """Sends the programme through any number of peers at once, the same payloads to each, in 33 ms bursts."""

    def __init__(
        self, peers: Sequence[Peer], frames: list[Frame], opus: list[bytes], *, decoded_by: Peer | None = None
    ) -> None:
        """A server that decodes gets payloads without stamps: to a decoder they are dirt."""
        self._peers = peers
        self._decoded_by = decoded_by
        self._frames = frames
        self._opus = opus
        self._key_frames = [number for number, frame in enumerate(frames) if frame.key]
        self._wanted = False
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._still = asyncio.Event()
        self.packets = 0
        """Packets sent to each peer."""
        self.sent: dict[bytes, int] = {}
        """Digest of every payload sent while `remember` was on -> its stamp (ns)."""
        self.remember = False
        for peer in peers:
            peer.on_key_frame_request = self._want

    def _want(self) -> None:
        self._wanted = True

    async def pause(self) -> None:
        """Send nothing more; returns once the last packet has had time to arrive."""
        if self._flowing.is_set():
            self._still.clear()
            self._flowing.clear()
            await self._still.wait()
        await asyncio.sleep(STILL_S)

    def resume(self) -> None:
        """Go on, with a key frame first."""
        self._wanted = True
        self._flowing.set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Send for the length of the block."""
        task = asyncio.create_task(self._run(), name="bench.publisher")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        position = 0
        while True:
            began, pictures, sounds = loop.time(), 0, 0
            while self._flowing.is_set():
                if self._wanted:
                    self._wanted = False
                    position = min((n for n in self._key_frames if n >= position), default=self._key_frames[0])
                self._send("video", self._frames[position].payloads)
                position = (position + 1) % len(self._frames)
                pictures += 1
                while sounds * 0.02 <= pictures / FPS:
                    self._send("audio", (self._opus[sounds % len(self._opus)],))
                    sounds += 1
                await asyncio.sleep(max(0.0, began + pictures / FPS - loop.time()))
            self._still.set()
            await self._flowing.wait()

    def _send(self, kind: str, payloads: tuple[bytes, ...]) -> None:
        now_ns = time.time_ns()
        # Packets of one burst differ by their number, so that equal payloads are told apart.
        stamped = [payload + (now_ns + index).to_bytes(STAMP_BYTES, "big") for index, payload in enumerate(payloads)]
        for peer in self._peers:
            sent = payloads if peer is self._decoded_by else stamped
            peer.send_frame("video" if kind == "video" else "audio", sent, now_ns // 1000)
        self.packets += len(stamped)
        if self.remember:
            for payload in stamped:
                self.sent[digest(payload)] = now_ns


def digest(payload: bytes) -> bytes:
    """Eight bytes that tell payloads apart."""
    return hashlib.blake2b(payload, digest_size=8).digest()
