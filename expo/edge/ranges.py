"""Byte ranges (RFC 9110 14.1.2, 14.2): which part of a body a request asks for. Pure."""

from __future__ import annotations

import re

_ONE = re.compile(r"bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})", re.IGNORECASE)


def byte_range(asked: str | None, length: int) -> tuple[int, int] | None:
    """First and last byte; None for the whole body, which is what several ranges and nonsense get too.

    Raises IndexError when the body has none of what is asked for (416).
    """
    found = _ONE.fullmatch((asked or "").strip())
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        count = int(found[2])
        if not count or not length:
            raise IndexError
        return max(0, length - count), length - 1
    first = int(found[1])
    last = int(found[2]) if found[2] else length - 1
    if found[2] and last < first:
        return None
    if first >= length:
        raise IndexError
    return first, min(last, length - 1)
