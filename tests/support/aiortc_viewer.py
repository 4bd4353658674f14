"""A WHEP viewer on aiortc's own RTCPeerConnection, which decodes: a client that nobody here wrote."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import cast

import aiohttp
import aioice.ice
import av
import numpy as np
import numpy.typing as npt
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from expo.media.peer_http import Joined, join, leave
from tests.support.room import LOOPBACK

SAMPLES_KEPT = 48_000


@dataclass(slots=True)
class Decoded:
    """What the viewer has decoded so far."""

    joined: Joined
    connection: RTCPeerConnection
    frames: int = 0
    width: int = 0
    height: int = 0
    colour: tuple[int, int, int] = (0, 0, 0)
    """Mean RGB of the newest frame."""
    sound: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    """The newest second, one channel, 48 kHz."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, condition: Callable[[Decoded], bool], timeout_s: float = 20) -> None:
        """Wait until what has been decoded satisfies `condition`."""
        async with asyncio.timeout(timeout_s):
            while not condition(self):
                self.changed.clear()
                await self.changed.wait()

    def pitch_hz(self) -> float:
        """The loudest frequency of the newest second of sound; 0 while there is less or it is silent."""
        if len(self.sound) < SAMPLES_KEPT or float(np.abs(self.sound).max()) < 0.01:
            return 0.0
        spectrum = np.abs(np.fft.rfft(self.sound * np.hanning(len(self.sound))))
        return float(np.argmax(spectrum) * 48_000 / len(self.sound))

    def looks_like(self, red: int, green: int, blue: int, tolerance: int = 24) -> bool:
        """Whether the newest frame has this colour, as far as 4:2:0 and encoding keep it."""
        return self.frames > 0 and all(
            abs(seen - meant) <= tolerance for seen, meant in zip(self.colour, (red, green, blue), strict=True)
        )


@contextlib.asynccontextmanager
async def decoding_viewer(http: aiohttp.ClientSession, url: str, token: str | None = None) -> AsyncGenerator[Decoded]:
    """A connected viewer of picture and floor; DELETE and close at the end. Its ICE stays on loopback."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    tasks: list[asyncio.Task[None]] = []
    with _loopback_only():
        connection.addTransceiver("video", direction="recvonly")
        connection.addTransceiver("audio", direction="recvonly")
        await connection.setLocalDescription(await connection.createOffer())
    joined = await join(http, url, connection.localDescription.sdp, token)
    decoded = Decoded(joined, connection)

    def follow(track: MediaStreamTrack) -> None:
        tasks.append(asyncio.create_task(_follow(track, decoded), name=f"viewer.{track.kind}"))

    connection.on("track", follow)
    try:
        await connection.setRemoteDescription(RTCSessionDescription(joined.answer, "answer"))
        yield decoded
    finally:
        await leave(http, joined, token)
        await connection.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _follow(track: MediaStreamTrack, decoded: Decoded) -> None:
    receive = cast("Callable[[], Awaitable[av.VideoFrame | av.AudioFrame]]", getattr(track, "recv"))  # noqa: B009
    with contextlib.suppress(MediaStreamError):
        while True:
            frame = await receive()
            if isinstance(frame, av.VideoFrame):
                picture = frame.to_ndarray(format="rgb24")
                red, green, blue = (int(mean) for mean in picture.reshape(-1, 3).mean(axis=0))
                decoded.colour = red, green, blue
                decoded.width, decoded.height = frame.width, frame.height
                decoded.frames += 1
            else:
                samples = frame.to_ndarray().reshape(-1, len(frame.layout.channels))[:, 0]
                mono = (samples / 32768).astype(np.float32)
                decoded.sound = np.concatenate((decoded.sound, mono), dtype=np.float32)[-SAMPLES_KEPT:]
            decoded.changed.set()


@contextlib.contextmanager
def _loopback_only():
    """aioice leaves out loopback, and a machine under test may have nothing else."""
    before = aioice.ice.get_host_addresses

    def addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
        return [LOOPBACK]

    aioice.ice.get_host_addresses = addresses
    try:
        yield
    finally:
        aioice.ice.get_host_addresses = before
