"""Making a showcase, from a delegation to an announcement, on the demonstration's rows and both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from expo.accounts.tables import Person
from expo.catalogue.tables import Delegation, Expo
from expo.demo.seed import seed
from expo.edge.principal import Principal
from expo.errors import ExpoError
from expo.ids import AgencyId, DelegationId, ExpoId, LoginId, PersonId, RoomId, ShowcaseId
from expo.showcases import making
from expo.showcases.making import Wanted, WantedPart
from expo.showcases.opening import ShowcaseProgrammes
from expo.showcases.plans import local_minute, minutes_of
from expo.showcases.sheets import Sheet, desk, sheet
from expo.store.db import Database

NOW = datetime(2026, 11, 24, 7, 42, 30, tzinfo=UTC)
DAEGU, DRAFT, LIVE = ShowcaseId("daegu"), ShowcaseId("chungbuk-encore"), ShowcaseId("chungbuk")
JEONNAM = DelegationId("jeonnam")


@pytest.fixture(autouse=True)
async def maker(database: Database) -> Principal:
    """The demonstration's organiser."""
    await seed(database, NOW)
    async with database.read() as db:
        own = await db.get_one(Delegation, "chungbuk")
    return Principal(
        PersonId("demo-organiser"), "organiser", "Mai", "vi", None, AgencyId(own.agency_id), ExpoId(own.expo_id), None,
        LoginId("login"),
    )  # fmt: skip


async def look(database: Database, maker: Principal, showcase: ShowcaseId) -> Sheet:
    async with database.read() as db:
        return await sheet(db, maker, showcase, "en", NOW)


def as_it_is(found: Sheet) -> Wanted:
    """What a page sends back when nobody has touched it."""
    plan = found.plan
    return Wanted(
        version=found.version,
        delegation=plan.delegation_id,
        titles=plan.titles,
        starts=local_minute(plan.starts_at, found.clocks[0].zone),
        minutes=minutes_of((plan.ends_at - plan.starts_at).total_seconds()),
        open_to_all=plan.open_to_all,
        auto_live=plan.auto_live,
        parts=[WantedPart(p.exhibitor_id, minutes_of(p.length_s), frozenset(p.left_out)) for p in plan.parts],
    )


async def save(database: Database, maker: Principal, showcase: ShowcaseId, **changes: Any) -> Sheet:
    """Save the showcase as it is but for `changes`."""
    wanted = replace(as_it_is(await look(database, maker, showcase)), **changes)
    async with database.write() as db:
        await making.save(db, maker, showcase, wanted, NOW)
    return await look(database, maker, showcase)


async def test_a_new_draft_has_the_delegation_s_companies_for_ten_minutes_each(
    database: Database, maker: Principal
) -> None:
    async with database.write() as db:
        made = await making.create(db, maker, JEONNAM, NOW)
    found = await look(database, maker, made)
    assert found.state == "draft"
    assert [part.exhibitor_id for part in found.plan.parts] == [company.id for company in found.companies]
    assert {(part.length_s, part.left_out) for part in found.plan.parts} == {(600, frozenset())}
    assert local_minute(found.plan.starts_at, "Asia/Ho_Chi_Minh") == datetime(2026, 11, 25, 14)  # noqa: DTZ001 - local
    async with database.write() as db:
        await making.announce(db, maker, made, NOW)
    programme = await ShowcaseProgrammes(database).opening_state(RoomId(made))
    assert (programme.phase, len(programme.segments)) == ("waiting", len(found.companies))
    async with database.read() as db:
        assert made in {line.id for line in (await desk(db, maker, "en")).lines}


async def test_saving_what_was_read_changes_nothing(database: Database, maker: Principal) -> None:
    for showcase in (DAEGU, DRAFT):
        before = await look(database, maker, showcase)
        rooms = await ShowcaseProgrammes(database).opening_state(RoomId(showcase))
        assert await save(database, maker, showcase) == before
        assert await ShowcaseProgrammes(database).opening_state(RoomId(showcase)) == rooms


async def test_order_length_and_products_are_kept_and_parts_that_stay_keep_their_ids(
    database: Database, maker: Principal
) -> None:
    before = await ShowcaseProgrammes(database).opening_state(RoomId(DAEGU))
    first, second = as_it_is(await look(database, maker, DAEGU)).parts[:2]
    hidden = before.segments[1].products[0]
    await save(database, maker, DAEGU, parts=[replace(second, minutes=7, left_out=frozenset({hidden})), first])
    after = await ShowcaseProgrammes(database).opening_state(RoomId(DAEGU))
    assert [segment.id for segment in after.segments] == [before.segments[1].id, before.segments[0].id]
    assert after.segments[0].planned_s == 420
    assert after.segments[0].products == before.segments[1].products[1:]
    await save(database, maker, DAEGU, parts=[first])
    await save(database, maker, DAEGU, parts=[second, first])
    again = await ShowcaseProgrammes(database).opening_state(RoomId(DAEGU))
    assert again.segments[0].products == before.segments[1].products, "a part that comes again shows everything"


async def test_who_saves_second_is_told_and_overwrites_nothing(database: Database, maker: Principal) -> None:
    stale = as_it_is(await look(database, maker, DAEGU))
    kept = await save(database, maker, DAEGU, titles={"en": "First"})
    with pytest.raises(ExpoError) as refused:
        async with database.write() as db:
            await making.save(db, maker, DAEGU, replace(stale, titles={"en": "Second"}), NOW)
    assert (refused.value.code, refused.value.status) == ("showcase.plan_changed", 409)
    assert await look(database, maker, DAEGU) == kept


PART = WantedPart("dalgu-precision", 10, frozenset())


REFUSED: tuple[tuple[ShowcaseId, dict[str, Any], str], ...] = (
    (DAEGU, {"titles": {"ko": " ", "vi": "", "en": "\u200b"}}, "text.no_words"),
    (DAEGU, {"titles": {"en": "x" * 121}}, "text.too_long"),
    (DAEGU, {"parts": [replace(PART, company="gyeol-cosmetics")]}, "showcase.company_unknown"),
    (DAEGU, {"parts": [PART, PART]}, "showcase.company_twice"),
    (DAEGU, {"parts": [replace(PART, left_out=frozenset({"camellia-serum"}))]}, "showcase.product_unknown"),
    (DAEGU, {"parts": []}, "showcase.incomplete"),
    (DAEGU, {"starts": datetime(2026, 11, 24, 9)}, "showcase.bad_start"),  # noqa: DTZ001 - local
    (DRAFT, {"starts": datetime(1, 1, 1)}, "showcase.bad_start"),  # noqa: DTZ001 - local
    (DAEGU, {"delegation": "jeonnam"}, "showcase.not_draft"),
    (DRAFT, {"delegation": "nowhere"}, "delegation.not_found"),
    (LIVE, {}, "showcase.already_live"),
    (ShowcaseId("daegu-textiles"), {}, "showcase.already_ended"),
    (ShowcaseId("\x00"), {}, "showcase.not_found"),
)


async def test_what_is_refused_and_by_which_code(database: Database, maker: Principal) -> None:
    found: list[str] = []
    for showcase, changes, _ in REFUSED:
        with pytest.raises(ExpoError) as refused:
            await save(database, maker, showcase, **changes)
        found.append(refused.value.code)
    assert found == [code for _, _, code in REFUSED]


async def test_a_draft_may_change_its_delegation_with_all_its_companies(database: Database, maker: Principal) -> None:
    async with database.read() as db:
        other = await sheet(db, maker, DRAFT, "en", NOW, JEONNAM)
    wanted = as_it_is(other)
    async with database.write() as db:
        await making.save(db, maker, DRAFT, wanted, NOW)
    found = await look(database, maker, DRAFT)
    assert (found.plan.delegation_id, found.plan.parts) == (JEONNAM, other.plan.parts)


async def test_a_draft_is_announced_when_nothing_is_missing_and_taken_back(
    database: Database, maker: Principal
) -> None:
    empty = await save(database, maker, DRAFT, parts=[], starts=datetime(2026, 11, 20, 9))  # noqa: DTZ001 - local
    assert [check.code for check in empty.checks if check.standing == "missing"] == ["companies", "start"]
    with pytest.raises(ExpoError) as refused:
        async with database.write() as db:
            await making.announce(db, maker, DRAFT, NOW)
    assert refused.value.code == "showcase.incomplete"
    with pytest.raises(ExpoError) as refused:
        async with database.write() as db:
            await making.delete(db, maker, DAEGU)
    assert refused.value.code == "showcase.not_draft"
    async with database.write() as db:
        await making.withdraw(db, maker, DAEGU, NOW)
    assert (await look(database, maker, DAEGU)).state == "draft"


async def test_a_draft_is_deleted_with_its_parts_unless_people_are_in_it(database: Database, maker: Principal) -> None:
    async with database.write() as db:
        made = await making.create(db, maker, JEONNAM, NOW)
    first, *others = as_it_is(await look(database, maker, made)).parts
    product = (await look(database, maker, made)).companies[0].products[0].id
    await save(database, maker, made, parts=[replace(first, left_out=frozenset({product})), *others])
    async with database.write() as db:
        (await db.get_one(Person, "demo-exhibitor")).showcase_id = made
    with pytest.raises(ExpoError) as refused:
        async with database.write() as db:
            await making.delete(db, maker, made)
    assert refused.value.code == "showcase.in_use"
    async with database.write() as db:
        (await db.get_one(Person, "demo-exhibitor")).showcase_id = None
    async with database.write() as db:
        await making.delete(db, maker, made)
    with pytest.raises(ExpoError):
        await look(database, maker, made)


async def test_nobody_makes_another_agency_s_showcases_and_operators_make_their_own_agency_s(
    database: Database, maker: Principal
) -> None:
    async with database.write() as db:
        like = await db.get_one(Expo, maker.expo_id)
        columns = {column.name: getattr(like, column.name) for column in Expo.__table__.columns}
        later = {"id": "other", "slug": "other", "ends_at": like.ends_at + timedelta(days=9)}
        db.add(Expo(**{**columns, **later}))
    elsewhere = replace(maker, expo_id=ExpoId("other"))
    assert (await look(database, replace(elsewhere, role="operator"), DAEGU)).id == DAEGU
    for stranger, code in (
        (elsewhere, "showcase.not_found"),
        (replace(maker, agency_id=AgencyId("b"), role="operator"), "showcase.not_found"),
        (replace(maker, role="moderator"), "login.role"),
    ):
        with pytest.raises(ExpoError) as refused:
            await look(database, stranger, DAEGU)
        assert refused.value.code == code
    with pytest.raises(ExpoError) as refused:
        async with database.write() as db:
            await making.create(db, elsewhere, JEONNAM, NOW)
    assert refused.value.code == "delegation.not_found"


async def test_a_copy_is_a_draft_with_the_same_plan_whatever_became_of_the_first(
    database: Database, maker: Principal
) -> None:
    first = await look(database, maker, ShowcaseId("daegu-textiles"))
    assert first.state == "ended"
    async with database.write() as db:
        like = await making.copy(db, maker, ShowcaseId("daegu-textiles"), NOW)
    second = await look(database, maker, like)
    assert (second.state, second.plan.starts_at > NOW) == ("draft", True)
    moved = replace(second.plan, starts_at=first.plan.starts_at, ends_at=first.plan.ends_at)
    assert moved == first.plan
    assert second.plan.ends_at - second.plan.starts_at == first.plan.ends_at - first.plan.starts_at
