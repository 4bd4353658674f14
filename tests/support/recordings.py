"""A recording's folder as a recorder leaves it, made by libav in no time: pictures of one colour, a tone for each."""

from __future__ import annotations

import functools
import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol, cast

import av
import numpy as np

from expo.media.recording import layout
from expo.media.recording.index import Closed, InitLine, Line, Opened, PartLine, encode_line

SEGMENT_US = 2_000_000
FPS = 10
RED, GREEN, BLUE = (200, 30, 30), (30, 180, 40), (30, 40, 200)
SMALL, LARGE = (160, 90), (320, 180)
Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Piece:
    """Two seconds of media: its `init` (ftyp, moov) and fragments of half a second, from media time 0."""

    init: bytes
    fragments: tuple[bytes, ...]
    codecs: str


@dataclass(frozen=True, slots=True)
class Shot:
    """What was kept from `start_s` on for `length_s` (a multiple of two seconds)."""

    start_s: float
    length_s: int
    colour: Colour = RED
    size: tuple[int, int] = SMALL


class _Sink(Protocol):
    """A container of PyAV, whose own types are half known."""

    def add_stream(self, codec: str, rate: int) -> Any: ...

    def mux(self, packets: object) -> None: ...


def write_recording(
    folder: Path,
    shots: Sequence[Shot],
    *,
    epoch_ms: int,
    recording: str = "show",
    token: int = 1,
    closed: bool = True,
    kinds: Sequence[str] = ("picture", "floor"),
) -> None:
    """One owner's files: the room's clock runs with media time."""
    folder.mkdir(parents=True, exist_ok=True)
    lines: list[Line] = [Opened(recording, token, epoch_ms, epoch_ms + round(shots[0].start_s * 1000))]
    for rendition in kinds:
        lines += _written(folder, rendition, shots, token, epoch_ms)
    if closed:
        last = shots[-1]
        lines.append(Closed(epoch_ms + round((last.start_s + last.length_s) * 1000), "ended"))
    (folder / layout.index_name(token)).write_bytes(b"".join(map(encode_line, lines)))


@functools.cache
def picture(colour: Colour, size: tuple[int, int]) -> Piece:
    """A picture of one colour, one key frame at its start."""
    made = io.BytesIO()
    with av.open(made, "w", format="mp4", options=_fragmented()) as opened:
        container = cast("_Sink", opened)
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.time_base = Fraction(1, FPS)
        stream.options = {"preset": "ultrafast", "profile": "baseline", "x264-params": "keyint=20:scenecut=0:bframes=0"}
        frame = av.VideoFrame.from_ndarray(np.full((size[1], size[0], 3), colour, np.uint8), format="rgb24")
        for number in range(2 * FPS):
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return _piece(made.getvalue(), "avc1.42c00a")


@functools.cache
def sound(tone_hz: int) -> Piece:
    """A tone in stereo."""
    made = io.BytesIO()
    with av.open(made, "w", format="mp4", options=_fragmented()) as opened:
        container = cast("_Sink", opened)
        stream = container.add_stream("libopus", rate=48000)
        stream.layout = "stereo"
        at = np.arange(960) / 48000
        for number in range(100):
            wave = (0.2 * np.sin(2 * np.pi * tone_hz * (at + number / 50))).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(np.stack([wave, wave]).T.reshape(1, -1), format="flt", layout="stereo")
            frame.sample_rate, frame.pts, frame.time_base = 48000, number * 960, Fraction(1, 48000)
            container.mux(stream.encode(frame))
    return _piece(made.getvalue(), "opus")


def boxes(data: bytes) -> list[tuple[str, bytes]]:
    """Boxes on one level, each with its head (ISO/IEC 14496-12 4.2)."""
    found: list[tuple[str, bytes]] = []
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        found.append((data[at + 4 : at + 8].decode("latin-1"), data[at : at + length]))
        at += length
    return found


def _fragmented() -> dict[str, str]:
    return {
        "movflags": "empty_moov+default_base_moof+skip_trailer",
        "frag_duration": "500000",
        "use_editlist": "0",
        "video_track_timescale": "90000",
    }


def _piece(whole: bytes, codecs: str) -> Piece:
    found = [(name, box) for name, box in boxes(whole) if name in {"ftyp", "moov", "moof", "mdat"}]
    init = b"".join(box for name, box in found if name in {"ftyp", "moov"})
    rest = [box for name, box in found if name in {"moof", "mdat"}]
    return Piece(init, tuple(a + b for a, b in zip(rest[::2], rest[1::2], strict=True)), codecs)


def _written(folder: Path, rendition: str, shots: Sequence[Shot], token: int, epoch_ms: int) -> list[Line]:
    is_picture = rendition == "picture"
    kind, scale = ("video", 90_000) if is_picture else ("audio", 48_000)
    name, data, found, init, segment = layout.media_name(rendition, token), bytearray(), list[Line](), b"", 0
    for shot in shots:
        piece = picture(shot.colour, shot.size) if is_picture else sound(440)
        if piece.init != init:
            init = piece.init
            size = shot.size if is_picture else (0, 0)
            found.append(InitLine(rendition, kind, name, len(data), len(init), piece.codecs, *size))
            data += init
        starts = [_time(fragment, scale) for fragment in piece.fragments]
        lengths = [end - start for start, end in zip(starts, [*starts[1:], SEGMENT_US], strict=True)]
        for number in range(shot.length_s // 2):
            first_us = round(shot.start_s * 1e6) + number * SEGMENT_US
            for index, fragment in enumerate(piece.fragments):
                at_us, independent = first_us + starts[index], not is_picture or index == 0
                moved = _moved(fragment, first_us * scale // 1_000_000)
                part = PartLine(
                    rendition,
                    segment,
                    len(data),
                    len(moved),
                    at_us,
                    lengths[index],
                    epoch_ms + at_us // 1000,
                    independent,
                )
                found.append(part)
                data += moved
            segment += 1
    (folder / name).write_bytes(data)
    return found


def _time(fragment: bytes, scale: int) -> int:
    """Where a fragment begins, in us."""
    at = fragment.index(b"tfdt") + 8  # version 1: 64 bits (ISO/IEC 14496-12 8.8.12)
    return int.from_bytes(fragment[at : at + 8], "big") * 1_000_000 // scale


def _moved(fragment: bytes, ticks: int) -> bytes:
    at = fragment.index(b"tfdt") + 8
    time = int.from_bytes(fragment[at : at + 8], "big") + ticks
    return fragment[:at] + time.to_bytes(8, "big") + fragment[at + 8 :]
