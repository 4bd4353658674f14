"""Proving a recording's files against its index, and ending what a killed process has left. Blocking."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from expo.media.recording.boxes import walk
from expo.media.recording.cmaf import AUDIO_TIMESCALE, VIDEO_TIMESCALE
from expo.media.recording.files import OwnerFiles, whole_ends
from expo.media.recording.layout import index_name, owners
from expo.media.recording.lines import Closed, InitLine, PartLine, whole_lines

Problem = Literal["torn_index", "torn_media", "not_closed", "hole_in_file", "bad_boxes", "wrong_time", "overlap"]
REPAIRED = "repaired"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong at this byte. The first three are what a killed owner leaves, and `repair` mends them."""

    file: str
    offset: int
    problem: Problem


def verify(folder: Path) -> list[Finding]:
    """Compare every owner's lines with the bytes that they name; empty when all is well.

    Bytes must follow each other without a hole, be whole boxes, start when they say, and last as long. A torn tail is
    reported of the newest owner only: readers pass over it, and nobody will write behind the others'.
    """
    findings: list[Finding] = []
    tokens = owners(folder)
    for token in tokens:
        findings += _Proof(folder, token).findings
        if token == tokens[-1]:
            findings += _tails(folder, token)
    return findings


def repair(folder: Path) -> list[Finding]:
    """End the newest owner's recording behind its last whole part, unless it has ended in order.

    Returns what was mended. Only for a recording that nobody writes: its room has ended or has no owner.
    """
    tokens = owners(folder)
    if not tokens:
        return []
    found = _tails(folder, tokens[-1])
    if found:
        _end(folder, tokens[-1])
    return found


def _end(folder: Path, token: int) -> None:
    ends = whole_ends(folder, token)
    for name, size in ends.media.items():
        os.truncate(folder / name, size)
    files = OwnerFiles(folder, token)
    try:
        if not isinstance(ends.last, Closed):
            files.note(Closed(ends.at_ms, REPAIRED))
        files.sync()
    finally:
        files.close()


def _tails(folder: Path, token: int) -> list[Finding]:
    ends = whole_ends(folder, token)
    index = index_name(token)
    findings: list[Finding] = []
    if (folder / index).stat().st_size > ends.index:
        findings.append(Finding(index, ends.index, "torn_index"))
    for name, size in ends.media.items():
        if (folder / name).stat().st_size > size:
            findings.append(Finding(name, size, "torn_media"))
    if not isinstance(ends.last, Closed):
        findings.append(Finding(index, ends.index, "not_closed"))
    return findings


class _Proof:
    """One owner's lines, one after the other."""

    def __init__(self, folder: Path, token: int) -> None:
        self.findings: list[Finding] = []
        self._folder = folder
        self._inits: dict[str, InitLine] = {}
        self._until: dict[str, int] = {}
        self._ends_us: dict[str, int] = {}
        whole = whole_ends(folder, token).index
        for line, end in whole_lines((folder / index_name(token)).read_bytes()):
            if end > whole:
                break
            if isinstance(line, InitLine):
                self._inits[line.rendition] = line
                self._prove(line, line.file, [b"ftyp", b"moov"])
            elif isinstance(line, PartLine):
                file = self._inits[line.rendition].file
                boxes = self._prove(line, file, [b"moof", b"mdat"])
                if boxes is not None:
                    self._prove_time(line, file, boxes[0])

    def _prove(self, line: InitLine | PartLine, file: str, kinds: list[bytes]) -> list[memoryview] | None:
        if line.offset != self._until.get(file, 0):
            self.findings.append(Finding(file, line.offset, "hole_in_file"))
        self._until[file] = line.offset + line.length
        with (self._folder / file).open("rb") as media:
            media.seek(line.offset)
            content = media.read(line.length)
        try:
            boxes = list(walk(content))
        except ValueError:
            boxes = []
        if [kind for kind, _ in boxes] != kinds:
            self.findings.append(Finding(file, line.offset, "bad_boxes"))
            return None
        return [body for _, body in boxes]

    def _prove_time(self, line: PartLine, file: str, moof: memoryview) -> None:
        timescale = VIDEO_TIMESCALE if self._inits[line.rendition].kind == "video" else AUDIO_TIMESCALE
        try:
            start, duration = _times(moof)
        except (ValueError, KeyError, struct.error):
            self.findings.append(Finding(file, line.offset, "bad_boxes"))
            return
        start_us, end_us = start * 1_000_000 // timescale, (start + duration) * 1_000_000 // timescale
        if (start_us, end_us - start_us) != (line.start_us, line.duration_us):
            self.findings.append(Finding(file, line.offset, "wrong_time"))
        if line.start_us < self._ends_us.get(line.rendition, 0):
            self.findings.append(Finding(file, line.offset, "overlap"))
        self._ends_us[line.rendition] = line.start_us + line.duration_us


def _times(moof: memoryview) -> tuple[int, int]:
    """Decoding time of the first sample and how long all of them last, in ticks."""
    fragment = dict(walk(dict(walk(moof))[b"traf"]))
    (start,) = struct.unpack_from(">Q", fragment[b"tfdt"], 4)
    run = fragment[b"trun"]
    flags, count = struct.unpack_from(">II", run)
    words = 2 + bool(flags & 0x400) + bool(flags & 0x800)
    return start, sum(struct.unpack_from(">I", run, 12 + 4 * words * number)[0] for number in range(count))
