"""What goes wrong in a database, in our words: full, busy, away, or two that want the same."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Generator

from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from expo.errors import Conflict, ExpoError, Unavailable

RETRY_S = 2
"""What a client is told to wait before it tries again."""

_SQLITE_FULL = {sqlite3.SQLITE_FULL}
_SQLITE_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_SQLITE_AWAY = {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}
# SQLite could not grow a file: the write-ahead log's index reports a full disk as an input/output error.
_SQLITE_FULL_EXTENDED = {sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_WRITE}

# PostgreSQL's SQLSTATE (documentation, appendix A): class 08 is the connection, 53 resources, 57P the server's end.
_PG_FULL = ("53100",)
_PG_BUSY = ("40001", "40P01", "55P03", "57014")
_PG_AWAY = ("08", "53", "57P", "58", "3D000", "28")


@contextlib.contextmanager
def translated() -> Generator[None]:
    """Turn the database's own errors into Unavailable `store.full`, `store.busy` or `store.away`.

    What a column's type refuses (`text.too_long`) is unwrapped. The rest (a broken constraint, a wrong statement) goes
    on as it is: that is a bug of ours, or for `conflict_as` to name.
    """
    try:
        yield
    except (StatementError, PoolTimeoutError, TimeoutError) as error:
        ours = fault(error)
        if ours is None:
            raise
        raise ours from error


@contextlib.contextmanager
def reaching() -> Generator[None]:
    """Around the connecting itself, where any trouble with sockets or files says that the database is away."""
    try:
        yield
    except TimeoutError:
        raise
    except OSError as error:
        raise _unavailable("away") from error


@contextlib.contextmanager
def conflict_as(code: str, detail: str = "") -> Generator[None]:
    """Turn a broken unique constraint inside the block into Conflict `code`.

    Flush inside the block (`await db.flush()`), or the database has not been asked yet.
    """
    try:
        yield
    except IntegrityError as error:
        if not is_unique_violation(error):
            raise
        raise Conflict(code, detail) from error


def is_unique_violation(error: IntegrityError) -> bool:
    """Whether a unique or primary key is what refused."""
    original = error.orig
    if isinstance(original, sqlite3.Error):
        return getattr(original, "sqlite_errorcode", None) in {
            sqlite3.SQLITE_CONSTRAINT_UNIQUE,
            sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
        }
    return _sqlstate(original) == "23505"


def fault(error: BaseException) -> ExpoError | None:
    """The error a caller should see instead, or None when `error` is neither trouble nor one of ours in a wrapper."""
    if isinstance(error, StatementError) and isinstance(error.orig, ExpoError):
        return error.orig
    if isinstance(error, DBAPIError):
        original = error.orig
        kind = _sqlite_kind(original) if isinstance(original, sqlite3.Error) else _postgres_kind(original)
        if kind is None and error.connection_invalidated:
            kind = "away"
        return None if kind is None else _unavailable(kind)
    return _unavailable("busy") if isinstance(error, TimeoutError | PoolTimeoutError) else None


_DETAILS = {
    "full": "the database's disk is full; nothing that was stored is lost",
    "busy": "the database is busy with other writers",
    "away": "the database cannot be reached",
}


def _unavailable(kind: str) -> Unavailable:
    return Unavailable(f"store.{kind}", _DETAILS[kind], retry_after_s=RETRY_S)


def _sqlite_kind(error: sqlite3.Error) -> str | None:
    code: int | None = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    if code & 0xFF in _SQLITE_FULL or code in _SQLITE_FULL_EXTENDED:
        return "full"
    if code & 0xFF in _SQLITE_BUSY:
        return "busy"
    return "away" if code & 0xFF in _SQLITE_AWAY else None


def _postgres_kind(error: BaseException | None) -> str | None:
    state = _sqlstate(error)
    if state is None:
        return "away" if isinstance(error, OSError) else None
    if state in _PG_FULL:
        return "full"
    if state in _PG_BUSY:
        return "busy"
    return "away" if state.startswith(_PG_AWAY) else None


def _sqlstate(error: BaseException | None) -> str | None:
    seen = error
    while seen is not None:
        state: object = getattr(seen, "sqlstate", None)
        if isinstance(state, str):
            return state
        seen = seen.__cause__
    return None
