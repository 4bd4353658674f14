"""CSV files (RFC 4180) that spreadsheets open as they are meant: in UTF-8, no text taken for a formula. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

CSV = "text/csv"
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n")
"""What a cell may not begin with: also the wide signs, which East Asian spreadsheets read as the narrow ones."""


def csv_file(header: Sequence[str], rows: Iterable[Sequence[str | int | None]]) -> bytes:
    """The file. It begins with a byte order mark, without which Excel takes UTF-8 for the machine's own code page."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([_cell(title) for title in header])
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def _cell(value: str | int | None) -> str:
    """A number as it is; a text that a spreadsheet would run gets an apostrophe, which it shows as text."""
    if not isinstance(value, str):
        return "" if value is None else str(value)
    return f"'{value}" if value.lstrip(" \u00a0\u3000").startswith(_FORMULA) else value
