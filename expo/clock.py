"""Time as an argument: whatever decides takes `now` from its caller; these are the callers' sources."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def utc_now() -> datetime:
    """The wall clock, aware and in UTC."""
    return datetime.now(UTC)


def monotonic_us() -> int:
    """Microseconds that never go backwards; the media plane's arrival clock."""
    return time.monotonic_ns() // 1000
