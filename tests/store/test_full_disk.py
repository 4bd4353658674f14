"""A full disk under SQLite: nothing acknowledged is lost, readers go on, writers are told, and room heals it."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import msgspec
import pytest

from tests.support.full_disk import Report

SIZE = "3m"
MOUNT = 'mount -t tmpfs -o size="$1" tmpfs "$2" && exec "$3" -m tests.support.full_disk "$2"'


@pytest.mark.cluster
async def test_a_full_disk_loses_nothing_and_heals_and_a_viewer_misses_nothing(tmp_path: Path) -> None:
    # A mount of our own: as root in a private mount namespace, otherwise with a user namespace around it.
    namespaces = ["--mount"] if os.geteuid() == 0 else ["--mount", "--user", "--map-root-user"]
    process = await asyncio.create_subprocess_exec(
        *("unshare", *namespaces, "sh", "-c", MOUNT, "sh", SIZE, str(tmp_path), sys.executable),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    report = msgspec.json.decode(out.splitlines()[-1], type=Report)  # log lines come before it

    assert report.acknowledged > 10  # it did write before the disk was full
    assert report.refused == ["store.full"] * 3
    assert report.rows_while_full == report.acknowledged - 1
    assert report.title_while_full == "한–베 커넥트 위크"
    assert report.live_room_while_full == "live"  # a show on the air does not notice
    assert report.going_live_while_full == "store.full"
    assert report.rows_after == report.acknowledged
    assert report.went_live_after
    assert report.integrity == "ok"
    assert report.frames > 10
