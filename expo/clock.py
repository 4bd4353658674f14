"""Time as an argument: whatever decides takes `now` from its caller; these are the callers' sources."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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
