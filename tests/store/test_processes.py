"""Several processes on one database."""

from __future__ import annotations

import asyncio
import sys

import pytest

from expo.accounts.tables import Agency
from expo.store.db import Database
from tests.support.crowd import COUNTER

PROCESSES = 4
TIMES = 50


@pytest.mark.cluster
@pytest.mark.timeout(300)  # four interpreters start; on a machine that is busy with other things that alone takes long
async def test_four_processes_that_read_and_write_at_once_all_succeed(database_url: str, database: Database) -> None:
    async with database.write() as db:
        db.add(Agency(id=COUNTER, country="KR", name={"en": "0"}))
    crowd = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.support.crowd",
            database_url,
            str(TIMES),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        for _ in range(PROCESSES)
    ]
    said = [await process.communicate() for process in crowd]
    assert [(out.decode().strip(), err.decode()) for out, err in said] == [("0", "")] * PROCESSES
    async with database.read() as db:
        row = await db.get_one(Agency, COUNTER)
    assert row.name == {"en": str(PROCESSES * TIMES)}
