"""The timelines of a picture and of a sound: frames with the time of their capture become parts without a hole. Pure.

Media time is in us; a track counts in ticks of its timescale. What is missing is bridged: a picture stays until the
next one and is repeated when there is none for long, silence of the right length stands for sound.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from heapq import heappop, heappush

from expo.media.recording.cmaf import AUDIO_TIMESCALE, VIDEO_TIMESCALE, Sample, audio_header, fragment, video_header
from expo.media.recording.frames import SEGMENT_LEAST_US, SEGMENT_US, Frame, nal_units, opus_ticks
from expo.media.recording.index import GapReason, Kind
from expo.media.recording.sps import parse_sps

PART_US = 500_000
SOUND_SEGMENT_US = 4_000_000
# A picture that stays for longer is repeated, so that segments go on and players do not wait.
HOLD_US = 3_000_000
# Sound that has not come by then is not waited for; what comes later than KEEP_BACK_US behind now is too late.
SILENT_US = 1_500_000
KEEP_BACK_US = 1_000_000
# A frame of sound is added or left out when it is off by one, at a quiet moment; by one and a half at any.
_FRAME_TICKS = 960
_OFF_TICKS = 1440
_REPORTED_US = 500_000
_LEAST_TICKS = 90
_LONGEST_LAST_TICKS = VIDEO_TIMESCALE // 10
_MOST_REORDER = 16
_MOST_PARAMETERS = 16
_LONGEST_PARAMETER = 1024
# 20 ms of digital silence: CELT, full band, with the silence flag set (RFC 6716 4.3), stereo.
SILENCE = b"\xfc\xff\xfe"

_IDR, _SPS, _PPS, _FILLER = 5, 7, 8, 12


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


@dataclass(frozen=True, slots=True)
class GapPiece:
    start_us: int
    duration_us: int
    reason: GapReason


Piece = InitPiece | PartPiece | GapPiece


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


@dataclass(frozen=True, slots=True)
class Boundary:
    """Where a picture's segment begins; `anew`: with another header, so that every rendition begins anew there."""

    at_us: int
    anew: bool


class _Track:
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
        self.pieces.append(
            PartPiece(self.name, self.segment, data, start_us, end_us - start_us, samples[0].key or not video)
        )


@dataclass(slots=True)
class _Picture:
    pts: int
    data: bytes
    key: bool
    parameters: Parameters | None


class PictureTrack(_Track):
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
        if frame.missing:
            self._miss(frame.missing)
        units = nal_units(frame.payloads)
        if units is None:
            self._miss("lost")
            self.dropped += 1
            return
        key = self._learn(units)
        if self._waiting and not (key and self._readable()):
            return
        self._waiting = False
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


class SoundTrack(_Track):
    """Opus packets end to end. Capture and clock of the sender drift: whole frames are left out or silence added."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "audio", AUDIO_TIMESCALE)
        self.off_us = 0
        self.dropped = 0
        self._pending: deque[Sample] = deque()
        self._end: int | None = None
        self._floor = 0
        self._mean_bytes = 0.0
        self._bridged: int | None = None
        self.boundaries: deque[Boundary] = deque()

    @property
    def end_us(self) -> int:
        return self.us(self._floor)

    @property
    def newest_us(self) -> int | None:
        return None if self._end is None else self.us(self._end)

    def begin(self, floor_us: int) -> None:
        """Begin with the next packet, not before `floor_us`."""
        self._end = None
        self._floor = self.ticks(floor_us) + 1
        self.segment += 1
        self._mean_bytes = 0.0
        self._bridged = None
        self.boundaries.clear()

    def take(self, frame: Frame, media_us: int) -> None:
        """One Opus packet; one that is none is left out, and its time bridged."""
        packet = frame.payloads[0]
        length = opus_ticks(packet)
        if length is None:
            self.dropped += 1
            return
        at = self.ticks(media_us)
        if self._end is None:
            self._end = max(self._floor, at)
            self._segment_start = self._end
        off = at - self._end
        self._mean_bytes += (len(packet) - self._mean_bytes) / 16
        limit = _FRAME_TICKS if len(packet) * 2 < self._mean_bytes else _OFF_TICKS
        if off <= -limit:
            self.off_us = -self.us(off)
            return
        self._report(at, frame.missing or "lost")
        if off >= limit:
            self._fill(at - _FRAME_TICKS // 2)
            off = at - self._end
        self.off_us = -self.us(off)
        self._add(length, packet)

    def advance(self, now_us: int) -> None:
        """Silence for what has not come in time."""
        if self._end is not None and now_us - self.us(self._end) >= SILENT_US:
            self._bridged = self._end if self._bridged is None else self._bridged
            self._fill(self.ticks(now_us - KEEP_BACK_US))

    def write(self, horizon_us: int, *, alone: bool) -> None:
        """Make parts of what ends before `horizon_us`. Segments begin where the picture's do.

        `alone`: there is no picture to wait for.
        """
        most_us = SEGMENT_US if alone else SOUND_SEGMENT_US
        while self._pending and self.us(self._pending[0].start + self._pending[0].duration) <= horizon_us:
            sample = self._pending.popleft()
            start_us = self.us(sample.start)
            begins = False
            while self.boundaries and self.boundaries[0].at_us <= start_us + 10_000:
                begins = True
                if self.boundaries.popleft().anew:
                    self.renew()
            if sample.start > self._segment_start and (begins or start_us - self.us(self._segment_start) >= most_us):
                self._begin_segment(sample.start)
            elif self._samples and self.us(sample.start - self._samples[0].start) >= PART_US:
                self._flush()
            if self._header_due:
                self._flush()
                self._header_due = False
                self.pieces.append(InitPiece(self.name, "audio", audio_header(), "opus", 0, 0))
            self._samples.append(sample)
            self._floor = sample.start + sample.duration

    def end(self) -> None:
        """Pass on everything."""
        self.write(1 << 62, alone=False)
        self._report(self._floor, "lost")
        self._flush()
        self._end = None

    def forget(self) -> None:
        """Drop what was not passed on."""
        self._pending.clear()
        self._samples.clear()
        self.pieces.clear()
        self._end = None
        self.renew()

    def _report(self, until: int, reason: GapReason) -> None:
        """Say what had to be bridged."""
        if self._end is None:
            return
        start_us = self.us(self._end if self._bridged is None else self._bridged)
        if self.us(until) - start_us >= _REPORTED_US:
            self.pieces.append(GapPiece(start_us, self.us(until) - start_us, reason))
        self._bridged = None

    def _fill(self, until: int) -> None:
        while self._end is not None and self._end < until:
            self._add(_FRAME_TICKS, SILENCE)

    def _add(self, length: int, packet: bytes) -> None:
        if self._end is not None:
            self._pending.append(Sample(self._end, length, 0, key=True, data=packet))
            self._end += length
