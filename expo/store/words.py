"""Text that exists in several languages, and which of them a reader gets."""

from __future__ import annotations

from collections.abc import Mapping

LANGUAGES = ("ko", "vi", "en")
"""The languages of the interface and of what agencies write, as BCP 47 tags."""

Words = dict[str, str]
"""One text per language tag, `{"ko": "결화장품", "vi": "Gyeol Cosmetics", "en": "Gyeol Cosmetics"}`; never empty."""

_FALLBACK = ("en", "ko", "vi")


def pick(words: Mapping[str, str], language: str) -> str:
    """The text for a reader of `language`: exact tag, then its base language, then English, then whatever there is.

    A language whose text is empty counts as absent; all absent gives "".
    """
    for tag in (language, language.partition("-")[0], *_FALLBACK):
        if text := words.get(tag):
            return text
    return next((text for text in words.values() if text), "")
