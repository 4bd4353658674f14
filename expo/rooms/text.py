"""Free text that people type: what is kept of it, and what is refused. Pure."""

from __future__ import annotations

import unicodedata

from expo.errors import Invalid

_SEEN = frozenset("LNPS")
"""General categories that leave a mark of their own: letters, numbers, punctuation, symbols (emoji among them)."""


def clean(text: str, most_chars: int) -> str:
    """`text` as one line without control characters, surrogates and noncharacters, its ends trimmed.

    They are taken out, not refused: nothing visible is lost, and they come by pasting. Bidirectional controls and
    markup stay as they are. Invalid `text.too_long` over `most_chars` code points, `text.no_words` when nothing is
    left that can be seen.
    """
    if not text.isprintable():
        text = "".join(map(_kept, text))
    text = text.strip()
    if len(text) > most_chars:
        raise Invalid("text.too_long", f"up to {most_chars} characters")
    if not any(unicodedata.category(char)[0] in _SEEN for char in text):
        raise Invalid("text.no_words", "there is nothing to be seen in this text")
    return text


def _kept(char: str) -> str:
    match unicodedata.category(char):
        case "Cc" | "Zl" | "Zp":
            return " " if char.isspace() else ""
        case "Cs":
            return ""
        case "Cn":
            code = ord(char)
            return "" if code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF else char
        case _:
            return char
