"""Showcases as pages read them and as people change them, on the demonstration's rows."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from expo.accounts.tables import Person
from expo.catalogue.tables import Expo
from expo.demo.seed import Seeded, seed
from expo.errors import Conflict, Forbidden, NotFound
from expo.ids import PersonId, ShowcaseId
from expo.showcases import service
from expo.showcases.rules import GoLive, Schedule
from expo.showcases.tables import Segment, Showcase
from expo.store.db import Database

NOW = datetime(2026, 11, 24, 7, 42, 30, tzinfo=UTC)
CHUNGBUK = ShowcaseId("chungbuk")
DAEGU = ShowcaseId("daegu")
DRAFT = ShowcaseId("chungbuk-encore")


@pytest.fixture
async def seeded(database: Database) -> Seeded:
    return await seed(database, NOW)


@pytest.mark.usefixtures("seeded")
async def test_home_shows_what_is_on_what_comes_and_what_is_over(database: Database) -> None:
    async with database.read() as db:
        home = await service.home_view(db, "vi", NOW)
    assert [card.id for card in home.live] == ["chungbuk"]
    assert [card.id for card in home.next] == ["daegu", "bac-giang", "jeonnam"]
    assert [card.id for card in home.ended] == ["daegu-textiles"]
    (live,) = home.live
    assert (live.title, live.province, live.company_count) == ("Mỹ phẩm hoa trà và gạo từ Chungbuk", "Chungbuk", 8)
    assert live.current is not None
    assert (live.current.exhibitor_name, live.current.position, live.current.phase) == ("Gyeol Cosmetics", 3, "now")
    assert home.products[0].slug == "camellia-serum"


@pytest.mark.usefixtures("seeded")
async def test_a_delegation_card_leads_to_what_is_on_else_to_what_comes(database: Database) -> None:
    async with database.read() as db:
        cards = (await service.home_view(db, "ko", NOW)).delegations
    assert [(card.delegation.province, card.live, card.showcase_id) for card in cards] == [
        ("충북", True, "chungbuk"),
        ("대구", False, "daegu"),
        ("박장", False, "bac-giang"),
        ("전남", False, "jeonnam"),
    ]
    assert cards[0].next_starts_at is None
    assert cards[1].next_starts_at is not None


@pytest.mark.usefixtures("seeded")
async def test_a_stage_has_its_company_its_run_and_what_is_on_show(database: Database) -> None:
    async with database.read() as db:
        stage = await service.stage_view(db, CHUNGBUK, "en")
    assert (stage.state, stage.open_to_all, stage.exhibitor.name) == ("live", True, "Gyeol Cosmetics")
    assert [part.phase for part in stage.segments] == ["done", "done", "now", *["next"] * 5]
    assert stage.pinned is not None
    assert stage.pinned.slug == "camellia-serum"
    assert stage.delegation.company_count == 8
    for part, after in zip(stage.segments, stage.segments[1:], strict=False):
        assert part.ends_at == after.starts_at


@pytest.mark.usefixtures("seeded")
async def test_a_stage_of_an_ended_showcase_has_no_part_left(database: Database) -> None:
    async with database.read() as db:
        stage = await service.stage_view(db, ShowcaseId("daegu-textiles"), "en")
    assert (stage.state, stage.current, stage.pinned) == ("ended", None, None)
    assert {part.phase for part in stage.segments} == {"done"}
    assert stage.exhibitor.name == "Palgong Textile"


@pytest.mark.usefixtures("seeded")
async def test_a_studio_knows_who_comes_after(database: Database) -> None:
    async with database.read() as db:
        live = await service.studio_view(db, CHUNGBUK, "ko")
        waiting = await service.studio_view(db, DAEGU, "ko")
        last = await service.studio_view(db, ShowcaseId("jeonnam"), "ko")
    assert live.following is not None
    assert live.following.exhibitor_name == "소백메디"
    assert waiting.stage.current is not None
    assert waiting.stage.current.exhibitor_name == "달구정밀"
    assert waiting.following is not None
    assert waiting.following.exhibitor_name == "팔공섬유"
    assert last.following is None


async def test_what_is_not_there_is_not_found(database: Database, seeded: Seeded) -> None:
    nowhere = ShowcaseId("nowhere")
    async with database.write() as db:
        await db.execute(delete(Segment).where(Segment.showcase_id == DRAFT))
        for work, code in (
            (service.stage_view(db, nowhere, "en"), "showcase.not_found"),
            (service.showcase_state(db, nowhere, "en"), "showcase.not_found"),
            (service.room_grant(db, nowhere, seeded.people[0].id, NOW), "showcase.not_found"),
            (service.go_live(db, nowhere, NOW), "showcase.not_found"),
            (service.room_grant(db, CHUNGBUK, PersonId("nobody"), NOW), "person.not_found"),
            (service.stage_view(db, DRAFT, "en"), "showcase.empty"),
        ):
            with pytest.raises(NotFound) as missing:
                await work
            assert missing.value.code == code


@pytest.mark.usefixtures("seeded")
async def test_states_leave_drafts_out_and_come_soonest_first(database: Database) -> None:
    async with database.read() as db:
        states = await service.showcase_states(db, "en", NOW)
    assert [state.id for state in states] == ["daegu-textiles", "chungbuk", "daegu", "bac-giang", "jeonnam"]


async def test_an_empty_database_has_no_states(database: Database) -> None:
    async with database.read() as db:
        assert await service.showcase_states(db, "en", NOW) == ()


@pytest.mark.usefixtures("seeded")
async def test_going_live_begins_the_first_company_s_part_and_ending_closes_it(database: Database) -> None:
    on, off = NOW + timedelta(minutes=31), NOW + timedelta(minutes=50)
    async with database.write() as db:
        await service.go_live(db, DAEGU, on)
    async with database.write() as db:
        await service.go_live(db, DAEGU, off)  # harmless
    async with database.read() as db:
        stage = await service.stage_view(db, DAEGU, "en")
        state = await service.showcase_state(db, DAEGU, "en")
    assert (state.state, state.went_live_at, state.ended_at) == ("live", on, None)
    assert stage.current is not None
    assert (stage.current.phase, stage.current.starts_at) == ("now", on)
    async with database.write() as db:
        await service.end(db, DAEGU, off)
    async with database.read() as db:
        stage = await service.stage_view(db, DAEGU, "en")
        state = await service.showcase_state(db, DAEGU, "en")
    assert (state.state, state.went_live_at, state.ended_at) == ("ended", on, off)
    assert (stage.segments[0].ends_at, stage.current) == (off, None)


@pytest.mark.usefixtures("seeded")
async def test_a_refused_command_changes_nothing(database: Database) -> None:
    async def go_live() -> None:
        async with database.write() as db:
            await service.go_live(db, DRAFT, NOW)

    with pytest.raises(Conflict) as refused:
        await go_live()
    assert refused.value.code == "showcase.not_scheduled"
    async with database.read() as db:
        assert (await service.showcase_state(db, DRAFT, "en")).state == "draft"


@pytest.mark.usefixtures("seeded")
async def test_a_moved_showcase_keeps_its_length(database: Database) -> None:
    async with database.read() as db:
        before = await service.stage_view(db, DAEGU, "en")
    async with database.write() as db:
        await service.change(db, DAEGU, Schedule(before.starts_at + timedelta(days=1)), NOW)
    async with database.read() as db:
        after = await service.stage_view(db, DAEGU, "en")
    assert after.ends_at - after.starts_at == before.ends_at - before.starts_at
    assert after.segments[0].starts_at == after.starts_at == before.starts_at + timedelta(days=1)


@pytest.mark.usefixtures("seeded")
async def test_two_people_who_put_it_on_the_air_together_do_it_once(database: Database) -> None:
    happened: list[bool] = []

    async def go(second: int) -> None:
        async with database.write() as db:
            happened.append(await service.change(db, DAEGU, GoLive(), NOW + timedelta(seconds=second)))

    async with asyncio.TaskGroup() as tasks:
        for second in range(4):
            tasks.create_task(go(second), name=f"go live {second}")
    assert sorted(happened) == [False, False, False, True]


@pytest.mark.parametrize(
    ("who", "where", "can"),
    [
        ("demo-organiser", "daegu", {"publish", "start", "takeover", "watch", "write", "run"}),
        ("demo-exhibitor", "chungbuk", {"publish", "start", "takeover", "watch", "write", "present"}),
        ("demo-exhibitor", "daegu", {"watch", "write"}),
        ("demo-exhibitor-daegu", "daegu", {"publish", "start", "takeover", "watch", "write", "present"}),
        ("demo-buyer", "jeonnam", {"watch", "write"}),
        ("demo-interpreter", "chungbuk", {"watch", "write"}),
        ("demo-technician", "chungbuk", {"publish", "start", "takeover", "watch", "write"}),
    ],
)
@pytest.mark.usefixtures("seeded")
async def test_a_person_gets_what_the_role_has_and_exhibitors_only_where_they_have_a_part(
    database: Database, who: str, where: str, can: set[str]
) -> None:
    async with database.read() as db:
        grant = await service.room_grant(db, ShowcaseId(where), PersonId(who), NOW)
    assert (grant.room, grant.participant, grant.can) == (where, who, can)
    assert grant.expires_at > NOW


@pytest.mark.usefixtures("seeded")
async def test_an_encoder_gets_publishing_alone_and_only_from_who_may_publish(database: Database) -> None:
    async with database.read() as db:
        exhibitor = await service.room_grant(db, CHUNGBUK, PersonId("demo-exhibitor"), NOW)
        buyer = await service.room_grant(db, CHUNGBUK, PersonId("demo-buyer"), NOW)
    encoder = service.encoder_grant(exhibitor)
    assert (encoder.can, encoder.room) == ({"publish"}, exhibitor.room)
    assert encoder.participant != exhibitor.participant
    with pytest.raises(Forbidden):
        service.encoder_grant(buyer)


@pytest.mark.usefixtures("seeded")
async def test_people_of_another_expo_have_no_grant(database: Database) -> None:
    async with database.write() as db:
        row = {
            name: value for name, value in vars(await db.get_one(Expo, "ket-noi-han-viet")).items() if name[0] != "_"
        }
        db.add(Expo(**{**row, "id": "other", "slug": "other"}))
        await db.flush()
        await db.execute(update(Person).where(Person.id == "demo-organiser").values(expo_id="other"))
    async with database.read() as db:
        with pytest.raises(Forbidden) as refused:
            await service.room_grant(db, CHUNGBUK, PersonId("demo-organiser"), NOW)
    assert refused.value.code == "showcase.not_invited"


@pytest.mark.usefixtures("seeded")
async def test_the_database_itself_refuses_a_state_without_its_time(database: Database) -> None:
    async def end_by_hand() -> None:
        async with database.write() as db:
            await db.execute(update(Showcase).where(Showcase.id == DAEGU).values(state="ended"))

    with pytest.raises(IntegrityError, match="ck_showcase"):
        await end_by_hand()
    async with database.read() as db:
        assert (await db.scalars(select(Showcase.state).where(Showcase.id == DAEGU))).one() == "scheduled"
