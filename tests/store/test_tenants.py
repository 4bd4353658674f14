"""One agency's rows cannot hold on to another's, whoever writes them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError

from expo.accounts.tables import Agency, Person
from expo.catalogue.tables import Delegation
from expo.demo.seed import seed
from expo.showcases.tables import Showcase
from expo.store.db import Database

NOW = datetime(2026, 11, 24, 7, 42, tzinfo=UTC)


@pytest.fixture
async def two_agencies(database: Database) -> Database:
    await seed(database, NOW)
    async with database.write() as db:
        db.add(Agency(id="other", country="VN", name={"en": "Other"}))
    return database


async def test_a_person_of_one_agency_cannot_belong_to_the_expo_of_another(two_agencies: Database) -> None:
    async def intrude() -> None:
        async with two_agencies.write() as db:
            db.add(Person(agency_id="other", expo_id="ket-noi-han-viet", role="organiser", name="X", language="en"))

    with pytest.raises(IntegrityError):
        await intrude()


async def test_a_showcase_cannot_move_to_another_agency_alone(two_agencies: Database) -> None:
    async def move() -> None:
        async with two_agencies.write() as db:
            await db.execute(update(Showcase).where(Showcase.id == "daegu").values(agency_id="other"))

    with pytest.raises(IntegrityError):
        await move()


async def test_a_row_of_an_agency_that_does_not_exist_is_refused(two_agencies: Database) -> None:
    async def orphan() -> None:
        async with two_agencies.write() as db:
            await db.execute(update(Delegation).values(agency_id="nobody"))

    with pytest.raises(IntegrityError):
        await orphan()


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE showcase SET state = 'paused'", "ck_showcase_state_known"),
        ("UPDATE showcase SET ends_at = starts_at", "ck_showcase_ends_after_start"),
        ("UPDATE showcase SET max_bps = 0", "ck_showcase_max_bps_sane"),
        ("UPDATE segment SET position = 0", "ck_segment_position_from_one"),
        ("UPDATE segment SET position = 9", "uq_segment_showcase_id_position|segment.showcase_id, segment.position"),
        ("UPDATE person SET role = 'king'", "ck_person_role_known"),
        ("UPDATE product SET incoterm = 'XXX'", "ck_product_incoterm_known"),
        ("UPDATE product SET price_high_minor = price_low_minor - 1", "ck_product_price_range"),
        ("UPDATE product SET price_low_minor = NULL", "ck_product_price_whole"),
        ("UPDATE product SET moq_quantity = 0", "ck_product_moq_positive"),
        ("UPDATE product SET hs_code = '3304'", "ck_product_hs_code_six_digits"),
        ("DELETE FROM agency WHERE id = 'hanbit'", "(?i)foreign key"),
    ],
)
async def test_the_database_keeps_its_rules_against_any_statement(
    two_agencies: Database, statement: str, constraint: str
) -> None:
    async def break_it() -> None:
        async with two_agencies.write() as db:
            await db.execute(text(statement))

    with pytest.raises(IntegrityError, match=constraint):
        await break_it()


async def test_an_error_names_the_rule_and_not_the_person(two_agencies: Database) -> None:
    async def write() -> None:
        async with two_agencies.write() as db:
            db.add(Person(agency_id="nobody", expo_id="x", role="buyer", name="Trần Thu Hà", language="vi"))

    with pytest.raises(IntegrityError) as refused:
        await write()
    assert "Trần" not in str(refused.value)
