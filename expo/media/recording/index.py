"""A recording as its files prove it: what a reader makes of all owners' lines."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from expo.media.recording.layout import index_name, is_media_name, owners
from expo.media.recording.lines import (
    VERSION,
    CastLine,
    Closed,
    GapLine,
    GapReason,
    InitLine,
    Kind,
    Line,
    Opened,
    PartLine,
    whole_lines,
)

# Less than the shortest Opus frame: what is closer together than this has nothing missing in between.
HOLE_US = 2_000
# Room clock and media time drift by the server's own clock; only a step or a hole makes a new anchor.
_ANCHOR_US = 20_000


class Span(msgspec.Struct, frozen=True, gc=False):
    """Bytes of a file in the recording's folder."""

    file: str
    offset: int
    length: int


class Part(msgspec.Struct, frozen=True, gc=False):
    """A fragment. `at_ms` is the room clock at `start_us`.

    A struct and not a dataclass: an hour has some 14,000.
    """

    span: Span
    start_us: int
    duration_us: int
    at_ms: int
    independent: bool


@dataclass(frozen=True, slots=True)
class MediaSegment:
    """Neighbouring parts. `number` counts over the whole recording; `init` is an index into `Rendition.inits`.

    `discontinuity`: another file, another init or a hole lies before it. `open`: it may still grow.
    """

    rendition: str
    number: int
    init: int
    parts: tuple[Part, ...]
    discontinuity: bool
    open: bool

    @property
    def start_us(self) -> int:
        return self.parts[0].start_us

    @property
    def end_us(self) -> int:
        return self.parts[-1].start_us + self.parts[-1].duration_us

    @property
    def duration_us(self) -> int:
        return self.end_us - self.start_us

    @property
    def at_ms(self) -> int:
        return self.parts[0].at_ms

    @property
    def span(self) -> Span:
        """The bytes of all parts, which lie behind each other."""
        first, last = self.parts[0].span, self.parts[-1].span
        return Span(first.file, first.offset, last.offset + last.length - first.offset)


@dataclass(frozen=True, slots=True)
class Init:
    """An initialisation segment (ftyp, moov)."""

    span: Span
    codecs: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Rendition:
    name: str
    kind: Kind
    inits: tuple[Init, ...]
    segments: tuple[MediaSegment, ...]


@dataclass(frozen=True, slots=True)
class Gap:
    start_us: int
    duration_us: int
    reason: GapReason


@dataclass(frozen=True, slots=True)
class Cast:
    """Who is seen and heard from `start_us` until the next one."""

    start_us: int
    who: frozenset[str]


@dataclass(frozen=True, slots=True)
class Kept:
    """A whole recording as its files prove it. `bytes` is what its media files take; `closed`: its newest owner ended.

    `anchors` are (media us, room clock ms) pairs in media order: the two clocks run together in between.
    `casts` are in media order too, and none where the recorder was not told.
    """

    id: str
    epoch_ms: int
    renditions: tuple[Rendition, ...]
    gaps: tuple[Gap, ...]
    closed: bool
    bytes: int
    anchors: tuple[tuple[int, int], ...]
    casts: tuple[Cast, ...] = ()

    @property
    def start_us(self) -> int:
        """Media time of its first moment; 0 when nothing was kept."""
        return min((each.segments[0].start_us for each in self.renditions if each.segments), default=0)

    @property
    def end_us(self) -> int:
        return max((each.segments[-1].end_us for each in self.renditions if each.segments), default=0)

    def cast(self, start_us: int, end_us: int) -> frozenset[str] | None:
        """Who is seen or heard in a stretch; None where nobody has said."""
        if not self.casts or self.casts[0].start_us > max(start_us, self.start_us):
            return None
        first = bisect_right(self.casts, start_us, key=lambda each: each.start_us) - 1
        on = (each.who for each in self.casts[max(0, first) :] if each.start_us < end_us)
        return frozenset[str]().union(*on)

    def media_us(self, at_ms: int) -> int:
        """Media time of a moment on the room clock; where that clock was set back, of its last passing."""
        by_clock = sorted((clock_ms, start_us) for start_us, clock_ms in self.anchors)
        if not by_clock:
            return (at_ms - self.epoch_ms) * 1000
        clock_ms, start_us = by_clock[max(0, bisect_right(by_clock, (at_ms, self.end_us)) - 1)]
        return start_us + (at_ms - clock_ms) * 1000

    def at_ms(self, media_us: int) -> int:
        """What the room clock said at this media time."""
        if not self.anchors:
            return self.epoch_ms + media_us // 1000
        start_us, clock_ms = self.anchors[max(0, bisect_right(self.anchors, (media_us, 1 << 62)) - 1)]
        return clock_ms + (media_us - start_us) // 1000


def read_recording(folder: Path) -> Kept | None:
    """What can be played of the recording in this folder; None when nobody has opened one there. Blocking.

    Left out are: a torn last line; parts that reach beyond their file, with what follows in their rendition; and what
    an owner wrote at or after the first part of a later one (it had lost the room and did not know yet).
    """
    found = [owner for owner in (_read_owner(folder, token) for token in owners(folder)) if owner is not None]
    if not found:
        return None
    until_us = 1 << 62
    for owner in reversed(found):
        owner.parts = [each for each in owner.parts if each.part.start_us < until_us]
        owner.casts = [each for each in owner.casts if each.start_us < until_us]
        until_us = min(until_us, min((each.part.start_us for each in owner.parts), default=until_us))
    opened = found[0].opened
    renditions = tuple(_renditions(found))
    return Kept(
        id=opened.recording,
        epoch_ms=opened.epoch_ms,
        renditions=renditions,
        gaps=tuple(_gaps(found)),
        closed=found[-1].closed,
        bytes=sum(path.stat().st_size for path in folder.iterdir() if is_media_name(path.name)),
        anchors=tuple(_anchors(renditions)),
        casts=tuple(Cast(each.start_us, frozenset(each.who)) for owner in found for each in owner.casts),
    )


class _OwnedPart(msgspec.Struct):
    rendition: str
    segment: int
    init: InitLine
    part: Part


class _Owner:
    """One owner's lines, without the parts that its files do not hold."""

    def __init__(self, folder: Path, opened: Opened) -> None:
        self.opened = opened
        self.inits: list[InitLine] = []
        self.parts: list[_OwnedPart] = []
        self.gaps: list[GapLine] = []
        self.casts: list[CastLine] = []
        self.closed = False
        self._folder = folder
        self._newest: dict[str, InitLine] = {}
        self._sizes: dict[str, int] = {}
        self._broken: set[str] = set()

    def take(self, line: Line) -> None:
        self.closed = isinstance(line, Closed)
        match line:
            case InitLine():
                self._take_init(line)
            case PartLine():
                self._take_part(line)
            case GapLine():
                self.gaps.append(line)
            case CastLine():
                self.casts.append(line)
            case Opened() | Closed():
                pass

    def _take_init(self, line: InitLine) -> None:
        if line.file not in self._sizes:
            self._sizes[line.file] = _size(self._folder / line.file) if is_media_name(line.file) else 0
        self._newest[line.rendition] = line
        if self._holds(line.rendition, line.file, line.offset + line.length):
            self.inits.append(line)

    def _take_part(self, line: PartLine) -> None:
        init = self._newest.get(line.rendition)
        if init is not None and self._holds(line.rendition, init.file, line.offset + line.length):
            span = Span(init.file, line.offset, line.length)
            part = Part(span, line.start_us, line.duration_us, line.at_ms, line.independent)
            self.parts.append(_OwnedPart(line.rendition, line.segment, init, part))

    def _holds(self, rendition: str, file: str, end: int) -> bool:
        if end > self._sizes[file]:
            self._broken.add(rendition)
        return rendition not in self._broken


def _read_owner(folder: Path, token: int) -> _Owner | None:
    owner: _Owner | None = None
    try:
        text = (folder / index_name(token)).read_bytes()
    except FileNotFoundError:
        return None  # deleted meanwhile
    for line, _ in whole_lines(text):
        if owner is not None:
            owner.take(line)
        elif isinstance(line, Opened) and line.v == VERSION:
            owner = _Owner(folder, line)
        else:
            return None
    return owner


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _renditions(found: list[_Owner]) -> Iterator[Rendition]:
    names = dict.fromkeys(each.rendition for owner in found for each in owner.inits)
    for name in names:
        lines = [init for owner in found for init in owner.inits if init.rendition == name]
        inits = tuple(Init(Span(i.file, i.offset, i.length), i.codecs, i.width, i.height) for i in lines)
        numbers = {id(line): number for number, line in enumerate(lines)}
        segments: list[MediaSegment] = []
        for owner in found:
            grouped = _grouped([each for each in owner.parts if each.rendition == name])
            segments += _segments(name, grouped, numbers, segments)
        if segments:
            last = segments[-1]
            newest = found[-1]
            ended = any(gap.start_us >= last.end_us - HOLE_US for gap in newest.gaps)
            segments[-1] = replace(last, open=not newest.closed and not ended and _wrote(newest, name))
        yield Rendition(name, lines[0].kind, inits, tuple(segments))


def _wrote(owner: _Owner, rendition: str) -> bool:
    return any(each.rendition == rendition for each in owner.parts)


def _grouped(parts: list[_OwnedPart]) -> Iterator[list[_OwnedPart]]:
    group: list[_OwnedPart] = []
    for each in parts:
        if group and (each.segment != group[-1].segment or each.init is not group[-1].init):
            yield group
            group = []
        group.append(each)
    if group:
        yield group


def _segments(
    name: str, groups: Iterable[list[_OwnedPart]], numbers: dict[int, int], before: list[MediaSegment]
) -> list[MediaSegment]:
    made: list[MediaSegment] = []
    previous = before[-1] if before else None
    for group in groups:
        init = numbers[id(group[0].init)]
        start_us = group[0].part.start_us
        broken = previous is not None and (
            previous.span.file != group[0].part.span.file
            or previous.init != init
            or start_us - previous.end_us > HOLE_US
        )
        parts = tuple(each.part for each in group)
        previous = MediaSegment(name, len(before) + len(made), init, parts, discontinuity=broken, open=False)
        made.append(previous)
    return made


def _gaps(found: list[_Owner]) -> Iterator[Gap]:
    gaps = {(line.start_us, line.reason): line for owner in found for line in owner.gaps}
    for line in sorted(gaps.values(), key=lambda line: line.start_us):
        if line.duration_us > 0:
            yield Gap(line.start_us, line.duration_us, line.reason)


def _anchors(renditions: tuple[Rendition, ...]) -> Iterator[tuple[int, int]]:
    parts = (part for rendition in renditions for segment in rendition.segments for part in segment.parts)
    offset_us: int | None = None
    for part in sorted(parts, key=lambda part: part.start_us):
        found_us = part.at_ms * 1000 - part.start_us
        if offset_us is None or abs(found_us - offset_us) > _ANCHOR_US:
            offset_us = found_us
            yield part.start_us, part.at_ms
