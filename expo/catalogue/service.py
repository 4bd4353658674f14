"""The catalogue as pages read it: rows turned into views in one language."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from expo.accounts.tables import Agency
from expo.catalogue import queries
from expo.catalogue.format import amount, hs_text, price_text, quantity_text
from expo.catalogue.tables import Delegation, Exhibitor, Expo, Product
from expo.catalogue.views import Clock, DelegationView, ExhibitorView, ExpoView, ProductView
from expo.errors import NotFound
from expo.ids import DelegationId, ExhibitorId, ExpoId, ProductId
from expo.store.words import pick


async def present_expo(db: AsyncSession, now: datetime, language: str) -> ExpoView:
    """The expo that visitors see at `now`. Raises NotFound `expo.none` in an empty database."""
    found = await queries.present_expo(db, now)
    if found is None:
        raise NotFound("expo.none", "no expo has been set up")
    return expo_view(*found, language)


async def delegation_views(db: AsyncSession, expo_id: ExpoId, language: str) -> tuple[DelegationView, ...]:
    """An expo's delegations in their order."""
    rows = await queries.delegations(db, expo_id)
    counts = await queries.company_counts(db, [row.id for row in rows])
    return tuple(delegation_view(row, counts.get(row.id, 0), language) for row in rows)


async def wanted_products(
    db: AsyncSession, expo_id: ExpoId, first: Sequence[ProductId], language: str, limit: int = 6
) -> tuple[ProductView, ...]:
    """Products for the front page: those in `first` (on show now), then each company's first in the expo's order."""
    companies = await queries.exhibitors_of_expo(db, expo_id)
    by_company = await queries.products(db, [company.id for company in companies])
    rows = [(company, row) for company in companies for row in by_company.get(company.id, [])]
    shown = [pair for pair in rows if pair[1].id in first]
    heads = [pair for pair in rows if pair[1] is by_company[pair[0].id][0] and pair not in shown]
    return tuple(product_view(row, company, language) for company, row in (*shown, *heads)[:limit])


async def exhibitor_views(
    db: AsyncSession, exhibitor_ids: Sequence[str], language: str
) -> dict[ExhibitorId, ExhibitorView]:
    """Companies with their products, by id; unknown ids are left out."""
    rows = await queries.exhibitors(db, exhibitor_ids)
    products = await queries.products(db, exhibitor_ids)
    return {ExhibitorId(row.id): exhibitor_view(row, products.get(row.id, []), language) for row in rows.values()}


async def product_on_show(db: AsyncSession, product_id: str | None, language: str) -> ProductView | None:
    """The product of that id, or None when nothing is on show."""
    found = None if product_id is None else await queries.product(db, product_id)
    return None if found is None else product_view(*found, language)


def expo_view(row: Expo, agency: Agency, language: str) -> ExpoView:
    """An expo in `language`."""
    return ExpoView(
        id=ExpoId(row.id),
        title=pick(row.title, language),
        agency_name=pick(agency.name, language),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        clocks=clocks(row, language),
    )


def clocks(row: Expo, language: str) -> tuple[Clock, ...]:
    """Both sides' clocks, the host's first."""
    return (
        Clock(row.host_zone, pick(row.host_city, language), row.host_language),
        Clock(row.guest_zone, pick(row.guest_city, language), row.guest_language),
    )


def delegation_view(row: Delegation, company_count: int, language: str) -> DelegationView:
    """A delegation in `language`."""
    return DelegationView(
        id=DelegationId(row.id),
        slug=row.slug,
        name=pick(row.name, language),
        province=pick(row.province, language),
        country=row.country,
        sectors=pick(row.sectors, language),
        image=row.image,
        company_count=company_count,
    )


def exhibitor_view(row: Exhibitor, products: Sequence[Product], language: str) -> ExhibitorView:
    """A company with its products in `language`."""
    return ExhibitorView(
        id=ExhibitorId(row.id),
        slug=row.slug,
        name=pick(row.name, language),
        mark=row.mark,
        tagline=pick(row.tagline, language),
        about=pick(row.about, language),
        presenter=pick(row.presenter, language),
        presenter_title=pick(row.presenter_title or {}, language),
        delegation_id=DelegationId(row.delegation_id),
        image=products[0].image if products else "",
        products=tuple(product_view(product, row, language) for product in products),
    )


def product_view(row: Product, company: Exhibitor, language: str) -> ProductView:
    """A product in `language`, its numbers formatted."""
    low, high = (
        None if minor is None else amount(minor, row.currency) for minor in (row.price_low_minor, row.price_high_minor)
    )
    price = (
        ""
        if low is None or high is None
        else price_text(low, high, row.currency, pick(row.price_unit or {}, language), language)
    )
    place_name = pick(row.incoterm_place, language)
    place = f"{row.incoterm} {place_name}"
    return ProductView(
        id=ProductId(row.id),
        exhibitor_id=ExhibitorId(company.id),
        exhibitor_name=pick(company.name, language),
        slug=row.slug,
        name=pick(row.name, language),
        summary=pick(row.summary, language),
        image=row.image,
        price=price,
        terms=f"{price}, {place}" if price else place,
        incoterm=row.incoterm,
        incoterm_place=place_name,
        price_low=low,
        price_high=high,
        currency=row.currency,
        moq=quantity_text(row.moq_quantity, pick(row.moq_unit, language), language),
        moq_quantity=row.moq_quantity,
        moq_note=pick(row.moq_note or {}, language),
        hs=hs_text(row.hs_code),
        lead_time_days=row.lead_time_days,
        papers=tuple(row.certificates),
    )
