"""What processes leave beside a SQLite file, put back into it once the last of them has ended."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from pathlib import Path
from threading import Thread

from sqlalchemy import make_url

from expo.kit.logging import get_logger
from expo.store.db import driver_of

FOLD_S = 5.0
"""Longest wait for the disk; the log grows to about 4 MB before a writer folds it in itself."""
BUSY_S = 1.0
"""Longest wait for somebody else who reads, such as a backup; their own last close does our work then."""

log = get_logger(__name__)


async def fold(url: str) -> None:
    """Fold the write-ahead log of a SQLite file into it, when everybody here has closed it; not for PostgreSQL.

    The last connection to close does that by itself, but two processes that close theirs at one moment each meet the
    other's lock, and a killed one closes nothing. The rows are safe in the log, only a copy of the file alone would
    lack them. So this is never worth a failure: trouble is logged, and the next to open the file tries again.
    """
    if driver_of(url) != "sqlite":
        return
    path = Path(make_url(url).database or "").resolve()
    if not path.exists() or not _beside(path):
        return
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def work() -> None:
        _fold(path)
        with contextlib.suppress(RuntimeError):  # nobody waited for so long
            loop.call_soon_threadsafe(done.set)

    # Not asyncio's own threads: the loop waits for those when it ends, and a dead disk may hold this one for ever.
    Thread(target=work, name="store.fold", daemon=True).start()
    try:
        async with asyncio.timeout(FOLD_S):
            await done.wait()
    except TimeoutError:
        log.warning("write-ahead log is not folded in: the disk does not answer", path=str(path))


def _fold(path: Path) -> None:
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=BUSY_S)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        log.warning("write-ahead log is not folded in", path=str(path), error=str(error))
        return
    if left := _beside(path):
        log.warning("write-ahead log stays: somebody else has the database open", files=left)


def _beside(path: Path) -> list[str]:
    files = [path.with_name(path.name + suffix) for suffix in ("-wal", "-shm")]
    return [str(file) for file in files if file.exists()]
