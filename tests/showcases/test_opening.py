"""What rooms begin with, on the demonstration's rows."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import delete

from expo.clock import unix_ms
from expo.demo.seed import Seeded, seed
from expo.errors import NotFound
from expo.ids import RoomId
from expo.rooms.room_owner import RoomOpening, opened
from expo.showcases.opening import ShowcaseProgrammes
from expo.showcases.tables import LeftOut, Segment
from expo.store.db import Database

NOW = datetime(2026, 11, 24, 7, 42, tzinfo=UTC)
CHUNGBUK = RoomId("chungbuk")


@pytest.fixture
async def seeded(database: Database) -> Seeded:
    return await seed(database, NOW)


@pytest.fixture
def programmes(database: Database) -> RoomOpening:
    return ShowcaseProgrammes(database)


@pytest.mark.usefixtures("seeded")
async def test_a_live_room_goes_on_with_the_company_that_is_on_and_its_pin(programmes: RoomOpening) -> None:
    state = opened(CHUNGBUK, await programmes.opening_state(CHUNGBUK), 7)
    assert (state.phase, state.current, state.pin) == ("live", "chungbuk-3", "camellia-serum")
    assert [segment.id for segment in state.segments] == [f"chungbuk-{number}" for number in range(1, 9)]
    done, on, coming = state.segments[1], state.segments[2], state.segments[3]
    assert done.ended_ms == on.started_ms == unix_ms(NOW) - 120_000
    assert (on.ended_ms, coming.started_ms) == (None, None)
    assert (on.exhibitor, on.planned_s) == ("gyeol-cosmetics", 900)
    assert on.products[0] == "camellia-serum"
    assert len(on.products) == 4


@pytest.mark.parametrize(
    ("room", "phase"),
    [("chungbuk-encore", "draft"), ("daegu", "waiting"), ("chungbuk", "live"), ("daegu-textiles", "ended")],
)
@pytest.mark.usefixtures("seeded")
async def test_a_showcase_s_state_is_its_room_s_phase(programmes: RoomOpening, room: str, phase: str) -> None:
    assert (await programmes.opening_state(RoomId(room))).phase == phase


@pytest.mark.usefixtures("seeded")
async def test_a_part_has_all_of_its_company_s_products_but_those_left_out(
    programmes: RoomOpening, database: Database
) -> None:
    before = (await programmes.opening_state(CHUNGBUK)).segments[2].products
    async with database.write() as db:
        agency_id = (await db.get_one(Segment, "chungbuk-3")).agency_id
        db.add(LeftOut(agency_id=agency_id, segment_id="chungbuk-3", product_id=before[1]))
    assert (await programmes.opening_state(CHUNGBUK)).segments[2].products == (before[0], *before[2:])
    await seed(database, NOW)
    assert (await programmes.opening_state(CHUNGBUK)).segments[2].products == before


@pytest.mark.usefixtures("seeded")
async def test_a_showcase_without_companies_opens_empty(programmes: RoomOpening, database: Database) -> None:
    async with database.write() as db:
        await db.execute(delete(Segment).where(Segment.showcase_id == "daegu"))
    programme = await programmes.opening_state(RoomId("daegu"))
    assert (programme.phase, programme.segments, programme.pin) == ("waiting", (), None)


@pytest.mark.parametrize("room", ["nowhere", "\x00", "\ud800"])
@pytest.mark.usefixtures("seeded")
async def test_a_room_without_a_showcase_is_not_found(programmes: RoomOpening, room: str) -> None:
    with pytest.raises(NotFound) as missing:
        await programmes.opening_state(RoomId(room))
    assert missing.value.code == "showcase.not_found"
