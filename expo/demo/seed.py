"""Rows of the demonstration: an invented agency with its expo, put up afresh around the present moment.

Texts are in `seed.toml`, whose head lists the slugs that pictures are named after. Seeding again moves the times, puts
every showcase back into its opening state and leaves all other agencies alone.
"""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from expo.accounts.rules import Role
from expo.accounts.tables import Agency, Person
from expo.catalogue.tables import Delegation, Exhibitor, Expo, Product
from expo.demo.texts import ProductText, ShowcaseText, Text, Texts
from expo.ids import PersonId, RoomId, ShowcaseId
from expo.showcases import queries
from expo.showcases.tables import ProductPin, Segment, Showcase
from expo.store.base import Base
from expo.store.db import Database

SEGMENT_S = 15 * 60
ON_AIR_POSITION = 3
"""Which company of the live showcase is presenting: the parts before it are over, the rest are still to come."""

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
    """What the demonstration runs with: `live` is on air, `idle` goes live when its encoder connects.

    `showcases` are all but drafts, `rooms` those of drafts too.
    """

    people: tuple[SeededPerson, ...]
    showcases: tuple[ShowcaseId, ...]
    live: ShowcaseId
    idle: ShowcaseId
    rooms: tuple[RoomId, ...]


async def seed(database: Database, now: datetime) -> Seeded:
    """Write the demonstration's rows around `now`, in one transaction; idempotent."""
    content = msgspec.convert(tomllib.loads(_CONTENT.read_text(encoding="utf-8")), Texts)
    async with database.write() as db:
        present = await queries.segments(db, [showcase.id for showcase in content.showcases])
        await queries.drop_segments(db, [segment.id for segments in present.values() for segment in segments])
        await queries.drop_pins(db, list(present))
        catalogue, segments = _catalogue(content, now), _segments(content, now)
        for rows in (catalogue, _showcases(content, now), segments, _pins(content, segments), _people(content)):
            await _put(db, rows)
    return Seeded(
        people=tuple(
            SeededPerson(PersonId(person.id), person.role, person.name, person.language, ShowcaseId(person.showcase))
            for person in content.people
        ),
        showcases=tuple(ShowcaseId(showcase.id) for showcase in content.showcases if showcase.state != "draft"),
        live=next(ShowcaseId(showcase.id) for showcase in content.showcases if showcase.state == "live"),
        idle=next(ShowcaseId(showcase.id) for showcase in content.showcases if showcase.auto_live),
        rooms=tuple(RoomId(showcase.id) for showcase in content.showcases),
    )


def _catalogue(content: Texts, now: datetime) -> list[Base]:
    tenant, expo_id = content.agency.id, content.expo.id
    order: list[type[Base]] = [Agency, Expo, Delegation, Exhibitor, Product]
    open_for = {"starts_at": now - timedelta(days=2), "ends_at": now + timedelta(days=5)}
    rows: list[Base] = [
        Agency(**_columns(content.agency)),
        Expo(agency_id=tenant, **open_for, **_columns(content.expo)),
    ]
    for position, delegation in enumerate(content.delegations, start=1):
        owner = {"id": delegation.slug, "agency_id": tenant, "expo_id": expo_id, "position": position}
        columns = _columns(delegation, without="exhibitors")
        rows.append(Delegation(image=_picture("delegations", delegation.slug), **owner, **columns))
        for rank, company in enumerate(delegation.exhibitors, start=1):
            owner = {"id": company.slug, "agency_id": tenant, "delegation_id": delegation.slug, "position": rank}
            rows.append(Exhibitor(**owner, **_columns(company, without="products")))
            for place, product in enumerate(company.products, start=1):
                rows.append(_product(tenant, company.slug, place, product))
    return sorted(rows, key=lambda row: order.index(type(row)))


def _product(tenant: str, exhibitor_id: str, position: int, product: ProductText) -> Product:
    low, high = product.price_minor
    return Product(
        id=product.slug,
        agency_id=tenant,
        exhibitor_id=exhibitor_id,
        position=position,
        image=_picture("products", product.slug),
        currency="USD",
        price_low_minor=low,
        price_high_minor=high,
        **_columns(product, without="price_minor"),
    )


def _showcases(content: Texts, now: datetime) -> list[Base]:
    rows: list[Base] = []
    for showcase in content.showcases:
        starts_at = _starts_at(content, showcase, now)
        ends_at = starts_at + timedelta(seconds=SEGMENT_S * len(showcase.companies))
        rows.append(
            Showcase(
                agency_id=content.agency.id,
                delegation_id=showcase.delegation,
                image=showcase.image or _picture("delegations", showcase.delegation),
                starts_at=starts_at,
                ends_at=ends_at,
                went_live_at=starts_at if showcase.state in {"live", "ended"} else None,
                ended_at=ends_at if showcase.state == "ended" else None,
                pinned_product_id=showcase.pinned,
                **_columns(showcase, without="delegation companies day hour image pinned"),
            )
        )
    return rows


def _segments(content: Texts, now: datetime) -> list[Segment]:
    companies = [company for delegation in content.delegations for company in delegation.exhibitors]
    taglines = {company.slug: company.tagline for company in companies}
    rows: list[Segment] = []
    for showcase in content.showcases:
        starts_at = _starts_at(content, showcase, now)
        over = {"live": ON_AIR_POSITION - 1, "ended": len(showcase.companies)}.get(showcase.state, 0)
        begun = over + 1 if showcase.state == "live" else over
        for position, company in enumerate(showcase.companies, start=1):
            begins = starts_at + timedelta(seconds=SEGMENT_S * (position - 1))
            rows.append(
                Segment(
                    id=f"{showcase.id}-{position}",
                    agency_id=content.agency.id,
                    showcase_id=showcase.id,
                    exhibitor_id=company,
                    position=position,
                    title=taglines[company],
                    length_s=SEGMENT_S,
                    started_at=begins if position <= begun else None,
                    ended_at=begins + timedelta(seconds=SEGMENT_S) if position <= over else None,
                )
            )
    return rows


def _pins(content: Texts, segments: Sequence[Segment]) -> list[Base]:
    """What is on show when the demonstration begins is a moment of its replay, as if somebody had pinned it."""
    on = {each.showcase_id: each.started_at for each in segments if each.started_at and not each.ended_at}
    return [
        ProductPin(
            id=f"{showcase.id}-pin",
            agency_id=content.agency.id,
            showcase_id=showcase.id,
            revision=0,  # before the first of its room's
            product_id=showcase.pinned,
            pinned_from=on[showcase.id],
            pinned_until=None,
        )
        for showcase in content.showcases
        if showcase.pinned is not None and showcase.id in on
    ]


def _people(content: Texts) -> list[Base]:
    owner = {"agency_id": content.agency.id, "expo_id": content.expo.id}
    return [
        Person(
            exhibitor_id=person.exhibitor, revoked_at=None, **owner, **_columns(person, without="exhibitor showcase")
        )
        for person in content.people
    ]


def _starts_at(content: Texts, showcase: ShowcaseText, now: datetime) -> datetime:
    """The live one is in its third part, the idle one comes soon, the others at good hours of the days around."""
    host = ZoneInfo(content.expo.host_zone)
    match showcase.day:
        case None if showcase.state == "live":
            gone = timedelta(seconds=SEGMENT_S * (ON_AIR_POSITION - 1) + 120)
            return now.replace(second=0, microsecond=0) - gone
        case None:
            return now.replace(minute=0, second=0, microsecond=0) + timedelta(minutes=30 * (now.minute // 30 + 2))
        case days:
            day = now.astimezone(host).date() + timedelta(days=days)
            return datetime.combine(day, time(showcase.hour), host)


def _picture(folder: str, slug: str) -> str:
    return f"/static/img/{folder}/{slug}.svg"


def _columns(content: Text, without: str = "") -> dict[str, Any]:
    """The content's fields as columns of the same names, but those named in `without`."""
    left_out = without.split()
    return {field: value for field, value in msgspec.structs.asdict(content).items() if field not in left_out}


async def _put(db: AsyncSession, rows: Sequence[Base]) -> None:
    """Insert the rows, or make those with their ids equal to them; rows of one table stand in one run.

    Each run is flushed before the next, which refers to it.
    """
    for _, run in itertools.groupby(rows, type):
        with db.no_autoflush:
            for row in run:
                await db.merge(row)
        await db.flush()
