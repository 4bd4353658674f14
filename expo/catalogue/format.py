"""Prices, quantities, customs codes and days as a reader of each language expects them. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton
from babel.numbers import format_decimal, get_currency_precision

_SYMBOLS = {"USD": "US$", "EUR": "€", "KRW": "₩"}
"""Written before the number in Korean and English; other currencies by their ISO 4217 code."""


def amount(minor: int, currency: str) -> Decimal:
    """Minor units (cents) as an amount with the currency's own number of decimals: 420 USD cents are 4.20."""
    return Decimal(minor).scaleb(-get_currency_precision(currency))


def price_text(low: Decimal, high: Decimal, currency: str, unit: str, language: str) -> str:
    """A price or a range: `US$4.20–4.80`, in Vietnamese `4,20–4,80 USD`; with a unit `US$3.10 / kg`."""
    digits = get_currency_precision(currency)
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    shown = [format_decimal(value, pattern, locale=language) for value in dict.fromkeys((low, high))]
    numbers = "–".join(shown)
    text = f"{numbers} {currency}" if language == "vi" else f"{_SYMBOLS.get(currency, f'{currency} ')}{numbers}"
    return f"{text} / {unit}" if unit else text


def quantity_text(quantity: int, unit: str, language: str) -> str:
    """A number with its counting word: `1,000 bottles`, `1.000 chai`, `1,000병` (Hangul joins its number)."""
    number = format_decimal(quantity, "#,##0", locale=language)
    joined = language == "ko" and "가" <= unit[:1] <= "힣"
    return f"{number}{'' if joined else ' '}{unit}".strip()


def hs_text(code: str) -> str:
    """A six-digit customs code with the dot that people read: `3304.99`."""
    return f"{code[:4]}.{code[4:]}"


def short_day(language: str) -> Callable[[datetime, str], str]:
    """`day(at, zone)`: weekday, day and month, as short as the language allows."""

    def day(at: datetime, zone: str) -> str:
        return format_skeleton("MMMEd", at.astimezone(ZoneInfo(zone)), locale=language)

    return day
