"""Decoding what the server forwards or the demo makes, typed where PyAV's stubs leave it open."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import av
import numpy as np
import numpy.typing as npt

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


def decode_opus(packets: Iterable[bytes]) -> list[Samples]:
    """One array of samples within -1..1 for each packet that decodes."""
    context = cast("Any", av.CodecContext.create("opus", "r"))
    frames = [frame for packet in packets for frame in cast("list[av.AudioFrame]", context.decode(av.Packet(packet)))]
    return [cast("Samples", frame.to_ndarray()) for frame in frames]


def rgb(frame: av.VideoFrame) -> Picture:
    """A frame as an array of (height, width, 3)."""
    return cast("Picture", frame.to_ndarray(format="rgb24"))
