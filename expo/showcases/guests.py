"""Who takes part in rooms beside their names there: people by their rows, guests by what they called themselves.

A guest has no row but this one, for their cookie says all; a lead needs the name when the cookie is far away.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from expo.accounts import queries as accounts
from expo.accounts.service import person_view
from expo.accounts.tokens import Guest
from expo.catalogue import queries as catalogue
from expo.errors import Unavailable
from expo.ids import PersonId
from expo.kit.logging import get_logger
from expo.showcases import queries, service
from expo.showcases.tables import KnownGuest
from expo.store.db import Database

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Somebody:
    """A participant; `person_id` is None for a guest, names are empty where nobody told them."""

    person_id: PersonId | None = None
    name: str = ""
    company: str = ""


async def is_known(db: AsyncSession, agency_id: str, guest: Guest) -> bool:
    """Whether the agency knows the guest as they call themselves now."""
    found = (await queries.guests(db, agency_id, [guest.id])).get(guest.id)
    return found is not None and (found.name, found.company) == (guest.name, guest.company)


async def remember(database: Database, agency_id: str, guest: Guest) -> None:
    """Keep what a guest calls themselves now; a store in trouble keeps nobody out of a room."""
    try:
        async with database.write() as db:
            found = (await queries.guests(db, agency_id, [guest.id])).get(guest.id)
            if found is None:
                db.add(KnownGuest(agency_id=agency_id, guest_id=guest.id, name=guest.name, company=guest.company))
            else:
                found.name, found.company = guest.name, guest.company
    except (Unavailable, IntegrityError) as error:  # the latter when the guest comes in by two doors at once
        log.warning("a guest is not remembered", error=getattr(error, "code", type(error).__name__))


async def somebodies(db: AsyncSession, agency_id: str, participants: set[str]) -> dict[str, Somebody]:
    """Who these participants are, as far as the agency knows them."""
    guests = await queries.guests(db, agency_id, participants)
    found = {guest.guest_id: Somebody(None, guest.name, guest.company) for guest in guests.values()}
    people = [person_view(row) for row in await accounts.people(db, participants) if row.agency_id == agency_id]
    exhibitors = await catalogue.exhibitors(db, {person.exhibitor_id for person in people if person.exhibitor_id})
    for person in people:
        found[person.id] = Somebody(person.id, person.name, service.company_of(person, exhibitors))
    return found
