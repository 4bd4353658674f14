"""What the tests of accounts share besides fixtures: the present moment, and the showcase that is invited to."""

from __future__ import annotations

from datetime import UTC, datetime

from expo.accounts.occasions import Occasion
from expo.ids import ShowcaseId
from expo.showcases.occasions import occasion
from expo.store.db import Database

NOW = datetime(2026, 11, 24, 7, 30, tzinfo=UTC)


async def occasion_of(database: Database, agency: str = "a") -> Occasion:
    async with database.read() as db:
        return await occasion(db, ShowcaseId(f"{agency}-showcase"), "en")
