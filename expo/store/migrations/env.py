"""Alembic's entry: runs migrations on the connection it is handed, or on `-x url=...` when a developer calls it."""

from __future__ import annotations

import asyncio
from typing import Literal

import sqlalchemy as sa
from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection

from expo.store.base import Line, Moment, Worded, load_tables
from expo.store.migrate import migration_engine


def render(kind: str, item: object, autogen: AutogenContext) -> str | Literal[False]:
    """Write our column types as what they are in the database: a migration must not change when a class does."""
    if kind != "type":
        return False
    match item:
        case Line():
            return f"sa.String(length={item.limit})"
        case Worded():
            return "sa.JSON()"
        case Moment():
            return "sa.DateTime(timezone=True)"
        case sa.JSON():
            return "sa.JSON()"
        case _:
            return False


def migrate(connection: Connection) -> None:
    """Run the command that Alembic was asked for, in the transaction that is open."""
    context.configure(
        connection=connection,
        target_metadata=load_tables(),
        render_item=render,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        compare_server_default=True,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def migrate_by_hand(url: str) -> None:
    """Open the database that `-x url=...` names and commit what the command does."""
    engine = migration_engine(url)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(migrate)
    finally:
        await engine.dispose()


if isinstance(given := context.config.attributes.get("connection"), Connection):
    migrate(given)
else:
    asyncio.run(migrate_by_hand(context.get_x_argument(as_dictionary=True)["url"]))
