"""What every table shares: naming, ids, the tenant column, and types that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import (
    JSON,
    CheckConstraint,
    DateTime,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    MetaData,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

import expo
from expo.clock import utc_now
from expo.errors import Invalid
from expo.ids import new_row_id
from expo.store.words import LANGUAGES, Words

ID_CHARS = 26
PATH_CHARS = 200

NAMING = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}
"""Every constraint has a name of ours, the same on both databases, so that a migration can find it again."""


class Base(DeclarativeBase):
    """Root of all tables; feature folders define theirs in `tables.py`."""

    metadata = MetaData(naming_convention=NAMING)


class Line(TypeDecorator[str]):
    """A line of text of at most `limit` characters. Raises Invalid `text.too_long` or `text.not_plain` when written.

    SQLite ignores the length of a column and PostgreSQL refuses U+0000, so both are checked here, once.
    """

    impl = String
    cache_ok = True

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else plain(value, self.limit)


class Worded(TypeDecorator[Words]):
    """One text per language, each of at most `limit` characters; stored as JSON in readable UTF-8."""

    impl = JSON
    cache_ok = True

    def __init__(self, limit: int) -> None:
        super().__init__(none_as_null=True)
        self.limit = limit

    def process_bind_param(self, value: Words | None, dialect: Dialect) -> Words | None:
        return None if value is None else worded(value, self.limit)


class Moment(TypeDecorator[datetime]):
    """A point in time: aware on the way in, aware and in UTC on the way out (SQLite itself keeps no zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive time cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Row:
    """Columns of every tenant's row; tables inherit this beside `Base`.

    `(agency_id, id)` is unique so that `within` can point at it: no row can refer to another agency's row.
    """

    id: Mapped[str] = mapped_column(String(ID_CHARS), primary_key=True, default=new_row_id, sort_order=-3)
    agency_id: Mapped[str] = mapped_column(String(ID_CHARS), ForeignKey("agency.id"), sort_order=-2)
    created_at: Mapped[datetime] = mapped_column(Moment(), default=utc_now, sort_order=-1)


def tenant_key() -> UniqueConstraint:
    """The unique pair that `within` refers to; in `__table_args__` of a table that others point at."""
    return UniqueConstraint("agency_id", "id")


def within(column: str, table: str) -> ForeignKeyConstraint:
    """A foreign key from `column` to a row of `table` of the same agency."""
    return ForeignKeyConstraint(["agency_id", column], [f"{table}.agency_id", f"{table}.id"])


def one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    """`column` holds one of `values`."""
    return CheckConstraint(f"{column} IN ({', '.join(repr(value) for value in values)})", name=f"{column}_known")


def plain(text: str, limit: int) -> str:
    """`text` if both databases can keep it in `limit` characters. Raises Invalid as `Line` says."""
    if len(text) > limit:
        raise Invalid("text.too_long", f"{len(text)} characters where {limit} fit")
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise Invalid("text.not_plain", "text with a null character or half a character")
    return text


def worded(words: Mapping[str, str], limit: int) -> Words:
    """`words` as stored. Raises Invalid `text.no_words` (no text), `text.unknown_language`, or as `plain` does."""
    if not any(words.values()):
        raise Invalid("text.no_words", "no text in any language")
    if unknown := set(words) - set(LANGUAGES):
        raise Invalid("text.unknown_language", f"no such interface language: {', '.join(sorted(unknown))}")
    return {language: plain(text, limit) for language, text in words.items()}


def to_json(value: object) -> str:
    """JSON for columns: UTF-8 as written, so that three bytes of Korean do not become six characters."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def load_tables() -> MetaData:
    """All tables of all features: foreign keys across folders resolve only when every `tables.py` is imported.

    The store may not know the features, so it looks for them: `expo/<feature>/tables.py`.
    """
    for path in sorted(Path(expo.__file__).parent.glob("*/tables.py")):
        importlib.import_module(f"expo.{path.parent.name}.tables")
    return Base.metadata
