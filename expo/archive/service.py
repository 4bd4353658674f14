"""What people decide about recordings, in the caller's transaction; nothing is committed here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from expo.archive import queries
from expo.archive.programme import ShowProgramme
from expo.archive.rules import MOST_KEEP_DAYS, MOST_TRIM_S, SCOPES, Decision, Edit, Rights, Scope
from expo.archive.tables import ChapterEdit, Consent, Recording
from expo.errors import Conflict, Invalid, NotFound
from expo.ids import ExhibitorId, PersonId, RoomId, SegmentId
from expo.store.words import Words


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person decides: to be recorded or not, to whom it may be shown, and until when."""

    record: bool
    publish: Scope
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class ChapterWish:
    """What an organiser wants of a chapter; None leaves it as it is. An empty `title` is the company's name again."""

    title: Words | None = None
    trim_start_s: int | None = None
    trim_end_s: int | None = None
    hidden: bool | None = None
    withdrawn: bool | None = None


async def decide(
    db: AsyncSession, show: ShowProgramme, person: PersonId, exhibitor: ExhibitorId | None, wish: Wish, now: datetime
) -> Consent:
    """Write a decision behind the person's others. Invalid `consent.over` where it ends before it begins."""
    if wish.ends_at is not None and wish.ends_at <= now:
        raise Invalid("consent.over", "a consent that is over already allows nothing")
    row = await queries.recording(db, show.room, change=True)
    last = await queries.last_consent(db, show.room, person)
    decided = Consent(
        agency_id=show.agency_id,
        showcase_id=show.room,
        person_id=person,
        number=1 if last is None else last.number + 1,
        exhibitor_id=exhibitor,
        record=wish.record,
        publish=wish.publish if wish.record else "nobody",
        ends_at=wish.ends_at,
        decided_at=now,
    )
    db.add(decided)
    if row is not None:
        row.epoch += 1
    await db.flush()
    return decided


async def change(
    db: AsyncSession, room: RoomId, *, visibility: Scope | None = None, keep_days: int | None = None
) -> None:
    """Change who may see a recording, or how long it is kept. NotFound `recording.none`, Invalid `recording.days`."""
    row = await existing(db, room)
    if visibility is not None and visibility != row.visibility:
        row.visibility = visibility
        row.epoch += 1
    if keep_days is not None:
        if not 1 <= keep_days <= MOST_KEEP_DAYS:
            raise Invalid("recording.days", f"a recording is kept for 1 to {MOST_KEEP_DAYS} days")
        row.keep_days = keep_days


async def change_chapter(db: AsyncSession, room: RoomId, segment: SegmentId, wish: ChapterWish, now: datetime) -> None:
    """Rename, trim, hide or withdraw a chapter. NotFound `recording.none`; Invalid `chapter.trim`, `text.*`."""
    row = await existing(db, room)
    edit = await queries.edit(db, room, segment)
    if edit is None:
        edit = ChapterEdit(
            agency_id=row.agency_id, recording_id=room, segment_id=segment, trim_start_s=0, trim_end_s=0, hidden=False
        )
        db.add(edit)
    for trim in (wish.trim_start_s, wish.trim_end_s):
        if trim is not None and not 0 <= trim <= MOST_TRIM_S:
            raise Invalid("chapter.trim", f"0 to {MOST_TRIM_S} seconds are cut away")
    if wish.title is not None:
        edit.title = {language: text for language, text in wish.title.items() if text.strip()} or None
    edit.trim_start_s = edit.trim_start_s if wish.trim_start_s is None else wish.trim_start_s
    edit.trim_end_s = edit.trim_end_s if wish.trim_end_s is None else wish.trim_end_s
    edit.hidden = edit.hidden if wish.hidden is None else wish.hidden
    if wish.withdrawn is not None and wish.withdrawn != (edit.withdrawn_at is not None):
        edit.withdrawn_at = now if wish.withdrawn else None
    row.epoch += 1
    await db.flush()


async def mark_deleted(db: AsyncSession, room: RoomId, now: datetime) -> bool:
    """Have a recording play for nobody from now on; its files go next. False where that was so. NotFound as above."""
    row = await queries.recording(db, room, change=True)
    if row is None:
        raise none_of(room)
    if row.deleted_at is not None:
        return False
    row.deleted_at = now
    row.epoch += 1
    return True


async def existing(db: AsyncSession, room: RoomId) -> Recording:
    """A recording to change. NotFound `recording.none`; Conflict `recording.deleted`."""
    row = await queries.recording(db, room, change=True)
    if row is None:
        raise none_of(room)
    if row.deleted_at is not None:
        raise Conflict("recording.deleted", "this recording was deleted")
    return row


async def rights(db: AsyncSession, row: Recording) -> Rights:
    """All that decides who sees what of it."""
    return _rights(row, await queries.consents(db, row.id), await queries.edits_among(db, [row.id]))


async def rights_of(db: AsyncSession, rooms: Collection[RoomId]) -> dict[RoomId, Rights]:
    """The same of those of these shows that were recorded: three statements."""
    rows = await queries.recordings_among(db, rooms)
    known = [row.id for row in rows]
    consents, edits = await queries.consents_among(db, known), await queries.edits_among(db, known)
    return {
        RoomId(row.id): _rights(
            row,
            [one for one in consents if one.showcase_id == row.id],
            [one for one in edits if one.recording_id == row.id],
        )
        for row in rows
    }


def _rights(row: Recording, consents: Sequence[Consent], edits: Sequence[ChapterEdit]) -> Rights:
    return Rights(
        visibility=scope_of(row.visibility),
        deleted=row.deleted_at is not None,
        decisions=tuple(decisions_of(consents)),
        edits={SegmentId(edit.segment_id): edit_of(edit) for edit in edits},
    )


def decisions_of(rows: Sequence[Consent]) -> list[Decision]:
    """Decisions in the order in which each person made theirs."""
    return [
        Decision(
            person=PersonId(row.person_id),
            exhibitor=None if row.exhibitor_id is None else ExhibitorId(row.exhibitor_id),
            record=row.record,
            publish=scope_of(row.publish),
            ends_at=row.ends_at,
        )
        for row in rows
    ]


def edit_of(row: ChapterEdit) -> Edit:
    return Edit(row.title, row.trim_start_s, row.trim_end_s, row.hidden, row.withdrawn_at is not None)


def scope_of(text: str) -> Scope:
    """A row's scope; the database keeps it to the three."""
    return next(scope for scope in SCOPES if scope == text)


def none_of(room: RoomId) -> NotFound:
    return NotFound("recording.none", f"nothing was recorded of {room!r}")
