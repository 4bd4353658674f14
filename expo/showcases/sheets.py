"""What makers see of showcases: the list, and one before it is changed; whose rows exist for whom.

Organisers make the showcases of their own expo, operators those of their own agency; other rows do not exist for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from expo.catalogue import queries as catalogue_queries
from expo.catalogue import service as catalogue
from expo.catalogue.tables import Exhibitor, Expo
from expo.catalogue.views import Clock, DelegationView, ExhibitorView
from expo.edge.principal import Principal
from expo.errors import Forbidden, NotFound
from expo.ids import DelegationId, ExhibitorId, ProductId, ShowcaseId
from expo.rooms.model import MAX_SEGMENTS
from expo.showcases import plans, queries, service
from expo.showcases.plans import Check, Part, Plan
from expo.showcases.rules import State
from expo.showcases.tables import Showcase
from expo.store.words import pick

MAKERS = ("organiser", "operator")


@dataclass(frozen=True, slots=True)
class Line:
    """A showcase in its makers' list; `length_s` is the plan's."""

    id: ShowcaseId
    title: str
    state: State
    delegation_name: str
    starts_at: datetime
    length_s: int
    company_count: int


@dataclass(frozen=True, slots=True)
class Desk:
    """All that a maker can open: `lines` soonest first, and delegations to make a showcase for."""

    expo_title: str
    clocks: tuple[Clock, ...]
    lines: tuple[Line, ...]
    delegations: tuple[DelegationView, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One showcase before its makers. `companies` are all of the delegation's, in its order, with all products."""

    id: ShowcaseId
    title: str
    state: State
    version: str
    plan: Plan
    checks: tuple[Check, ...]
    delegation: DelegationView
    delegations: tuple[DelegationView, ...]
    companies: tuple[ExhibitorView, ...]
    clocks: tuple[Clock, ...]


async def desk(db: AsyncSession, maker: Principal, language: str) -> Desk:
    """The showcases of the maker's expo."""
    require_maker(maker)
    expo = await db.get_one(Expo, maker.expo_id)
    rows = await queries.drafts_and_all(db, expo.id)
    segments = await queries.segments(db, [row.id for row, _ in rows])
    return Desk(
        expo_title=pick(expo.title, language),
        clocks=catalogue.clocks(expo, language),
        lines=tuple(
            Line(
                id=ShowcaseId(row.id),
                title=pick(row.title, language),
                state=service.state_of(row),
                delegation_name=pick(delegation.name, language),
                starts_at=row.starts_at,
                length_s=int((row.ends_at - row.starts_at).total_seconds()),
                company_count=len(segments.get(row.id, [])),
            )
            for row, delegation in rows
        ),
        delegations=tuple([each for each in await _delegations(db, expo, language) if each.company_count]),
    )


async def sheet(
    db: AsyncSession,
    maker: Principal,
    showcase_id: ShowcaseId,
    language: str,
    now: datetime,
    other: DelegationId | None = None,
) -> Sheet:
    """One showcase; with `other` delegation as if it were a draft for that one. NotFound `showcase.not_found`."""
    row, expo = await own(db, maker, showcase_id)
    present = await plan_of(db, row)
    delegations = await _delegations(db, expo, language)
    chosen = next((each for each in delegations if each.id == (other or row.delegation_id)), None)
    if chosen is None:
        raise NotFound("delegation.not_found", f"no delegation {other!r} in this expo")
    rows = await catalogue_queries.exhibitors_of_delegation(db, chosen.id)
    views = await catalogue.exhibitor_views(db, [each.id for each in rows], language)
    companies = tuple(views[ExhibitorId(each.id)] for each in rows)
    shown = present
    if chosen.id != row.delegation_id:
        shown = _for_other(present, chosen.id, rows)
    goods = {company.id: {product.id for product in company.products} for company in companies}
    return Sheet(
        id=showcase_id,
        title=pick(row.title, language),
        state=service.state_of(row),
        version=plans.version_of(service.state_of(row), present),
        plan=shown,
        checks=plans.checks(shown, goods, now),
        delegation=chosen,
        delegations=delegations,
        companies=companies,
        clocks=catalogue.clocks(expo, language),
    )


async def plan_of(db: AsyncSession, row: Showcase) -> Plan:
    """A row and its segments as a plan."""
    segments = (await queries.segments(db, [row.id])).get(row.id, [])
    left_out = await queries.left_out(db, [segment.id for segment in segments])
    return Plan(
        delegation_id=DelegationId(row.delegation_id),
        titles=row.title,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        open_to_all=row.open_to_all,
        auto_live=row.auto_live,
        parts=tuple(
            Part(
                ExhibitorId(segment.exhibitor_id),
                segment.length_s,
                frozenset(map(ProductId, left_out.get(segment.id, ()))),
            )
            for segment in segments
        ),
    )


def require_maker(maker: Principal) -> None:
    if maker.role not in MAKERS:
        raise Forbidden("login.role", "your role does not make showcases")


def is_own(maker: Principal, expo: Expo) -> bool:
    return maker.agency_id == expo.agency_id and (maker.role == "operator" or maker.expo_id == expo.id)


async def own(
    db: AsyncSession, maker: Principal, showcase_id: ShowcaseId, *, change: bool = False
) -> tuple[Showcase, Expo]:
    require_maker(maker)
    row = await (queries.showcase_to_change if change else queries.showcase)(db, showcase_id)
    expo = None if row is None else (await catalogue_queries.expo_of(db, row.delegation_id))[0]
    if row is None or expo is None or not is_own(maker, expo):
        raise NotFound("showcase.not_found", f"no showcase {showcase_id!r}")
    return row, expo


async def _delegations(db: AsyncSession, expo: Expo, language: str) -> tuple[DelegationView, ...]:
    rows = await catalogue_queries.delegations(db, expo.id)
    counts = await catalogue_queries.company_counts(db, [row.id for row in rows])
    return tuple(catalogue.delegation_view(row, counts.get(row.id, 0), language) for row in rows)


def _for_other(present: Plan, delegation_id: DelegationId, companies: Sequence[Exhibitor]) -> Plan:
    parts = plans.usual_parts(company.id for company in companies[:MAX_SEGMENTS])
    ends_at = present.starts_at + plans.usual_length(parts)
    return Plan(
        delegation_id, present.titles, present.starts_at, ends_at, present.open_to_all, present.auto_live, parts
    )
