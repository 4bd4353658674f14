"""Filling a small file system."""

from __future__ import annotations

from pathlib import Path


def fill_up(path: Path, *, leave_bytes: int) -> None:
    """Write until the file system is full but for `leave_bytes`."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            file.truncate(max(0, file.tell() - leave_bytes))
