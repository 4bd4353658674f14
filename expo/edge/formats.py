"""Dates, times, numbers and prices as the reader writes them (CLDR through Babel); hours always 0-23.

CLDR 48 prints Korean day periods in two ways depending on the reader's engine, hence no 12-hour clock anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal


class Side(Protocol):
    """One side's clock: an IANA zone and its city's name for the reader."""

    @property
    def zone(self) -> str: ...

    @property
    def city(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Formats:
    """Formatting for one reader's language; instants are aware datetimes."""

    language: str

    def date(self, at: datetime, zone: str, *, width: str = "long") -> str:
        """`22 November 2026`; width is one of `full long medium short`."""
        return format_date(at.astimezone(ZoneInfo(zone)).date(), format=_width(width), locale=self.language)

    def time(self, at: datetime, zone: str) -> str:
        """`14:30`, 24 hours in every language."""
        return f"{at.astimezone(ZoneInfo(zone)):%H:%M}"

    def both_times(self, at: datetime, sides: Sequence[Side]) -> str:
        """`14:30 Hanoi · 16:30 Seoul`; a day that differs from the first city's is said: `01:30 Seoul (+1)`."""
        parts: list[str] = []
        for side in sides:
            there = at.astimezone(ZoneInfo(side.zone))
            days = (there.date() - at.astimezone(ZoneInfo(sides[0].zone)).date()).days
            parts.append(f"{there:%H:%M} {side.city}" + (f" ({days:+d})" if days else ""))
        return " · ".join(parts)

    def number(self, value: float | Decimal) -> str:
        """`1,234.5` or `1.234,5`."""
        return format_decimal(value, locale=self.language)

    def price(self, amount: float | Decimal, currency: str) -> str:
        """An amount with its ISO 4217 currency, as the reader's country writes it."""
        return format_currency(amount, currency, locale=self.language)


def _width(width: str) -> str:
    if width not in {"full", "long", "medium", "short"}:
        raise ValueError(f"no date width {width!r}")
    return width
