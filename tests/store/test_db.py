"""Transactions: what is kept, what is not, and what a caller is told when the database is in trouble."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from expo.accounts.tables import Agency
from expo.errors import Conflict, Invalid, Unavailable
from expo.store import db as store_db
from expo.store.db import Database, sqlite_url
from expo.store.faults import conflict_as
from tests.support.databases import PostgresServer


def agency(name: str, id_: str = "a1") -> Agency:
    return Agency(id=id_, country="KR", name={"en": name})


async def names(database: Database) -> list[str]:
    async with database.read() as db:
        return sorted([row.name["en"] for row in await db.scalars(select(Agency))])


async def test_what_a_write_block_stored_the_next_read_sees(database: Database) -> None:
    async with database.write() as db:
        db.add(agency("Hanbit"))
    assert await names(database) == ["Hanbit"]


async def test_a_write_block_that_raises_leaves_nothing(database: Database) -> None:
    async def fail() -> None:
        async with database.write() as db:
            db.add(agency("Hanbit"))
            await db.flush()
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await names(database) == []


async def test_a_cancelled_writer_leaves_nothing_and_frees_the_only_connection(database: Database) -> None:
    inside = asyncio.Event()

    async def hang() -> None:
        async with database.write() as db:
            db.add(agency("Hanbit"))
            await db.flush()
            inside.set()
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as tasks:
        writer = tasks.create_task(hang(), name="writer")
        await inside.wait()
        writer.cancel()
    assert await names(database) == []
    async with database.write() as db:
        db.add(agency("Sejong"))
    assert await names(database) == ["Sejong"]


async def test_a_read_block_refuses_to_write(database: Database) -> None:
    async def write_in_read() -> None:
        async with database.read() as db:
            db.add(agency("Hanbit"))
            await db.flush()

    with pytest.raises((DBAPIError, Unavailable)):
        await write_in_read()
    assert await names(database) == []


async def test_a_read_block_sees_one_moment_however_long_it_lasts(database: Database) -> None:
    async with database.read() as db:
        before = list(await db.scalars(select(Agency.id)))
        async with database.write() as other:
            other.add(agency("Hanbit"))
        assert list(await db.scalars(select(Agency.id))) == before == []
    assert await names(database) == ["Hanbit"]


async def test_many_writers_in_one_process_all_succeed(database: Database) -> None:
    async def write(number: int) -> None:
        async with database.write() as db:
            await db.execute(select(Agency))
            db.add(agency(f"n{number:02}", f"id{number}"))

    async with asyncio.TaskGroup() as tasks:
        for number in range(40):
            tasks.create_task(write(number), name=f"writer {number}")
    assert len(await names(database)) == 40


async def test_a_second_row_with_the_same_key_is_the_conflict_that_the_caller_names(database: Database) -> None:
    async with database.write() as db:
        db.add(agency("Hanbit"))

    async def again() -> None:
        async with database.write() as db:
            with conflict_as("agency.taken"):
                db.add(agency("Other"))
                await db.flush()

    with pytest.raises(Conflict) as refused:
        await again()
    assert refused.value.code == "agency.taken"
    assert await names(database) == ["Hanbit"]


async def test_another_broken_rule_is_not_called_a_conflict(database: Database) -> None:
    async def nameless() -> None:
        async with database.write() as db:
            with conflict_as("agency.taken"):
                await db.execute(text("INSERT INTO agency (id, country) VALUES ('a', 'KR')"))

    with pytest.raises(IntegrityError):
        await nameless()


@pytest.mark.parametrize(
    "name", ["한빛무역관 🌶️", "שלום", "Trần Thị Thu Hà", "e\u0301 <b>&amp;</b>", "'; DROP TABLE agency; --"]
)
async def test_text_of_any_script_comes_back_as_it_was(database: Database, name: str) -> None:
    async with database.write() as db:
        db.add(agency(name))
    assert await names(database) == [name]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ({"en": "x" * 10_000}, "text.too_long"),
        ({"en": "a\x00b"}, "text.not_plain"),
        ({"en": "\ud83d"}, "text.not_plain"),
        ({"fr": "Salon"}, "text.unknown_language"),
        ({}, "text.no_words"),
        ({"en": ""}, "text.no_words"),
    ],
)
async def test_text_that_a_row_cannot_keep_is_refused_by_name(
    database: Database, words: dict[str, str], code: str
) -> None:
    async def write() -> None:
        async with database.write() as db:
            db.add(Agency(id="a", country="KR", name=words))

    with pytest.raises(Invalid) as refused:
        await write()
    assert refused.value.code == code
    assert await names(database) == []


async def test_a_line_too_long_is_refused_the_same_on_both_databases(database: Database) -> None:
    async def write() -> None:
        async with database.write() as db:
            db.add(Agency(id="a", country="Korea", name={"en": "Hanbit"}))

    with pytest.raises(Invalid) as refused:
        await write()
    assert refused.value.code == "text.too_long"


async def test_times_come_back_in_utc_whatever_zone_they_were_given_in(database: Database) -> None:
    given = datetime(2026, 11, 24, 14, 30, 15, 250_000, timezone(timedelta(hours=7)))
    async with database.write() as db:
        db.add(Agency(id="a", country="KR", name={"en": "Hanbit"}, created_at=given))
    async with database.read() as db:
        kept = (await db.scalars(select(Agency.created_at))).one()
        found = (await db.scalars(select(Agency.id).where(Agency.created_at == given))).one()
    assert (kept, kept.tzinfo, found) == (given, UTC, "a")


async def test_a_naive_time_is_refused(database: Database) -> None:
    async def write() -> None:
        async with database.write() as db:
            db.add(Agency(id="a", country="KR", name={"en": "x"}, created_at=datetime(2026, 1, 1)))  # noqa: DTZ001

    with pytest.raises(StatementError, match="naive"):
        await write()


async def test_closing_twice_is_harmless(database_url: str) -> None:
    database = await Database.open(database_url)
    await database.close()
    await database.close()


@pytest.mark.parametrize(
    "url", ["", "nonsense", "mysql://x/y", "sqlite:///x.db", "sqlite+aiosqlite://", "sqlite+aiosqlite:///:memory:"]
)
async def test_an_address_of_another_kind_is_refused_by_the_setting_s_name(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        await Database.open(url)
    assert refused.value.code == "settings.database_url"


async def test_a_sqlite_file_that_cannot_be_is_away(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as refused:
        await Database.open(sqlite_url(tmp_path / "missing" / "expo.db"))
    assert refused.value.code == "store.away"
    assert refused.value.retry_after_s


async def test_a_file_that_is_no_database_is_away(tmp_path: Path) -> None:
    (tmp_path / "expo.db").write_bytes(b"this is not a database, but long enough to look at" * 100)
    with pytest.raises(Unavailable) as refused:
        await Database.open(sqlite_url(tmp_path / "expo.db"))
    assert refused.value.code == "store.away"


async def test_a_writer_that_another_process_keeps_waiting_is_told_that_the_store_is_busy(
    sqlite_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_db, "BUSY_TIMEOUT_S", 0.1)
    database = await Database.open(sqlite_database_url)
    other = sqlite3.connect(tmp_path / "expo.db", isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable) as refused:
            async with database.write():
                pass
        assert refused.value.code == "store.busy"
        assert await names(database) == []  # readers are not in the way
        other.execute("ROLLBACK")
        async with database.write() as db:
            db.add(agency("Hanbit"))
    finally:
        other.close()
        await database.close()


async def test_a_writer_that_gives_up_waiting_leaves_no_lock_behind(
    sqlite_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_db, "BUSY_TIMEOUT_S", 0.5)
    database = await Database.open(sqlite_database_url)
    other = sqlite3.connect(tmp_path / "expo.db", isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1), database.write() as db:
                db.add(agency("Hanbit"))
        other.execute("ROLLBACK")
        async with database.write() as db:
            db.add(agency("Sejong"))
        other.execute("BEGIN IMMEDIATE")  # nobody else holds it
        other.execute("ROLLBACK")
        assert await names(database) == ["Sejong"]
    finally:
        other.close()
        await database.close()


async def test_a_block_that_never_ends_is_ended_and_its_connection_freed(
    sqlite_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:

    async def hang(database: Database, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(store_db, "BLOCK_TIMEOUT_S", 0.1)
        async with database.write() as db:
            db.add(agency("Hanbit"))
            await asyncio.Event().wait()

    database = await Database.open(sqlite_database_url)
    try:
        with monkeypatch.context() as patch, pytest.raises(Unavailable) as refused:
            await hang(database, patch)
        assert refused.value.code == "store.busy"
        assert await names(database) == []
    finally:
        await database.close()


async def test_sqlite_runs_as_decided(sqlite_database_url: str) -> None:
    database = await Database.open(sqlite_database_url)
    try:
        async with database.write() as db:
            pragmas = [
                (await db.execute(text(f"PRAGMA {name}"))).scalar_one()
                for name in ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
            ]
        assert pragmas == ["wal", 1, 2, 5000]
    finally:
        await database.close()


@pytest.mark.cluster
async def test_a_postgresql_that_is_not_there_is_away(postgres: PostgresServer, tmp_path: Path) -> None:
    for url in (f"postgresql+asyncpg://expo@/x?host={tmp_path}", postgres.url("no_such_database")):
        with pytest.raises(Unavailable) as refused:
            await Database.open(url)
        assert refused.value.code == "store.away"


@pytest.mark.cluster
async def test_a_connection_cut_in_the_middle_says_away_and_the_next_block_works(postgres: PostgresServer) -> None:
    async def lose_the_connection(database: Database) -> None:
        async with database.write() as db:
            pid = (await db.execute(text("SELECT pg_backend_pid()"))).scalar_one()
            async with database.read() as other:
                await other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
            db.add(agency("Hanbit"))
            await db.flush()

    database = await Database.open(postgres.new_database(template="migrated"))
    try:
        with pytest.raises(Unavailable) as refused:
            await lose_the_connection(database)
        assert refused.value.code == "store.away"
        async with database.write() as db:
            db.add(agency("Sejong"))
        assert await names(database) == ["Sejong"]
    finally:
        await database.close()


@pytest.mark.cluster
async def test_rows_locked_by_another_postgresql_client_say_busy(postgres: PostgresServer) -> None:
    async def want_the_same_row(database: Database) -> None:
        async with database.write() as db:
            await db.execute(text("SET LOCAL lock_timeout = '50ms'"))
            await db.execute(select(Agency).with_for_update())

    database = await Database.open(postgres.new_database(template="migrated"))
    try:
        async with database.write() as db:
            db.add(agency("Hanbit"))
        async with database.write() as holder:
            await holder.execute(select(Agency).with_for_update())
            with pytest.raises(Unavailable) as refused:
                await want_the_same_row(database)
        assert refused.value.code == "store.busy"
    finally:
        await database.close()


@pytest.mark.cluster
async def test_postgresql_runs_as_decided(postgres: PostgresServer) -> None:
    database = await Database.open(postgres.new_database(template="migrated"))
    try:
        async with database.write() as db:
            shown = [
                (await db.execute(text(f"SHOW {name}"))).scalar_one()
                for name in ("lock_timeout", "statement_timeout", "transaction_isolation", "transaction_read_only")
            ]
        assert shown == ["5s", "15s", "read committed", "off"]
        async with database.read() as db:
            shown = [
                (await db.execute(text(f"SHOW {name}"))).scalar_one()
                for name in ("transaction_isolation", "transaction_read_only")
            ]
        assert shown == ["repeatable read", "on"]
    finally:
        await database.close()


@pytest.mark.cluster
async def test_a_restarted_postgresql_is_found_again() -> None:
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        server = PostgresServer(Path(folder))
        server.create()
        server.start()
        try:
            database = await Database.open(server.new_database())
            try:
                server.stop()
                with pytest.raises(Unavailable) as refused:
                    await database.ping()
                assert refused.value.code == "store.away"
                server.start()
                await database.ping()
            finally:
                await database.close()
        finally:
            server.stop()
