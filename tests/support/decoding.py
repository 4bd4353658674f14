"""Decoding what the server forwards or the demo makes, typed where PyAV's stubs leave it open."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import av
import numpy as np
import numpy.typing as npt

from expo.media.codecs import FU_A, STAP_A, h264_starts_key_frame
from expo.media.rtp import RtpPacket

Picture = npt.NDArray[np.uint8]
Samples = npt.NDArray[np.float32]


class H264Decoder:
    """A decoder of Annex B access units."""

    def __init__(self) -> None:
        self._context = av.CodecContext.create("h264", "r")

    @property
    def profile(self) -> str | None:
        return self._context.profile

    def decode(self, unit: bytes) -> list[Picture]:
        """The pictures (height, width, 3) that this unit completes."""
        frames = cast("list[av.VideoFrame]", cast("Any", self._context).decode(av.Packet(unit)))
        return [rgb(frame) for frame in frames]


class PictureAssembler:
    """Access units out of RTP packets that come in order (RFC 6184: single NAL units, STAP-A, FU-A)."""

    def __init__(self) -> None:
        self._unit = bytearray()
        self._started = False

    def take(self, packet: RtpPacket) -> bytes | None:
        """The access unit that this packet completes, from the first key frame on."""
        payload = packet.payload
        self._started = self._started or h264_starts_key_frame(payload)
        if not self._started or not payload:
            return None
        kind = payload[0] & 31
        if kind == STAP_A:
            at = 1
            while at + 2 < len(payload):
                size = int.from_bytes(payload[at : at + 2], "big")
                self._unit += b"\0\0\0\1" + payload[at + 2 : at + 2 + size]
                at += 2 + size
        elif kind == FU_A:
            if payload[1] & 0x80:
                self._unit += b"\0\0\0\1" + bytes((payload[0] & 0xE0 | payload[1] & 31,))
            self._unit += payload[2:]
        else:
            self._unit += b"\0\0\0\1" + payload
        if not packet.marker:
            return None
        unit = bytes(self._unit)
        self._unit.clear()
        return unit


def decode_opus(packets: Iterable[bytes]) -> list[Samples]:
    """One array of samples within -1..1 for each packet that decodes."""
    context = cast("Any", av.CodecContext.create("opus", "r"))
    frames = [frame for packet in packets for frame in cast("list[av.AudioFrame]", context.decode(av.Packet(packet)))]
    return [cast("Samples", frame.to_ndarray()) for frame in frames]


def rgb(frame: av.VideoFrame) -> Picture:
    """A frame as an array of (height, width, 3)."""
    return cast("Picture", frame.to_ndarray(format="rgb24"))
