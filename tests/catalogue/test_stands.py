"""Delegation, stand and product pages as values: who is there, when they are live, and at what cost."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.ext.asyncio import AsyncSession

from expo.catalogue import stands
from expo.catalogue.tables import Exhibitor, Product
from expo.catalogue.views import Part, Showing
from expo.demo.seed import seed
from expo.edge.principal import Principal
from expo.errors import NotFound
from expo.ids import DelegationId, ExhibitorId, ExpoId, ProductId, ShowcaseId
from expo.showcases.agenda import showings
from expo.store.db import Database

NOW = datetime(2026, 11, 24, 7, 42, 30, tzinfo=UTC)
DAEGU, CHUNGBUK = DelegationId("daegu"), DelegationId("chungbuk")
STATEMENTS = 6
"""A page at the most: the thing, its delegation with the expo, companies, products, showcases, segments."""


@pytest.fixture
async def seeded(database: Database) -> Database:
    await seed(database, NOW)
    return database


@contextmanager
def counted() -> Generator[list[str]]:
    """The SQL statements of a block."""
    seen: list[str] = []

    def hear(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.lstrip().upper().startswith("SELECT"):
            seen.append(statement)

    event.listen(Engine, "before_cursor_execute", hear)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", hear)


async def test_a_delegation_has_its_companies_in_order_and_its_showings_by_what_is_nearest(seeded: Database) -> None:
    async with seeded.read() as db:
        page = await stands.delegation_page(db, DAEGU, "en", showings)
    assert page.expo.title == "Korea–Vietnam Connect Week"
    assert page.delegation.company_count == 2
    assert [company.name for company in page.companies] == ["Dalgu Precision", "Palgong Textile"]
    assert [(showing.showcase_id, showing.state) for showing in page.showings] == [
        ("daegu", "scheduled"),
        ("daegu-textiles", "ended"),
    ]


async def test_a_stand_tells_when_the_company_is_on_and_when_it_was(seeded: Database) -> None:
    async with seeded.read() as db:
        gyeol = await stands.stand_page(db, ExhibitorId("gyeol-cosmetics"), "en", showings)
        palgong = await stands.stand_page(db, ExhibitorId("palgong-textile"), "en", showings)
    (now,) = gyeol.moments
    assert now.on_air
    assert now.part.starts_at < NOW < now.part.ends_at
    coming, gone = palgong.moments
    assert (coming.live, coming.part.phase, gone.part.phase) == (False, "next", "done")
    assert palgong.of.delegation.id == DAEGU


async def test_a_live_showing_is_not_a_company_on_air(seeded: Database) -> None:
    async with seeded.read() as db:
        before = await stands.stand_page(db, ExhibitorId("sandeul-foods"), "en", showings)
        later = await stands.stand_page(db, ExhibitorId("sobaek-medi"), "en", showings)
    assert [(moment.live, moment.on_air, moment.part.phase) for moment in (*before.moments, *later.moments)] == [
        (True, False, "done"),
        (True, False, "next"),
    ]


async def test_a_product_has_its_neighbours_among_the_delegations_products(seeded: Database) -> None:
    async with seeded.read() as db:
        serum = await stands.product_page(db, ProductId("camellia-serum"), "en", showings)
        first = await stands.product_page(db, ProductId("seaweed-snack"), "en", showings)
    assert serum.before is not None
    assert serum.after is not None
    assert (serum.before.name, serum.after.name) == ("Black garlic 250 g", "Jincheon rice cream 60 g")
    assert (serum.product.incoterm, serum.product.incoterm_place) == ("FOB", "Busan")
    assert first.before is None
    assert first.stand.company.name == "Sandeul Foods"


async def test_what_is_not_there_is_said(seeded: Database) -> None:
    async with seeded.read() as db:
        for call, code in (
            (stands.delegation_page(db, DelegationId("nowhere"), "en", showings), "delegation.not_found"),
            (stands.stand_page(db, ExhibitorId("nobody"), "en", showings), "exhibitor.not_found"),
            (stands.product_page(db, ProductId("nothing"), "en", showings), "product.not_found"),
        ):
            with pytest.raises(NotFound) as missing:
                await call
            assert missing.value.code == code


async def test_sixty_companies_cost_no_more_statements_than_one(seeded: Database) -> None:
    async with seeded.write() as db:
        await _grow(db, 60)
    async with seeded.read() as db:
        with counted() as delegation:
            page = await stands.delegation_page(db, CHUNGBUK, "vi", showings)
    async with seeded.read() as db:
        with counted() as product:
            await stands.product_page(db, ProductId("camellia-serum"), "vi", showings)
    assert len(page.companies) == 68
    assert len(delegation) < STATEMENTS
    assert len(product) <= STATEMENTS


async def test_a_delegation_of_nobody_who_is_shown_nowhere_is_still_a_page(seeded: Database) -> None:
    async def nothing(
        db: AsyncSession, expo_id: ExpoId, language: str, principal: Principal | None
    ) -> tuple[Showing, ...]:
        return ()

    async with seeded.read() as db:
        page = await stands.delegation_page(db, DAEGU, "ko", nothing)
    assert (page.showings, page.moments) == ((), {})


def test_within_a_showing_what_comes_is_before_what_is_over() -> None:
    twice = ExhibitorId("twice")
    parts = (Part(twice, NOW, NOW, "done"), Part(twice, NOW, NOW, "next"))
    showing = Showing(ShowcaseId("s"), DAEGU, "Show", "live", NOW, NOW, parts)
    assert [moment.part.phase for moment in stands.moments([showing])[twice]] == ["next", "done"]


async def _grow(db: AsyncSession, count: int) -> None:
    """More companies for Chungbuk, each a copy of Gyeol with one product."""
    company, product = await db.get_one(Exhibitor, "gyeol-cosmetics"), await db.get_one(Product, "camellia-serum")
    like = {column.name: getattr(company, column.name) for column in Exhibitor.__table__.columns}
    made = {column.name: getattr(product, column.name) for column in Product.__table__.columns}
    for number in range(count):
        name = f"more-{number}"
        db.add(Exhibitor(**{**like, "id": name, "slug": name, "position": 100 + number}))
    await db.flush()
    for number in range(count):
        name = f"more-{number}"
        db.add(Product(**{**made, "id": f"{name}-product", "slug": name, "exhibitor_id": name}))
