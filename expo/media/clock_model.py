"""When, on the server's clock, was this sampled: one model for all media of a publishing transport."""

from __future__ import annotations

from collections.abc import Hashable

# The path's delay is the lowest seen in the last one to two windows; long enough to meet one undelayed packet.
WINDOW_US = 5_000_000
# A clock that is corrected by no more than 5 ms a second never visibly jumps.
SLEW_PER_S_US = 5_000

_SETTLE_US = 100_000
# Later than any queue holds a packet, or earlier than any delay allows: the timestamps have a new origin.
_LATE_US = 10_000_000
_EARLY_US = 1_000_000
# Sound and picture of one sender that claim to be further apart than this have no common clock.
_APART_US = 2_000_000
# A medium that has been silent for longer says nothing of the path.
_SILENT_US = 10_000_000


class _Line:
    """One medium: server time = its time + `base_us`."""

    __slots__ = (
        "arrived_us",
        "base_us",
        "clock_rate",
        "low_us",
        "lower_us",
        "report_us",
        "settle_due_us",
        "settled_us",
        "ticks",
        "window_ends_us",
    )

    def __init__(self, clock_rate: int, timestamp: int, arrival_us: int) -> None:
        self.clock_rate = clock_rate
        self.begin(timestamp, arrival_us)

    def begin(self, timestamp: int, arrival_us: int) -> None:
        self.ticks = timestamp
        self.arrived_us = self.settled_us = arrival_us
        self.settle_due_us = arrival_us + _SETTLE_US
        self.window_ends_us = arrival_us + WINDOW_US
        # base_us now; low_us the lowest transit of this window, lower_us of the one before it.
        self.base_us = self.low_us = self.lower_us = arrival_us - self.time_us(timestamp)
        self.report_us: int | None = None  # sender's NTP time - media time, by its last report

    def time_us(self, ticks: int) -> int:
        return ticks * 1_000_000 // self.clock_rate

    def extend(self, timestamp: int) -> int:
        """The ticks nearest to the newest ones with these low 32 bits."""
        step = (timestamp - self.ticks) & 0xFFFFFFFF
        return self.ticks + (step if step < 0x80000000 else step - 0x100000000)

    @property
    def delay_us(self) -> int:
        return min(self.low_us, self.lower_us)


class ClockModel:
    """Maps RTP timestamps of several media (by key) to server time (monotonic, us) of their sampling.

    Arrival places a medium at once: at the least delayed of its packets. Sender reports (RFC 3550 6.4.1) then say how
    the media lie to each other, and all are placed by the least delayed one. Corrections are slewed by SLEW_PER_S_US;
    only a restarted timeline jumps.
    """

    __slots__ = ("_lines",)

    def __init__(self) -> None:
        self._lines: dict[Hashable, _Line] = {}

    def on_packet(self, key: Hashable, clock_rate: int, timestamp: int, arrival_us: int) -> None:
        """Account for a packet; only the first of a timestamp tells anything."""
        line = self._lines.get(key)
        if line is None:
            self._lines[key] = _Line(clock_rate, timestamp, arrival_us)
            return
        step = (timestamp - line.ticks) & 0xFFFFFFFF
        if not step:
            return
        if step >= 0x80000000:
            step -= 0x100000000
        ticks = line.ticks + step
        transit_us = arrival_us - ticks * 1_000_000 // line.clock_rate
        off_us = transit_us - line.base_us
        if off_us > _LATE_US or off_us < -_EARLY_US:
            line.begin(timestamp, arrival_us)
            return
        if step < 0:
            return
        line.ticks = ticks
        line.arrived_us = arrival_us
        line.low_us = min(line.low_us, transit_us)
        if arrival_us >= line.settle_due_us:
            self._settle(line, arrival_us)
            if arrival_us >= line.window_ends_us:
                line.window_ends_us = arrival_us + WINDOW_US
                line.lower_us, line.low_us = line.low_us, transit_us

    def on_sender_report(self, key: Hashable, ntp: int, rtp_timestamp: int, arrival_us: int) -> None:
        """Take a report's pair of the sender's NTP time (64 bits) and media time; a report without a clock is ignored.

        Also ignored is a report of a medium that has not been heard: there is nothing to extend its timestamp by.
        """
        line = self._lines.get(key)
        if line is None or ntp == 0:
            return
        line.report_us = (ntp * 1_000_000 >> 32) - line.time_us(line.extend(rtp_timestamp))
        self._settle(line, arrival_us)

    def server_us(self, key: Hashable, timestamp: int) -> int:
        """Server time of the sample with this timestamp; raises KeyError before the medium's first packet."""
        line = self._lines[key]
        return line.time_us(line.extend(timestamp)) + line.base_us

    def _settle(self, line: _Line, now_us: int) -> None:
        elapsed_us = max(0, now_us - line.settled_us)
        limit_us = elapsed_us * SLEW_PER_S_US // 1_000_000
        line.settled_us = max(line.settled_us, now_us)
        line.settle_due_us = line.settled_us + _SETTLE_US
        wanted_us = self._target_us(line, now_us) - line.base_us
        line.base_us += max(-limit_us, min(limit_us, wanted_us))

    def _target_us(self, line: _Line, now_us: int) -> int:
        """Where `line` belongs: by the sender's clock if it has one that agrees with arrival, else by arrival."""
        arrival_us = line.delay_us
        if line.report_us is None:
            return arrival_us
        path_us = min(
            other.delay_us - other.report_us
            for other in self._lines.values()
            if other.report_us is not None and (other is line or now_us - other.arrived_us < _SILENT_US)
        )
        by_report_us = path_us + line.report_us
        return by_report_us if arrival_us - by_report_us <= _APART_US else arrival_us
