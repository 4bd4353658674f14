"""Small pictures in H.264, encoded once."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Any, cast

import av
import numpy as np


@cache
def pictures(
    count: int = 60,
    width: int = 160,
    height: int = 96,
    *,
    b_frames: int = 0,
    profile: str = "baseline",
    key: int = 1000,
    noise: bool = False,
) -> tuple[tuple[bytes, bool], ...]:
    """Access units in Annex B in decoding order, and whether they are key frames; each picture has its own grey.

    `noise` makes them large: some 8 KB at 320x180.
    """
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.framerate = width, height, "yuv420p", Fraction(25)
    encoder.time_base = Fraction(1, 25)
    encoder.options = {
        "preset": "ultrafast" if profile == "baseline" else "veryfast",
        "profile": profile,
        "x264-params": f"keyint={key}:scenecut=0:bframes={b_frames}:b-adapt=0:b-pyramid=none"
        ":repeat-headers=1:annexb=1:threads=1",
    } | ({} if b_frames else {"tune": "zerolatency"})
    units: list[tuple[bytes, bool]] = []
    frames: list[av.VideoFrame | None] = []
    random = np.random.default_rng(1)
    for number in range(count):
        plane = np.full((height * 3 // 2, width), 128, np.uint8)
        plane[:height] = 16 + number * 3 % 220
        if noise:
            plane[:height] += random.integers(0, 12, (height, width), np.uint8)
        frame = av.VideoFrame.from_ndarray(plane, "yuv420p")
        frame.pts = number
        frames.append(frame)
    for frame in (*frames, None):
        units += [(bytes(packet), packet.is_keyframe) for packet in cast("Any", encoder).encode(frame)]
    return tuple(units)


def shown_order(count: int, b_frames: int) -> list[int]:
    """Which picture each unit of `pictures(count, b_frames=...)` is, with a fixed pattern: I, then P before its Bs."""
    order = [0]
    at = 1
    while at < count:
        end = min(at + b_frames, count - 1)
        order += [end, *range(at, end)]
        at = end + 1
    return order
