"""Numbers as readers of each language expect them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from expo.catalogue.format import amount, hs_text, price_text, quantity_text, short_day

LOW, HIGH = Decimal("4.20"), Decimal("4.80")


@pytest.mark.parametrize(
    ("language", "text"), [("vi", "4,20–4,80 USD"), ("ko", "US$4.20–4.80"), ("en", "US$4.20–4.80")]
)
def test_a_range_of_prices(language: str, text: str) -> None:
    assert price_text(LOW, HIGH, "USD", "", language) == text


@pytest.mark.parametrize(
    ("language", "text"), [("vi", "3,10 USD / kg"), ("ko", "US$3.10 / kg"), ("en", "US$3.10 / kg")]
)
def test_one_price_by_the_kilogram(language: str, text: str) -> None:
    assert price_text(Decimal("3.10"), Decimal("3.10"), "USD", "kg", language) == text


@pytest.mark.parametrize(
    ("currency", "language", "text"),
    [
        ("KRW", "ko", "₩12,500"),
        ("KRW", "vi", "12.500 KRW"),
        ("VND", "vi", "1.250.000 VND"),
        ("VND", "en", "VND 1,250,000"),
        ("EUR", "en", "€1,250.00"),
    ],
)
def test_currencies_keep_their_own_decimals(currency: str, language: str, text: str) -> None:
    minor = {"KRW": 12_500, "VND": 1_250_000, "EUR": 125_000}[currency]
    value = amount(minor, currency)
    assert price_text(value, value, currency, "", language) == text


def test_minor_units_are_hundredths_only_where_the_currency_has_them() -> None:
    assert (amount(420, "USD"), amount(420, "KRW")) == (Decimal("4.20"), Decimal(420))


@pytest.mark.parametrize(
    ("quantity", "unit", "language", "text"),
    [
        (1000, "chai", "vi", "1.000 chai"),
        (1000, "bottles", "en", "1,000 bottles"),
        (1000, "병", "ko", "1,000병"),
        (500, "kg", "ko", "500 kg"),
        (5, "tấn", "vi", "5 tấn"),
        (20, "", "en", "20"),
    ],
)
def test_quantities_with_their_counting_word(quantity: int, unit: str, language: str, text: str) -> None:
    assert quantity_text(quantity, unit, language) == text


def test_a_customs_code_has_its_dot() -> None:
    assert hs_text("330499") == "3304.99"


@pytest.mark.parametrize(
    ("language", "text"), [("en", "Tue, Nov 24"), ("ko", "11월 24일 (화)"), ("vi", "Th 3, 24 thg 11")]
)
def test_a_day_is_short_in_every_language(language: str, text: str) -> None:
    late = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
    assert short_day(language)(late, "Asia/Ho_Chi_Minh") == text
