"""The table of settings for the documents, made from `expo.settings.SETTINGS`.

python tools/settings_table.py               print it
python tools/settings_table.py FILE...       write it between the `<!-- settings -->` markers of each FILE
python tools/settings_table.py --check FILE...   1 when a FILE has another table
"""

from __future__ import annotations

import sys
from pathlib import Path

from expo.settings import SETTINGS

BEGIN = "<!-- settings -->"
END = "<!-- /settings -->"


def table() -> str:
    """The Markdown table, one row a setting."""
    rows = [
        f"| `{setting.variable}` | {f'`{setting.default}`' if setting.default else ''} | {setting.meaning} |"
        for setting in SETTINGS
    ]
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows])


def with_table(text: str) -> str:
    """`text` with the present table between its markers. Raises ValueError where they are not there once each."""
    before, found, rest = text.partition(BEGIN)
    _, closed, after = rest.partition(END)
    if not found or not closed:
        raise ValueError(f"needs {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def main(arguments: list[str]) -> int:
    """Exit code."""
    if not arguments:
        print(table())
        return 0
    check = arguments[0] == "--check"
    stale = 0
    for path in [Path(name) for name in arguments[1 if check else 0 :]]:
        text = path.read_text(encoding="utf-8")
        try:
            wanted = with_table(text)
        except ValueError as error:
            print(f"{path}: {error}")
            stale += 1
            continue
        if check and text != wanted:
            print(f"{path}: the settings table is not that of expo/settings.py; run {sys.argv[0]} {path}")
            stale += 1
        elif not check:
            path.write_text(wanted, encoding="utf-8")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
