"""SQL of showcases."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from expo.accounts.tables import Invitation, Login, Person
from expo.catalogue.tables import Delegation, Product
from expo.errors import Invalid
from expo.showcases.tables import (
    AudienceMinute,
    KnownGuest,
    Lead,
    LeftOut,
    Message,
    ProductPin,
    Projection,
    Segment,
    Showcase,
)
from expo.store.base import ID_CHARS, plain


async def showcase(db: AsyncSession, showcase_id: str) -> Showcase | None:
    """One showcase."""
    return await db.get(Showcase, showcase_id) if can_be_an_id(showcase_id) else None


async def showcase_to_change(db: AsyncSession, showcase_id: str) -> Showcase | None:
    """One showcase, locked until the transaction ends, so that two deciders see each other's result."""
    query = select(Showcase).where(Showcase.id == showcase_id).with_for_update()
    return (await db.scalars(query)).one_or_none() if can_be_an_id(showcase_id) else None


async def showcase_with_segments(db: AsyncSession, showcase_id: str) -> tuple[Showcase, list[Segment]] | None:
    """One showcase and its segments in their order."""
    query = (
        select(Showcase, Segment)
        .outerjoin(Segment, Segment.showcase_id == Showcase.id)
        .where(Showcase.id == showcase_id)
        .order_by(Segment.position)
    )
    found = await db.execute(query) if can_be_an_id(showcase_id) else ()
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


async def drafts_and_all(db: AsyncSession, expo_id: str) -> list[tuple[Showcase, Delegation]]:
    """Every showcase of an expo, soonest first, each with its delegation."""
    query = (
        select(Showcase, Delegation)
        .join(Delegation, Delegation.id == Showcase.delegation_id)
        .where(Delegation.expo_id == expo_id)
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


async def left_out(db: AsyncSession, segment_ids: Collection[str]) -> dict[str, set[str]]:
    """Products that their company does not show, by segment."""
    query = select(LeftOut.segment_id, LeftOut.product_id).where(LeftOut.segment_id.in_(segment_ids))
    found: dict[str, set[str]] = {}
    for row in await db.execute(query):
        found.setdefault(row[0], set()).add(row[1])
    return found


async def drop_segments(db: AsyncSession, segment_ids: Collection[str]) -> None:
    """Delete segments with what hangs on them."""
    await db.execute(delete(LeftOut).where(LeftOut.segment_id.in_(segment_ids)))
    await db.execute(delete(Segment).where(Segment.id.in_(segment_ids)))


async def keep_all(db: AsyncSession, segment_id: str) -> None:
    """Have a segment show all of its company's products."""
    await db.execute(delete(LeftOut).where(LeftOut.segment_id == segment_id))


async def has_traces(db: AsyncSession, showcase_id: str) -> bool:
    """Whether people were invited to the showcase, or said or did something in its room."""
    for table in (Invitation, Login, Person, Message, ProductPin, Lead):
        if await db.scalar(select(table.id).where(table.showcase_id == showcase_id).limit(1)) is not None:
            return True
    return False


async def drop_showcase(db: AsyncSession, showcase_id: str) -> None:
    """Delete a showcase without traces."""
    await drop_segments(db, [row.id for row in (await segments(db, [showcase_id])).get(showcase_id, [])])
    for table in (Projection, AudienceMinute):
        await db.execute(delete(table).where(table.showcase_id == showcase_id))
    await db.execute(delete(Showcase).where(Showcase.id == showcase_id))


async def has_part(db: AsyncSession, showcase_id: str, exhibitor_id: str) -> bool:
    """Whether the exhibitor presents in the showcase."""
    query = select(Segment.id).where(Segment.showcase_id == showcase_id, Segment.exhibitor_id == exhibitor_id).limit(1)
    return (await db.scalar(query)) is not None


async def projection(db: AsyncSession, showcase_id: str) -> Projection | None:
    """How far the facts of a showcase's room are written."""
    return (await db.scalars(select(Projection).where(Projection.showcase_id == showcase_id))).one_or_none()


async def messages(db: AsyncSession, showcase_id: str, revisions: Collection[int]) -> dict[int, Message]:
    """A room's messages of these ids."""
    query = select(Message).where(Message.showcase_id == showcase_id, Message.revision.in_(revisions))
    return {message.revision: message for message in await db.scalars(query)}


async def open_pin(db: AsyncSession, showcase_id: str) -> ProductPin | None:
    """The pin that has no end yet."""
    query = select(ProductPin).where(ProductPin.showcase_id == showcase_id, ProductPin.pinned_until.is_(None))
    return (await db.scalars(query)).one_or_none()


async def interested(db: AsyncSession, showcase_id: str, product_ids: Collection[str]) -> set[tuple[str, str]]:
    """Who left interest in which of these products: product and participant."""
    query = select(Lead.product_id, Lead.participant).where(
        Lead.showcase_id == showcase_id, Lead.product_id.in_(product_ids)
    )
    return {(row[0], row[1]) for row in await db.execute(query)}


async def outside_the_show(db: AsyncSession, showcase_id: str, revision: int) -> None:
    """Leads of before `revision` came before the show."""
    query = update(Lead).where(Lead.showcase_id == showcase_id, Lead.revision < revision)
    await db.execute(query.values(minute=None))


async def audience(db: AsyncSession, showcase_id: str, minutes: Collection[datetime]) -> dict[datetime, AudienceMinute]:
    """What is counted of these minutes already."""
    query = select(AudienceMinute).where(AudienceMinute.showcase_id == showcase_id, AudienceMinute.minute.in_(minutes))
    return {row.minute: row for row in await db.scalars(query)}


async def guests(db: AsyncSession, agency_id: str, guest_ids: Collection[str]) -> dict[str, KnownGuest]:
    """An agency's guests of these ids."""
    query = select(KnownGuest).where(KnownGuest.agency_id == agency_id, KnownGuest.guest_id.in_(guest_ids))
    return {guest.guest_id: guest for guest in await db.scalars(query)}


async def makers(db: AsyncSession, agency_id: str, product_ids: Collection[str]) -> dict[str, str]:
    """The exhibitor of each of these products that is the agency's."""
    query = select(Product.id, Product.exhibitor_id).where(Product.agency_id == agency_id, Product.id.in_(product_ids))
    return {row[0]: row[1] for row in await db.execute(query)}


def can_be_an_id(text: str) -> bool:
    """Ids come from anybody's address bar, and databases choke on some texts."""
    try:
        plain(text, ID_CHARS)
    except Invalid:
        return False
    return True
