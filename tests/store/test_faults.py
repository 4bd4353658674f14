"""What the databases' own errors mean to a caller."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from expo.errors import ExpoError
from expo.store.db import Database
from expo.store.faults import fault


@pytest.mark.cluster
@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("53100", "store.full"),  # disk_full
        ("55P03", "store.busy"),  # lock_not_available
        ("40001", "store.busy"),  # serialization_failure
        ("40P01", "store.busy"),  # deadlock_detected
        ("57014", "store.busy"),  # query_canceled: our statement_timeout
        ("53300", "store.away"),  # too_many_connections
        ("57P01", "store.away"),  # admin_shutdown
        ("08006", "store.away"),  # connection_failure
    ],
)
async def test_postgresql_s_states_are_told_apart(database: Database, state: str, code: str) -> None:
    async def fail() -> None:
        async with database.write() as db:
            await db.execute(text(f"DO $$ BEGIN RAISE EXCEPTION 'test' USING ERRCODE = '{state}'; END $$"))

    with pytest.raises(ExpoError) as refused:
        await fail()
    assert refused.value.code == code
    assert refused.value.status == 503
    await database.ping()


async def test_a_wrong_statement_stays_a_bug_of_ours(database: Database) -> None:
    async def fail() -> None:
        async with database.read() as db:
            await db.execute(text("SELECT nothing FROM nowhere"))

    with pytest.raises(DBAPIError):
        await fail()


@pytest.mark.parametrize(
    ("sqlite_code", "code"),
    [
        (sqlite3.SQLITE_FULL, "store.full"),
        (sqlite3.SQLITE_IOERR_WRITE, "store.full"),
        (sqlite3.SQLITE_IOERR_SHMSIZE, "store.full"),
        (sqlite3.SQLITE_BUSY, "store.busy"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, "store.busy"),
        (sqlite3.SQLITE_LOCKED, "store.busy"),
        (sqlite3.SQLITE_CANTOPEN, "store.away"),
        (sqlite3.SQLITE_IOERR_READ, "store.away"),
        (sqlite3.SQLITE_CORRUPT, "store.away"),
        (sqlite3.SQLITE_NOTADB, "store.away"),
        (sqlite3.SQLITE_ERROR, None),
        (sqlite3.SQLITE_CONSTRAINT_CHECK, None),
    ],
)
def test_sqlite_s_codes_are_told_apart(sqlite_code: int, code: str | None) -> None:
    original = sqlite3.OperationalError("as sqlite3 would raise it")
    original.sqlite_errorcode = sqlite_code
    found = fault(DBAPIError("SELECT 1", None, original))
    assert (found.code if found else None) == code
