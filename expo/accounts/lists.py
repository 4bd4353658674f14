"""Lists of people as organisers type or paste them: one a line, a company behind a comma or a tab. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from expo.errors import Invalid

MOST_AT_ONCE = 50
_BETWEEN = re.compile(r"[,;\t，、；]")
"""What stands between name and company: commas of both scripts, and the tab of a spreadsheet."""


@dataclass(frozen=True, slots=True)
class Listed:
    """Somebody in a list; `number` is the line from 1, `company` is empty where none stands."""

    number: int
    name: str
    company: str


def read_list(text: str) -> tuple[Listed, ...]:
    """Everybody in it; blank lines are nobody. Invalid `text.no_words` for none, `invitation.too_many`."""
    listed: list[Listed] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            name, *company = _BETWEEN.split(line, maxsplit=1)
            listed.append(Listed(number, name.strip(), company[0].strip() if company else ""))
    if not listed:
        raise Invalid("text.no_words", "nobody stands in this list")
    if len(listed) > MOST_AT_ONCE:
        raise Invalid("invitation.too_many", f"at most {MOST_AT_ONCE} people at once")
    return tuple(listed)
