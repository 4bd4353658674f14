"""Proving a recording's files against its indexes, and mending them. Blocking."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal

from expo.media.recording.boxes import walk
from expo.media.recording.files import whole_ends
from expo.media.recording.layout import index_name, media_files, owners
from expo.media.recording.lines import Closed, InitLine, Line, Opened, PartLine, encode_line, every_line
from expo.media.recording.rebuild import MediaLine, fragment_of, media_lines

Problem = Literal[
    "torn_index", "torn_media", "unlisted", "not_closed",
    "missing", "changed", "hole_in_file", "bad_boxes", "wrong_time", "overlap",
]  # fmt: skip
"""What a killed process or a full disk leaves, which `repair` mends; then what a disk or somebody has done to files."""
REPAIRED = "repaired"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong at this byte."""

    file: str
    offset: int
    problem: Problem


def verify(folder: Path) -> list[Finding]:
    """Compare every owner's lines with the bytes that they name; empty when all is well.

    Bytes must be there and be those that were written (CRC-32), follow each other without a hole, be whole boxes, start
    when they say, and last as long. `unlisted` are pieces that no line names, `missing` lines without their bytes.
    """
    findings: list[Finding] = []
    tokens = _tokens(folder)
    for token in tokens:
        findings += _Proof(folder, token).findings
    if tokens and not isinstance(_last(_lines(folder, tokens[-1])), Closed):
        index = folder / index_name(tokens[-1])
        findings.append(Finding(index.name, _size(index), "not_closed"))
    return findings


def is_whole(folder: Path) -> bool:
    """Whether the indexes end whole, name every byte of their files, and the newest has ended; looks at no media."""
    tokens, files = _tokens(folder), media_files(folder)
    last: Line | None = None
    for token in tokens:
        ends = whole_ends(folder, token)
        sizes = {name: _size(folder / name) for name, _, owner in files if owner == token}
        if ends.index != _size(folder / index_name(token)) or ends.media != sizes:
            return False
        last = ends.last
    return not tokens or isinstance(last, Closed)


def repair(folder: Path) -> list[Finding]:
    """Have the indexes name every whole piece that is there and nothing else, and end the newest; what was mended.

    No piece is given up: lines that are lost are made anew from the media, lines of a file that is away stay, and only
    what is no whole piece is cut off behind the last. Only for a recording that nobody writes: its room has ended or
    has no owner.
    """
    before = verify(folder)
    if before:
        tokens = _tokens(folder)
        for token in tokens:
            _mend(folder, token, closes=token == tokens[-1])
    after = set(verify(folder))
    return [finding for finding in before if finding not in after]


def _tokens(folder: Path) -> list[int]:
    return sorted({*owners(folder), *(token for _, _, token in media_files(folder))})


def _lines(folder: Path, token: int) -> list[Line]:
    """What can be read of an index, whatever lies between."""
    return [line for line, _ in every_line(_text(folder, token)) if line is not None]


def _last(lines: Sequence[Line]) -> Line | None:
    return lines[-1] if lines else None


def _text(folder: Path, token: int) -> bytes:
    try:
        return (folder / index_name(token)).read_bytes()
    except FileNotFoundError:
        return b""


def _mend(folder: Path, token: int, *, closes: bool) -> None:
    known = _lines(folder, token)
    of = {name: rendition for name, rendition, owner in media_files(folder) if owner == token}
    opened = next((line for line in known if isinstance(line, Opened)), None)
    parts = [line for line in known if isinstance(line, PartLine)]
    opened = opened or _opened(folder, token, parts)
    room_clock = _room_clock(opened, parts)
    found: list[tuple[int, int, int, Line]] = []
    named = {id(line): place for place, line in enumerate(known)}
    gone: set[int] = set()
    ends = len(known) - isinstance(_last(known), Closed)
    for name, rendition in of.items():
        own = [line for line in known if isinstance(line, InitLine | PartLine) and line.rendition == rendition]
        lines, end = media_lines(folder / name, rendition, own, room_clock)
        gone |= {id(line) for line in own} - {id(line) for line in lines}
        place = ends
        for line in reversed(lines):
            if id(line) in named:
                place = named[id(line)]
            else:
                found.append((place, 0, line.offset, line))
        if end < _size(folder / name):
            os.truncate(folder / name, end)
    kept = [(place, 1, 0, line) for place, line in enumerate(known) if id(line) not in gone]
    mended = [line for _, _, _, line in sorted(chain(found, kept), key=lambda each: each[:3])]
    if not any(isinstance(line, Opened) for line in mended):
        mended.insert(0, opened)
    if closes and not isinstance(_last(mended), Closed):
        mended.append(Closed(_ended_ms(mended), REPAIRED))
    _write(folder / index_name(token), mended)


def _write(path: Path, lines: Iterable[Line]) -> None:
    text = b"".join(map(encode_line, lines))
    if path.exists() and path.read_bytes() == text:
        return
    beside = path.with_suffix(".mended")
    with beside.open("wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _opened(folder: Path, token: int, parts: Sequence[PartLine]) -> Opened:
    """The first line of an index that has lost it."""
    others = (line for owner in owners(folder) for line in _lines(folder, owner) if isinstance(line, Opened))
    before = next(others, None)
    epoch_ms = _epoch_ms(folder, token, parts) if before is None else before.epoch_ms
    at_ms = parts[0].at_ms if parts else epoch_ms
    return Opened(folder.name if before is None else before.recording, token, epoch_ms, at_ms)


def _epoch_ms(folder: Path, token: int, parts: Sequence[PartLine]) -> int:
    """The room clock at media time 0, by a part that says it, or else by when the media was written last."""
    if parts:
        return parts[0].at_ms - parts[0].start_us // 1000
    own = [(folder / name, rendition) for name, rendition, owner in media_files(folder) if owner == token]
    if not own:
        return int((folder / index_name(token)).stat().st_mtime * 1000)
    path, rendition = max(own, key=lambda each: each[0].stat().st_mtime)
    made, _ = media_lines(path, rendition, (), lambda _: 0)
    ended_us = max((each.start_us + each.duration_us for each in made if isinstance(each, PartLine)), default=0)
    return int(path.stat().st_mtime * 1000) - ended_us // 1000


def _room_clock(opened: Opened, parts: Sequence[PartLine]) -> Callable[[int], int]:
    """What the room clock said at a media time, by the nearest part before it."""
    by_time = sorted(parts, key=lambda part: part.start_us)

    def at_ms(media_us: int) -> int:
        near = next((part for part in reversed(by_time) if part.start_us <= media_us), by_time[0] if by_time else None)
        if near is None:
            return opened.epoch_ms + media_us // 1000
        return near.at_ms + (media_us - near.start_us) // 1000

    return at_ms


def _ended_ms(lines: Sequence[Line]) -> int:
    ends = [line.at_ms + line.duration_us // 1000 for line in lines if isinstance(line, PartLine)]
    return max((*ends, *(line.at_ms for line in lines if isinstance(line, Opened))), default=0)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


class _Proof:
    """One owner's lines, one after the other."""

    def __init__(self, folder: Path, token: int) -> None:
        self.findings: list[Finding] = []
        self._folder = folder
        self._inits: dict[str, InitLine] = {}
        self._until: dict[str, int] = {}
        self._missing: set[str] = set()
        self._ends_us: dict[str, int] = {}
        began = 0
        for line, end in every_line(_text(folder, token)):
            if line is None:
                self.findings.append(Finding(index_name(token), began, "torn_index"))
            elif isinstance(line, InitLine):
                self._inits[line.rendition] = line
                self._prove(line, line.file, [b"ftyp", b"moov"])
            elif isinstance(line, PartLine):
                self._prove_part(line)
            began = end
        for name, rendition, owner in media_files(folder):
            if owner == token and name not in self._missing:
                self._prove_end(name, rendition)

    def _prove_part(self, line: PartLine) -> None:
        init = self._inits.get(line.rendition)
        if init is None:
            return  # its header's line is torn, which was said
        boxes = self._prove(line, init.file, [b"moof", b"mdat"])
        if boxes is not None:
            self._prove_time(line, init, boxes[0])

    def _prove(self, line: MediaLine, file: str, kinds: list[bytes]) -> list[memoryview] | None:
        end = line.offset + line.length
        if line.offset != self._until.get(file, 0):
            self._say(file, self._until.get(file, 0), "hole_in_file")
        self._until[file] = end
        if end > _size(self._folder / file):
            if file not in self._missing:
                self._say(file, line.offset, "missing")
            self._missing.add(file)
            return None
        with (self._folder / file).open("rb") as media:
            media.seek(line.offset)
            content = media.read(line.length)
        try:
            boxes = list(walk(content))
        except ValueError:
            boxes = []
        if [kind for kind, _ in boxes] != kinds:
            self._say(file, line.offset, "bad_boxes")
            return None
        if line.crc32 is not None and line.crc32 != zlib.crc32(content):
            self._say(file, line.offset, "changed")
        return [body for _, body in boxes]

    def _prove_time(self, line: PartLine, init: InitLine, moof: memoryview) -> None:
        try:
            found = fragment_of(moof, init.kind)
        except ValueError:
            self._say(init.file, line.offset, "bad_boxes")
            return
        if (found.start_us, found.duration_us) != (line.start_us, line.duration_us):
            self._say(init.file, line.offset, "wrong_time")
        if line.start_us < self._ends_us.get(line.rendition, 0):
            self._say(init.file, line.offset, "overlap")
        self._ends_us[line.rendition] = line.start_us + line.duration_us

    def _prove_end(self, name: str, rendition: str) -> None:
        """What lies behind the last byte that a line names."""
        until, size = self._until.get(name, 0), _size(self._folder / name)
        if size > until:
            init = self._inits.get(rendition)
            known = [] if init is None else [init]
            _, end = media_lines(self._folder / name, rendition, known, lambda _: 0)
            self._say(name, until, "unlisted" if end > until else "torn_media")

    def _say(self, file: str, offset: int, problem: Problem) -> None:
        self.findings.append(Finding(file, offset, problem))
