"""What the timelines of a picture and of a sound have in common: parts without a hole between them. Pure.

Media time is in us; a timeline counts in ticks of its timescale.
"""

from __future__ import annotations

from dataclasses import dataclass

from expo.media.recording.cmaf import Sample, fragment
from expo.media.recording.lines import GapReason, Kind

PART_US = 500_000


@dataclass(frozen=True, slots=True)
class InitPiece:
    """A header to be written; parts of the rendition that follow need it."""

    rendition: str
    kind: Kind
    data: bytes
    codecs: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class PartPiece:
    rendition: str
    segment: int
    data: bytes
    start_us: int
    duration_us: int
    independent: bool
    off_us: int | None = None


@dataclass(frozen=True, slots=True)
class GapPiece:
    start_us: int
    duration_us: int
    reason: GapReason


Piece = InitPiece | PartPiece | GapPiece


@dataclass(frozen=True, slots=True)
class Boundary:
    """Where a picture's segment begins; `anew`: with another header, so that every rendition begins anew there."""

    at_us: int
    anew: bool


class Timeline:
    """What both have: the part that grows, numbers of parts and segments, and what is to be written."""

    def __init__(self, name: str, kind: Kind, timescale: int) -> None:
        self.name = name
        self.pieces: list[Piece] = []
        self.kept_us = 0
        self.segment = -1
        self._kind = kind
        self._timescale = timescale
        self._samples: list[Sample] = []
        self._parts = 0
        self._segment_start = 0
        self._header_due = True
        self._worst_off_us: int | None = None

    def us(self, ticks: int) -> int:
        return ticks * 1_000_000 // self._timescale

    def ticks(self, us: int) -> int:
        return us * self._timescale // 1_000_000

    def renew(self) -> None:
        """Write the header again before the next part: what was written may be lost, or others begin anew."""
        self._header_due = True

    def _begin_segment(self, start: int) -> None:
        self._flush()
        self.segment += 1
        self._segment_start = start

    def _flush(self) -> None:
        """Make a part of the samples so far, all of whose durations are known."""
        samples, self._samples = self._samples, []
        if not samples:
            return
        self._parts += 1
        start_us, end_us = self.us(samples[0].start), self.us(samples[-1].start + samples[-1].duration)
        self.kept_us += end_us - start_us
        video = self._kind == "video"
        data = fragment(self._parts, samples, video=video)
        off_us, self._worst_off_us = self._worst_off_us, None
        key = samples[0].key or not video
        self.pieces.append(PartPiece(self.name, self.segment, data, start_us, end_us - start_us, key, off_us))
