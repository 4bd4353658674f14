"""What accounts may know of a showcase when they invite to it (`accounts.occasions.Occasions`)."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from expo.accounts.occasions import Company, Occasion
from expo.accounts.tables import Agency
from expo.catalogue import queries as catalogue_queries
from expo.catalogue import service as catalogue
from expo.errors import NotFound
from expo.ids import AgencyId, ExhibitorId, ExpoId, ShowcaseId
from expo.showcases import queries
from expo.store.words import pick


async def occasion(db: AsyncSession, showcase_id: ShowcaseId, language: str) -> Occasion:
    """Raises NotFound `showcase.not_found`."""
    row = await queries.showcase(db, showcase_id)
    if row is None:
        raise NotFound("showcase.not_found", "no such showcase")
    expo, delegation = await catalogue_queries.expo_of(db, row.delegation_id)
    agency = await db.get_one(Agency, expo.agency_id)
    exhibitors = await catalogue_queries.exhibitors_of_expo(db, expo.id)
    return Occasion(
        showcase_id=ShowcaseId(row.id),
        agency_id=AgencyId(row.agency_id),
        expo_id=ExpoId(expo.id),
        agency_name=pick(agency.name, language),
        expo_title=pick(expo.title, language),
        title=pick(row.title, language),
        image=row.image,
        starts_at=row.starts_at,
        open_to_all=row.open_to_all,
        announced=row.state != "draft",
        ended=row.state == "ended",
        clocks=catalogue.clocks(expo, language),
        companies=tuple(
            Company(
                ExhibitorId(exhibitor.id),
                exhibitor.slug,
                pick(exhibitor.name, language),
                frozenset(exhibitor.name.values()),
            )
            for exhibitor in exhibitors
            if exhibitor.delegation_id == delegation.id
        ),
        host_language=expo.host_language,
        guest_language=expo.guest_language,
    )
