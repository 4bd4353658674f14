"""Names that people write for themselves."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expo.accounts.names import own_name
from expo.errors import Invalid


@pytest.mark.parametrize(
    "name",
    [
        "김민수",
        "Nguyễn Thị Lan",
        "יוסף כהן",
        "أحمد الفارسي",
        "Zoë 🌶️ O'Brien-Núñez",
        "👩🏽‍🌾",
        "สมชาย ใจดี",
        "A",
        "<b>Bold</b>",
        "\u200fמשה",
    ],
)
def test_names_of_every_script_are_fine(name: str) -> None:
    assert own_name(name, 80) == unicodedata.normalize("NFC", name)


def test_names_are_composed_and_trimmed() -> None:
    assert own_name("  " + unicodedata.normalize("NFD", "Nguyễn Thị Lan") + "\u3000", 80) == "Nguyễn Thị Lan"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("x" * 81, "text.too_long"),
        ("x" * 10_000, "text.too_long"),
        ("", "text.no_words"),
        (" \u200b\u3164 ", "text.no_words"),
        ("Kim\x00", "text.not_plain"),
        ("Kim\nMinsu", "text.not_plain"),
        ("Kim\u2028Minsu", "text.not_plain"),
        ("Kim\x1b[31m", "text.not_plain"),
        ("Z" + "\u0323" * 40, "text.not_plain"),
        ("\ud83c", "text.not_plain"),
    ],
)
def test_what_hides_or_breaks_a_line_is_refused(name: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        own_name(name, 80)
    assert refused.value.code == code


@given(st.text(max_size=200))
def test_a_name_that_is_taken_is_taken_again_as_it_is(text: str) -> None:
    try:
        name = own_name(text, 80)
    except Invalid:
        return
    assert own_name(name, 80) == name
    assert 0 < len(name) <= 80
    assert name.isprintable() or any(unicodedata.category(character) in {"Cf", "Co", "Zs"} for character in name)
