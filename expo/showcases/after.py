"""What a show has left behind, read back from its rows: for the organiser all of it, for an exhibitor what is its own.

An exhibitor's own are leads for its products, words about them or said while its part was on, and the audience of that
time. All functions run in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncSession

from expo.accounts.rules import RoomGrant
from expo.catalogue import queries as catalogue_queries
from expo.catalogue import service as catalogue
from expo.catalogue.tables import Product
from expo.catalogue.views import Clock, ExpoView
from expo.errors import NotFound
from expo.ids import ExhibitorId, PersonId, ShowcaseId
from expo.showcases import queries, service
from expo.showcases.audience import Counted, Curve, Span, curve
from expo.showcases.queries import Own
from expo.showcases.rules import State
from expo.showcases.tables import AudienceMinute, Message, Segment, Showcase
from expo.store.words import pick

MOST_SHOWN = 500
"""Leads, questions and lines of chat on the page, of each."""
MOST_IN_FILE = 20_000

Stand = Literal["to_come", "on", "over", "left_out"]


@dataclass(frozen=True, slots=True)
class LeadView:
    """Interest in a product. `minute` of the show counts from 0, None outside it; names are empty if never told."""

    at: datetime
    minute: int | None
    product: str
    exhibitor_id: ExhibitorId
    exhibitor: str
    name: str
    company: str


@dataclass(frozen=True, slots=True)
class CompanyLeads:
    """One exhibitor's leads: `count` of all, the first of them in `leads`."""

    exhibitor: str
    count: int
    leads: tuple[LeadView, ...]


@dataclass(frozen=True, slots=True)
class WordsView:
    """A question or a line of chat. `product` is empty where it is about none, `during` where no company was on."""

    at: datetime
    name: str
    company: str
    text: str
    product: str
    during: str
    answered: bool


@dataclass(frozen=True, slots=True)
class PartView:
    """A company's part: planned and real length in seconds, the latter until now while it is on."""

    position: int
    exhibitor: str
    planned_s: int
    real_s: int | None
    began_at: datetime | None
    stand: Stand


@dataclass(frozen=True, slots=True)
class AfterView:
    """All of the page. `company` is the exhibitor who reads, empty for the organiser; `gone` are words left out."""

    id: ShowcaseId
    title: str
    expo: ExpoView
    state: State
    starts_at: datetime
    began_at: datetime | None
    ended_at: datetime | None
    company: str
    parts: tuple[PartView, ...]
    lead_count: int
    leads: tuple[CompanyLeads, ...]
    questions: tuple[WordsView, ...]
    question_count: int
    unanswered: int
    chat: tuple[WordsView, ...]
    chat_count: int
    gone: int
    audience: Curve | None

    @property
    def empty(self) -> bool:
        """Nothing has been left yet."""
        return not (self.began_at or self.lead_count or self.question_count or self.chat_count)


@dataclass(frozen=True, slots=True)
class _Read:
    """A showcase for one reader: `exhibitor_id` is None for who reads all of it."""

    row: Showcase
    segments: Sequence[Segment]
    names: Mapping[str, str]
    expo: ExpoView
    exhibitor_id: ExhibitorId | None
    now: datetime

    def on_at(self, at: datetime) -> str:
        """The company whose part was on, empty for none."""
        on = (
            each for each in self.segments if each.started_at and each.started_at <= at <= (each.ended_at or self.now)
        )
        return next((self.names.get(each.exhibitor_id, "") for each in on), "")

    @property
    def own(self) -> Own | None:
        return None if self.exhibitor_id is None else Own(self.exhibitor_id, self.spans)

    @property
    def spans(self) -> list[Span]:
        """When the show was on, or the reader's parts of it."""
        if self.exhibitor_id is None:
            began = self.row.went_live_at
            return [] if began is None else [(began, self.row.ended_at or self.now)]
        return [(each.started_at, each.ended_at or self.now) for each in self.segments if each.started_at is not None]


async def after_view(
    db: AsyncSession, showcase_id: ShowcaseId, person_id: PersonId, language: str, now: datetime
) -> AfterView:
    """What this person may read of the showcase.

    Raises NotFound `showcase.not_found`, `person.not_found`; Forbidden `showcase.not_invited` for people of another
    expo, `token.not_granted` for who neither runs the show nor presents a company in it.
    """
    read = await _read(db, showcase_id, person_id, language, now)
    row, own = read.row, read.own
    counts = await queries.lead_counts(db, row, read.exhibitor_id)
    said = await queries.message_counts(db, row, own)
    counted = await queries.audience_of(db, row)
    return AfterView(
        id=ShowcaseId(row.id),
        title=pick(row.title, language),
        expo=read.expo,
        state=service.state_of(row),
        starts_at=row.starts_at,
        began_at=row.went_live_at,
        ended_at=row.ended_at,
        company=read.names.get(read.exhibitor_id or "", ""),
        parts=tuple(_part(each, read) for each in read.segments),
        lead_count=sum(counts.values()),
        leads=_by_company(await _leads(db, read, MOST_SHOWN, language), counts, read),
        questions=_words(await queries.readable(db, row, "question", own, MOST_SHOWN), read, language),
        question_count=said.get(("question", False, True), 0) + said.get(("question", False, False), 0),
        unanswered=said.get(("question", False, False), 0),
        chat=_words(await queries.readable(db, row, "chat", own, MOST_SHOWN), read, language),
        chat_count=sum(count for (kind, gone, _), count in said.items() if kind == "chat" and not gone),
        gone=sum(count for (_, gone, _), count in said.items() if gone),
        audience=curve([_counted(each) for each in counted], read.spans),
    )


async def all_leads(
    db: AsyncSession, showcase_id: ShowcaseId, person_id: PersonId, language: str, now: datetime
) -> tuple[tuple[LeadView, ...], tuple[Clock, ...]]:
    """The first `MOST_IN_FILE` leads that this person may read, and the expo's clocks. Raises as `after_view`."""
    read = await _read(db, showcase_id, person_id, language, now)
    return await _leads(db, read, MOST_IN_FILE, language), read.expo.clocks


async def _read(db: AsyncSession, showcase_id: ShowcaseId, person_id: PersonId, language: str, now: datetime) -> _Read:
    grant = await service.room_grant(db, showcase_id, person_id, now)
    reader = _reader(grant)
    found = await queries.showcase_with_segments(db, showcase_id)
    of = None if found is None else await catalogue_queries.delegation(db, found[0].delegation_id)
    if found is None or of is None:
        raise NotFound("showcase.not_found", "no such showcase")
    row, segments = found
    own = [each for each in segments if reader in {None, each.exhibitor_id}]
    exhibitors = await catalogue_queries.exhibitors(db, {each.exhibitor_id for each in own})
    return _Read(
        row=row,
        segments=own,
        names={exhibitor.id: pick(exhibitor.name, language) for exhibitor in exhibitors.values()},
        expo=catalogue.expo_view(of[1], of[2], language),
        exhibitor_id=reader,
        now=now,
    )


def _reader(grant: RoomGrant) -> ExhibitorId | None:
    """Whose part of the show the grant opens, None for all of it. Forbidden `token.not_granted`."""
    if "run" in grant.can:
        return None
    grant.require("present")
    if grant.exhibitor is None:  # presents for nobody: no company's buyers are theirs
        grant.require("run")
    return grant.exhibitor


async def _leads(db: AsyncSession, read: _Read, most: int, language: str) -> tuple[LeadView, ...]:
    return tuple(
        LeadView(
            at=lead.shown_at,
            minute=lead.minute,
            product=pick(product.name, language),
            exhibitor_id=ExhibitorId(exhibitor.id),
            exhibitor=pick(exhibitor.name, language),
            name=lead.name,
            company=lead.company,
        )
        for lead, product, exhibitor in await queries.leads(db, read.row, read.exhibitor_id, most)
    )


def _by_company(leads: Sequence[LeadView], counts: Mapping[str, int], read: _Read) -> tuple[CompanyLeads, ...]:
    """In the order of the show; a company that has no part (any more) comes last."""
    order = [each.exhibitor_id for each in read.segments]
    ids = sorted(counts, key=lambda each: (order.index(each) if each in order else len(order), each))
    groups = {each: tuple(lead for lead in leads if lead.exhibitor_id == each) for each in ids}
    return tuple(
        CompanyLeads(read.names.get(each) or next((lead.exhibitor for lead in group), ""), counts[each], group)
        for each, group in groups.items()
    )


def _words(rows: Iterable[tuple[Message, Product | None]], read: _Read, language: str) -> tuple[WordsView, ...]:
    return tuple(
        WordsView(
            at=message.said_at,
            name=message.name,
            company=message.company,
            text=message.text,
            product="" if product is None else pick(product.name, language),
            during=read.on_at(message.said_at),
            answered=message.answered,
        )
        for message, product in rows
    )


def _part(segment: Segment, read: _Read) -> PartView:
    began, ended = segment.started_at, segment.ended_at
    over = read.row.state == "ended"
    stand: Stand = ("left_out" if over else "to_come") if began is None else "over" if ended or over else "on"
    return PartView(
        position=segment.position,
        exhibitor=read.names.get(segment.exhibitor_id, ""),
        planned_s=segment.length_s,
        real_s=None if began is None else int(((ended or read.row.ended_at or read.now) - began).total_seconds()),
        began_at=began,
        stand=stand,
    )


def _counted(row: AudienceMinute) -> Counted:
    return Counted(row.minute, row.most, row.last)
