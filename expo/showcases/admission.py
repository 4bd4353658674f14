"""Who somebody is in a showcase's room: a login, a room token or a guest's cookie as decisions look at it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from expo.accounts import queries as accounts
from expo.accounts.rules import Can as MayDo
from expo.accounts.rules import RoomGrant, participants_of
from expo.accounts.tokens import Guest
from expo.clock import unix_ms
from expo.edge.principal import Principal
from expo.errors import Conflict, Forbidden, NotFound, Unauthenticated
from expo.ids import ParticipantId, RoomId, ShowcaseId
from expo.rooms.commands import Actor, Can
from expo.rooms.model import MAX_NAME_CHARS, SeatRole
from expo.showcases import guests, queries, service
from expo.store.db import Database

_RUN: frozenset[Can] = frozenset({"run", "write"})
_PRESENT: frozenset[Can] = frozenset({"present", "write"})
_WRITE: frozenset[Can] = frozenset({"write"})


@dataclass(frozen=True, slots=True)
class Admitted:
    """Somebody who may follow the room; `actor` is None for who only watches."""

    actor: Actor | None


async def admit(
    database: Database,
    room: RoomId,
    *,
    principal: Principal | None,
    guest: Guest | None,
    grant: RoomGrant | None,
    now: datetime,
) -> Admitted:
    """Let somebody into a room, as the first of these that says who they are: login, room token, guest's cookie.

    A login counts in its own expo and agency, and is nobody elsewhere; a guest's name is remembered. NotFound
    `showcase.not_found`; Conflict `rooms.draft` for all but the crew; Forbidden `token.wrong_room`,
    `token.not_granted`, Unauthenticated `token.expired`, `login.missing` where watching is not open to all;
    Unavailable `store.*`.
    """
    if grant is not None:
        _check(grant, room, now)
    async with database.read() as db:
        row = await queries.showcase(db, room)
        if row is None:
            raise NotFound("showcase.not_found", f"no showcase {room!r}")
        own = None if principal is None else await _of_login(db, ShowcaseId(room), principal, now)
        is_known = guest is None or await guests.is_known(db, row.agency_id, guest)
    actors = [actor for each in (own, grant) if each is not None and (actor := _actor(each)) is not None]
    if guest is not None and now < guest.expires_at:
        actors.append(_of_guest(room, guest))
    actor = actors[0] if actors else None
    if row.state == "draft" and not (actor and "run" in actor.can):
        raise Conflict("rooms.draft", "this room is not announced yet")
    if not row.open_to_all:
        _require_watching(own, grant)
    if guest is not None and not is_known and actor is not None and actor.participant == guest.id:
        await guests.remember(database, row.agency_id, guest)
    return Admitted(actor)


def _check(grant: RoomGrant, room: RoomId, now: datetime) -> None:
    if grant.room != room:
        raise Forbidden("token.wrong_room", "this token is for another room")
    if now >= grant.expires_at:
        raise Unauthenticated("token.expired", "this token is over")


def _require_watching(*grants: RoomGrant | None) -> None:
    given = [grant for grant in grants if grant is not None]
    if not given:
        raise Unauthenticated("login.missing", "this showcase is for people with a link")
    if not any("watch" in grant.can for grant in given):
        given[0].require("watch")


async def _of_login(db: AsyncSession, showcase_id: ShowcaseId, principal: Principal, now: datetime) -> RoomGrant | None:
    """What a login allows for as long as it lasts; None in another expo, and once the login or its person is over."""
    found = await accounts.login_of(db, principal.login_id)
    if found is None or found[1].id != principal.person_id:
        return None
    login, person = found
    if login.revoked_at is not None or person.revoked_at is not None or now >= login.expires_at:
        return None
    try:
        grant = await service.room_grant(db, showcase_id, principal.person_id, now)
    except Forbidden:  # showcase.not_invited
        return None
    moderates: frozenset[MayDo] = frozenset({"run"}) if person.role == "moderator" else frozenset()
    return replace(grant, can=grant.can | moderates, expires_at=login.expires_at)


def _actor(grant: RoomGrant) -> Actor | None:
    """None for a grant that speaks for nobody: an encoder's, or one to watch alone."""
    can, role, exhibitor = _WRITE, _helper(grant), None
    if "run" in grant.can:
        can, role = _RUN, "organiser"
    elif "present" in grant.can:
        can, role, exhibitor = _PRESENT, "exhibitor", grant.exhibitor
    elif "write" not in grant.can:
        return None
    return Actor(
        room=grant.room,
        participant=participants_of(grant.person)[0],
        name=_bounded(grant.name),
        can=can,
        expires_at_ms=unix_ms(grant.expires_at),
        company=_bounded(grant.company),
        role=role,
        exhibitor=exhibitor,
    )


def _helper(grant: RoomGrant) -> SeatRole | None:
    return grant.role if grant.role in ("interpreter", "technician") else None


def _of_guest(room: RoomId, guest: Guest) -> Actor:
    return Actor(
        room=room,
        participant=ParticipantId(guest.id),
        name=_bounded(guest.name),
        can=_WRITE,
        expires_at_ms=unix_ms(guest.expires_at),
        company=_bounded(guest.company),
    )


def _bounded(text: str) -> str:
    """What fits into a room; companies' names may be longer in their rows."""
    return text if len(text) <= MAX_NAME_CHARS else text[: MAX_NAME_CHARS - 1].rstrip() + "…"
