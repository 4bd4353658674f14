"""SQL of showcases."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from expo.catalogue.tables import Delegation
from expo.errors import Invalid
from expo.showcases.tables import Segment, Showcase
from expo.store.base import ID_CHARS, plain


async def showcase(db: AsyncSession, showcase_id: str) -> Showcase | None:
    """One showcase."""
    return await db.get(Showcase, showcase_id) if _can_be_an_id(showcase_id) else None


async def showcase_to_change(db: AsyncSession, showcase_id: str) -> Showcase | None:
    """One showcase, locked until the transaction ends, so that two deciders see each other's result."""
    query = select(Showcase).where(Showcase.id == showcase_id).with_for_update()
    return (await db.scalars(query)).one_or_none()


async def showcase_with_segments(db: AsyncSession, showcase_id: str) -> tuple[Showcase, list[Segment]] | None:
    """One showcase and its segments in their order."""
    query = (
        select(Showcase, Segment)
        .outerjoin(Segment, Segment.showcase_id == Showcase.id)
        .where(Showcase.id == showcase_id)
        .order_by(Segment.position)
    )
    found = await db.execute(query) if _can_be_an_id(showcase_id) else ()
    rows: list[tuple[Showcase, Segment | None]] = [(row[0], row[1]) for row in found]
    return (rows[0][0], [segment for _, segment in rows if segment is not None]) if rows else None


async def showcases_of_expo(db: AsyncSession, expo_id: str) -> list[tuple[Showcase, Delegation]]:
    """An expo's showcases but drafts, soonest first, each with its delegation."""
    query = (
        select(Showcase, Delegation)
        .join(Delegation, Delegation.id == Showcase.delegation_id)
        .where(Delegation.expo_id == expo_id, Showcase.state != "draft")
        .order_by(Showcase.starts_at, Showcase.id)
    )
    return [(row[0], row[1]) for row in await db.execute(query)]


async def segments(db: AsyncSession, showcase_ids: Collection[str]) -> dict[str, list[Segment]]:
    """Segments in their order, by showcase."""
    query = select(Segment).where(Segment.showcase_id.in_(showcase_ids)).order_by(Segment.position)
    found: dict[str, list[Segment]] = {}
    for segment in await db.scalars(query):
        found.setdefault(segment.showcase_id, []).append(segment)
    return found


async def has_part(db: AsyncSession, showcase_id: str, exhibitor_id: str) -> bool:
    """Whether the exhibitor presents in the showcase."""
    query = select(Segment.id).where(Segment.showcase_id == showcase_id, Segment.exhibitor_id == exhibitor_id).limit(1)
    return (await db.scalar(query)) is not None


def _can_be_an_id(text: str) -> bool:
    """Ids come from anybody's address bar, and databases choke on some texts."""
    try:
        plain(text, ID_CHARS)
    except Invalid:
        return False
    return True
