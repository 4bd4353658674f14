"""Changing a showcase before it is live, as its makers may; in the caller's transaction, nothing is committed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from expo.catalogue import queries as catalogue_queries
from expo.catalogue.tables import Delegation, Exhibitor, Expo
from expo.edge.principal import Principal
from expo.errors import Conflict, Invalid, NotFound
from expo.ids import DelegationId, ExhibitorId, ProductId, ShowcaseId, new_row_id
from expo.rooms.model import MAX_SEGMENTS
from expo.showcases import plans, queries, service
from expo.showcases.plans import Part, Plan
from expo.showcases.rules import Schedule, State, Withdraw
from expo.showcases.sheets import is_own, own, plan_of, require_maker
from expo.showcases.tables import TITLE_CHARS, LeftOut, Segment, Showcase

_AWAY = 10_000
"""Positions that nobody has, for as long as others are given out."""


@dataclass(frozen=True, slots=True)
class WantedPart:
    """A company's part as somebody wants it."""

    company: str
    minutes: int
    left_out: frozenset[str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A whole plan as somebody wants it who saw `version`; `starts` is naive, on the clock of the expo's host."""

    version: str
    delegation: str
    titles: Mapping[str, str]
    starts: datetime
    minutes: int
    open_to_all: bool
    auto_live: bool
    parts: Sequence[WantedPart]


async def create(db: AsyncSession, maker: Principal, delegation_id: DelegationId, now: datetime) -> ShowcaseId:
    """A new draft: the delegation's companies, ten minutes each, tomorrow afternoon.

    NotFound `delegation.not_found`.
    """
    require_maker(maker)
    found = await catalogue_queries.delegation(db, delegation_id) if queries.can_be_an_id(delegation_id) else None
    if found is None or not is_own(maker, found[1]):
        raise NotFound("delegation.not_found", f"no delegation {delegation_id!r} in this expo")
    delegation, expo, _ = found
    companies = (await catalogue_queries.exhibitors_of_delegation(db, delegation.id))[:MAX_SEGMENTS]
    parts = plans.usual_parts(company.id for company in companies)
    starts_at = plans.usual_start(now, expo.host_zone)
    row = Showcase(
        id=new_row_id(),
        agency_id=delegation.agency_id,
        delegation_id=delegation.id,
        title=delegation.name,
        summary=delegation.sectors,
        image=delegation.image,
        starts_at=starts_at,
        ends_at=starts_at + plans.usual_length(parts),
        open_to_all=True,
    )
    return await _add(db, row, parts, companies)


async def copy(db: AsyncSession, maker: Principal, showcase_id: ShowcaseId, now: datetime) -> ShowcaseId:
    """A new draft like this showcase, whatever became of it: its companies that still come, tomorrow afternoon."""
    row, expo = await own(db, maker, showcase_id)
    companies = await catalogue_queries.exhibitors_of_delegation(db, row.delegation_id)
    known = {company.id for company in companies}
    starts_at = plans.usual_start(now, expo.host_zone)
    like = Showcase(
        id=new_row_id(),
        agency_id=row.agency_id,
        delegation_id=row.delegation_id,
        title=row.title,
        summary=row.summary,
        image=row.image,
        starts_at=starts_at,
        ends_at=starts_at + (row.ends_at - row.starts_at),
        open_to_all=row.open_to_all,
        auto_live=row.auto_live,
    )
    parts = [part for part in (await plan_of(db, row)).parts if part.exhibitor_id in known]
    return await _add(db, like, parts, companies)


async def save(db: AsyncSession, maker: Principal, showcase_id: ShowcaseId, wanted: Wanted, now: datetime) -> None:
    """Write the whole plan, if it is still the one that `wanted.version` names. Needs a `write()` transaction.

    Conflict `showcase.plan_changed`, `.not_draft`, `.incomplete`, `.already_live`, `.already_ended`; Invalid
    `showcase.company_unknown`, `.company_twice`, `.product_unknown`, `.bad_start`, `text.*`.
    """
    row, expo = await own(db, maker, showcase_id, change=True)
    state, present = service.state_of(row), await plan_of(db, row)
    require_open(state)
    if wanted.version != plans.version_of(state, present):
        raise Conflict("showcase.plan_changed", "somebody else has changed this showcase")
    delegation = await _chosen(db, row, expo, wanted.delegation)
    companies = await catalogue_queries.exhibitors_of_delegation(db, delegation.id)
    parts = await _parts(db, wanted.parts, companies, present)
    starts_at = _start(wanted.starts, present, expo.host_zone)
    if state == "scheduled" and not parts:
        raise Conflict("showcase.incomplete", "an announced showcase has companies")
    if state == "scheduled" and starts_at != present.starts_at and starts_at <= now:
        raise Invalid("showcase.bad_start", "an announced showcase starts in the future")
    length = present.ends_at - present.starts_at
    if wanted.minutes != plans.minutes_of(length.total_seconds()):
        length = timedelta(minutes=wanted.minutes)
    row.title = plans.told(wanted.titles, TITLE_CHARS)
    if delegation.id != row.delegation_id:
        row.delegation_id, row.summary, row.image = delegation.id, delegation.sectors, delegation.image
    row.starts_at, row.ends_at = starts_at, starts_at + length
    row.open_to_all, row.auto_live = wanted.open_to_all, wanted.auto_live
    await db.flush()
    await _write_parts(db, row, parts, companies)


async def announce(db: AsyncSession, maker: Principal, showcase_id: ShowcaseId, now: datetime) -> None:
    """Schedule a draft; harmless when it is. Conflict `showcase.incomplete`, `.already_live`, `.already_ended`."""
    row, _ = await own(db, maker, showcase_id, change=True)
    if row.state == "draft":
        plans.require_announceable(plans.checks(await plan_of(db, row), {}, now))
    await service.change(db, showcase_id, Schedule(row.starts_at), now)


async def withdraw(db: AsyncSession, maker: Principal, showcase_id: ShowcaseId, now: datetime) -> None:
    """Make an announced showcase a draft again; harmless when it is one.

    Conflict `showcase.already_live`, `.already_ended`.
    """
    await own(db, maker, showcase_id, change=True)
    await service.change(db, showcase_id, Withdraw(), now)


async def require_withdrawable(db: AsyncSession, maker: Principal, showcase_id: ShowcaseId) -> None:
    """Raise what keeps an announcement from being taken back, before its room hears of it."""
    row, _ = await own(db, maker, showcase_id)
    require_open(service.state_of(row))


async def delete(db: AsyncSession, maker: Principal, showcase_id: ShowcaseId) -> None:
    """Delete a draft. Conflict `showcase.not_draft`, `showcase.in_use`."""
    row, _ = await own(db, maker, showcase_id, change=True)
    if row.state != "draft":
        raise Conflict("showcase.not_draft", "only a draft can be deleted")
    if await queries.has_traces(db, row.id):
        raise Conflict("showcase.in_use", "people were invited to this showcase, or said something in it")
    await queries.drop_showcase(db, row.id)


def require_open(state: State) -> None:
    """Conflict `showcase.already_live` or `showcase.already_ended`: then the run of show has the word."""
    if state == "live":
        raise Conflict("showcase.already_live", "a showcase on the air is changed on its run of show")
    if state == "ended":
        raise Conflict("showcase.already_ended", "an ended showcase stays as it was")


async def _chosen(db: AsyncSession, row: Showcase, expo: Expo, delegation_id: str) -> Delegation:
    if delegation_id != row.delegation_id and row.state != "draft":
        raise Conflict("showcase.not_draft", "an announced showcase stays with its delegation")
    found = next((each for each in await catalogue_queries.delegations(db, expo.id) if each.id == delegation_id), None)
    if found is None:
        raise NotFound("delegation.not_found", f"no delegation {delegation_id!r} in this expo")
    return found


async def _parts(
    db: AsyncSession, wanted: Sequence[WantedPart], companies: Sequence[Exhibitor], present: Plan
) -> tuple[Part, ...]:
    """What is wanted, once all of it is found to be the delegation's."""
    known = {company.id for company in companies}
    if unknown := [part.company for part in wanted if part.company not in known]:
        raise Invalid("showcase.company_unknown", f"not of this delegation: {unknown[0]!r}")
    if len({part.company for part in wanted}) < len(wanted):
        raise Invalid("showcase.company_twice", "a company has one part in a showcase")
    products = await catalogue_queries.products(db, [part.company for part in wanted])
    lengths = {part.exhibitor_id: part.length_s for part in present.parts}
    found: list[Part] = []
    for part in wanted:
        company = ExhibitorId(part.company)
        if foreign := part.left_out - {product.id for product in products.get(company, [])}:
            raise Invalid("showcase.product_unknown", f"not of this company: {min(foreign)!r}")
        length_s = lengths.get(company, 0)
        if plans.minutes_of(length_s) != part.minutes:
            length_s = part.minutes * 60
        found.append(Part(company, length_s, frozenset(map(ProductId, part.left_out))))
    return tuple(found)


def _start(local: datetime, present: Plan, zone: str) -> datetime:
    """Where the minute is the same, the second that was planned stays."""
    return present.starts_at if local == plans.local_minute(present.starts_at, zone) else plans.moment_of(local, zone)


async def _add(db: AsyncSession, row: Showcase, parts: Sequence[Part], companies: Sequence[Exhibitor]) -> ShowcaseId:
    db.add(row)
    await db.flush()
    await _write_parts(db, row, parts, companies)
    return ShowcaseId(row.id)


async def _write_parts(db: AsyncSession, row: Showcase, parts: Sequence[Part], companies: Sequence[Exhibitor]) -> None:
    """Segments as in `parts`; those of companies that stay keep their ids, which rooms know."""
    present = (await queries.segments(db, [row.id])).get(row.id, [])
    by_company = {segment.exhibitor_id: segment for segment in present}
    staying = {by_company[part.exhibitor_id].id for part in parts if part.exhibitor_id in by_company}
    if gone := [segment for segment in present if segment.id not in staying]:
        await queries.drop_segments(db, [segment.id for segment in gone])
    taglines = {company.id: company.tagline for company in companies}
    left_out = await queries.left_out(db, staying)
    for segment in present:
        if segment.id in staying:
            segment.position += _AWAY
    await db.flush()
    for position, part in enumerate(parts, start=1):
        segment = by_company.get(part.exhibitor_id)
        if segment is None:
            segment = Segment(
                id=new_row_id(),
                agency_id=row.agency_id,
                showcase_id=row.id,
                exhibitor_id=part.exhibitor_id,
                title={tag: text[:TITLE_CHARS] for tag, text in taglines[part.exhibitor_id].items()},
            )
            db.add(segment)
        segment.position, segment.length_s = position, part.length_s
        if left_out.get(segment.id, set[str]()) ^ part.left_out:
            await queries.keep_all(db, segment.id)
            db.add_all(
                LeftOut(agency_id=row.agency_id, segment_id=segment.id, product_id=product) for product in part.left_out
            )
    await db.flush()
