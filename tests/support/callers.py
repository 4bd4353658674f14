"""Who may ask a worker: a stranger, and people whose proof is too old, for another room, role or tenant, or revoked.

Each caller carries both proofs that there are, a login cookie and a room token, so that a route that looks at the wrong
one is found out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, get_args

from sqlalchemy.ext.asyncio import AsyncSession

from expo.accounts import invitations, service
from expo.accounts.invitations import Wanted
from expo.accounts.keys import REVOCATIONS, TOKENS
from expo.accounts.rules import ROLES, ROOM_GRANT_LIFE, Can, RoomGrant
from expo.accounts.tables import Agency, Login, Person
from expo.accounts.tokens import RoleLink
from expo.catalogue.tables import Delegation, Expo
from expo.clock import utc_now
from expo.edge.keys import DATABASE
from expo.ids import ParticipantId, PersonId, RoomId, ShowcaseId
from expo.showcases.occasions import occasion
from expo.showcases.tables import Showcase
from expo.store.db import Database
from tests.support.worker import Worker

Caller = Literal["allowed", "anonymous", "expired", "wrong room", "wrong role", "revoked", "other tenant"]
CALLERS: tuple[Caller, ...] = get_args(Caller)

HERE, ELSEWHERE, ABROAD = ShowcaseId("chungbuk"), ShowcaseId("daegu"), ShowcaseId("abroad")
"""The showcase that is asked for, another of the same expo, and one of another agency."""
CLOSED, DRAFT = ShowcaseId("jeonnam"), ShowcaseId("chungbuk-encore")
"""One that is not open to all, and one that is not announced yet."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What one caller brings. `link` follows `/enter/`, `secret` follows `/i/`."""

    cookie: str | None
    token: str | None
    link: str
    secret: str


@dataclass(frozen=True, slots=True)
class Targets:
    """Fresh rows that a caller may take away."""

    person: PersonId
    invitation: str
    device: str


async def other_tenant(database: Database) -> None:
    """A second agency with an expo, a showcase and a person in every role: `abroad-organiser`, ..."""
    now, words = utc_now(), {"en": "Abroad"}
    expo = Expo(
        id="abroad", agency_id="abroad", slug="abroad", title=words, starts_at=now, ends_at=now + timedelta(days=90),
        host_zone="Asia/Ho_Chi_Minh", host_city=words, host_language="vi", guest_zone="Asia/Seoul", guest_city=words,
        guest_language="ko",
    )  # fmt: skip
    delegation = Delegation(
        id="abroad", agency_id="abroad", expo_id="abroad", slug="d", position=1, name=words, province=words,
        country="VN", sectors=words, image="/static/img/mark.svg",
    )  # fmt: skip
    showcase = Showcase(
        id=ABROAD, agency_id="abroad", delegation_id="abroad", title=words, summary=words, open_to_all=True,
        image="/static/img/mark.svg", state="scheduled", starts_at=now, ends_at=now + timedelta(hours=1),
    )  # fmt: skip
    people = [
        Person(id=f"abroad-{role}", agency_id="abroad", expo_id="abroad", role=role, name="Abroad", language="en")
        for role in ROLES
    ]
    async with database.write() as db:
        for row in (Agency(id="abroad", country="VN", name=words), expo, delegation, showcase, *people):
            db.add(row)
            await db.flush()


async def proof(worker: Worker, caller: Caller, role: str, can: Can, room: ShowcaseId) -> Proof:
    """A new login and token of this caller; `role` and `can` are what the route asks of those it lets in to `room`."""
    now = utc_now()
    if caller == "anonymous":
        return Proof(None, None, "nobody", "nobody")
    async with worker.app[DATABASE].write() as db:
        person = await _person(db, caller, role)
        own = ABROAD if caller == "other tenant" else room
        link = RoleLink(PersonId(person.id), service.known_role(person.role), own, now + timedelta(hours=1))
        entry = await service.sign_in(db, person, own, None, now + timedelta(hours=1), now)
        to = await occasion(db, ABROAD if caller == "other tenant" else HERE, "en")
        wanted = Wanted(service.known_role(person.role), person_id=PersonId(person.id))
        _, secret = await invitations.invite(db, to, wanted, None, now - timedelta(days=31 * (caller == "expired")))
        if caller == "expired":
            login = await db.get_one(Login, entry.principal.login_id)
            login.created_at, login.expires_at = now - timedelta(days=2), now - timedelta(seconds=1)
            link = RoleLink(link.person, link.role, link.showcase, now - timedelta(seconds=1))
        if caller == "revoked":
            revoked = await invitations.revoke_person(db, PersonId(person.id), to.expo_id, now + timedelta(seconds=1))
            worker.app[REVOCATIONS].tell(revoked)
    grant = RoomGrant(
        room=RoomId({"wrong room": ELSEWHERE, "other tenant": ABROAD}.get(caller, room)),
        participant=ParticipantId(person.id),
        name=person.name,
        can=frozenset() if caller == "wrong role" else frozenset({can}),
        expires_at=now - timedelta(seconds=1) if caller == "expired" else now + ROOM_GRANT_LIFE,
    )
    tokens = worker.app[TOKENS]
    return Proof(entry.cookie, tokens.sign(grant), tokens.sign_link(link), secret)


async def targets(worker: Worker) -> Targets:
    """An invited person of the demonstration's expo with one device."""
    now = utc_now()
    async with worker.app[DATABASE].write() as db:
        to = await occasion(db, HERE, "en")
        view, secret = await invitations.invite(db, to, Wanted("interpreter", name="Target"), None, now)
        _, entry = await invitations.come_in(db, secret, None, now)
    assert entry is not None
    return Targets(view.person.id, view.id, entry.principal.login_id)


async def _person(db: AsyncSession, caller: Caller, role: str) -> Person:
    match caller:
        case "wrong room":
            return await db.get_one(Person, "demo-exhibitor-daegu")
        case "wrong role":
            return await db.get_one(Person, "demo-buyer")
        case "other tenant":
            return await db.get_one(Person, f"abroad-{role}")
        case "revoked":
            like = await db.get_one(Person, f"demo-{role}")
            row = Person(
                agency_id=like.agency_id, expo_id=like.expo_id, exhibitor_id=like.exhibitor_id, role=role,
                name="Revoked", language="en",
            )  # fmt: skip
            db.add(row)
            await db.flush()
            return row
        case "allowed" | "expired" | "anonymous":
            return await db.get_one(Person, f"demo-{role}")
