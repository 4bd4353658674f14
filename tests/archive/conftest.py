"""Fixtures of the rows."""

from __future__ import annotations

from tests.support.databases import (
    backend,
    database,
    database_url,
    empty_database_url,
    migrated_sqlite,
    postgres,
    sqlite_database_url,
)

__all__ = [
    "backend",
    "database",
    "database_url",
    "empty_database_url",
    "migrated_sqlite",
    "postgres",
    "sqlite_database_url",
]
