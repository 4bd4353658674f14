"""When, on the server's clock, was this sampled: one model for all media of a publishing transport."""

from __future__ import annotations

from typing import Literal

Kind = Literal["audio", "video"]

# The path's delay is the lowest seen in the last one to two windows; long enough to meet one undelayed packet.
WINDOW_US = 5_000_000
# A clock that is corrected by no more than 5 ms a second never visibly jumps.
SLEW_PER_S_US = 5_000
# A picture so far from its sound that people notice is brought to it quickly: it only shows time pass a tenth
# slower or faster for a moment, and later pictures stay later ones up to 90 a second.
CATCH_UP_PER_S_US = 100_000
IN_STEP_US = 20_000
# So does sound that has just begun: its first packets may have waited for an encoder that was being made.
YOUNG_US = 3_000_000

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
        "begun_us",
        "clock_rate",
        "low_us",
        "lower_us",
        "report_us",
        "settle_due_us",
        "settled_ticks",
        "settled_us",
        "ticks",
        "window_ends_us",
    )

    def __init__(self, clock_rate: int, timestamp: int, arrival_us: int) -> None:
        self.clock_rate = clock_rate
        self.begin(timestamp, arrival_us)

    def begin(self, timestamp: int, arrival_us: int) -> None:
        self.ticks = self.settled_ticks = timestamp
        self.arrived_us = self.settled_us = self.begun_us = arrival_us
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
    """Maps RTP timestamps of a publisher's sound and picture to server time (monotonic, us) of their sampling.

    Arrival places a medium at once: at its first packet, and then at the least delayed of its packets. Sender reports
    (RFC 3550 6.4.1) say how the two lie to each other: sound is placed by the less delayed of both, and a picture by
    the sound, so that they are in step as soon as both were reported. Corrections are slewed by SLEW_PER_S_US, those of
    a picture that is out of step, and of sound that has just begun, by CATCH_UP_PER_S_US; only a restarted timeline
    jumps.
    """

    __slots__ = ("_lines", "_reports")

    def __init__(self) -> None:
        self._lines: dict[Kind, _Line] = {}
        self._reports: dict[Kind, tuple[int, int]] = {}

    def on_packet(self, kind: Kind, clock_rate: int, timestamp: int, arrival_us: int) -> None:
        """Account for a packet; only the first of a timestamp tells anything."""
        line = self._lines.get(kind)
        if line is None:
            self._lines[kind] = _Line(clock_rate, timestamp, arrival_us)
            if early := self._reports.pop(kind, None):
                self.on_sender_report(kind, *early)
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
            self._settle(kind, line, arrival_us)
            if arrival_us >= line.window_ends_us:
                line.window_ends_us = arrival_us + WINDOW_US
                line.lower_us, line.low_us = line.low_us, transit_us

    def on_sender_report(self, kind: Kind, ntp: int, rtp_timestamp: int) -> None:
        """Take a report's pair of the sender's NTP time (64 bits) and media time; a report without a clock is ignored.

        One that comes before its medium counts from the first packet on.
        """
        line = self._lines.get(kind)
        if ntp == 0:
            return
        if line is None:
            self._reports[kind] = ntp, rtp_timestamp
        else:
            line.report_us = (ntp * 1_000_000 >> 32) - line.time_us(line.extend(rtp_timestamp))

    def server_us(self, kind: Kind, timestamp: int) -> int:
        """Server time of the sample with this timestamp; raises KeyError before the medium's first packet."""
        line = self._lines[kind]
        return line.time_us(line.extend(timestamp)) + line.base_us

    def _settle(self, kind: Kind, line: _Line, now_us: int) -> None:
        # In a burst after a stall much time has passed, but little of what is shown.
        elapsed_us = min(now_us - line.settled_us, line.time_us(line.ticks - line.settled_ticks))
        line.settled_us, line.settled_ticks = now_us, line.ticks
        line.settle_due_us = now_us + _SETTLE_US
        by_report_us = self._by_report_us(kind, line, now_us)
        wanted_us = (line.delay_us if by_report_us is None else by_report_us) - line.base_us
        may_catch_up = by_report_us is not None if kind == "video" else now_us - line.begun_us < YOUNG_US
        catches_up = may_catch_up and abs(wanted_us) > IN_STEP_US
        limit_us = elapsed_us * (CATCH_UP_PER_S_US if catches_up else SLEW_PER_S_US) // 1_000_000
        line.base_us += max(-limit_us, min(limit_us, wanted_us))

    def _by_report_us(self, kind: Kind, line: _Line, now_us: int) -> int | None:
        """Where `line` belongs by the sender's clock; None where there is none that agrees with arrival."""
        other = self._lines.get("audio" if kind == "video" else "video")
        if other is None or other.report_us is None or line.report_us is None:
            return None
        if now_us - other.arrived_us >= _SILENT_US:
            return None
        apart_us = line.report_us - other.report_us
        placed_us = apart_us + (other.base_us if kind == "video" else min(other.delay_us, line.delay_us - apart_us))
        return placed_us if abs(line.delay_us - placed_us) <= _APART_US else None
