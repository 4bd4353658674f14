"""SQL of the catalogue."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from expo.accounts.tables import Agency
from expo.catalogue.tables import Delegation, Exhibitor, Expo, Product


async def present_expo(db: AsyncSession, now: datetime) -> tuple[Expo, Agency] | None:
    """The expo to show: the one that ends soonest from now, else the one that ended last."""
    expos = select(Expo, Agency).join(Agency, Agency.id == Expo.agency_id)
    coming = expos.where(Expo.ends_at > now).order_by(Expo.ends_at, Expo.id).limit(1)
    over = expos.order_by(Expo.ends_at.desc(), Expo.id).limit(1)
    row = (await db.execute(coming)).first() or (await db.execute(over)).first()
    return None if row is None else (row[0], row[1])


async def expo_of(db: AsyncSession, delegation_id: str) -> tuple[Expo, Delegation]:
    """A delegation that exists, and its expo."""
    query = (
        select(Expo, Delegation).join(Delegation, Delegation.expo_id == Expo.id).where(Delegation.id == delegation_id)
    )
    row = (await db.execute(query)).one()
    return row[0], row[1]


async def delegation(db: AsyncSession, delegation_id: str) -> tuple[Delegation, Expo, Agency] | None:
    """One delegation with its expo and whose expo it is."""
    query = (
        select(Delegation, Expo, Agency)
        .join(Expo, Expo.id == Delegation.expo_id)
        .join(Agency, Agency.id == Expo.agency_id)
        .where(Delegation.id == delegation_id)
    )
    row = (await db.execute(query)).first()
    return None if row is None else (row[0], row[1], row[2])


async def delegations(db: AsyncSession, expo_id: str) -> list[Delegation]:
    """An expo's delegations in their order."""
    query = select(Delegation).where(Delegation.expo_id == expo_id).order_by(Delegation.position, Delegation.id)
    return list(await db.scalars(query))


async def company_counts(db: AsyncSession, delegation_ids: Collection[str]) -> dict[str, int]:
    """How many exhibitors each delegation has; those without any are left out."""
    query = (
        select(Exhibitor.delegation_id, func.count())
        .where(Exhibitor.delegation_id.in_(delegation_ids))
        .group_by(Exhibitor.delegation_id)
    )
    return {row[0]: row[1] for row in await db.execute(query)}


async def exhibitors_of_delegation(db: AsyncSession, delegation_id: str) -> list[Exhibitor]:
    """A delegation's exhibitors in their order."""
    query = select(Exhibitor).where(Exhibitor.delegation_id == delegation_id).order_by(Exhibitor.position, Exhibitor.id)
    return list(await db.scalars(query))


async def exhibitors(db: AsyncSession, exhibitor_ids: Collection[str]) -> dict[str, Exhibitor]:
    """Exhibitors by id."""
    query = select(Exhibitor).where(Exhibitor.id.in_(exhibitor_ids))
    return {exhibitor.id: exhibitor for exhibitor in await db.scalars(query)}


async def exhibitors_of_expo(db: AsyncSession, expo_id: str) -> list[Exhibitor]:
    """An expo's exhibitors, delegation by delegation."""
    query = (
        select(Exhibitor)
        .join(Delegation, Delegation.id == Exhibitor.delegation_id)
        .where(Delegation.expo_id == expo_id)
        .order_by(Delegation.position, Exhibitor.position, Exhibitor.id)
    )
    return list(await db.scalars(query))


async def products(db: AsyncSession, exhibitor_ids: Collection[str]) -> dict[str, list[Product]]:
    """Products in their order, by exhibitor."""
    query = select(Product).where(Product.exhibitor_id.in_(exhibitor_ids)).order_by(Product.position, Product.id)
    found: dict[str, list[Product]] = {}
    for product in await db.scalars(query):
        found.setdefault(product.exhibitor_id, []).append(product)
    return found


async def product(db: AsyncSession, product_id: str) -> tuple[Product, Exhibitor] | None:
    """One product with its company."""
    query = (
        select(Product, Exhibitor).join(Exhibitor, Exhibitor.id == Product.exhibitor_id).where(Product.id == product_id)
    )
    row = (await db.execute(query)).first()
    return None if row is None else (row[0], row[1])
