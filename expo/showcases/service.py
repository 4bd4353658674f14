"""What a showcase shows and how it changes; every function runs in the caller's transaction and commits nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from sqlalchemy.ext.asyncio import AsyncSession

from expo.accounts import service as accounts
from expo.accounts.rules import ENCODER, ROOM_GRANT_LIFE, Can, RoomGrant, room_rights
from expo.catalogue import queries as catalogue_queries
from expo.catalogue import service as catalogue
from expo.catalogue.tables import Exhibitor
from expo.catalogue.views import DelegationView
from expo.errors import Forbidden, NotFound
from expo.ids import DelegationId, ParticipantId, PersonId, ProductId, RoomId, ShowcaseId
from expo.showcases import queries
from expo.showcases.parts import current, following, segment_views
from expo.showcases.rules import (
    STATES,
    Command,
    End,
    Ended,
    Event,
    GoLive,
    Programme,
    Scheduled,
    State,
    WentLive,
    Withdrawn,
    decide,
    reduce,
)
from expo.showcases.tables import Segment, Showcase
from expo.showcases.views import DelegationCard, HomeView, ShowcaseCard, ShowcaseState, StageView, StudioView
from expo.store.words import pick

ENDED_ON_HOME = 8
"""How many recordings-to-be the front page lists."""


async def home_view(db: AsyncSession, language: str, now: datetime) -> HomeView:
    """The front page of the expo that visitors see at `now`. Raises NotFound `expo.none`."""
    expo = await catalogue.present_expo(db, now, language)
    delegations = await catalogue.delegation_views(db, expo.id, language)
    rows = [row for row, _ in await queries.showcases_of_expo(db, expo.id)]
    cards = await _cards(db, rows, delegations, language)
    live = sorted((row for row in rows if row.state == "live"), key=lambda row: row.went_live_at or row.starts_at)
    ended = sorted((row for row in rows if row.state == "ended"), key=lambda row: row.ended_at or row.ends_at)
    pinned = [ProductId(row.pinned_product_id) for row in live if row.pinned_product_id]
    return HomeView(
        expo=expo,
        live=tuple(cards[row.id] for row in live),
        next=tuple(cards[row.id] for row in rows if row.state == "scheduled"),
        ended=tuple(cards[row.id] for row in reversed(ended[-ENDED_ON_HOME:])),
        delegations=tuple(_delegation_card(view, rows) for view in delegations),
        products=await catalogue.wanted_products(db, expo.id, pinned, language),
    )


async def stage_view(db: AsyncSession, showcase_id: ShowcaseId, language: str) -> StageView:
    """All of one showcase. Raises NotFound `showcase.not_found`; Forbidden is the caller's to decide."""
    row = await _existing(db, showcase_id)
    expo, delegation = await catalogue_queries.expo_of(db, row.delegation_id)
    counts = await catalogue_queries.company_counts(db, [delegation.id])
    segments = (await queries.segments(db, [row.id])).get(row.id, [])
    exhibitors = await catalogue.exhibitor_views(db, [segment.exhibitor_id for segment in segments], language)
    parts = segment_views(row, segments, exhibitors, language)
    if not parts:
        raise NotFound("showcase.empty", "no company has a part in this showcase yet")
    now_on = current(parts)
    return StageView(
        id=showcase_id,
        title=pick(row.title, language),
        summary=pick(row.summary, language),
        state=state_of(row),
        auto_live=row.auto_live,
        open_to_all=row.open_to_all,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        image=row.image,
        delegation=catalogue.delegation_view(delegation, counts.get(delegation.id, 0), language),
        exhibitor=exhibitors[(now_on or parts[-1]).exhibitor_id],
        current=now_on,
        segments=parts,
        pinned=await catalogue.product_on_show(db, row.pinned_product_id, language),
        clocks=catalogue.clocks(expo, language),
    )


async def studio_view(db: AsyncSession, showcase_id: ShowcaseId, language: str) -> StudioView:
    """What presenters see of their showcase. Raises as `stage_view`."""
    stage = await stage_view(db, showcase_id, language)
    return StudioView(stage=stage, following=following(stage.segments))


async def showcase_state(db: AsyncSession, showcase_id: ShowcaseId, language: str) -> ShowcaseState:
    """The part of a showcase that changes. Raises NotFound `showcase.not_found`."""
    return _state_view(await _existing(db, showcase_id), language)


async def showcase_states(db: AsyncSession, language: str, now: datetime) -> tuple[ShowcaseState, ...]:
    """All showcases of the present expo but drafts, soonest first; none in an empty database."""
    found = await catalogue_queries.present_expo(db, now)
    rows = [] if found is None else await queries.showcases_of_expo(db, found[0].id)
    return tuple(_state_view(row, language) for row, _ in rows)


async def go_live(db: AsyncSession, showcase_id: ShowcaseId, now: datetime) -> None:
    """Put a scheduled showcase on the air; harmless when it is. Raises NotFound, or Conflict as `rules.decide`."""
    await change(db, showcase_id, GoLive(), now)


async def end(db: AsyncSession, showcase_id: ShowcaseId, now: datetime) -> None:
    """End a live showcase for good; harmless when it has ended. Raises NotFound, or Conflict as `rules.decide`."""
    await change(db, showcase_id, End(), now)


async def change(db: AsyncSession, showcase_id: ShowcaseId, command: Command, now: datetime) -> bool:
    """Decide and write; True if anything happened. Needs a `write()` transaction. Raises as `go_live` and `end`."""
    row = await queries.showcase_to_change(db, showcase_id)
    if row is None:
        raise _not_found(showcase_id)
    segments = (await queries.segments(db, [row.id])).get(row.id, [])
    events = decide(programme(row), command, now)
    for event in events:
        write(row, event)
        _write_parts(segments, event)
    await db.flush()
    return bool(events)


async def room_grant(db: AsyncSession, showcase_id: ShowcaseId, person_id: PersonId, now: datetime) -> RoomGrant:
    """What a known person may do in a showcase's room.

    Crew of its expo and exhibitors with a part in it have their role's rights, everybody else of the expo watches.
    Raises NotFound `showcase.not_found` or `person.not_found`; Forbidden `showcase.not_invited` for people of another
    expo, who come in by the public door if it is open.
    """
    row = await _existing(db, showcase_id)
    person = await accounts.person(db, person_id)
    expo, _ = await catalogue_queries.expo_of(db, row.delegation_id)
    if person.expo_id != expo.id:
        raise Forbidden("showcase.not_invited", "this person belongs to another expo")
    exhibitors: Mapping[str, Exhibitor] = {}
    if person.exhibitor_id is not None:
        own = await queries.has_part(db, row.id, person.exhibitor_id)
        exhibitors = await catalogue_queries.exhibitors(db, [person.exhibitor_id])
    else:
        own = person.showcase_id in {None, row.id}
    return RoomGrant(
        room=RoomId(row.id),
        participant=ParticipantId(person.id),
        name=person.name,
        can=room_rights(person.role, own=own),
        expires_at=now + ROOM_GRANT_LIFE,
        role=person.role,
        exhibitor=person.exhibitor_id,
        company=company_of(person, exhibitors),
    )


def company_of(person: accounts.PersonView, exhibitors: Mapping[str, Exhibitor]) -> str:
    """A person's company as the person writes it; `exhibitors` holds theirs if they have one."""
    exhibitor = exhibitors.get(person.exhibitor_id or "")
    return pick(exhibitor.name, person.language) if exhibitor else person.organisation


def encoder_grant(grant: RoomGrant) -> RoomGrant:
    """The grant that a person hands to an encoder: publishing alone. Raises Forbidden `token.not_granted`."""
    grant.require("publish")
    can: frozenset[Can] = frozenset({"publish"})
    return replace(grant, participant=ParticipantId(grant.participant + ENCODER), can=can)


def write(row: Showcase, event: Event) -> None:
    """The row after `event`; its segments are another matter."""
    after = reduce(programme(row), event)
    row.ends_at += after.starts_at - row.starts_at
    row.state, row.starts_at = after.state, after.starts_at
    row.went_live_at, row.ended_at = after.went_live_at, after.ended_at


def programme(row: Showcase) -> Programme:
    """A row as decisions look at it."""
    return Programme(state_of(row), row.starts_at, row.went_live_at, row.ended_at)


def state_of(row: Showcase) -> State:
    """A row's state; the database keeps it to the four."""
    return next(state for state in STATES if state == row.state)


async def _existing(db: AsyncSession, showcase_id: ShowcaseId) -> Showcase:
    row = await queries.showcase(db, showcase_id)
    if row is None:
        raise _not_found(showcase_id)
    return row


def _not_found(showcase_id: ShowcaseId) -> NotFound:
    return NotFound("showcase.not_found", f"no showcase {showcase_id!r}")


def _write_parts(segments: Sequence[Segment], event: Event) -> None:
    match event:
        case WentLive(at):
            for segment in segments[:1]:  # where no room says better, the first company's part begins with the show
                segment.started_at = segment.started_at or at
        case Ended(at):
            for segment in segments:
                if segment.started_at is not None and segment.ended_at is None:
                    segment.ended_at = at
        case Scheduled() | Withdrawn():
            pass
        case _:
            assert_never(event)


def _state_view(row: Showcase, language: str) -> ShowcaseState:
    return ShowcaseState(
        id=ShowcaseId(row.id),
        title=pick(row.title, language),
        state=state_of(row),
        auto_live=row.auto_live,
        open_to_all=row.open_to_all,
        starts_at=row.starts_at,
        went_live_at=row.went_live_at,
        ended_at=row.ended_at,
    )


async def _cards(
    db: AsyncSession, rows: Sequence[Showcase], delegations: Sequence[DelegationView], language: str
) -> dict[str, ShowcaseCard]:
    segments = await queries.segments(db, [row.id for row in rows])
    companies = {segment.exhibitor_id for parts in segments.values() for segment in parts}
    exhibitors = await catalogue.exhibitor_views(db, tuple(companies), language)
    by_id = {view.id: view for view in delegations}
    cards: dict[str, ShowcaseCard] = {}
    for row in rows:
        parts = segment_views(row, segments.get(row.id, []), exhibitors, language)
        delegation = by_id[DelegationId(row.delegation_id)]
        cards[row.id] = ShowcaseCard(
            id=ShowcaseId(row.id),
            title=pick(row.title, language),
            summary=pick(row.summary, language),
            state=state_of(row),
            delegation_name=delegation.name,
            province=delegation.province,
            image=row.image,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            company_count=len({part.exhibitor_id for part in parts}),
            current=current(parts),
            segments=parts,
        )
    return cards


def _delegation_card(view: DelegationView, rows: Sequence[Showcase]) -> DelegationCard:
    own = [row for row in rows if row.delegation_id == view.id]
    live = next((row for row in own if row.state == "live"), None)
    coming = next((row for row in own if row.state == "scheduled"), None)
    leads_to = live or coming or next(iter(reversed(own)), None)
    return DelegationCard(
        delegation=view,
        live=live is not None,
        next_starts_at=coming.starts_at if coming else None,
        showcase_id=ShowcaseId(leads_to.id) if leads_to else None,
    )
