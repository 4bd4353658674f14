"""What the room kernel asks of the archive, and sums of watching, on both databases."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from expo.archive import service
from expo.archive.policy import ArchivePolicy
from expo.archive.service import Wish
from expo.archive.tables import Recording, Watched
from expo.archive.watching import WatchCounts
from expo.demo.seed import seed
from expo.errors import Invalid, NotFound
from expo.ids import ExhibitorId, PersonId, RoomId, SegmentId
from expo.showcases.archived import ArchivedShows
from expo.store.db import Database

NOW = datetime(2026, 11, 24, 7, 42, tzinfo=UTC)
ROOM, KIM, GYEOL = RoomId("chungbuk"), PersonId("demo-exhibitor"), ExhibitorId("gyeol-cosmetics")


@pytest.fixture
async def seeded(database: Database) -> Database:
    await seed(database, NOW)
    return database


async def decide(database: Database, *, record: bool, days: int | None = None) -> None:
    show = await ArchivedShows(database).programme(ROOM)
    assert show is not None
    wish = Wish(record=record, publish="everyone", ends_at=None if days is None else NOW + timedelta(days=days))
    async with database.write() as db:
        await service.decide(db, show, KIM, GYEOL, wish, NOW)


async def test_the_latest_decision_says_who_is_recorded_and_their_encoder(seeded: Database) -> None:
    port = ArchivePolicy(seeded, ArchivedShows(seeded), lambda: NOW)
    assert await port.consents(ROOM) == frozenset()
    await decide(seeded, record=True)
    assert await port.consents(ROOM) == {"demo-exhibitor", "demo-exhibitor-encoder"}
    assert await port.consents(RoomId("daegu")) == frozenset()
    await decide(seeded, record=False)
    assert await port.consents(ROOM) == frozenset()
    await decide(seeded, record=True, days=1)
    assert len(await port.consents(ROOM)) == 2
    assert (
        await ArchivePolicy(seeded, ArchivedShows(seeded), lambda: NOW + timedelta(days=1)).consents(ROOM)
        == frozenset()
    )
    with pytest.raises(Invalid) as refused:
        await decide(seeded, record=True, days=0)
    assert refused.value.code == "consent.over"


async def test_a_recording_begins_once_however_many_say_so(seeded: Database) -> None:
    port = ArchivePolicy(seeded, ArchivedShows(seeded), lambda: NOW)
    await asyncio.gather(*(port.begun(ROOM) for _ in range(4)))
    await port.begun(ROOM)
    async with seeded.read() as db:
        (row,) = (await db.scalars(select(Recording))).all()
    assert (row.visibility, row.epoch, row.begun_at) == ("nobody", 1, NOW)
    with pytest.raises(NotFound):
        await port.begun(RoomId("nothing"))


async def test_minutes_add_up_over_days_and_flushes(seeded: Database) -> None:
    await ArchivePolicy(seeded, ArchivedShows(seeded), lambda: NOW).begun(ROOM)
    now = [NOW]
    counts = WatchCounts(seeded, lambda: now[0])
    for days, minute, starts in ((0, 0, True), (0, 0, True), (0, 1, False), (1, 0, True)):
        now[0] = NOW + timedelta(days=days)
        counts.count(ROOM, SegmentId("chungbuk-1"), minute, starts=starts)
        await counts.flush()
    counts.count(RoomId("daegu"), SegmentId("daegu-1"), 0, starts=True)  # of what was never recorded nothing is kept
    await counts.close()
    async with seeded.read() as db:
        rows = sorted((row.day, row.minute, row.minutes, row.starts) for row in await db.scalars(select(Watched)))
    day = NOW.replace(hour=0, minute=0)
    assert rows == [(day, 0, 2, 2), (day, 1, 1, 0), (day + timedelta(days=1), 0, 1, 1)]
