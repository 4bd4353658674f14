"""What a showcase tells its room, and what the room's facts do to its row."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from expo.demo.seed import Seeded, seed
from expo.errors import NotFound
from expo.ids import RoomId, ShowcaseId
from expo.rooms.policy import MAX_BPS, Opening, RoomPolicy
from expo.showcases import service
from expo.showcases.policy import ShowcaseRooms
from expo.store.db import Database

NOW = datetime(2026, 11, 24, 7, 42, tzinfo=UTC)
LATER = NOW + timedelta(minutes=30)


@pytest.fixture
async def seeded(database: Database) -> Seeded:
    return await seed(database, NOW)


@pytest.fixture
def rooms(database: Database) -> RoomPolicy:
    return ShowcaseRooms(database, now=lambda: LATER)


async def live_since(database: Database, room: str) -> tuple[str, datetime | None]:
    async with database.read() as db:
        state = await service.showcase_state(db, ShowcaseId(room), "en")
    return state.state, state.went_live_at


async def test_a_room_opens_as_its_row_says(rooms: RoomPolicy, seeded: Seeded) -> None:
    assert await rooms.opening(RoomId(seeded.live)) == Opening(RoomId("chungbuk"), "live", True, False, MAX_BPS)
    assert await rooms.opening(RoomId(seeded.idle)) == Opening(RoomId("daegu"), "scheduled", True, True, MAX_BPS)
    assert not (await rooms.opening(RoomId("jeonnam"))).open_to_all


@pytest.mark.usefixtures("seeded")
async def test_a_room_without_a_showcase_is_not_found(rooms: RoomPolicy) -> None:
    for work in (rooms.opening(RoomId("nowhere")), rooms.published(RoomId("nowhere"))):
        with pytest.raises(NotFound) as missing:
            await work
        assert missing.value.code == "showcase.not_found"


async def test_an_encoder_puts_a_waiting_showcase_on_the_air_once(
    rooms: RoomPolicy, seeded: Seeded, database: Database
) -> None:
    async with asyncio.TaskGroup() as tasks:
        for number in range(3):
            tasks.create_task(rooms.published(RoomId(seeded.idle)), name=f"published {number}")
    assert await live_since(database, seeded.idle) == ("live", LATER)
    assert (await rooms.opening(RoomId(seeded.idle))).state == "live"


@pytest.mark.parametrize("room", ["daegu-textiles", "chungbuk-encore", "chungbuk"])
@pytest.mark.usefixtures("seeded")
async def test_a_picture_changes_no_other_showcase(rooms: RoomPolicy, database: Database, room: str) -> None:
    before = await live_since(database, room)
    await rooms.published(RoomId(room))
    assert await live_since(database, room) == before


async def test_a_lost_encoder_ends_nothing(rooms: RoomPolicy, seeded: Seeded, database: Database) -> None:
    await rooms.published(RoomId(seeded.idle))
    await rooms.unpublished(RoomId(seeded.idle))
    await rooms.unpublished(RoomId("nowhere"))
    assert (await live_since(database, seeded.idle))[0] == "live"
