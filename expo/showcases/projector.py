"""Rooms' facts as rows: what really happened in a showcase, who asked what, who is interested, how many watched.

The last revision that is written stands in the same transaction as what it brought, so that a batch that comes again,
whole or cut otherwise, changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

from sqlalchemy.ext.asyncio import AsyncSession

from expo.clock import from_unix_ms
from expo.errors import Conflict
from expo.ids import RoomId
from expo.kit.logging import get_logger
from expo.rooms import events as be
from expo.rooms.events import Entry
from expo.showcases import queries, rules, service
from expo.showcases.guests import Somebody, somebodies
from expo.showcases.tables import AudienceMinute, Lead, Message, ProductPin, Projection, Segment, Showcase
from expo.store.db import Database

_CHANGES = be.MessageHidden | be.MessageShown | be.MessageWithdrawn | be.QuestionAnswered
_AWAY = 10_000
"""Positions that nobody has, for as long as others are given out."""

log = get_logger(__name__)


class ShowcaseFacts:
    """`rooms.projector.RoomProjector` over showcase rows; a room's id is its showcase's id."""

    name = "showcases"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def project(self, room: RoomId, entries: Sequence[Entry]) -> None:
        """Write what is new in these consecutive entries, all or nothing. Unavailable `store.*`."""
        async with self._database.write() as db:
            row = await queries.showcase_to_change(db, room)
            if row is None:
                log.warning("facts of a showcase that is gone", room=room)
                return
            show = await _load(db, row, entries)
            for entry in show.news:
                show.take(entry)
            await _finish(db, show)


@dataclass(slots=True)
class _Show:
    """A showcase's rows while a batch changes them; `news` are the entries that are not in them yet."""

    db: AsyncSession
    row: Showcase
    done: Projection
    news: Sequence[Entry]
    segments: list[Segment]
    pin: ProductPin | None = None
    messages: dict[int, Message] = field(default_factory=dict[int, Message])
    makers: dict[str, str] = field(default_factory=dict[str, str])
    interested: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    people: dict[str, Somebody] = field(default_factory=dict[str, Somebody])
    audience: dict[datetime, AudienceMinute] = field(default_factory=dict[datetime, AudienceMinute])
    began: int | None = None
    """The revision at which the show began, if it did in this batch."""
    reordered: bool = False

    def take(self, entry: Entry) -> None:  # noqa: C901, PLR0912, PLR0915 - one case per event
        """Change the rows as the entry says. Seats, the picture and the countdown leave no row."""
        event, at = entry.event, from_unix_ms(entry.at_ms)
        match event:
            case be.WaitingRoomOpened():
                self._becomes(rules.Schedule(self.row.starts_at), rules.Scheduled(self.row.starts_at), at)
            case be.WaitingRoomClosed():
                self._becomes(rules.Withdraw(), rules.Withdrawn(), at)
            case be.WentLive():
                self._went_live(entry, at)
            case be.Ended():
                self._becomes(rules.End(), rules.Ended(at), at)
                self._end_part(entry, at)
            case be.Advanced(segment):
                self._advanced(entry, segment, at)
            case be.NextUndone():
                self._undone(entry, at)
            case be.SegmentFinished():
                self._end_part(entry, at)
            case be.Reordered(segments):
                coming = [each for wanted in segments for each in self.segments if each.id == wanted]
                self.segments = [each for each in self.segments if each not in coming] + coming
                self.reordered = True
            case be.LengthSet(segment, planned_s):
                for each in self.segments:
                    each.length_s = planned_s if each.id == segment else each.length_s
            case be.Pinned(product):
                self._pin(entry, product, at)
            case be.Unpinned():
                self._pin(entry, None, at)
            case be.Said():
                self._said(entry, event, at)
            case be.MessageHidden(message):
                self._change(message, hidden=True)
            case be.MessageShown(message):
                self._change(message, hidden=False)
            case be.MessageWithdrawn(message):
                self._change(message, withdrawn=True, text="")
            case be.QuestionAnswered(message):
                self._change(message, answered=True)
            case be.InterestShown(product, _, by):
                self._interest(entry, product, by, at)
            case be.AudienceCounted(viewers):
                self._counted(viewers, at)
            case be.ProgrammeSet() | be.Paused() | be.Resumed() | be.NextArmed() | be.NextCancelled():
                pass
            case (
                be.PicturePointed()
                | be.PictureShown()
                | be.RecordingChanged()
                | be.RecordingTroubled()
                | be.SeatTaken()
            ):
                pass
            case be.SeatLeft() | be.SeatRemoved() | be.SeatMedia() | be.SeatHere():
                pass
            case be.ReadySet() | be.CheckReported() | be.SeatMuted():
                pass
            case _:
                assert_never(event)
        self.done.revision = entry.revision

    def _becomes(self, command: rules.Command, event: rules.Event, at: datetime) -> bool:
        """The room's own time counts, also where an encoder has put the showcase on the air before."""
        try:
            rules.decide(service.programme(self.row), command, at)
        except Conflict as error:
            log.warning("a room is ahead of its showcase", room=self.row.id, error=error.code)
            return False
        service.write(self.row, event)
        return True

    def _went_live(self, entry: Entry, at: datetime) -> None:
        if not self._becomes(rules.GoLive(), rules.WentLive(at), at):
            return
        for segment in self.segments:  # in a room every part waits for the organiser
            segment.started_at = segment.ended_at = None
        self._pin(entry, None, at)
        self.began = entry.revision

    def _on(self) -> list[Segment]:
        return [each for each in self.segments if each.started_at is not None and each.ended_at is None]

    def _end_part(self, entry: Entry, at: datetime) -> None:
        for segment in self._on():
            segment.ended_at = at
        self._pin(entry, None, at)

    def _advanced(self, entry: Entry, began: str, at: datetime) -> None:
        on = self._on()
        self.done.began_id, self.done.back_id = began, on[-1].id if on else None
        self.done.back_pin_id = self.row.pinned_product_id
        self._end_part(entry, at)
        for segment in self.segments:
            if segment.id == began:
                segment.started_at, segment.ended_at = at, None

    def _undone(self, entry: Entry, at: datetime) -> None:
        for segment in self.segments:
            if segment.id == self.done.began_id:
                segment.started_at = segment.ended_at = None
            if segment.id == self.done.back_id:
                segment.ended_at = None
        self._pin(entry, self.done.back_pin_id, at)
        self.done.began_id = self.done.back_id = self.done.back_pin_id = None

    def _pin(self, entry: Entry, product: str | None, at: datetime) -> None:
        product = product if product in self.makers else None
        self.row.pinned_product_id = product
        if self.pin is not None:
            if self.pin.product_id == product:
                return
            self.pin.pinned_until = max(at, self.pin.pinned_from)
            self.pin = None
        if product is not None:
            self.pin = ProductPin(
                agency_id=self.row.agency_id,
                showcase_id=self.row.id,
                revision=entry.revision,
                product_id=product,
                pinned_from=at,
            )
            self.db.add(self.pin)

    def _said(self, entry: Entry, event: be.Said, at: datetime) -> None:
        message = Message(
            agency_id=self.row.agency_id,
            showcase_id=self.row.id,
            revision=entry.revision,
            said_at=at,
            kind=event.kind,
            participant=event.by,
            name=event.name,
            company=event.company,
            text=event.text,
            product_id=event.product if event.product in self.makers else None,
        )
        self.messages[entry.revision] = message
        self.db.add(message)

    def _change(self, message: int, **columns: bool | str) -> None:
        if found := self.messages.get(message):
            for column, value in columns.items():
                setattr(found, column, value)

    def _interest(self, entry: Entry, product: str, by: str, at: datetime) -> None:
        maker = self.makers.get(product)
        if maker is None or (product, by) in self.interested:
            return
        self.interested.add((product, by))
        somebody = self.people.get(by, Somebody())
        self.db.add(
            Lead(
                agency_id=self.row.agency_id,
                showcase_id=self.row.id,
                revision=entry.revision,
                shown_at=at,
                minute=rules.minute_of_show(service.programme(self.row), at),
                product_id=product,
                exhibitor_id=maker,
                participant=by,
                person_id=somebody.person_id,
                name=somebody.name,
                company=somebody.company,
            )
        )

    def _counted(self, viewers: int, at: datetime) -> None:
        minute = _minute(at)
        counted = self.audience.get(minute)
        if counted is None:
            counted = AudienceMinute(
                agency_id=self.row.agency_id, showcase_id=self.row.id, minute=minute, most=0, last=0
            )
            self.audience[minute] = counted
            self.db.add(counted)
        counted.most, counted.last = max(counted.most, viewers), viewers


async def _load(db: AsyncSession, row: Showcase, entries: Sequence[Entry]) -> _Show:
    """What the new ones of these entries can change; kinds that do not occur are not asked for."""
    done = await queries.projection(db, row.id)
    if done is None:
        done = Projection(agency_id=row.agency_id, showcase_id=row.id, revision=0)
        db.add(done)
    known, news = done.revision, [entry for entry in entries if entry.revision > done.revision]
    if not news:
        log.warning("facts that are written already", room=row.id, revision=known)
    events = [entry.event for entry in news]
    segments = (await queries.segments(db, [row.id])).get(row.id, [])
    show = _Show(db, row, done, news, segments, pin=await queries.open_pin(db, row.id))
    if changed := {each.message for each in events if isinstance(each, _CHANGES)}:
        show.messages = await queries.messages(db, row.id, changed)
    named = {each.product for each in events if isinstance(each, be.Pinned | be.Said | be.InterestShown)}
    if products := (named | {done.back_pin_id, row.pinned_product_id}) - {None}:
        show.makers = await queries.makers(db, row.agency_id, [each for each in products if each])
    if interest := [each for each in events if isinstance(each, be.InterestShown)]:
        show.interested = await queries.interested(db, row.id, {each.product for each in interest})
        show.people = await somebodies(db, row.agency_id, {each.by for each in interest})
    if minutes := {_minute(from_unix_ms(each.at_ms)) for each in news if isinstance(each.event, be.AudienceCounted)}:
        show.audience = await queries.audience(db, row.id, minutes)
    return show


async def _finish(db: AsyncSession, show: _Show) -> None:
    """Write what one flush cannot: positions change places, and a show that began makes earlier leads earlier."""
    if show.reordered:
        for positions in (_AWAY, 0):
            for number, segment in enumerate(show.segments, start=1):
                segment.position = positions + number
            await db.flush()
    if show.began is not None:
        await db.flush()
        await queries.outside_the_show(db, show.row.id, show.began)


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
