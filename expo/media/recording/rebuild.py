"""Lines of an index made from the media itself, for pieces that no line names (any more). Blocking."""

from __future__ import annotations

import mmap
import struct
import zlib
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from expo.media.recording.boxes import walk
from expo.media.recording.cmaf import AUDIO_TIMESCALE, VIDEO_TIMESCALE
from expo.media.recording.frames import SEGMENT_US
from expo.media.recording.lines import InitLine, Kind, PartLine

MediaLine = InitLine | PartLine
_PIECES = {(b"ftyp", b"moov"), (b"moof", b"mdat")}
_SYNC = 0x02000000
# Of a sample entry (ISO/IEC 14496-12 12.1.3.2): width and height, and where its boxes begin.
_SIZE_AT, _BOXES_AT = 24, 78


@dataclass(frozen=True, slots=True)
class Fragment:
    """A moof: decoding time of its first sample, how long all of them last, and whether it begins with a key frame."""

    start_us: int
    duration_us: int
    key: bool


def fragment_of(moof: memoryview, kind: Kind) -> Fragment:
    """Raises ValueError for what no recorder of ours has written."""
    timescale = VIDEO_TIMESCALE if kind == "video" else AUDIO_TIMESCALE
    try:
        boxes = dict(walk(dict(walk(moof))[b"traf"]))
        (start,) = struct.unpack_from(">Q", boxes[b"tfdt"], 4)
        run = boxes[b"trun"]
        flags, count = struct.unpack_from(">II", run)
        words = 2 + bool(flags & 0x400) + bool(flags & 0x800)
        ticks = sum(struct.unpack_from(">I", run, 12 + 4 * words * number)[0] for number in range(count))
        key = kind == "audio" or struct.unpack_from(">I", run, 20)[0] == _SYNC
    except (KeyError, struct.error) as error:
        raise ValueError("no fragment") from error
    start_us = start * 1_000_000 // timescale
    return Fragment(start_us, (start + ticks) * 1_000_000 // timescale - start_us, key)


def whole_piece(content: mmap.mmap | bytes, at: int) -> int | None:
    """How many bytes the header or fragment takes that begins there; None when none does, whole."""
    end, kinds = at, list[bytes]()
    for _ in range(2):
        if end + 8 > len(content):
            return None
        size, kind = struct.unpack_from(">I4s", content, end)
        if size < 8 or end + size > len(content):
            return None
        kinds.append(kind)
        end += size
    return end - at if tuple(kinds) in _PIECES else None


def media_lines(
    path: Path, rendition: str, known: Sequence[MediaLine], at_ms: Callable[[int], int]
) -> tuple[list[MediaLine], int]:
    """A line for each whole piece of a file in the order of its bytes, and where the last of them ends.

    `known` lines are kept as they are while their bytes are there, also changed ones; `at_ms` says what the room clock
    said at a media time. Bytes that are nothing are passed over.
    """
    with path.open("rb") as file:
        return _Rebuilt(path.name, rendition, at_ms).take(_mapped(file), {line.offset: line for line in known})


def _mapped(file: BinaryIO) -> mmap.mmap | bytes:
    try:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError:  # empty
        return b""


class _Rebuilt:
    def __init__(self, file: str, rendition: str, at_ms: Callable[[int], int]) -> None:
        self._file = file
        self._rendition = rendition
        self._at_ms = at_ms
        self._lines: list[MediaLine] = []
        self._kind: Kind | None = None
        self._segment = -1
        self._segment_us = 0

    def take(self, content: mmap.mmap | bytes, known: dict[int, MediaLine]) -> tuple[list[MediaLine], int]:
        offsets = sorted(known)
        at: int | None = 0
        ends = 0
        while at is not None and at < len(content):
            line = known.get(at)
            if line is None or at + line.length > len(content):
                line = self._made(content, at)
            if line is None:
                at = _next(content, at + 1, offsets)
                continue
            self._follow(line)
            self._lines.append(line)
            at = ends = at + line.length
        return self._lines, ends

    def _follow(self, line: MediaLine) -> None:
        if isinstance(line, InitLine):
            self._kind = line.kind
        elif line.segment != self._segment:
            self._segment, self._segment_us = line.segment, line.start_us

    def _made(self, content: mmap.mmap | bytes, at: int) -> MediaLine | None:
        length = whole_piece(content, at)
        if length is None:
            return None
        piece = content[at : at + length]
        try:
            (head, _), (_, body) = walk(piece)
            return self._header(piece, at, body) if head == b"ftyp" else self._part(piece, at)
        except (ValueError, KeyError, struct.error):
            return None

    def _header(self, piece: bytes, at: int, moov: memoryview) -> InitLine:
        media = dict(walk(dict(walk(dict(walk(moov))[b"trak"]))[b"mdia"]))
        entries = dict(walk(dict(walk(media[b"minf"]))[b"stbl"]))[b"stsd"]
        ((entry, described),) = walk(entries[8:])
        crc32 = zlib.crc32(piece)
        if entry != b"avc1":
            return InitLine(self._rendition, "audio", self._file, at, len(piece), "opus", 0, 0, crc32)
        width, height = struct.unpack_from(">HH", described, _SIZE_AT)
        codecs = f"avc1.{dict(walk(described[_BOXES_AT:]))[b'avcC'][1:4].hex()}"
        return InitLine(self._rendition, "video", self._file, at, len(piece), codecs, width, height, crc32)

    def _part(self, piece: bytes, at: int) -> PartLine | None:
        if self._kind is None:
            return None
        found = fragment_of(next(walk(piece))[1], self._kind)
        begins = found.key if self._kind == "video" else found.start_us - self._segment_us >= SEGMENT_US
        segment = self._segment + (begins or self._segment < 0)
        return PartLine(
            self._rendition,
            segment,
            at,
            len(piece),
            found.start_us,
            found.duration_us,
            self._at_ms(found.start_us),
            found.key,
            zlib.crc32(piece),
        )


def _next(content: mmap.mmap | bytes, at: int, offsets: Sequence[int]) -> int | None:
    """Where the next piece may begin: where a line says so, or where one is found."""
    following = bisect_right(offsets, at - 1)
    named = offsets[following] if following < len(offsets) else len(content)
    found = [_found(content, kind, at, named) for kind in (b"ftyp", b"moof")]
    first = min((each for each in found if each is not None), default=named)
    return first if first < len(content) else None


def _found(content: mmap.mmap | bytes, kind: bytes, at: int, until: int) -> int | None:
    name = at + 3
    while (name := content.find(kind, name + 1, until + 4)) >= 0:
        if whole_piece(content, name - 4) is not None:
            return name - 4
    return None
