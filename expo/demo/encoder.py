"""H.264 and Opus as WebRTC wants them (RFC 6184, RFC 7587): constrained baseline, no reordering, 20 ms of sound."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Protocol, cast

import av
import numpy as np
import numpy.typing as npt
from av.video.frame import PictureType

SPS = 7  # nal_unit_type of a sequence parameter set
START_CODE = b"\x00\x00\x01"


class _Packet(Protocol):
    """What is used of PyAV's packet, whose type parameter its stubs leave open."""

    is_keyframe: bool

    def __bytes__(self) -> bytes: ...


class _Encoder(Protocol):
    def encode(self, frame: av.VideoFrame | av.AudioFrame) -> Sequence[_Packet]: ...


class PictureEncoder:
    """libx264, profile-level-id 42e01f, one slice and one thread: 5 ms of CPU for a 720p frame."""

    def __init__(self, width: int, height: int, fps: int, bps: int, key_every_s: float) -> None:
        context = av.CodecContext.create("libx264", "w")
        context.width, context.height = width, height
        context.pix_fmt = "yuv420p"
        context.time_base = Fraction(1, 1000)
        context.framerate = Fraction(fps, 1)
        context.bit_rate = bps
        context.thread_count = 1
        context.colorspace, context.color_primaries, context.color_trc = 1, 1, 1  # BT.709
        context.color_range = 1
        half_second = bps // 2000
        context.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "profile": "baseline",
            "level": "3.1",
            "forced-idr": "1",
            "x264-params": f"keyint={round(fps * key_every_s)}:min-keyint=1:scenecut=0:vbv-maxrate={bps // 1000}:"
            f"vbv-bufsize={half_second}:aq-mode=1:threads=1",
        }
        self._context = cast("_Encoder", context)

    def encode(self, frame: av.VideoFrame, pts_ms: int, *, key: bool) -> tuple[bytes, bool]:
        """One access unit in Annex B and whether it is a key frame. `pts_ms` grows with each call."""
        frame.pts = pts_ms
        frame.time_base = Fraction(1, 1000)
        frame.pict_type = PictureType.I if key else PictureType.NONE
        packets = self._context.encode(frame)
        unit = b"".join(bytes(packet) for packet in packets)
        is_key = any(packet.is_keyframe for packet in packets)
        return (_as_announced(unit) if is_key else unit), is_key


class SoundEncoder:
    """Mono Opus of 20 ms a packet."""

    def __init__(self, bps: int = 64_000) -> None:
        context = av.CodecContext.create("libopus", "w")
        context.sample_rate = 48_000
        context.layout = "mono"
        context.format = "flt"
        context.bit_rate = bps
        context.time_base = Fraction(1, 48_000)
        context.options = {"application": "audio", "frame_duration": "20", "vbr": "constrained"}
        self._context = cast("_Encoder", context)

    def encode(self, samples: npt.NDArray[np.float32], pts_samples: int) -> list[bytes]:
        """Opus packets for 960 samples: one, but none for the first call while the encoder looks ahead."""
        frame = av.AudioFrame.from_ndarray(samples[None, :], "flt", "mono")
        frame.sample_rate = 48_000
        frame.pts = pts_samples
        frame.time_base = Fraction(1, 48_000)
        return [bytes(packet) for packet in self._context.encode(frame)]


def _as_announced(unit: bytes) -> bytes:
    """Set constraint_set2_flag in the SPS: x264 writes 42c0, and without FMO, ASO or redundant slices 42e0 is true."""
    at = unit.find(START_CODE)
    while at >= 0:
        nal = at + len(START_CODE)
        if unit[nal] & 31 == SPS:
            return unit[: nal + 2] + bytes((unit[nal + 2] | 0x20,)) + unit[nal + 3 :]
        at = unit.find(START_CODE, nal)
    return unit
