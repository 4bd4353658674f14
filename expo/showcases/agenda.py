"""What the catalogue asks of showcases: when each company presents. Two statements for a whole expo."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from expo.catalogue.views import Showing
from expo.ids import DelegationId, ExpoId, ShowcaseId
from expo.showcases import queries
from expo.showcases.parts import parts
from expo.store.words import pick


async def showings(db: AsyncSession, expo_id: ExpoId, language: str) -> tuple[Showing, ...]:
    """All showcases of an expo but drafts, soonest first: the `catalogue.stands.Agenda` of this system."""
    rows = [row for row, _ in await queries.showcases_of_expo(db, expo_id)]
    segments = await queries.segments(db, [row.id for row in rows])
    return tuple(
        Showing(
            showcase_id=ShowcaseId(row.id),
            delegation_id=DelegationId(row.delegation_id),
            title=pick(row.title, language),
            state="live" if row.state == "live" else "ended" if row.state == "ended" else "scheduled",
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            parts=parts(row, segments.get(row.id, [])),
        )
        for row in rows
    )
