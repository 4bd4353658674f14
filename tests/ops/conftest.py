"""Fixtures of the rows."""

from __future__ import annotations

from tests.support.databases import migrated_sqlite, sqlite_database_url

__all__ = ["migrated_sqlite", "sqlite_database_url"]
