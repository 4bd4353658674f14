"""The timeline of a picture: access units with the time of their capture become segments that begin with an IDR. Pure.

A picture stays until the next one, and is repeated when there is none for long.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from heapq import heappop, heappush

from expo.media.recording.cmaf import VIDEO_TIMESCALE, Sample, video_header
from expo.media.recording.frames import SEGMENT_LEAST_US, SEGMENT_US, Frame, nal_units
from expo.media.recording.lines import GapReason
from expo.media.recording.sps import parse_sps
from expo.media.recording.timeline import PART_US, Boundary, GapPiece, InitPiece, Timeline

# A picture that stays for longer is repeated, so that segments go on and players do not wait.
HOLD_US = 3_000_000
_LEAST_TICKS = 90
_LONGEST_LAST_TICKS = VIDEO_TIMESCALE // 10
_MOST_REORDER = 16
_MOST_PARAMETERS = 16
_LONGEST_PARAMETER = 1024
_IDR, _SPS, _PPS, _FILLER = 5, 7, 8, 12


@dataclass(frozen=True, slots=True)
class Parameters:
    """The sets that a key frame needs; two presenters with equal ones share a header."""

    sps: tuple[bytes, ...]
    pps: tuple[bytes, ...]

    @property
    def usable(self) -> bool:
        units = (*self.sps, *self.pps)
        few = 0 < len(self.sps) <= _MOST_PARAMETERS and 0 < len(self.pps) <= _MOST_PARAMETERS
        return (
            few
            and all(4 <= len(unit) <= _LONGEST_PARAMETER for unit in self.sps)
            and all(len(unit) <= _LONGEST_PARAMETER for unit in units)
        )


@dataclass(slots=True)
class _Picture:
    pts: int
    data: bytes
    key: bool
    parameters: Parameters | None


class PictureTrack(Timeline):
    """Segments begin with an IDR picture: when the last is 2 s long, is to be cut, or when parameter sets change.

    Decoding times are the presentation times in order, so that B-frames (RFC 6184 1.3: sent in decoding order) need
    no guess; a picture is passed on when as many have followed as the stream reorders, and its duration is known.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name, "video", VIDEO_TIMESCALE)
        self.boundaries: deque[Boundary] = deque()
        self.newest_us: int | None = None
        self.cut_due = False
        self.dropped = 0
        self.blind_us: int | None = None
        """Since when pictures come of which none can be shown."""
        self._sets = Parameters((), ())
        self._written: Parameters | None = None
        self._waiting = True
        self._missing: GapReason | None = None
        self._missing_from = 0
        self._held: deque[_Picture] = deque()
        self._times: list[int] = []
        self._reorder = 0
        self._open: _Picture | None = None
        self._start = 0
        self._last_duration = VIDEO_TIMESCALE // 30
        self._floor = 0
        self._first = 0
        self._key_data = b""
        self._begun = False

    @property
    def waiting(self) -> bool:
        """A picture can be shown from the next key frame only."""
        return self._waiting

    def begin(self, floor_us: int) -> None:
        """Begin at the next key frame, not before `floor_us`, and with nothing of what was before."""
        self._rest()
        self._floor = self.ticks(floor_us) + 1

    def take(self, frame: Frame, media_us: int) -> None:
        """One access unit."""
        if not frame.payloads:
            self._see_nothing(media_us)
            return
        if frame.missing:
            self._miss(frame.missing)
        units = nal_units(frame.payloads)
        if units is None:
            self._miss("lost")
            self.dropped += 1
            return
        key = self._learn(units)
        if self._waiting and not (key and self._readable()):
            self._see_nothing(media_us)
            return
        self._waiting = False
        self.blind_us = None
        if key:
            self._release(all_of_them=True)
            self._first = self._floor
        pts = max(self._first, self.ticks(media_us))
        self._report(pts)
        known = (*self._sets.sps, *self._sets.pps)
        data = b"".join(
            [
                len(unit).to_bytes(4, "big") + unit
                for unit in units
                if unit[0] & 31 != _FILLER and (unit[0] & 31 not in {_SPS, _PPS} or (not key and unit not in known))
            ]
        )
        self._hold(_Picture(pts, data, key, self._sets if key else None))

    def advance(self, now_us: int) -> None:
        """Repeat the last key frame where nothing has come for long; another key frame is waited for after that."""
        if not self._key_data or self.newest_us is None:
            return
        while now_us - self.newest_us >= HOLD_US:
            self._miss("lost")
            pts = self.ticks(self.newest_us + SEGMENT_US)
            self._hold(_Picture(pts, self._key_data, key=True, parameters=self._written))

    def end(self, until_us: int) -> None:
        """Pass on everything; the last picture stays until then, but not shorter or much longer than the others."""
        self._release(all_of_them=True)
        if self._open is not None:
            shortest = self._start + min(self._last_duration, _LONGEST_LAST_TICKS)
            self._complete(max(shortest, min(self.ticks(until_us), self._start + self.ticks(HOLD_US))))
            self._open = None
        self._report(self._floor)
        self._flush()
        self._rest()

    def forget(self) -> None:
        """Drop what was not passed on."""
        self._held.clear()
        self._times.clear()
        self._samples.clear()
        self.pieces.clear()
        self.boundaries.clear()
        self._open = None
        self.renew()
        self._rest()

    @property
    def end_us(self) -> int:
        """Where what is passed on ends."""
        return self.us(self._floor)

    def _rest(self) -> None:
        self._waiting = True
        self._missing = None
        self._begun = False
        self._key_data = b""
        self.newest_us = None
        self.cut_due = False
        self.blind_us = None

    def _learn(self, units: list[bytes]) -> bool:
        """Remember parameter sets; whether this is an IDR picture."""
        sps = tuple(dict.fromkeys(unit for unit in units if unit[0] & 31 == _SPS))
        pps = tuple(dict.fromkeys(unit for unit in units if unit[0] & 31 == _PPS))
        key = any(unit[0] & 31 == _IDR for unit in units)
        if (sps or pps) and (key or self._waiting):
            self._sets = Parameters(sps or self._sets.sps, pps or self._sets.pps)
        return key

    def _readable(self) -> bool:
        if self._sets == self._written:
            return True
        try:
            return self._sets.usable and parse_sps(self._sets.sps[0]).width > 0
        except ValueError:
            return False

    def _see_nothing(self, media_us: int) -> None:
        if self.blind_us is None:
            self.blind_us = media_us

    def _miss(self, reason: GapReason) -> None:
        """Something is not there: nothing can be shown until a key frame comes."""
        self._waiting = True
        if self._missing is None:
            self._missing = reason
            self._missing_from = self._start

    def _report(self, until: int) -> None:
        """What was missing has ended."""
        start_us, end_us = self.us(self._missing_from), self.us(until)
        if self._missing is not None and self._begun and end_us > start_us:
            self.pieces.append(GapPiece(start_us, end_us - start_us, self._missing))
        self._missing = None

    def _hold(self, picture: _Picture) -> None:
        if picture.key:
            self._release(all_of_them=True)
        elif self._open is not None or self._held:
            later = sum(time > picture.pts for time in self._times) + (self._begun and self._start > picture.pts)
            self._reorder = min(_MOST_REORDER, max(self._reorder, later))
        self._held.append(picture)
        heappush(self._times, picture.pts)
        us = self.us(picture.pts)
        self.newest_us = us if self.newest_us is None else max(self.newest_us, us)
        if picture.key:
            self._reorder = self._said_reorder(picture)
        self._release()

    def _said_reorder(self, picture: _Picture) -> int:
        if picture.parameters is None or picture.parameters == self._written:
            return self._reorder
        said = parse_sps(picture.parameters.sps[0]).reorder
        return self._reorder if said is None else said

    def _release(self, *, all_of_them: bool = False) -> None:
        while self._held and (all_of_them or len(self._held) > self._reorder):
            picture = self._held.popleft()
            self._pass_on(picture, max(heappop(self._times), self._floor))

    def _pass_on(self, picture: _Picture, start: int) -> None:
        self._complete(start)
        if picture.key:
            self._key_data = picture.data
        anew = picture.parameters is not None and picture.parameters != self._written
        long_enough = self.us(start - self._segment_start) >= SEGMENT_LEAST_US
        if picture.key and (anew or self._header_due or self.cut_due or long_enough or not self._begun):
            changed = anew and self._written is not None and self._begun
            self._begin_segment(start)
            self.boundaries.append(Boundary(self.us(start), changed))
            self.cut_due = False
            if (anew or self._header_due) and picture.parameters is not None:
                self._write_header(picture.parameters)
        elif self._samples and self.us(start - self._samples[0].start) >= PART_US:
            self._flush()
        self._begun = True
        self._open = picture
        self._start = start
        self._floor = start + _LEAST_TICKS

    def _complete(self, end: int) -> None:
        """The open picture lasts until `end`."""
        picture = self._open
        if picture is None:
            return
        duration = self._last_duration = end - self._start
        self._samples.append(Sample(self._start, duration, picture.pts - self._start, picture.key, picture.data))
        self._floor = end

    def _write_header(self, parameters: Parameters) -> None:
        sps = parse_sps(parameters.sps[0])
        data = video_header(sps, parameters.sps, parameters.pps)
        self.pieces.append(InitPiece(self.name, "video", data, sps.codecs, sps.width, sps.height))
        self._written = parameters
        self._header_due = False
