"""A recording's folder as a recorder leaves it, written in no time: pictures of one colour, a tone with them."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from msgspec.structs import replace

from expo.demo.encoder import PictureEncoder, SoundEncoder
from expo.media.recording import cmaf, layout
from expo.media.recording.cmaf import AUDIO_TIMESCALE, VIDEO_TIMESCALE, Sample
from expo.media.recording.lines import Closed, InitLine, Line, Opened, PartLine, encode_line
from expo.media.recording.sps import parse_sps

SEGMENT_US = 2_000_000
PARTS = 4
FPS = 10
RED, GREEN, BLUE = (200, 30, 30), (30, 180, 40), (30, 40, 200)
SMALL, LARGE = (160, 90), (320, 180)
SOUND_LATE_US = 12_000
"""So much later than it was captured sound lies, the index says."""
Colour = tuple[int, int, int]
_SPS, _PPS = 7, 8


@dataclass(frozen=True, slots=True)
class Piece:
    """Two seconds of media from media time 0: its header, its samples in parts of half a second."""

    init: bytes
    parts: tuple[tuple[Sample, ...], ...]
    codecs: str
    timescale: int

    def fragment(self, part: int, at_us: int, number: int) -> bytes:
        """One part, moved to begin that much later."""
        ticks = at_us * self.timescale // 1_000_000
        moved = [Sample(one.start + ticks, one.duration, one.offset, one.key, one.data) for one in self.parts[part]]
        return cmaf.fragment(number, moved, video=self.timescale == VIDEO_TIMESCALE)


@dataclass(frozen=True, slots=True)
class Shot:
    """What was kept from `start_s` on for `length_s` (a multiple of two seconds)."""

    start_s: float
    length_s: int
    colour: Colour = RED
    size: tuple[int, int] = SMALL


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
    encoder = PictureEncoder(*size, FPS, 500_000, 2.0)
    frame = av.VideoFrame.from_ndarray(np.full((size[1], size[0], 3), colour, np.uint8), format="rgb24")
    yuv, ticks = frame.reformat(format="yuv420p"), VIDEO_TIMESCALE // FPS
    samples, sets = list[Sample](), dict[int, bytes]()
    for number in range(2 * FPS):
        unit, key = encoder.encode(yuv, number * 1000 // FPS, key=number == 0)
        nals = [nal for nal in re.split(rb"\x00\x00\x00?\x01", unit) if nal]
        sets |= {nal[0] & 31: nal for nal in nals if nal[0] & 31 in {_SPS, _PPS}}
        data = b"".join(len(nal).to_bytes(4, "big") + nal for nal in nals if nal[0] & 31 not in {_SPS, _PPS})
        samples.append(Sample(number * ticks, ticks, 0, key, data))
    sps = parse_sps(sets[_SPS])
    init = cmaf.video_header(sps, [sets[_SPS]], [sets[_PPS]])
    return Piece(init, _parts(samples), sps.codecs, VIDEO_TIMESCALE)


@functools.cache
def sound() -> Piece:
    """A tone."""
    encoder, at, packets = SoundEncoder(), np.arange(960) / AUDIO_TIMESCALE, list[bytes]()
    for number in range(101):  # the encoder looks ahead by one
        wave = 0.2 * np.sin(2 * np.pi * 440 * (at + number / 50))
        packets += encoder.encode(wave.astype(np.float32), number * 960)
    samples = [Sample(number * 960, 960, 0, key=True, data=packet) for number, packet in enumerate(packets)]
    return Piece(cmaf.audio_header(), _parts(samples), "opus", AUDIO_TIMESCALE)


def boxes(data: bytes) -> list[tuple[str, bytes]]:
    """Boxes on one level, each with its head (ISO/IEC 14496-12 4.2)."""
    found: list[tuple[str, bytes]] = []
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        found.append((data[at + 4 : at + 8].decode("latin-1"), data[at : at + length]))
        at += length
    return found


def _parts(samples: Sequence[Sample]) -> tuple[tuple[Sample, ...], ...]:
    each = len(samples) // PARTS
    return tuple(tuple(samples[at : at + each]) for at in range(0, len(samples), each))


def _written(folder: Path, rendition: str, shots: Sequence[Shot], token: int, epoch_ms: int) -> list[Line]:
    is_picture = rendition == "picture"
    name, data, found, init, segment = layout.media_name(rendition, token), bytearray(), list[Line](), b"", 0
    for shot in shots:
        piece = picture(shot.colour, shot.size) if is_picture else sound()
        if piece.init != init:
            init = piece.init
            size, kind = (shot.size, "video") if is_picture else ((0, 0), "audio")
            found.append(InitLine(rendition, kind, name, len(data), len(init), piece.codecs, *size))
            data += init
        for number in range(shot.length_s // 2):
            first_us = round(shot.start_s * 1e6) + number * SEGMENT_US
            for part in range(PARTS):
                at_us, length_us = first_us + part * SEGMENT_US // PARTS, SEGMENT_US // PARTS
                media, at_ms = piece.fragment(part, first_us, segment * PARTS + part + 1), epoch_ms + at_us // 1000
                independent = not is_picture or part == 0
                of = PartLine(rendition, segment, len(data), len(media), at_us, length_us, at_ms, independent)
                found.append(of if is_picture else replace(of, off_us=SOUND_LATE_US))
                data += media
            segment += 1
    (folder / name).write_bytes(data)
    return found
