from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expo.errors import Invalid
from expo.rooms.text import clean


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  xin chào \n", "xin chào"),
        ("one\r\ntwo\tthree\u2028four", "one  two three four"),
        ("김민수 대표님", "김민수 대표님"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("👩‍👩‍👧‍👦 ok", "👩‍👩‍👧‍👦 ok"),
        ("\u202eevil\u202c", "\u202eevil\u202c"),
        ("be\x07ll\x00\x7f\x9b", "bell"),
        ("half\ud83d \ufffe\ufdd0", "half"),
    ],
)
def test_text_stays_as_typed_but_for_what_cannot_be_seen(typed: str, kept: str) -> None:
    assert clean(typed, 100) == kept


@pytest.mark.parametrize("typed", ["", "   ", "\x00", "\u200b\u202e", "\u0301"])
def test_a_text_that_shows_nothing_is_refused(typed: str) -> None:
    with pytest.raises(Invalid, match=r"text\.no_words"):
        clean(typed, 100)


def test_ten_thousand_characters_are_refused() -> None:
    with pytest.raises(Invalid, match=r"text\.too_long"):
        clean("가" * 10_000, 80)


@given(st.text(st.characters(), max_size=60))
def test_whatever_is_kept_is_one_line_that_can_be_encoded_and_cleaning_it_again_changes_nothing(typed: str) -> None:
    try:
        kept = clean(typed, 100)
    except Invalid:
        return
    assert kept.encode()
    assert not any(unicodedata.category(char) in ("Cc", "Zl", "Zp", "Cs") for char in kept)
    assert clean(kept, 100) == kept
