"""People as the site knows them: who a link or a cookie stands for, and what they carry on."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from expo.accounts import queries
from expo.accounts.rules import LINK_LIFE, LOGIN_LIFE, ROLES, Role
from expo.accounts.tables import Login, Person
from expo.accounts.tokens import RoleLink, Tokens, digest, new_secret
from expo.edge.principal import Entry, Principal
from expo.errors import NotFound, Unauthenticated, Unavailable
from expo.ids import AgencyId, ExhibitorId, ExpoId, InvitationId, LoginId, PersonId, ShowcaseId
from expo.store.db import Database

MOST_LINKED = 100
"""Browsers that one role link keeps signed in; the oldest leave first."""
MAX_COOKIE_CHARS = 64


@dataclass(frozen=True, slots=True)
class PersonView:
    """A person. `exhibitor_id` is set for a supplier's staff; `showcase_id` for a presenter without a company."""

    id: PersonId
    agency_id: AgencyId
    expo_id: ExpoId
    exhibitor_id: ExhibitorId | None
    showcase_id: ShowcaseId | None
    role: Role
    name: str
    language: str
    organisation: str


async def person(db: AsyncSession, person_id: PersonId) -> PersonView:
    """Raises NotFound `person.not_found`, also for somebody who was revoked."""
    row = await queries.person(db, person_id)
    if row is None or row.revoked_at is not None:
        raise NotFound("person.not_found", "no such person")
    return person_view(row)


def sign_link(tokens: Tokens, person_id: PersonId, role: Role, showcase_id: ShowcaseId | None, now: datetime) -> str:
    """A role link that works for `LINK_LIFE`: what follows `/enter/`."""
    return tokens.sign_link(RoleLink(person_id, role, showcase_id, now + LINK_LIFE))


class People:
    """`edge.principal.PrincipalLoader` over rows and signed role links.

    A link whose person is gone, revoked, or has another role by now names nobody; so does a cookie without its row.
    """

    def __init__(self, database: Database, tokens: Tokens) -> None:
        self._database = database
        self._tokens = tokens

    async def by_link(self, token: str, present: str | None, now: datetime) -> Entry:
        """Sign a browser in by a role link, again if it is already in.

        Raises Unauthenticated `link.*`, `link.nobody` when its person is gone.
        """
        link = self._tokens.verify_link(token, now)
        async with self._database.write() as db:
            row = await queries.person(db, link.person)
            if row is None or row.role != link.role or row.revoked_at is not None:
                raise Unauthenticated("link.nobody", "the person of this link is no longer invited in that role")
            known = await queries.login(db, digest(present), now) if present else None
            if present and known and known[1].id == row.id and known[0].showcase_id == link.showcase:
                return entry_again(known[0], row, present, now)
            entry = await sign_in(db, row, link.showcase, None, now + LOGIN_LIFE, now)
            await queries.sweep(db, row.id, now, MOST_LINKED)
            if present:
                await queries.sign_out(db, digest(present))
        return entry

    async def by_cookie(self, value: str, now: datetime) -> Principal | None:
        """The person of a login cookie; None when it is stale, revoked, forged or names nobody."""
        if len(value) > MAX_COOKIE_CHARS:
            return None
        async with self._database.read() as db:
            found = await queries.login(db, digest(value), now)
        if found is None:
            return None
        login, row = found
        today = now.astimezone(UTC).date()
        if login.last_seen_on < today:
            with contextlib.suppress(Unavailable):  # a note, not worth a page
                async with self._database.write() as db:
                    await queries.see(db, login.id, today)
        return _principal(login, row)

    async def sign_out(self, value: str) -> None:
        """End the login of a cookie, whoever's it is; the device no longer counts for its invitation."""
        async with self._database.write() as db:
            await queries.sign_out(db, digest(value))


async def sign_in(
    db: AsyncSession,
    row: Person,
    showcase_id: str | None,
    invitation_id: InvitationId | None,
    expires_at: datetime,
    now: datetime,
) -> Entry:
    """A new login of a person, in the caller's transaction."""
    secret = new_secret()
    login = Login(
        agency_id=row.agency_id,
        created_at=now,
        person_id=row.id,
        invitation_id=invitation_id,
        showcase_id=showcase_id,
        secret_hash=digest(secret),
        expires_at=expires_at,
        last_seen_on=now.astimezone(UTC).date(),
    )
    db.add(login)
    await db.flush()
    return entry_again(login, row, secret, now)


def entry_again(login: Login, row: Person, secret: str, now: datetime) -> Entry:
    """The entry of a login that is there."""
    return Entry(_principal(login, row), secret, int((login.expires_at - now).total_seconds()))


def known_role(text: str) -> Role:
    """`text` as a role; the database keeps rows to the known ones. ValueError for anything else."""
    for role in ROLES:
        if role == text:
            return role
    raise ValueError("not a role")


def person_view(row: Person) -> PersonView:
    """A row as a value."""
    return PersonView(
        id=PersonId(row.id),
        agency_id=AgencyId(row.agency_id),
        expo_id=ExpoId(row.expo_id),
        exhibitor_id=None if row.exhibitor_id is None else ExhibitorId(row.exhibitor_id),
        showcase_id=None if row.showcase_id is None else ShowcaseId(row.showcase_id),
        role=known_role(row.role),
        name=row.name,
        language=row.language,
        organisation=row.organisation,
    )


def _principal(login: Login, row: Person) -> Principal:
    return Principal(
        person_id=PersonId(row.id),
        role=row.role,
        name=row.name,
        language=row.language,
        showcase_id=None if login.showcase_id is None else ShowcaseId(login.showcase_id),
        agency_id=AgencyId(row.agency_id),
        expo_id=ExpoId(row.expo_id),
        exhibitor_id=None if row.exhibitor_id is None else ExhibitorId(row.exhibitor_id),
        login_id=LoginId(login.id),
    )
