"""Connections and transactions: one `Database` per process, `read()` and `write()` blocks, SQLite or PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path
from threading import Thread
from typing import Any

import aiosqlite
from sqlalchemy import Connection, event, make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from expo.errors import Invalid
from expo.store.base import load_tables, to_json
from expo.store.faults import reaching, translated

BUSY_TIMEOUT_S = 5
"""How long a writer waits for other writers before `store.busy`."""
BLOCK_TIMEOUT_S = 15
"""No transaction lasts longer: a block waits for nothing but the database (connect, lock and commit included)."""

_SQLITE_READERS = 4
_POSTGRES_POOL = 8


class Database:
    """The rows of this process. `read()` and `write()` each run one transaction and translate the database's errors.

    On SQLite a writer begins IMMEDIATE (a deferred one that reads first loses against any other writer at once, however
    long it would wait) and the writers of one process share one connection, so they queue here, not on the file.
    """

    def __init__(self, readers: AsyncEngine, writers: AsyncEngine) -> None:
        self._readers = readers
        self._writers = writers

    @classmethod
    async def open(cls, url: str) -> Database:
        """Connect to `sqlite+aiosqlite:///PATH` or `postgresql+asyncpg://...` and try it. The caller closes.

        Raises Invalid `settings.database_url`, or Unavailable `store.*` when it cannot be used now.
        """
        load_tables()
        match driver_of(url):
            case "sqlite":
                database = cls(sqlite_engine(url, readers=_SQLITE_READERS), sqlite_engine(url, readers=0))
            case _:
                writers = postgres_engine(url, statement_timeout_s=BLOCK_TIMEOUT_S, lock_timeout_s=BUSY_TIMEOUT_S)
                snapshot = writers.execution_options(postgresql_readonly=True, isolation_level="REPEATABLE READ")
                database = cls(snapshot, writers)
        try:
            await database.ping()
        except BaseException:
            await database.close()
            raise
        return database

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncGenerator[AsyncSession]:
        """One consistent look at the rows; on both databases a write inside is refused."""
        async with _transaction(self._readers) as db:
            yield db

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncGenerator[AsyncSession]:
        """One transaction: committed when the block ends, rolled back when it raises. Await only the database in it."""
        async with _transaction(self._writers) as db:
            yield db
            await db.commit()

    async def ping(self) -> None:
        """Raise Unavailable `store.*` unless the database answers."""
        async with self.read() as db:
            await db.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Close every connection; harmless to repeat."""
        await self._readers.dispose()
        await self._writers.dispose()


def driver_of(url: str) -> str:
    """`sqlite` or `postgresql`. Raises Invalid `settings.database_url` for anything else."""
    try:
        parsed = make_url(url)
    except Exception as error:
        raise Invalid("settings.database_url", "this is not a database address") from error
    if parsed.drivername not in {"sqlite+aiosqlite", "postgresql+asyncpg"}:
        raise Invalid("settings.database_url", "sqlite+aiosqlite:/// or postgresql+asyncpg:// is needed")
    if parsed.drivername == "sqlite+aiosqlite" and parsed.database in {None, "", ":memory:"}:
        raise Invalid("settings.database_url", "SQLite needs a file that all workers can open")
    return parsed.get_backend_name()


def sqlite_url(path: Path) -> str:
    """The address of a SQLite file."""
    return f"sqlite+aiosqlite:///{path}"


def sqlite_engine(url: str, *, readers: int, foreign_keys: bool = True) -> AsyncEngine:
    """An engine on a SQLite file: up to `readers` connections that cannot write, or with 0 the one that can."""
    engine = create_async_engine(
        url,
        json_serializer=to_json,
        hide_parameters=True,  # rows hold names of people, and errors end in logs
        pool_size=readers or 1,
        max_overflow=0,
        pool_timeout=BUSY_TIMEOUT_S,
        connect_args={"timeout": BUSY_TIMEOUT_S, "async_creator_fn": _connect_sqlite},
    )

    pragmas = (
        "journal_mode=WAL",
        "synchronous=FULL",  # a commit that was acknowledged survives a power cut, not only a crash
        f"foreign_keys={'ON' if foreign_keys else 'OFF'}",
        f"query_only={'ON' if readers else 'OFF'}",
    )

    def prepare(connection: Any, _entry: ConnectionPoolEntry) -> None:
        try:
            connection.isolation_level = None  # the driver must not begin on its own; `begin` below does
            cursor = connection.cursor()
            for pragma in pragmas:
                cursor.execute(f"PRAGMA {pragma}")
            cursor.close()
        except BaseException:
            connection.close()  # the pool forgets a connection that fails here, and its thread would live on
            raise

    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN" if readers else "BEGIN IMMEDIATE")

    event.listen(engine.sync_engine, "connect", prepare)
    event.listen(engine.sync_engine, "begin", begin)
    return engine


def postgres_engine(url: str, *, statement_timeout_s: int, lock_timeout_s: int) -> AsyncEngine:
    """An engine on PostgreSQL whose waits all end: connect, lock, statement, and a transaction left open."""
    return create_async_engine(
        url,
        json_serializer=to_json,
        hide_parameters=True,  # rows hold names of people, and errors end in logs
        pool_size=_POSTGRES_POOL,
        max_overflow=0,
        pool_timeout=BUSY_TIMEOUT_S,
        pool_pre_ping=True,
        connect_args={
            "timeout": BUSY_TIMEOUT_S,
            "command_timeout": statement_timeout_s,
            "server_settings": {
                "application_name": "expo",
                "lock_timeout": f"{lock_timeout_s}s",
                "statement_timeout": f"{statement_timeout_s}s",
                "idle_in_transaction_session_timeout": f"{2 * statement_timeout_s}s",
            },
        },
    )


async def _connect_sqlite(*arguments: Any, **options: Any) -> aiosqlite.Connection:
    """A connection whose thread is gone when connecting fails, and never keeps the process alive.

    aiosqlite only asks its thread to end; a loop that closes first would make the thread die with a traceback.
    """
    connection = aiosqlite.connect(*arguments, **options)
    thread: Thread = connection._thread  # pyright: ignore[reportPrivateUsage] - nothing public leads to it
    thread.daemon = True
    try:
        return await connection
    except BaseException:
        thread.join(BUSY_TIMEOUT_S)
        raise


@contextlib.asynccontextmanager
async def _transaction(engine: AsyncEngine) -> AsyncGenerator[AsyncSession]:
    with translated():
        async with asyncio.timeout(BLOCK_TIMEOUT_S), AsyncSession(engine, expire_on_commit=False) as db:
            with reaching():
                await db.connection()
            yield db
