"""People as the site knows them: who a link or a cookie stands for, and what they carry on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from expo.accounts import queries
from expo.accounts.rules import LINK_LIFE, LOGIN_LIFE, ROLES, Role
from expo.accounts.tables import Person
from expo.accounts.tokens import Login, RoleLink, Tokens
from expo.edge.principal import Principal
from expo.errors import NotFound, Unauthenticated
from expo.ids import AgencyId, ExhibitorId, ExpoId, PersonId, ShowcaseId
from expo.store.db import Database


@dataclass(frozen=True, slots=True)
class PersonView:
    """A person. `exhibitor_id` is set for a supplier's staff."""

    id: PersonId
    agency_id: AgencyId
    expo_id: ExpoId
    exhibitor_id: ExhibitorId | None
    role: Role
    name: str
    language: str
    organisation: str


async def person(db: AsyncSession, person_id: PersonId) -> PersonView:
    """Raises NotFound `person.not_found`."""
    row = await queries.person(db, person_id)
    if row is None:
        raise NotFound("person.not_found", "no such person")
    return _view(row)


def sign_link(tokens: Tokens, person_id: PersonId, role: Role, showcase_id: ShowcaseId | None, now: datetime) -> str:
    """An invitation that works for `LINK_LIFE`: what follows `/enter/`."""
    return tokens.sign_link(RoleLink(person_id, role, showcase_id, now + LINK_LIFE))


class People:
    """`edge.principal.PrincipalLoader` over rows and signed text.

    A link or cookie whose person is gone, or has another role by now, names nobody.
    """

    def __init__(self, database: Database, tokens: Tokens) -> None:
        self._database = database
        self._tokens = tokens

    async def by_link(self, token: str, now: datetime) -> Principal:
        """The person of a role link. Raises Unauthenticated `link.*`, `link.nobody` when its person is gone."""
        link = self._tokens.verify_link(token, now)
        principal = await self._principal(link)
        if principal is None:
            raise Unauthenticated("link.nobody", "the person of this link is no longer invited in that role")
        return principal

    async def by_cookie(self, value: str, now: datetime) -> Principal | None:
        """The person of a login cookie; None when it is stale, forged or names nobody."""
        try:
            login = self._tokens.verify_login(value, now)
        except Unauthenticated:
            return None
        return await self._principal(login)

    def cookie(self, principal: Principal, now: datetime) -> str:
        """The login cookie's value, good for `LOGIN_LIFE`."""
        login = Login(principal.person_id, known_role(principal.role), principal.showcase_id, now + LOGIN_LIFE)
        return self._tokens.sign_login(login)

    async def _principal(self, claim: RoleLink | Login) -> Principal | None:
        async with self._database.read() as db:
            row = await queries.person(db, claim.person)
        if row is None or row.role != claim.role:
            return None
        return Principal(PersonId(row.id), row.role, row.name, row.language, claim.showcase)


def known_role(text: str) -> Role:
    """`text` as a role; the database keeps rows to the known ones. ValueError for anything else."""
    for role in ROLES:
        if role == text:
            return role
    raise ValueError("not a role")


def _view(row: Person) -> PersonView:
    return PersonView(
        id=PersonId(row.id),
        agency_id=AgencyId(row.agency_id),
        expo_id=ExpoId(row.expo_id),
        exhibitor_id=None if row.exhibitor_id is None else ExhibitorId(row.exhibitor_id),
        role=known_role(row.role),
        name=row.name,
        language=row.language,
        organisation=row.organisation,
    )
