"""A recording as its files prove it; `reader` makes it of its owners' lines."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

import msgspec

from expo.media.recording.lines import GapReason, Kind

# Less than the shortest Opus frame: what is closer together than this has nothing missing in between.
HOLE_US = 2_000


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
    `casts` are in media order too, and none where the recorder was not told. `av_offset_us` is how much later than it
    was captured sound lies at worst, None where nobody has said.
    """

    id: str
    epoch_ms: int
    renditions: tuple[Rendition, ...]
    gaps: tuple[Gap, ...]
    closed: bool
    bytes: int
    anchors: tuple[tuple[int, int], ...]
    casts: tuple[Cast, ...] = ()
    av_offset_us: int | None = None

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
