"""Which language a reader gets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expo.store.words import LANGUAGES, pick

ALL = {"ko": "결", "vi": "Kết", "en": "Texture"}


@pytest.mark.parametrize(
    ("language", "text"),
    [("ko", "결"), ("vi", "Kết"), ("en", "Texture"), ("ko-KR", "결"), ("fr", "Texture"), ("", "Texture")],
)
def test_a_reader_gets_their_language_its_base_or_english(language: str, text: str) -> None:
    assert pick(ALL, language) == text


def test_without_english_there_is_still_a_text() -> None:
    assert pick({"vi": "Kết"}, "en") == "Kết"
    assert pick({"vi": "Kết", "ko": ""}, "ko") == "Kết"
    assert pick({}, "en") == ""


@given(words=st.dictionaries(st.sampled_from(LANGUAGES), st.text(max_size=5)), language=st.text(max_size=5))
def test_a_text_is_empty_only_when_all_are(words: dict[str, str], language: str) -> None:
    assert bool(pick(words, language)) == any(words.values())
