"""Refuse source files that have grown past reading: 500 lines, tests 600. Over 300 is told, not refused.

python tools/check_lengths.py [FOLDER...]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

SOFT_LINES = 300
HARD_LINES = 500
HARD_LINES_OF_TESTS = 600
FOLDERS = ("expo", "tests", "tools", "web/src", "web/styles", "web/templates")
SUFFIXES = {".py", ".ts", ".css", ".html"}
BUILT = Path("expo/edge/web")


def sources(folders: list[Path]) -> Iterator[Path]:
    """Every file that people write, in order."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            written = path.suffix in SUFFIXES and not path.name.endswith(".gen.ts") and BUILT not in path.parents
            if written and path.is_file():
                yield path


def limit(path: Path) -> int:
    """The most lines that `path` may have."""
    is_test = "tests" in path.parts or path.name.endswith(".test.ts")
    return HARD_LINES_OF_TESTS if is_test else HARD_LINES


def main(arguments: list[str]) -> int:
    """1 when a file is over its limit."""
    counts = {
        path: len(path.read_bytes().splitlines()) for path in sources([Path(name) for name in arguments or FOLDERS])
    }
    over = {path: lines for path, lines in counts.items() if lines > limit(path)}
    for path, lines in over.items():
        print(f"{path}: {lines} lines, at most {limit(path)}")
    long = sum(1 for path, lines in counts.items() if SOFT_LINES < lines <= limit(path))
    print(f"{len(counts)} files, {long} over {SOFT_LINES} lines, {len(over)} over their limit")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
