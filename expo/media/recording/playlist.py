"""HLS playlists over a recording's own files, and the time line of what plays of it (RFC 8216, draft rfc8216bis). Pure.

Media time is the recording's (us since its epoch); position is that of what plays, from 0, without what was left out.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from expo.media.recording.index import Init, Kept, MediaSegment, Rendition

VERSION = 7
"""EXT-X-MAP for media that is not I-frames alone needs 6, its use in the wild 7."""
LEAST_TARGET_S = 4
"""What a segment may last; a playlist that grows may not change its target."""
_TOUCHING_US = 50_000
"""Segments that lie no farther apart follow each other: parts are cut on two clocks' ticks."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Media time from `start_us` until before `end_us`."""

    start_us: int
    end_us: int

    @property
    def length_us(self) -> int:
        return self.end_us - self.start_us

    def overlaps(self, start_us: int, end_us: int) -> bool:
        return self.start_us < end_us and start_us < self.end_us


@dataclass(frozen=True, slots=True)
class Selection:
    """What is to play: segments that touch something shown and nothing withheld. Whatever is neither goes with both."""

    shown: tuple[Stretch, ...]
    withheld: tuple[Stretch, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """Media that plays without a seam, and its position."""

    media: Stretch
    at_us: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """What plays of one rendition: its segments, each with its period: how many seams in the time line lie before."""

    rendition: Rendition
    segments: tuple[MediaSegment, ...]
    periods: tuple[int, ...]

    def init(self, segment: MediaSegment) -> Init:
        return self.rendition.inits[segment.init]

    @property
    def peak_bps(self) -> int:
        return max((_bps(segment.span.length, segment.duration_us) for segment in self.segments), default=0)

    @property
    def average_bps(self) -> int:
        length = sum(segment.span.length for segment in self.segments)
        return _bps(length, sum(segment.duration_us for segment in self.segments))


@dataclass(frozen=True, slots=True)
class Film:
    """What plays of a recording. The first of `chosen` (picture, or sound where there is none) has the time line."""

    chosen: tuple[Chosen, ...]
    runs: tuple[Run, ...]

    @property
    def length_us(self) -> int:
        return self.runs[-1].at_us + self.runs[-1].media.length_us if self.runs else 0

    def rendition(self, name: str) -> Chosen | None:
        return next((chosen for chosen in self.chosen if chosen.rendition.name == name), None)

    def position_us(self, media_us: int) -> int:
        """Where a moment plays; one that does not is where the next that does begins."""
        at = bisect_right(self.runs, media_us, key=lambda run: run.media.start_us) - 1
        if at < 0:
            return 0
        run = self.runs[at]
        return run.at_us + min(media_us - run.media.start_us, run.media.length_us)

    def media_us(self, position_us: int) -> int:
        """The moment that plays at a position."""
        at = max(0, bisect_right(self.runs, position_us, key=lambda run: run.at_us) - 1)
        if not self.runs:
            return 0
        run = self.runs[at]
        return run.media.start_us + min(max(0, position_us - run.at_us), run.media.length_us)


def film(kept: Kept, selection: Selection, *, growing: bool) -> Film:
    """What plays of `kept`; of a recording that is `growing`, segments that may still grow do not."""
    shown, withheld = _union(selection.shown), _union(selection.withheld)

    def takes(one: MediaSegment) -> bool:
        if growing and one.open:
            return False
        return _touches(shown, one.start_us, one.end_us) and not _touches(withheld, one.start_us, one.end_us)

    taken = [
        (rendition, [one for one in rendition.segments if takes(one)])
        for rendition in sorted(kept.renditions, key=_rank)
    ]
    taken = [(rendition, segments) for rendition, segments in taken if segments]
    if not taken:
        return Film((), ())
    breaks, runs = _time_line(taken[0][1])
    chosen: list[Chosen] = []
    for rendition, segments in taken:
        own = [one for one in segments if any(run.media.overlaps(one.start_us, one.end_us) for run in _near(runs, one))]
        periods = tuple(max(0, bisect_right(breaks, one.end_us - 1) - 1) for one in own)
        if own:
            chosen.append(Chosen(rendition, tuple(own), periods))
    return Film(tuple(chosen), tuple(runs))


def media_playlist(film: Film, chosen: Chosen, *, growing: bool) -> str:
    """One rendition's playlist; addresses are relative to it: `picture/init-0.mp4`, `picture/17.m4s`."""
    longest_us = max(one.duration_us for one in chosen.segments)
    name = chosen.rendition.name
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{VERSION}",
        f"#EXT-X-TARGETDURATION:{max(LEAST_TARGET_S, (longest_us + 500_000) // 1_000_000)}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        f"#EXT-X-PLAYLIST-TYPE:{'EVENT' if growing else 'VOD'}",
        "#EXT-X-INDEPENDENT-SEGMENTS",
    ]
    period, init = 0, None
    for number, (one, at) in enumerate(zip(chosen.segments, chosen.periods, strict=True)):
        lines += ["#EXT-X-DISCONTINUITY"] * (at - period)
        if one.init != init or at != period:
            lines.append(f'#EXT-X-MAP:URI="{name}/init-{one.init}.mp4"')
        if number == 0 or at != period:
            lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{_date_time(one.at_ms)}")
        lines += [f"#EXTINF:{one.duration_us / 1e6:.6f},", f"{name}/{one.number}.m4s"]
        period, init = at, one.init
    if not growing:
        lines.append("#EXT-X-ENDLIST")
    return "\n".join(lines) + "\n"


def master_playlist(film: Film, labels: Mapping[str, tuple[str, str]], *, sound: Callable[[str], bool]) -> str:
    """All renditions; `labels` are a sound's name for people and its BCP 47 language, `sound` the one played first."""
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{VERSION}", "#EXT-X-INDEPENDENT-SEGMENTS"]
    pictures = [one for one in film.chosen if one.rendition.kind == "video"]
    sounds = [one for one in film.chosen if one.rendition.kind == "audio"]
    first = next((one for one in sounds if sound(one.rendition.name)), sounds[0] if sounds else None)
    if pictures:
        lines += [_sound(one, labels, is_first=one is first) for one in sounds]
    for one in pictures or sounds[:1]:
        codecs = sorted({each.codecs for each in one.rendition.inits})
        group = ""
        if pictures and sounds:
            codecs += sorted({each.codecs for other in sounds for each in other.rendition.inits})
            group = ',AUDIO="sound"'
        others = sounds if pictures else ()
        peak = one.peak_bps + max((other.peak_bps for other in others), default=0)
        average = one.average_bps + max((other.average_bps for other in others), default=0)
        size = max((one.init(segment) for segment in one.segments), key=lambda each: each.width * each.height)
        resolution = f",RESOLUTION={size.width}x{size.height}" if size.width and size.height else ""
        listed = ",".join(dict.fromkeys(codecs))
        lines.append(
            f'#EXT-X-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={average},CODECS="{listed}"{resolution}{group}'
        )
        lines.append(f"{one.rendition.name}.m3u8")
    return "\n".join(lines) + "\n"


def has_media(kept: Kept, stretch: Stretch) -> bool:
    """Whether anything was kept of a stretch, in any rendition."""
    for rendition in kept.renditions:
        at = bisect_right(rendition.segments, stretch.start_us, key=lambda one: one.end_us)
        if at < len(rendition.segments) and rendition.segments[at].start_us < stretch.end_us:
            return True
    return False


def kept_stretches(kept: Kept) -> tuple[Stretch, ...]:
    """Where anything was kept of the rendition that has the time line, in order."""
    first = min(kept.renditions, key=_rank, default=None)
    found: list[Stretch] = []
    for one in first.segments if first is not None else ():
        if found and one.start_us - found[-1].end_us <= _TOUCHING_US:
            found[-1] = Stretch(found[-1].start_us, one.end_us)
        else:
            found.append(Stretch(one.start_us, one.end_us))
    return tuple(found)


def _rank(rendition: Rendition) -> tuple[bool, bool, str]:
    """Picture before sound, the floor before channels."""
    return rendition.kind != "video", rendition.name != "floor", rendition.name


def _union(stretches: Sequence[Stretch]) -> list[Stretch]:
    """The same time in stretches that neither touch nor overlap, in order."""
    found: list[Stretch] = []
    for one in sorted(stretches, key=lambda one: one.start_us):
        if found and one.start_us <= found[-1].end_us:
            found[-1] = Stretch(found[-1].start_us, max(found[-1].end_us, one.end_us))
        else:
            found.append(one)
    return found


def _touches(union: Sequence[Stretch], start_us: int, end_us: int) -> bool:
    at = bisect_right(union, start_us, key=lambda one: one.end_us)
    return at < len(union) and union[at].start_us < end_us


def _sound(one: Chosen, labels: Mapping[str, tuple[str, str]], *, is_first: bool) -> str:
    name, language = labels[one.rendition.name]
    yes = "YES" if is_first else "NO"
    return (
        f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",NAME="{_quoted(name)}",LANGUAGE="{language}",DEFAULT={yes},'
        f'AUTOSELECT=YES,CHANNELS="2",URI="{one.rendition.name}.m3u8"'
    )


def _time_line(segments: Sequence[MediaSegment]) -> tuple[list[int], list[Run]]:
    """Where periods begin, and the runs, of the rendition that has the time line."""
    breaks: list[int] = []
    runs: list[Run] = []
    before: MediaSegment | None = None
    position_us = 0
    for one in segments:
        follows = before is not None and one.number == before.number + 1 and not one.discontinuity
        if not follows:
            breaks.append(one.start_us)
        if before is not None and abs(one.start_us - before.end_us) <= _TOUCHING_US:
            last = runs.pop()
            runs.append(Run(Stretch(last.media.start_us, one.end_us), last.at_us))
        else:
            runs.append(Run(Stretch(one.start_us, one.end_us), position_us))
        position_us = runs[-1].at_us + runs[-1].media.length_us
        before = one
    return breaks, runs


def _near(runs: Sequence[Run], one: MediaSegment) -> Iterator[Run]:
    """The runs that a segment may overlap."""
    at = max(0, bisect_right(runs, one.start_us, key=lambda run: run.media.start_us) - 1)
    while at < len(runs) and runs[at].media.start_us < one.end_us:
        yield runs[at]
        at += 1


def _bps(length: int, duration_us: int) -> int:
    return length * 8_000_000 // duration_us if duration_us else 0


def _date_time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _quoted(text: str) -> str:
    """Text of a quoted string: neither quotes nor line ends can stand in one (RFC 8216 4.2)."""
    return "".join(letter for letter in text if letter.isprintable() and letter != '"')
