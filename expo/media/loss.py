"""What arrived and what did not: one source's numbers, its holes and its report (RFC 3550 6.4, A.1, A.3, A.8)."""

from __future__ import annotations

from enum import Enum

from expo.media.rtcp import ReportBlock
from expo.media.sequence import MAX_DROPOUT, MAX_MISORDER, RestartGate

# A hole is asked for while the publisher surely still has the packet and a viewer still waits for it.
MAX_BEHIND = 512
MAX_TRIES = 10
GIVE_UP_US = 1_000_000
# Below this a retry would overtake the answer of a busy publisher on a LAN.
MIN_RETRY_US = 20_000
# Numbers that share no mask take 4 bytes each: so many fit a packet of any path.
MAX_ASKED = 256

_WINDOW = MAX_MISORDER
_EMPTY = bytes(_WINDOW)
# A transit time that changes by more is a new origin of timestamps, not jitter.
_JITTER_BOUND_S = 5


class Arrival(Enum):
    """What one packet was: `NEW` newest, `LATE` filled a hole, `DUPLICATE` to be dropped (seen before, too old, or
    a stray), `RESET` the first of a new numbering."""

    NEW = "new"
    LATE = "late"
    DUPLICATE = "duplicate"
    RESET = "reset"


# The packet path compares with these: Python 3.11 finds a member behind its class by a failed lookup and an exception.
NEW, LATE, DUPLICATE, RESET = Arrival


class _Hole:
    __slots__ = ("due_us", "since_us", "tries")

    def __init__(self, since_us: int) -> None:
        self.since_us = since_us
        self.due_us = since_us
        self.tries = 0


class Reception:
    """The receiving state of one ssrc.

    `highest` is the extended sequence number of the newest packet, -1 before the first; it never goes down, and over a
    reset it goes on to the next number with the new low 16 bits. `given_up` counts holes that nobody will fill.
    `fraction_lost` (0..1) is that of the last report. While `holes` is not empty `missing` may have something to say.
    """

    __slots__ = (
        "_base",
        "_clock_rate",
        "_due_us",
        "_floor",
        "_gate",
        "_jitter16",
        "_received",
        "_reported_expected",
        "_reported_received",
        "_seen",
        "_skipped",
        "_timestamp",
        "_transit",
        "fraction_lost",
        "given_up",
        "highest",
        "holes",
    )

    def __init__(self, clock_rate: int) -> None:
        self.highest = -1
        self.given_up = 0
        self.fraction_lost = 0.0
        self._clock_rate = clock_rate
        self._base = 0
        self._floor = 0
        self._skipped = 0
        self._received = 0
        self._reported_expected = 0
        self._reported_received = 0
        self._timestamp = -1
        self._transit: int | None = None
        self._jitter16 = 0
        self._seen = bytearray(_WINDOW)
        self.holes: dict[int, _Hole] = {}
        self._due_us = 0
        self._gate = RestartGate()

    @property
    def lost(self) -> int:
        """Packets that did not come by themselves since the first one (RFC 3550 A.3); resets are not losses."""
        return self._expected() - self._received

    @property
    def jitter(self) -> int:
        """Interarrival jitter in ticks (RFC 3550 A.8)."""
        return self._jitter16 >> 4

    def receive(self, sequence: int, timestamp: int, arrival_us: int, *, recovered: bool = False) -> Arrival:
        """Account for one packet (sequence of 16, timestamp of 32 bits).

        `recovered` means it came as a retransmission: it fills its hole, but was lost, tells nothing of jitter, and
        cannot reset the numbering.
        """
        highest = self.highest
        if (sequence - highest) & 0xFFFF != 1 or recovered:
            return self._receive_odd(sequence, timestamp, arrival_us, recovered=recovered)
        self.highest = highest = highest + 1
        self._seen[highest % _WINDOW] = 1
        self._received += 1
        if timestamp != self._timestamp:
            self._time(timestamp, arrival_us)
        return NEW

    def missing(self, now_us: int, rtt_us: int) -> list[int]:
        """The sequence numbers (16 bits) to ask for now by NACK (RFC 4585 6.2.1), oldest first, at most MAX_ASKED.

        A hole is asked for at once, then once per round trip, and given up after MAX_TRIES, after GIVE_UP_US, or when
        it falls MAX_BEHIND behind. Cheap when nothing is due.
        """
        if now_us < self._due_us or not self.holes:
            return []
        asked: list[int] = []
        hopeless: list[int] = []
        oldest = self.highest - MAX_BEHIND
        next_due_us = now_us + GIVE_UP_US
        retry_us = now_us + max(rtt_us, MIN_RETRY_US)
        for number, hole in self.holes.items():
            if number < oldest or now_us - hole.since_us >= GIVE_UP_US:
                hopeless.append(number)
                continue
            if hole.due_us <= now_us and len(asked) < MAX_ASKED:
                if hole.tries == MAX_TRIES:
                    hopeless.append(number)
                    continue
                hole.tries += 1
                hole.due_us = retry_us
                asked.append(number & 0xFFFF)
            next_due_us = min(next_due_us, hole.due_us)
        for number in hopeless:
            del self.holes[number]
        self.given_up += len(hopeless)
        self._due_us = next_due_us
        return asked

    def report_block(self, ssrc: int, now_us: int, last_sr: tuple[int, int] | None) -> ReportBlock:
        """What to tell the source (RFC 3550 6.4.1); the fraction covers the time since the last call.

        `last_sr` is (middle 32 bits of the last sender report's NTP time, its arrival in us).
        """
        expected = self._expected()
        expected_since = expected - self._reported_expected
        lost_since = expected_since - (self._received - self._reported_received)
        self._reported_expected = expected
        self._reported_received = self._received
        fraction = min(255, (lost_since << 8) // expected_since) if lost_since > 0 else 0
        self.fraction_lost = max(0, lost_since) / expected_since if expected_since > 0 else 0.0
        lsr, dlsr = 0, 0
        if last_sr is not None:
            lsr = last_sr[0]
            dlsr = max(0, min(0xFFFFFFFF, (now_us - last_sr[1]) * 65536 // 1_000_000))
        highest = max(0, self.highest) & 0xFFFFFFFF
        return ReportBlock(ssrc, fraction, expected - self._received, highest, self.jitter, lsr, dlsr)

    def _expected(self) -> int:
        return self.highest - self._base + 1 - self._skipped

    def _receive_odd(self, sequence: int, timestamp: int, arrival_us: int, *, recovered: bool) -> Arrival:
        highest = self.highest
        if highest < 0:
            self._base = self._floor = sequence
            self._advance(sequence, timestamp, arrival_us, recovered=recovered)
            return NEW
        step = (sequence - highest) & 0xFFFF
        back = -step & 0xFFFF
        if back <= MAX_MISORDER:
            return self._receive_late(highest - back, recovered=recovered)
        if step < MAX_DROPOUT:
            self._open_holes(highest, highest + step, arrival_us)
            self._advance(highest + step, timestamp, arrival_us, recovered=recovered)
            return NEW
        if recovered or not self._gate.restarted(highest & 0xFFFF, sequence):
            return DUPLICATE
        self._skipped += step - 1
        self._transit = None
        self.holes.clear()
        self._floor = highest + step
        self._advance(highest + step, timestamp, arrival_us, recovered=False)
        return RESET

    def _receive_late(self, number: int, *, recovered: bool) -> Arrival:
        slot = number % _WINDOW  # the number a whole window back shares that of the newest, and so counts as seen
        if number < self._floor or self._seen[slot]:
            return DUPLICATE
        self._seen[slot] = 1
        if not recovered:
            self._received += 1
        self.holes.pop(number, None)
        return LATE

    def _open_holes(self, highest: int, number: int, arrival_us: int) -> None:
        """Everything between the two is missing; holes further behind than MAX_BEHIND are not even opened."""
        if number - highest > _WINDOW:
            self._seen[:] = _EMPTY
        else:
            for missed in range(highest + 1, number):
                self._seen[missed % _WINDOW] = 0
        first = max(highest + 1, number - MAX_BEHIND)
        self.given_up += first - highest - 1
        for missed in range(first, number):
            self.holes[missed] = _Hole(arrival_us)
        self._due_us = arrival_us
        for oldest in list(self.holes)[: max(0, len(self.holes) - MAX_BEHIND)]:
            del self.holes[oldest]
            self.given_up += 1

    def _advance(self, number: int, timestamp: int, arrival_us: int, *, recovered: bool) -> None:
        self.highest = number
        self._seen[number % _WINDOW] = 1
        if not recovered:
            self._received += 1
            self._time(timestamp, arrival_us)

    def _time(self, timestamp: int, arrival_us: int) -> None:
        """Take one transit time into the jitter, in integers scaled by 16 (RFC 3550 A.8).

        The packets of one picture share a timestamp, and leave one after the other: only the first tells of the path.
        """
        self._timestamp = timestamp
        transit = arrival_us * self._clock_rate // 1_000_000 - timestamp
        last, self._transit = self._transit, transit
        if last is not None:
            change = (transit - last) & 0xFFFFFFFF
            if change >= 0x80000000:
                change = 0x100000000 - change
            if change < self._clock_rate * _JITTER_BOUND_S:
                self._jitter16 += change - ((self._jitter16 + 8) >> 4)
