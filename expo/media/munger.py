"""One gapless numbering over changing sources (RFC 3550 5.1): what lets a viewer see a single stream."""

from __future__ import annotations

from expo.media.sequence import MAX_DROPOUT, MAX_MISORDER, RestartGate

# Late packets find their hole as far back as the packet cache reaches.
WINDOW = 512

_EMPTY = bytes(WINDOW)
# An encoder's clock that goes back by more, or ahead of the server's by more, has been set anew.
_BACK_S = 1
_AHEAD_US = 10_000_000


class Munger:
    """Maps packets of one source after another onto consecutive sequence numbers and one timeline.

    Laws: no output number is ever given twice (under SRTP with GCM it would repeat a nonce); numbers only go up, but
    for a late packet, which gets the hole that was left for it; holes stay holes across losses, so that viewers ask.
    The caller pushes packets of one source at a time and calls `switch` in between.
    """

    __slots__ = (
        "_expected",
        "_floor",
        "_gate",
        "_issued",
        "_offset_ticks",
        "_out",
        "_skip",
        "_stamped_us",
        "_started",
        "_switched_us",
        "_timestamp",
    )

    def __init__(self, first_sequence: int = 0) -> None:
        self._out = first_sequence - 1  # the newest number given, extended
        self._floor = first_sequence  # the first number of the present source, extended
        self._issued = bytearray(WINDOW)  # which of the newest WINDOW numbers were given
        self._expected = -1  # the source's next number in order; -1 before its first
        self._timestamp = 0  # the source's newest
        self._stamped_us = 0  # when that timestamp was first seen
        self._offset_ticks = 0
        self._switched_us = 0
        self._skip = 0
        self._started = False
        self._gate = RestartGate()

    def switch(self, now_us: int = 0) -> None:
        """The next packet is the first of another source, at `now_us` or when it arrives, whichever is later."""
        self._expected = -1
        self._skip = 0
        self._switched_us = now_us
        self._gate = RestartGate()

    def restart(self) -> None:
        """Like `switch`, for a source that starts anew with something lost in between.

        One number is left out, so that a viewer's decoder notices and waits for the key frame.
        """
        self.switch()
        self._skip = 1

    def map(self, sequence: int, timestamp: int, arrival_us: int, clock_rate: int) -> tuple[int, int] | None:
        """The packet's outgoing (sequence, timestamp), or None: drop it.

        Dropped are duplicates, packets older than the last switch or than WINDOW, and strays. A source that jumps in
        sequence or time is taken to have restarted. At a cut the timestamp advances by the time that has passed.
        """
        if sequence != self._expected:
            return self._map_odd(sequence, timestamp, arrival_us, clock_rate)
        if timestamp != self._timestamp:
            step = (timestamp - self._timestamp) & 0xFFFFFFFF
            if step > clock_rate and not self._flows_on(step, arrival_us, clock_rate):
                return self._begin(sequence, timestamp, arrival_us, clock_rate, skip=1)
            if step < 0x80000000:
                self._timestamp = timestamp
                self._stamped_us = arrival_us
        self._expected = (sequence + 1) & 0xFFFF
        self._out = out = self._out + 1
        self._issued[out % WINDOW] = 1
        return out & 0xFFFF, (timestamp + self._offset_ticks) & 0xFFFFFFFF

    def _map_odd(self, sequence: int, timestamp: int, arrival_us: int, clock_rate: int) -> tuple[int, int] | None:
        if self._expected < 0:
            return self._begin(sequence, timestamp, arrival_us, clock_rate, skip=self._skip)
        newest = (self._expected - 1) & 0xFFFF
        ahead = (sequence - newest) & 0xFFFF
        back = -ahead & 0xFFFF
        if back <= MAX_MISORDER:
            return self._map_late(self._out - back, timestamp)
        if ahead < MAX_DROPOUT:
            self._leave_holes(ahead - 1)
            self._expected = sequence
            return self.map(sequence, timestamp, arrival_us, clock_rate)
        if self._gate.restarted(newest, sequence):
            return self._begin(sequence, timestamp, arrival_us, clock_rate, skip=1)
        return None

    def _map_late(self, out: int, timestamp: int) -> tuple[int, int] | None:
        slot = out % WINDOW
        if out < self._floor or out <= self._out - WINDOW or self._issued[slot]:
            return None
        self._issued[slot] = 1
        return out & 0xFFFF, (timestamp + self._offset_ticks) & 0xFFFFFFFF

    def _leave_holes(self, count: int) -> None:
        if count >= WINDOW:
            self._issued[:] = _EMPTY
        else:
            for out in range(self._out + 1, self._out + 1 + count):
                self._issued[out % WINDOW] = 0
        self._out += count

    def _flows_on(self, step: int, arrival_us: int, clock_rate: int) -> bool:
        """Whether a source's timestamp may move by `step` ticks, given the time that has passed."""
        if step >= 0x80000000:
            return 0x100000000 - step <= clock_rate * _BACK_S
        return step * 1_000_000 // clock_rate <= arrival_us - self._stamped_us + _AHEAD_US

    def _begin(self, sequence: int, timestamp: int, arrival_us: int, clock_rate: int, *, skip: int) -> tuple[int, int]:
        started_us = max(arrival_us, self._switched_us)
        if self._started:
            # One tick at least: two pictures of one timestamp would be taken for one.
            elapsed_ticks = max(1, (started_us - self._stamped_us) * clock_rate // 1_000_000)
            self._offset_ticks = (self._timestamp + self._offset_ticks + elapsed_ticks - timestamp) & 0xFFFFFFFF
            self._out += skip
        self._started = True
        self._timestamp = timestamp
        self._stamped_us = started_us
        self._expected = (sequence + 1) & 0xFFFF
        self._skip = 0
        self._switched_us = 0
        self._out = self._floor = out = self._out + 1
        self._issued[out % WINDOW] = 1
        return out & 0xFFFF, (timestamp + self._offset_ticks) & 0xFFFFFFFF
