"""Reads a recording: what of its owners' lines their files prove. Blocking."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from pathlib import Path

from expo.media.recording.index import HOLE_US, Cast, Gap, Init, Kept, MediaSegment, Part, Rendition, Span
from expo.media.recording.layout import index_name, is_media_name, owners
from expo.media.recording.lines import (
    VERSION,
    CastLine,
    Closed,
    GapLine,
    InitLine,
    Kind,
    Line,
    Opened,
    PartLine,
    whole_lines,
)

# Room clock and media time drift by the server's own clock; only a step or a hole makes a new anchor.
_ANCHOR_US = 20_000
_FOR_EVER_US = 1 << 62


def read_recording(folder: Path) -> Kept | None:
    """What can be played of the recording in this folder; None when nobody has opened one there. Blocking.

    Left out are: a torn last line; parts that reach beyond their file, with what follows in their rendition; and what
    an owner wrote at or after the first part of a later one (it had lost the room and did not know yet).
    """
    return IndexReader(folder).read()


class IndexReader:
    """Reads one recording again and again: while nothing but its newest owner goes on, only what that has added.

    What is not as it was (another owner, another or a shorter file) is read from the beginning.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._reading: _Reading | None = None
        self._turn = threading.Lock()

    def read(self) -> Kept | None:
        """As `read_recording`. Blocking; any thread."""
        with self._turn:
            tokens = owners(self._folder)
            if self._reading is None or not self._reading.goes_on(tokens):
                self._reading = _Reading(self._folder, tokens)
            return self._reading.kept()


_Held = InitLine | tuple[str, int, Part]
"""A header, or rendition, segment and part."""


class _Owner:
    """One owner's lines as far as they were read, without the parts that its files do not hold."""

    def __init__(self, folder: Path, token: int) -> None:
        self.opened: Opened | None = None
        self.gaps: list[GapLine] = []
        self.casts: list[CastLine] = []
        self.closed = False
        self.off_us: int | None = None
        self.renditions: set[str] = set()
        self.first_us = _FOR_EVER_US
        """Where its first part begins."""
        self._folder = folder
        self._index = folder / index_name(token)
        self._head = b""
        """Its first line, by which it is known again."""
        self._at = 0
        self._files: dict[str, str] = {}
        self._sizes: dict[str, int] = {}
        self._ends: dict[str, int] = {}
        self._broken: set[str] = set()

    def read(self) -> list[_Held]:
        """What it has added that its files hold."""
        try:
            with self._index.open("rb") as file:
                file.seek(self._at)
                text = file.read()
        except FileNotFoundError:
            return []  # deleted meanwhile
        self._sizes = {name: _size(self._folder / name) for name in self._sizes}
        begun, held = self._at, list[_Held]()
        for line, end in whole_lines(text):
            if self._at == 0:
                if not isinstance(line, Opened) or line.v != VERSION:
                    break
                self.opened = line
                self._head = text[:end]
            self._at = begun + end
            held += self._take(line)
        return held

    @property
    def marks(self) -> tuple[bool | int, ...]:
        """What changes when anything does."""
        return self._is_known, _size(self._index), *(_size(self._folder / name) for name in self._sizes)

    @property
    def stands(self) -> bool:
        """Whether everything that was read is still there."""
        if self._broken or not self._is_known or _size(self._index) < self._at:
            return False
        return all(_size(self._folder / name) >= end for name, end in self._ends.items())

    @property
    def _is_known(self) -> bool:
        try:
            with self._index.open("rb") as file:
                return file.read(len(self._head)) == self._head
        except FileNotFoundError:
            return False

    def _take(self, line: Line) -> Iterator[_Held]:
        self.closed = isinstance(line, Closed)
        match line:
            case InitLine():
                if line.file not in self._sizes:
                    self._sizes[line.file] = _size(self._folder / line.file) if is_media_name(line.file) else 0
                self._files[line.rendition] = line.file
                if self._holds(line.rendition, line.offset + line.length):
                    yield line
            case PartLine():
                if line.rendition in self._files and self._holds(line.rendition, line.offset + line.length):
                    self.renditions.add(line.rendition)
                    self.first_us = min(self.first_us, line.start_us)
                    self.off_us = _worse(self.off_us, line.off_us)
                    span = Span(self._files[line.rendition], line.offset, line.length)
                    part = Part(span, line.start_us, line.duration_us, line.at_ms, line.independent)
                    yield line.rendition, line.segment, part
            case GapLine():
                self.gaps.append(line)
            case CastLine():
                self.casts.append(line)
            case Opened() | Closed():
                pass

    def _holds(self, rendition: str, end: int) -> bool:
        file = self._files[rendition]
        if end > self._sizes[file]:
            self._broken.add(rendition)
        if rendition in self._broken:
            return False
        self._ends[file] = max(end, self._ends.get(file, 0))
        return True


class _Segments:
    """One rendition, to which parts are added in order."""

    def __init__(self, name: str, kind: Kind) -> None:
        self._name = name
        self._kind: Kind = kind
        self._inits: list[Init] = []
        self._whole: list[MediaSegment] = []
        self._parts: list[Part] = []
        self._of = (-1, -1)
        self._broken = False

    def begin(self, line: InitLine) -> None:
        self._inits.append(Init(Span(line.file, line.offset, line.length), line.codecs, line.width, line.height))

    def add(self, segment: int, part: Part) -> None:
        of = segment, len(self._inits) - 1
        if of != self._of and self._parts:
            last = self._last(is_open=False)
            self._whole.append(last)
            self._broken = (
                last.span.file != part.span.file or last.init != of[1] or part.start_us - last.end_us > HOLE_US
            )
            self._parts = []
        self._of = of
        self._parts.append(part)

    def rendition(self, *, grows: bool, ended_us: int) -> Rendition:
        """`grows`: its newest owner writes it, `ended_us`: where that has said that nothing is kept any more."""
        last = [self._last(is_open=grows and self._end_us - HOLE_US > ended_us)] if self._parts else []
        return Rendition(self._name, self._kind, tuple(self._inits), (*self._whole, *last))

    @property
    def _end_us(self) -> int:
        return self._parts[-1].start_us + self._parts[-1].duration_us

    def _last(self, *, is_open: bool) -> MediaSegment:
        parts = tuple(self._parts)
        return MediaSegment(self._name, len(self._whole), self._of[1], parts, discontinuity=self._broken, open=is_open)


class _Reading:
    """What was read of all owners, and goes on with the newest."""

    def __init__(self, folder: Path, tokens: list[int]) -> None:
        self._folder = folder
        self._tokens = tokens
        self._segments: dict[str, _Segments] = {}
        self._anchors: list[tuple[int, int]] = []
        self._offset_us: int | None = None
        self._owners: list[tuple[_Owner, int]] = []
        """Each with the media time at which a later one began."""
        found = [(owner, owner.read()) for owner in (_Owner(folder, token) for token in tokens)]
        self._newest = found[-1][0] if found else None
        until_us = _FOR_EVER_US
        for owner, _ in reversed(found):
            if owner.opened is not None:
                self._owners.insert(0, (owner, until_us))
                until_us = min(until_us, owner.first_us)
        held = {id(owner): held for owner, held in found}
        for owner, limit_us in self._owners:
            self._take(held[id(owner)], limit_us)
        self._marks = [owner.marks for owner, _ in self._owners[:-1]]

    def goes_on(self, tokens: list[int]) -> bool:
        """Take what the newest owner has added; False where something else has changed."""
        newest = self._newest
        if newest is None or newest.opened is None or tokens != self._tokens or not newest.stands:
            return False
        if self._marks != [owner.marks for owner, _ in self._owners[:-1]]:
            return False
        first_us = newest.first_us
        self._take(newest.read(), _FOR_EVER_US)
        return newest.first_us == first_us

    def kept(self) -> Kept | None:
        if not self._owners:
            return None
        opened, newest = self._owners[0][0].opened, self._owners[-1][0]
        assert opened is not None  # noqa: S101 - others are not among them
        ended_us = max((gap.start_us for gap in newest.gaps), default=-_FOR_EVER_US)
        return Kept(
            id=opened.recording,
            epoch_ms=opened.epoch_ms,
            renditions=tuple(
                each.rendition(grows=not newest.closed and name in newest.renditions, ended_us=ended_us)
                for name, each in self._segments.items()
            ),
            gaps=tuple(self._gaps()),
            closed=newest.closed,
            bytes=sum(path.stat().st_size for path in self._folder.iterdir() if is_media_name(path.name)),
            anchors=tuple(sorted(self._anchors)),
            casts=tuple(
                Cast(each.start_us, frozenset(each.who))
                for owner, until_us in self._owners
                for each in owner.casts
                if each.start_us < until_us
            ),
            av_offset_us=functools.reduce(_worse, (owner.off_us for owner, _ in self._owners), None),
        )

    def _take(self, held: list[_Held], until_us: int) -> None:
        for each in held:
            if isinstance(each, InitLine):
                self._segments.setdefault(each.rendition, _Segments(each.rendition, each.kind)).begin(each)
                continue
            name, segment, part = each
            if part.start_us >= until_us:
                continue
            self._segments[name].add(segment, part)
            offset_us = part.at_ms * 1000 - part.start_us
            if self._offset_us is None or abs(offset_us - self._offset_us) > _ANCHOR_US:
                self._offset_us = offset_us
                self._anchors.append((part.start_us, part.at_ms))

    def _gaps(self) -> Iterator[Gap]:
        gaps = {(line.start_us, line.reason): line for owner, _ in self._owners for line in owner.gaps}
        for line in sorted(gaps.values(), key=lambda line: line.start_us):
            if line.duration_us > 0:
                yield Gap(line.start_us, line.duration_us, line.reason)


def _worse(one: int | None, other: int | None) -> int | None:
    """The offset that is farther from none at all."""
    return max((each for each in (one, other) if each is not None), key=abs, default=None)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
