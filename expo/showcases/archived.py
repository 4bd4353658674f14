"""A show as its recording needs it: `archive.programme.Programmes` over showcase rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from expo.accounts.tables import Agency
from expo.archive.programme import City, ShowGoods, ShownPart, ShownPin, ShownProduct, ShowProgramme
from expo.catalogue import queries as catalogue_queries
from expo.catalogue.service import product_view
from expo.catalogue.tables import Exhibitor, Product
from expo.catalogue.views import ProductView
from expo.clock import utc_now
from expo.ids import AgencyId, ExhibitorId, ExpoId, ProductId, RoomId, SegmentId
from expo.showcases import queries
from expo.showcases.audience import Counted, most
from expo.showcases.service import state_of
from expo.store.db import Database
from expo.store.words import LANGUAGES, Words


class ArchivedShows:
    """A room's id is its showcase's id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def programme(self, room: RoomId) -> ShowProgramme | None:
        """The show as its rows have it now, None without one. Unavailable `store.*`."""
        async with self._database.read() as db:
            return await _programme(db, room)

    async def goods(self, room: RoomId) -> ShowGoods:
        """Its companies' products in every language, and its audience. Unavailable `store.*`."""
        async with self._database.read() as db:
            return await _goods(db, room)


async def _programme(db: AsyncSession, room: RoomId) -> ShowProgramme | None:
    found = await queries.showcase_with_segments(db, room)
    if found is None:
        return None
    row, segments = found
    expo, _ = await catalogue_queries.expo_of(db, row.delegation_id)
    agency = await db.get_one(Agency, row.agency_id)
    companies = await catalogue_queries.exhibitors(db, {segment.exhibitor_id for segment in segments})
    pins = await queries.pins(db, row.id)
    return ShowProgramme(
        room=room,
        agency_id=AgencyId(row.agency_id),
        expo_id=ExpoId(expo.id),
        agency=agency.name,
        title=row.title,
        image=row.image,
        open_to_all=row.open_to_all,
        state=state_of(row),
        starts_at=row.starts_at,
        ended_at=row.ended_at,
        cities=(City(expo.host_zone, expo.host_city), City(expo.guest_zone, expo.guest_city)),
        parts=tuple(
            ShownPart(
                segment_id=SegmentId(segment.id),
                exhibitor_id=ExhibitorId(segment.exhibitor_id),
                company=companies[segment.exhibitor_id].name,
                logo=companies[segment.exhibitor_id].mark,
                started_at=segment.started_at,
                ended_at=segment.ended_at or (row.ended_at if segment.started_at is not None else None),
            )
            for segment in segments
        ),
        pins=tuple(ShownPin(ProductId(pin.product_id), pin.pinned_from, pin.pinned_until) for pin in pins),
    )


async def _goods(db: AsyncSession, room: RoomId) -> ShowGoods:
    found = await queries.showcase_with_segments(db, room)
    if found is None:
        return ShowGoods((), {})
    row, segments = found
    companies = await catalogue_queries.exhibitors(db, {segment.exhibitor_id for segment in segments})
    by_company = await catalogue_queries.products(db, list(companies))
    counted = [Counted(each.minute, each.most, each.last) for each in await queries.audience_of(db, row)]
    until = row.ended_at or utc_now()
    return ShowGoods(
        products=tuple(
            _product(product, companies[exhibitor]) for exhibitor, those in by_company.items() for product in those
        ),
        audience={
            SegmentId(each.id): most(counted, (each.started_at, each.ended_at or until))
            for each in segments
            if each.started_at is not None
        },
    )


def _product(row: Product, company: Exhibitor) -> ShownProduct:
    views = {language: product_view(row, company, language) for language in LANGUAGES}
    return ShownProduct(
        id=ProductId(row.id),
        exhibitor_id=ExhibitorId(company.id),
        name=row.name,
        image=row.image,
        price=_words(views, lambda view: view.price),
        moq=_words(views, lambda view: view.moq),
        lead_time_days=row.lead_time_days,
        papers=tuple(row.certificates),
    )


def _words(views: Mapping[str, ProductView], text: Callable[[ProductView], str]) -> Words:
    return {language: text(view) for language, view in views.items()}
