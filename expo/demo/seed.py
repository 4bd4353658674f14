"""Rows of the demonstration: an invented agency with its expo, put up afresh around the present moment.

Texts are in `seed.toml`, whose head lists the slugs that pictures are named after. Seeding again moves the times, puts
every showcase back into its opening state and leaves all other agencies alone.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from expo.accounts.rules import Role
from expo.accounts.tables import Agency, Person
from expo.catalogue.tables import Delegation, Exhibitor, Expo, Product
from expo.ids import PersonId, ShowcaseId
from expo.showcases.rules import State
from expo.showcases.tables import Segment, Showcase
from expo.store.base import Base
from expo.store.db import Database
from expo.store.words import Words

SEGMENT_S = 15 * 60
ON_AIR_POSITION = 3
"""Which company of the live showcase is presenting: two parts are over, the rest are still to come."""

_CONTENT = Path(__file__).with_name("seed.toml")


@dataclass(frozen=True, slots=True)
class SeededPerson:
    """Somebody to make a link for; `showcase_id` is where the link leads."""

    id: PersonId
    role: Role
    name: str
    language: str
    showcase_id: ShowcaseId


@dataclass(frozen=True, slots=True)
class Seeded:
    """What the demonstration runs with: `live` is on air, `idle` goes live when its encoder connects."""

    people: tuple[SeededPerson, ...]
    showcases: tuple[ShowcaseId, ...]
    live: ShowcaseId
    idle: ShowcaseId


class _Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of the content's tables: a misspelt key is an error, not a missing text."""


class _Agency(_Text, frozen=True):
    id: str
    country: str
    name: Words


class _Expo(_Text, frozen=True):
    id: str
    slug: str
    title: Words
    host_zone: str
    host_city: Words
    host_language: str
    guest_zone: str
    guest_city: Words
    guest_language: str


class _Product(_Text, frozen=True):
    slug: str
    name: Words
    summary: Words
    hs_code: str
    price_minor: tuple[int, int]
    incoterm: str
    incoterm_place: Words
    moq_quantity: int
    moq_unit: Words
    lead_time_days: int
    certificates: list[str]
    price_unit: Words | None = None
    moq_note: Words | None = None


class _Exhibitor(_Text, frozen=True):
    slug: str
    mark: str
    name: Words
    tagline: Words
    about: Words
    presenter: Words
    presenter_title: Words
    products: list[_Product]


class _Delegation(_Text, frozen=True):
    slug: str
    country: str
    name: Words
    province: Words
    sectors: Words
    exhibitors: list[_Exhibitor]


class _Showcase(_Text, frozen=True):
    id: str
    delegation: str
    state: State
    title: Words
    summary: Words
    companies: list[str]
    auto_live: bool = False
    open_to_all: bool = False
    image: str | None = None
    pinned: str | None = None


class _Person(_Text, frozen=True):
    id: str
    role: Role
    name: str
    language: Literal["ko", "vi", "en"]
    showcase: str
    exhibitor: str | None = None
    organisation: str = ""


class _Content(_Text, frozen=True):
    agency: _Agency
    expo: _Expo
    delegations: list[_Delegation]
    showcases: list[_Showcase]
    people: list[_Person]


async def seed(database: Database, now: datetime) -> Seeded:
    """Write the demonstration's rows around `now`, in one transaction; idempotent."""
    content = msgspec.convert(tomllib.loads(_CONTENT.read_text(encoding="utf-8")), _Content)
    times = _times(content, now)
    async with database.write() as db:
        tenant = content.agency.id
        await _put(db, Agency(**_columns(content.agency)))
        open_for = {"starts_at": now - timedelta(days=2), "ends_at": now + timedelta(days=5)}
        await _put(db, Expo(agency_id=tenant, **open_for, **_columns(content.expo)))
        for position, delegation in enumerate(content.delegations, start=1):
            await _put_delegation(db, content, position, delegation)
        for showcase in content.showcases:
            await _put_showcase(db, content, showcase, times[showcase.id])
        for person in content.people:
            columns = _columns(person, without="exhibitor showcase")
            await _put(db, Person(agency_id=tenant, expo_id=content.expo.id, exhibitor_id=person.exhibitor, **columns))
    return Seeded(
        people=tuple(
            SeededPerson(PersonId(person.id), person.role, person.name, person.language, ShowcaseId(person.showcase))
            for person in content.people
        ),
        showcases=tuple(ShowcaseId(showcase.id) for showcase in content.showcases if showcase.state != "draft"),
        live=next(ShowcaseId(showcase.id) for showcase in content.showcases if showcase.state == "live"),
        idle=next(ShowcaseId(showcase.id) for showcase in content.showcases if showcase.auto_live),
    )


def _times(content: _Content, now: datetime) -> Mapping[str, datetime]:
    """When each showcase starts: the live one is in its third part, others at good hours of the days around it."""
    host = ZoneInfo(content.expo.host_zone)
    today = now.astimezone(host).date()

    def at(days: int, hour: int) -> datetime:
        return datetime.combine(today + timedelta(days=days), time(hour), host)

    soon = now.replace(minute=0, second=0, microsecond=0) + timedelta(minutes=30 * (now.minute // 30 + 2))
    hours = {
        "chungbuk": now.replace(second=0, microsecond=0) - timedelta(seconds=SEGMENT_S * (ON_AIR_POSITION - 1) + 120),
        "daegu": soon,
        "bac-giang": at(1, 14),
        "jeonnam": at(2, 14),
        "daegu-textiles": at(-1, 9),
        "chungbuk-encore": at(3, 9),
    }
    return {showcase.id: hours[showcase.id] for showcase in content.showcases}


async def _put_delegation(db: AsyncSession, content: _Content, position: int, delegation: _Delegation) -> None:
    tenant = content.agency.id
    image = f"/static/img/delegations/{delegation.slug}.svg"
    columns = _columns(delegation, without="exhibitors")
    await _put(
        db,
        Delegation(
            agency_id=tenant, expo_id=content.expo.id, id=delegation.slug, position=position, image=image, **columns
        ),
    )
    for rank, company in enumerate(delegation.exhibitors, start=1):
        columns = _columns(company, without="products")
        await _put(
            db, Exhibitor(agency_id=tenant, delegation_id=delegation.slug, id=company.slug, position=rank, **columns)
        )
        for place, product in enumerate(company.products, start=1):
            low, high = product.price_minor
            await _put(
                db,
                Product(
                    agency_id=tenant,
                    exhibitor_id=company.slug,
                    id=product.slug,
                    position=place,
                    image=f"/static/img/products/{product.slug}.svg",
                    currency="USD",
                    price_low_minor=low,
                    price_high_minor=high,
                    **_columns(product, without="price_minor"),
                ),
            )


async def _put_showcase(db: AsyncSession, content: _Content, showcase: _Showcase, starts_at: datetime) -> None:
    taglines = {
        company.slug: company.tagline for delegation in content.delegations for company in delegation.exhibitors
    }
    ends_at = starts_at + timedelta(seconds=SEGMENT_S * len(showcase.companies))
    began = showcase.state in {"live", "ended"}
    await _put(
        db,
        Showcase(
            agency_id=content.agency.id,
            delegation_id=showcase.delegation,
            image=showcase.image or f"/static/img/delegations/{showcase.delegation}.svg",
            starts_at=starts_at,
            ends_at=ends_at,
            went_live_at=starts_at if began else None,
            ended_at=ends_at if showcase.state == "ended" else None,
            pinned_product_id=showcase.pinned,
            **_columns(showcase, without="delegation companies image pinned"),
        ),
    )
    parts_over = {"live": ON_AIR_POSITION - 1, "ended": len(showcase.companies)}.get(showcase.state, 0)
    for position, company in enumerate(showcase.companies, start=1):
        begins = starts_at + timedelta(seconds=SEGMENT_S * (position - 1))
        over = position <= parts_over
        on = showcase.state == "live" and position == ON_AIR_POSITION
        await _put(
            db,
            Segment(
                id=f"{showcase.id}-{position}",
                agency_id=content.agency.id,
                showcase_id=showcase.id,
                exhibitor_id=company,
                position=position,
                title=taglines[company],
                length_s=SEGMENT_S,
                started_at=begins if over or on else None,
                ended_at=begins + timedelta(seconds=SEGMENT_S) if over else None,
            ),
        )


def _columns(content: _Text, without: str = "") -> dict[str, Any]:
    """The content's fields as columns of the same names, but those named in `without`."""
    left_out = without.split()
    return {field: value for field, value in msgspec.structs.asdict(content).items() if field not in left_out}


async def _put(db: AsyncSession, row: Base) -> None:
    """Insert the row, or make the one with its id equal to it; at once, since later rows refer to it."""
    await db.merge(row)
    await db.flush()
