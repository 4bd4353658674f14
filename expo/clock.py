"""Time as an argument: whatever decides takes `now` from its caller; these are the callers' sources."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# As media clocks are slewed; a minute takes three hours and a half.
_SLEW_PER_MILLE = 5
_LARGEST_SLEWED_NS = 300 * 1_000_000_000


def utc_now() -> datetime:
    """The wall clock, aware and in UTC."""
    return datetime.now(UTC)


def monotonic_us() -> int:
    """Microseconds that never go backwards; the media plane's arrival clock."""
    return time.monotonic_ns() // 1000


def unix_ms(moment: datetime) -> int:
    """An aware time on a room's clock: Unix ms, exactly."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def from_unix_ms(at_ms: int) -> datetime:
    """A time of a room's clock as rows have it."""
    return _EPOCH + timedelta(milliseconds=at_ms)


class SteadyClock:
    """Unix time that goes at an even pace though the wall clock is set: what happens in a show keeps its place in it.

    A step of up to five minutes is made good by 5 ms a second; after a larger one, as when a machine wakes up or first
    hears what time it is, nothing goes on as it was and the clock follows at once. Called in any thread.
    """

    def __init__(
        self, wall_ns: Callable[[], int] = time.time_ns, monotonic_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._wall_ns = wall_ns
        self._monotonic_ns = monotonic_ns
        self._seen_ns = monotonic_ns()
        self._ahead_ns = wall_ns() - self._seen_ns
        self._lock = threading.Lock()

    def now_ms(self) -> int:
        """Never less than before, unless it follows a large step."""
        with self._lock:
            now_ns = self._monotonic_ns()
            off_ns = self._wall_ns() - now_ns - self._ahead_ns
            if abs(off_ns) <= _LARGEST_SLEWED_NS:
                most_ns = (now_ns - self._seen_ns) * _SLEW_PER_MILLE // 1000
                off_ns = max(-most_ns, min(most_ns, off_ns))
            self._ahead_ns += off_ns
            self._seen_ns = now_ns
            return (now_ns + self._ahead_ns) // 1_000_000
