"""The write-ahead log beside a SQLite file: gone after the last of us, whoever closed and however."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sqlite3
import sys
import threading
from collections.abc import Generator
from pathlib import Path

import pytest
import structlog

from expo.store import wal
from expo.store.db import sqlite_url

FILL = """
import asyncio, contextlib, pathlib, sqlite3, sys
from expo.store import wal
from expo.store.db import sqlite_url

folder, source = map(pathlib.Path, sys.argv[1:])
for path in source.glob("expo.db*"):
    (folder / path.name).write_bytes(path.read_bytes())
with (folder / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
    while True:
        filler.write(bytes(4096))
asyncio.run(wal.fold(sqlite_url(folder / "expo.db")))
print((folder / "expo.db-wal").exists(), flush=True)
(folder / "filler").unlink()
asyncio.run(wal.fold(sqlite_url(folder / "expo.db")))
print((folder / "expo.db-wal").exists())
"""
MOUNT = 'mount -t tmpfs -o size=2m tmpfs "$1" && exec "$3" -c "$4" "$1" "$2"'


def rows(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return int(database.execute("SELECT count(*) FROM note").fetchone()[0])


@contextlib.contextmanager
def written(path: Path, count: int = 50) -> Generator[sqlite3.Connection]:
    """An open database of which `count` rows stand in the log only."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA wal_autocheckpoint=0")
        database.execute("CREATE TABLE note (words TEXT)")
        database.executemany("INSERT INTO note VALUES (?)", [("x" * 2_000,)] * count)
        yield database


@pytest.fixture
def crashed(tmp_path: Path) -> Path:
    """A database as a killed process leaves it: its files copied while it was open."""
    folder = tmp_path / "crashed"
    folder.mkdir()
    with written(tmp_path / "expo.db"):
        for path in tmp_path.glob("expo.db*"):
            shutil.copy(path, folder)
    assert (folder / "expo.db-wal").stat().st_size > 100_000
    return folder / "expo.db"


async def test_what_a_killed_process_left_is_folded_in(crashed: Path) -> None:
    await wal.fold(sqlite_url(crashed))

    assert [path.name for path in crashed.parent.iterdir()] == ["expo.db"]
    assert rows(crashed) == 50


async def test_an_empty_log_goes_too(crashed: Path) -> None:
    await wal.fold(sqlite_url(crashed))
    crashed.with_name("expo.db-wal").touch()  # what two leave that close at one moment
    crashed.with_name("expo.db-shm").write_bytes(bytes(32_768))

    await wal.fold(sqlite_url(crashed))

    assert [path.name for path in crashed.parent.iterdir()] == ["expo.db"]


async def test_a_closed_a_missing_and_another_database_are_left_alone(crashed: Path) -> None:
    await wal.fold(sqlite_url(crashed))
    before = crashed.stat()

    await wal.fold(sqlite_url(crashed))
    await wal.fold(sqlite_url(crashed.with_name("none.db")))
    await wal.fold("postgresql+asyncpg://nobody@192.0.2.1/none")

    assert crashed.stat() == before
    assert [path.name for path in crashed.parent.iterdir()] == ["expo.db"]


async def test_somebody_who_reads_keeps_the_log_and_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wal, "BUSY_S", 0.01)
    path = tmp_path / "expo.db"
    with written(path) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM note").fetchone()
        with structlog.testing.capture_logs() as lines:
            await wal.fold(sqlite_url(path))
    assert [line["log_level"] for line in lines] == ["warning"]
    assert rows(path) == 50


async def test_a_disk_that_does_not_answer_is_not_waited_for(
    tmp_path: Path, crashed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wal, "FOLD_S", 0.05)
    monkeypatch.setattr(wal, "BUSY_S", 10.0)
    with contextlib.closing(sqlite3.connect(crashed, isolation_level=None)) as holder:
        holder.execute("PRAGMA locking_mode=EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        with structlog.testing.capture_logs() as lines:
            async with asyncio.timeout(5):
                await wal.fold(sqlite_url(crashed))
    assert ["does not answer" in line["event"] for line in lines] == [True]
    for thread in threading.enumerate():
        if thread.name == "store.fold":
            thread.join(10)  # else it has its say in another test


async def test_a_file_that_is_no_database_is_said_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "expo.db"
    path.write_bytes(b"this is not a database" * 100)
    (tmp_path / "expo.db-wal").write_bytes(b"nor is this a log")

    with structlog.testing.capture_logs() as lines:
        await wal.fold(sqlite_url(path))

    assert [line["log_level"] for line in lines] == ["warning"]
    assert path.read_bytes() == b"this is not a database" * 100


@pytest.mark.cluster
async def test_a_full_disk_keeps_the_log_until_there_is_room(tmp_path: Path, crashed: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    # A mount of our own: as root in a private mount namespace, otherwise with a user namespace around it.
    namespaces = ["--mount"] if os.geteuid() == 0 else ["--mount", "--user", "--map-root-user"]
    process = await asyncio.create_subprocess_exec(
        *("unshare", *namespaces, "sh", "-c", MOUNT, "sh", str(folder), str(crashed.parent), sys.executable, FILL),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()

    assert process.returncode == 0, err.decode()
    kept = [line for line in out.decode().splitlines() if line in {"True", "False"}]  # log lines stand among them
    assert kept == ["True", "False"]
