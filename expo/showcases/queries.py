"""SQL of showcases."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, false, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from expo.accounts.tables import Invitation, Login, Person
from expo.archive.tables import Consent
from expo.catalogue.tables import Delegation, Exhibitor, Product
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


@dataclass(frozen=True, slots=True)
class Own:
    """What is an exhibitor's in a showcase: words about its products, and those about none while its part was on."""

    exhibitor_id: str
    spans: Sequence[tuple[datetime, datetime]]


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


async def begun(db: AsyncSession, showcase_ids: Collection[str]) -> Sequence[Showcase]:
    """Those of these showcases that have been on the air."""
    query = select(Showcase).where(Showcase.id.in_(showcase_ids), Showcase.went_live_at.is_not(None))
    return (await db.scalars(query)).all()


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
    for table in (Invitation, Login, Person, Message, ProductPin, Lead, Consent):
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


async def pins(db: AsyncSession, showcase_id: str) -> list[ProductPin]:
    """What was pinned, in the order of time."""
    query = select(ProductPin).where(ProductPin.showcase_id == showcase_id)
    return list(await db.scalars(query.order_by(ProductPin.pinned_from, ProductPin.revision)))


async def drop_pins(db: AsyncSession, showcase_ids: Collection[str]) -> None:
    """Forget what was pinned."""
    await db.execute(delete(ProductPin).where(ProductPin.showcase_id.in_(showcase_ids)))


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


async def leads(
    db: AsyncSession, row: Showcase, exhibitor_id: str | None, most: int
) -> list[tuple[Lead, Product, Exhibitor]]:
    """A showcase's first leads, of one exhibitor or of all, oldest first, each with its product and company."""
    query = (
        select(Lead, Product, Exhibitor)
        .join(Product, and_(Product.id == Lead.product_id, Product.agency_id == Lead.agency_id))
        .join(Exhibitor, and_(Exhibitor.id == Lead.exhibitor_id, Exhibitor.agency_id == Lead.agency_id))
        .where(Lead.agency_id == row.agency_id, Lead.showcase_id == row.id)
    )
    if exhibitor_id is not None:
        query = query.where(Lead.exhibitor_id == exhibitor_id)
    found = await db.execute(query.order_by(Lead.shown_at, Lead.revision).limit(most))
    return [(each[0], each[1], each[2]) for each in found]


async def lead_counts(db: AsyncSession, row: Showcase, exhibitor_id: str | None) -> dict[str, int]:
    """How many leads a showcase brought, by exhibitor; those without any are left out."""
    query = select(Lead.exhibitor_id, func.count()).where(Lead.agency_id == row.agency_id, Lead.showcase_id == row.id)
    if exhibitor_id is not None:
        query = query.where(Lead.exhibitor_id == exhibitor_id)
    return {each[0]: each[1] for each in await db.execute(query.group_by(Lead.exhibitor_id))}


async def readable(
    db: AsyncSession, row: Showcase, kind: str, own: Own | None, most: int
) -> Sequence[tuple[Message, Product | None]]:
    """A showcase's newest messages of a kind, oldest first, all or an exhibitor's; no hidden and withdrawn ones."""
    query = (
        select(Message, Product)
        .outerjoin(Product, and_(Product.id == Message.product_id, Product.agency_id == Message.agency_id))
        .where(*_said(row, own), Message.kind == kind, Message.hidden.is_(False), Message.withdrawn.is_(False))
        .order_by(Message.revision.desc())
        .limit(most)
    )
    return [(each[0], each[1]) for each in await db.execute(query)][::-1]


async def message_counts(db: AsyncSession, row: Showcase, own: Own | None) -> dict[tuple[str, bool, bool], int]:
    """How many messages there are, by kind, by whether they are hidden or withdrawn, and by whether answered."""
    gone = or_(Message.hidden, Message.withdrawn)
    query = (
        select(Message.kind, gone, Message.answered, func.count())
        .outerjoin(Product, and_(Product.id == Message.product_id, Product.agency_id == Message.agency_id))
        .where(*_said(row, own))
        .group_by(Message.kind, gone, Message.answered)
    )
    return {(each[0], bool(each[1]), bool(each[2])): each[3] for each in await db.execute(query)}


async def audience_of(db: AsyncSession, row: Showcase) -> list[AudienceMinute]:
    """All that is counted of a showcase, in the order of time."""
    counted = select(AudienceMinute).where(
        AudienceMinute.agency_id == row.agency_id, AudienceMinute.showcase_id == row.id
    )
    return list(await db.scalars(counted.order_by(AudienceMinute.minute)))


def _said(row: Showcase, own: Own | None) -> list[ColumnElement[bool]]:
    """What is a showcase's, and an exhibitor's if one is given; `Product` is the one that the message is about."""
    where = [Message.agency_id == row.agency_id, Message.showcase_id == row.id]
    if own is not None:
        spans = [and_(Message.said_at >= start, Message.said_at <= end) for start, end in own.spans]
        about_own = Product.exhibitor_id == own.exhibitor_id
        where.append(or_(about_own, and_(Message.product_id.is_(None), or_(false(), *spans))))
    return where


def can_be_an_id(text: str) -> bool:
    """Ids come from anybody's address bar, and databases choke on some texts."""
    try:
        plain(text, ID_CHARS)
    except Invalid:
        return False
    return True
