"""Names that people write for themselves: any script, emoji too, but nothing that hides or breaks a line. Pure."""

from __future__ import annotations

import unicodedata

from expo.errors import Invalid

MOST_MARKS = 4
"""Combining marks on one letter; Vietnamese, Thai and Hebrew need fewer, text that climbs over its neighbours more."""
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols by category that show nothing at all."""


def own_name(text: str, limit: int) -> str:
    """`text` composed (NFC), without blanks at its ends, on one line.

    Raises Invalid `text.too_long`, `text.not_plain` (control characters, halves of characters, piled-up marks), or
    `text.no_words` when nothing in it can be seen.
    """
    if len(text) > 4 * limit:  # composing costs time, and nothing that long composes to something that fits
        raise _too_long(limit)
    text = unicodedata.normalize("NFC", text.strip())
    if len(text) > limit:
        raise _too_long(limit)
    marks = 0
    seen = False
    for character in text:
        kind = unicodedata.category(character)
        marks = marks + 1 if kind in {"Mn", "Me"} else 0
        if kind in {"Cc", "Cs", "Zl", "Zp", "Cn"} or marks > MOST_MARKS:
            raise Invalid("text.not_plain", "a name is one line of plain text")
        seen = seen or (kind[0] in "LNSP" and character not in _BLANK)
    if not seen:
        raise Invalid("text.no_words", "nothing in this name can be seen")
    return text


def _too_long(limit: int) -> Invalid:
    return Invalid("text.too_long", f"at most {limit} characters fit")
