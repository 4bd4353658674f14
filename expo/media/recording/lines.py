"""The lines of an index: what a recorder appends for each piece of media (JSON lines, one writer for each file)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

VERSION = 1
Kind = Literal["video", "audio"]
GapReason = Literal["unkept", "lost", "queue", "disk"]


class Opened(msgspec.Struct, tag="opened", frozen=True):
    """An owner begins. `epoch_ms`, the room clock at media time 0, is the first owner's and repeated by all others."""

    recording: str
    token: int
    epoch_ms: int
    at_ms: int
    v: int = VERSION


class InitLine(msgspec.Struct, tag="init", frozen=True):
    """An initialisation segment; it holds for the parts of its rendition that follow. Sound has no width or height.

    `crc32` is of its bytes (ITU-T V.42), here and below; null was not said.
    """

    rendition: str
    kind: Kind
    file: str
    offset: int
    length: int
    codecs: str
    width: int
    height: int
    crc32: int | None = None


class PartLine(msgspec.Struct, tag="part", frozen=True, omit_defaults=True):
    """A fragment (moof, mdat). `at_ms` is the room clock at its start; `segment` counts per rendition and file.

    `off_us` of sound: how much later than it was captured some of it lies at worst; null was not said.
    """

    rendition: str
    segment: int
    offset: int
    length: int
    start_us: int
    duration_us: int
    at_ms: int
    independent: bool
    crc32: int | None = None
    off_us: int | None = None


class GapLine(msgspec.Struct, tag="gap", frozen=True):
    """Media time without content. One that begins is written with no duration, and again when it has ended."""

    start_us: int
    duration_us: int
    reason: GapReason


class CastLine(msgspec.Struct, tag="cast", frozen=True):
    """Whom the media shows and lets be heard from here on, by names that the recorder was given."""

    start_us: int
    who: tuple[str, ...]


class Closed(msgspec.Struct, tag="closed", frozen=True):
    """This owner has ended in order, or `repair` has closed for it."""

    at_ms: int
    reason: str


Line = Opened | InitLine | PartLine | GapLine | CastLine | Closed

_decoder: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)
_encoder = msgspec.json.Encoder()


def encode_line(line: Line) -> bytes:
    """One line of the index, with its end of line."""
    return _encoder.encode(line) + b"\n"


def whole_lines(text: bytes) -> Iterator[tuple[Line, int]]:
    """The lines that were written whole, each with the offset of its end; what follows a broken one is not believed."""
    for line, end in every_line(text):
        if line is None:
            return
        yield line, end


def every_line(text: bytes) -> Iterator[tuple[Line | None, int]]:
    """All lines, each with the offset of its end; None for what is none, as a last one without its end."""
    at = 0
    while at < len(text):
        end = text.find(b"\n", at)
        try:
            line = _decoder.decode(memoryview(text)[at:end]) if end >= 0 else None
        except msgspec.DecodeError:
            line = None
        at = end + 1 if end >= 0 else len(text)
        yield line, at
