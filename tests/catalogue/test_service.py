"""The catalogue as pages read it, from the demonstration's rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import update

from expo.catalogue import service
from expo.catalogue.tables import Expo, Product
from expo.demo.seed import seed
from expo.errors import NotFound
from expo.ids import ExhibitorId, ProductId
from expo.store.db import Database

NOW = datetime(2026, 11, 24, 7, 42, tzinfo=UTC)
GYEOL = ExhibitorId("gyeol-cosmetics")


@pytest.fixture
async def seeded(database: Database) -> Database:
    await seed(database, NOW)
    return database


async def test_an_empty_database_has_no_expo(database: Database) -> None:
    async with database.read() as db:
        with pytest.raises(NotFound) as missing:
            await service.present_expo(db, NOW, "en")
    assert missing.value.code == "expo.none"


async def test_the_expo_has_both_sides_clocks_with_the_host_s_first(seeded: Database) -> None:
    async with seeded.read() as db:
        expo = await service.present_expo(db, NOW, "vi")
    assert expo.title == "Tuần Kết nối Hàn–Việt"
    assert [(clock.zone, clock.city, clock.language) for clock in expo.clocks] == [
        ("Asia/Ho_Chi_Minh", "Hà Nội", "vi"),
        ("Asia/Seoul", "Seoul", "ko"),
    ]


async def test_the_expo_that_is_on_comes_before_later_ones_and_the_last_one_stays_when_all_are_over(
    seeded: Database,
) -> None:
    async with seeded.write() as db:
        row = await db.get_one(Expo, "ket-noi-han-viet")
        columns = {column.name: getattr(row, column.name) for column in Expo.__table__.columns}
        later = {"id": "later", "slug": "later", "starts_at": NOW + timedelta(90), "ends_at": NOW + timedelta(95)}
        db.add(Expo(**{**columns, **later}))
    async with seeded.read() as db:
        assert (await service.present_expo(db, NOW, "en")).id == "ket-noi-han-viet"
        assert (await service.present_expo(db, NOW + timedelta(30), "en")).id == "later"
        assert (await service.present_expo(db, NOW + timedelta(300), "en")).id == "later"


async def test_delegations_come_in_their_order_with_their_companies_counted(seeded: Database) -> None:
    async with seeded.read() as db:
        expo = await service.present_expo(db, NOW, "vi")
        views = await service.delegation_views(db, expo.id, "vi")
    assert [(view.province, view.company_count) for view in views] == [
        ("Chungbuk", 8),
        ("Daegu", 2),
        ("Bắc Giang", 2),
        ("Jeonnam", 1),
    ]


@pytest.mark.parametrize(
    ("language", "name", "terms", "moq", "note"),
    [
        ("vi", "Tinh chất hoa trà 50 ml", "4,20–4,80 USD, FOB Busan", "1.000 chai", "nhãn tiếng Việt từ 3.000 chai"),
        ("ko", "동백 세럼 50 ml", "US$4.20–4.80, FOB 부산", "1,000병", "베트남어 라벨은 3,000병부터"),
        (
            "en",
            "Camellia serum 50 ml",
            "US$4.20–4.80, FOB Busan",
            "1,000 bottles",
            "Vietnamese label from 3,000 bottles",
        ),
    ],
)
async def test_a_product_reads_well_in_each_language(
    seeded: Database, language: str, name: str, terms: str, moq: str, note: str
) -> None:
    async with seeded.read() as db:
        company = (await service.exhibitor_views(db, [GYEOL], language))[GYEOL]
    serum = company.products[0]
    assert (serum.name, serum.terms, serum.moq, serum.moq_note) == (name, terms, moq, note)
    assert (serum.hs, serum.lead_time_days, serum.papers) == ("3304.99", 25, ("CFS", "ISO 22716"))
    assert (serum.price_low, serum.price_high) == (Decimal("4.20"), Decimal("4.80"))


async def test_a_company_brings_its_products_in_order_and_shows_the_first(seeded: Database) -> None:
    async with seeded.read() as db:
        company = (await service.exhibitor_views(db, [GYEOL, "nobody"], "en"))[GYEOL]
    assert [product.slug for product in company.products] == ["camellia-serum", "rice-cream", "rice-mask", "sunscreen"]
    assert company.image == company.products[0].image
    assert (company.presenter, company.presenter_title) == ("Jung Ha-yun", "head of export")


async def test_a_price_on_request_leaves_only_the_terms_of_delivery(seeded: Database) -> None:
    async with seeded.write() as db:
        await db.execute(update(Product).values(price_low_minor=None, price_high_minor=None))
    async with seeded.read() as db:
        serum = await service.product_on_show(db, "camellia-serum", "en")
    assert serum is not None
    assert (serum.price, serum.terms, serum.price_low) == ("", "FOB Busan", None)


async def test_what_is_on_show_leads_the_wanted_products_and_each_company_follows_once(seeded: Database) -> None:
    async with seeded.read() as db:
        expo = await service.present_expo(db, NOW, "en")
        products = await service.wanted_products(db, expo.id, [ProductId("rice-mask")], "en")
    assert [product.slug for product in products] == [
        "rice-mask",
        "seaweed-snack",
        "black-garlic",
        "camellia-serum",
        "hydrocolloid-patch",
        "mountain-tea",
    ]


async def test_nothing_on_show_is_nothing(seeded: Database) -> None:
    async with seeded.read() as db:
        assert await service.product_on_show(db, None, "en") is None
        assert await service.product_on_show(db, "no-such-product", "en") is None
