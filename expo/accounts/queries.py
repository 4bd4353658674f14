"""SQL of agencies and people."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from expo.accounts.tables import Person


async def person(db: AsyncSession, person_id: str) -> Person | None:
    """One person."""
    return await db.get(Person, person_id)


async def people(db: AsyncSession, person_ids: Collection[str]) -> list[Person]:
    """People by id, in no order; unknown ids are left out."""
    return list(await db.scalars(select(Person).where(Person.id.in_(person_ids))))
