"""The timeline of a sound: Opus packets end to end, silence of the right length for what is missing. Pure."""

from __future__ import annotations

from collections import deque

from expo.media.recording.cmaf import AUDIO_TIMESCALE, Sample, audio_header
from expo.media.recording.frames import SEGMENT_US, Frame, opus_ticks
from expo.media.recording.lines import GapReason
from expo.media.recording.timeline import PART_US, Boundary, GapPiece, InitPiece, Timeline

SOUND_SEGMENT_US = 4_000_000
# Sound that has not come by then is not waited for; what comes later than KEEP_BACK_US behind now is too late.
SILENT_US = 1_500_000
KEEP_BACK_US = 1_000_000
_FRAME_TICKS = 960
# A frame of sound is added or left out when it is off by more than half of one at a quiet moment, by one at any: with
# what clocks are wrong by, sound is less than 40 ms from its picture.
_QUIET_OFF_TICKS = 600
_OFF_TICKS = 960
_REPORTED_US = 500_000
# 20 ms of digital silence: CELT, full band, with the silence flag set (RFC 6716 4.3), stereo.
SILENCE = b"\xfc\xff\xfe"


class SoundTrack(Timeline):
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
        limit = _QUIET_OFF_TICKS if len(packet) * 2 < self._mean_bytes else _OFF_TICKS
        if off <= -limit:
            self.off_us = self.us(-off)
            return
        self._report(at, frame.missing or "lost")
        if off >= limit:
            self._fill(at - _FRAME_TICKS // 2)
            off = at - self._end
        self.off_us = self.us(-off)
        if self._worst_off_us is None or abs(self.off_us) > abs(self._worst_off_us):
            self._worst_off_us = self.off_us
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
