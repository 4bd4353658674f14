"""SQL of recordings."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from expo.archive.tables import ChapterEdit, Consent, Deletion, Recording, Watched


async def recording(db: AsyncSession, recording_id: str, *, change: bool = False) -> Recording | None:
    """One recording; to `change` it, locked until the transaction ends."""
    query = select(Recording).where(Recording.id == recording_id)
    return (await db.scalars(query.with_for_update() if change else query)).one_or_none()


async def recordings_among(db: AsyncSession, ids: Collection[str]) -> Sequence[Recording]:
    """Those of these recordings that there are."""
    return (await db.scalars(select(Recording).where(Recording.id.in_(ids)))).all()


async def consents_among(db: AsyncSession, showcase_ids: Collection[str]) -> Sequence[Consent]:
    """Every decision about these showcases, in the order in which each person made theirs."""
    query = select(Consent).where(Consent.showcase_id.in_(showcase_ids)).order_by(Consent.number, Consent.person_id)
    return (await db.scalars(query)).all()


async def edits_among(db: AsyncSession, recording_ids: Collection[str]) -> Sequence[ChapterEdit]:
    """What was changed in chapters of these recordings."""
    return (await db.scalars(select(ChapterEdit).where(ChapterEdit.recording_id.in_(recording_ids)))).all()


async def recordings(db: AsyncSession) -> Sequence[Recording]:
    """All of them, oldest first."""
    return (await db.scalars(select(Recording).order_by(Recording.begun_at, Recording.id))).all()


async def consents(db: AsyncSession, showcase_id: str) -> Sequence[Consent]:
    """Every decision about a showcase, in the order in which each person made theirs."""
    return await consents_among(db, [showcase_id])


async def last_consent(db: AsyncSession, showcase_id: str, person_id: str) -> Consent | None:
    """A person's latest decision."""
    query = (
        select(Consent)
        .where(Consent.showcase_id == showcase_id, Consent.person_id == person_id)
        .order_by(Consent.number.desc())
        .limit(1)
    )
    return (await db.scalars(query)).one_or_none()


async def edit(db: AsyncSession, recording_id: str, segment_id: str) -> ChapterEdit | None:
    """What was changed in one chapter."""
    query = select(ChapterEdit).where(ChapterEdit.recording_id == recording_id, ChapterEdit.segment_id == segment_id)
    return (await db.scalars(query)).one_or_none()


async def deletions(db: AsyncSession, recording_id: str) -> Sequence[Deletion]:
    """When files were deleted, newest first."""
    query = select(Deletion).where(Deletion.recording_id == recording_id).order_by(Deletion.deleted_at.desc())
    return (await db.scalars(query)).all()


async def watched(db: AsyncSession, recording_id: str, segment_id: str, day: datetime, minute: int) -> Watched | None:
    """The count of one minute of a chapter on one day."""
    query = select(Watched).where(
        Watched.recording_id == recording_id,
        Watched.segment_id == segment_id,
        Watched.day == day,
        Watched.minute == minute,
    )
    return (await db.scalars(query)).one_or_none()


async def watched_sums(db: AsyncSession, recording_id: str) -> dict[str, tuple[int, int]]:
    """By segment: how often watching began in its chapter, and how many minutes of it were watched."""
    query = (
        select(Watched.segment_id, func.sum(Watched.starts), func.sum(Watched.minutes))
        .where(Watched.recording_id == recording_id)
        .group_by(Watched.segment_id)
    )
    return {row[0]: (int(row[1]), int(row[2])) for row in await db.execute(query)}
