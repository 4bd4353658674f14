"""Invitations: links for one person to one showcase, and the devices that came in by them.

Every function runs in the caller's transaction and commits nothing. What is revoked is told to the workers by the
caller, after the commit (`revocations`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from expo.accounts import queries
from expo.accounts.names import own_name
from expo.accounts.occasions import Occasion
from expo.accounts.rules import DEVICES_PER_LINK, NAME_CHARS, LinkState, Role, link_state
from expo.accounts.service import PersonView, entry_again, known_role, person_view, sign_in
from expo.accounts.tables import TITLE_CHARS, Invitation, Login, Person
from expo.accounts.tokens import digest, new_secret
from expo.edge.principal import Entry
from expo.errors import Conflict, Invalid, NotFound
from expo.ids import ExhibitorId, ExpoId, InvitationId, LoginId, PersonId, ShowcaseId

MOST_LISTED = 500
MAX_SECRET_CHARS = 64
DAYS = 30
MOST_DAYS = 365


@dataclass(frozen=True, slots=True)
class Wanted:
    """An invitation to make. `name` of somebody new, or `person_id` of somebody known, who keeps name and role.

    `company` is an exhibitor's id, slug or name; anybody else's own is `organisation`. `language` is None for the
    language of the person's side.
    """

    role: Role
    name: str = ""
    person_id: PersonId | None = None
    language: str | None = None
    company: str | None = None
    organisation: str = ""
    days: int = DAYS


@dataclass(frozen=True, slots=True)
class DeviceView:
    """A browser that came in. `last_seen_on` is a day in UTC."""

    id: LoginId
    since: datetime
    last_seen_on: date
    revoked: bool


@dataclass(frozen=True, slots=True)
class InvitationView:
    """An invitation as its organiser sees it; `devices` without those that signed out."""

    id: InvitationId
    showcase_id: ShowcaseId
    person: PersonView
    invited_by: PersonId | None
    created_at: datetime
    expires_at: datetime
    state: LinkState
    devices: tuple[DeviceView, ...]


@dataclass(frozen=True, slots=True)
class Opened:
    """An invitation as its bearer sees it. `known`: this device has come in by it before."""

    id: InvitationId
    showcase_id: ShowcaseId
    person: PersonView
    inviter: str | None
    expires_at: datetime
    state: LinkState
    known: bool


@dataclass(frozen=True, slots=True)
class Revoked:
    """Whose grants no longer count from `at` on."""

    person_id: PersonId
    at: datetime


async def invite(
    db: AsyncSession, occasion: Occasion, wanted: Wanted, by: PersonId | None, now: datetime
) -> tuple[InvitationView, str]:
    """A new invitation, and the secret of its link, which is not kept.

    Raises Invalid `text.*` for names, `invitation.company_unknown`, `invitation.bad_days`; NotFound
    `person.not_found` for a person of another expo.
    """
    check(occasion, wanted)
    row = await _known(db, occasion, wanted.person_id) if wanted.person_id else _newcomer(occasion, wanted)
    secret = new_secret()
    db.add(row)
    await db.flush()
    invitation = Invitation(
        agency_id=occasion.agency_id,
        created_at=now,
        person_id=row.id,
        showcase_id=occasion.showcase_id,
        invited_by=by,
        secret_hash=digest(secret),
        expires_at=now + timedelta(days=wanted.days),
    )
    db.add(invitation)
    await db.flush()
    return _view(invitation, row, (), now), secret


def check(occasion: Occasion, wanted: Wanted) -> None:
    """Raise the Invalid that `invite` would."""
    if not 1 <= wanted.days <= MOST_DAYS:
        raise Invalid("invitation.bad_days", f"an invitation lasts 1 to {MOST_DAYS} days")
    if wanted.person_id is None:
        _newcomer(occasion, wanted)


async def renew(
    db: AsyncSession, occasion: Occasion, invitation_id: InvitationId, by: PersonId | None, days: int, now: datetime
) -> tuple[Revoked, InvitationView, str]:
    """A new link in place of one, which ends with all that came in by it; then as `invite`.

    NotFound `invitation.unknown` for one to another showcase, `person.not_found` for somebody who was revoked.
    """
    found = await queries.invitation_of(db, invitation_id)
    if found is None or found[0].showcase_id != occasion.showcase_id:
        raise _unknown()
    revoked = await revoke_invitation(db, invitation_id, occasion.expo_id, now)
    wanted = Wanted(known_role(found[1].role), person_id=PersonId(found[1].id), days=days)
    return revoked, *await invite(db, occasion, wanted, by, now)


async def invitations(db: AsyncSession, showcase_id: ShowcaseId | None, now: datetime) -> tuple[InvitationView, ...]:
    """The newest `MOST_LISTED` invitations to a showcase, or with None to any, newest first."""
    rows = await queries.invitations(db, showcase_id, MOST_LISTED)
    devices = await queries.devices(db, [invitation.id for invitation, _ in rows])
    return tuple(_view(invitation, person, devices.get(invitation.id, ()), now) for invitation, person in rows)


async def look(db: AsyncSession, secret: str, cookie: str | None, now: datetime) -> Opened:
    """What a link opens for a browser with this login cookie; changes nothing. NotFound `invitation.unknown`."""
    invitation, row = await _by_secret(db, secret)
    opened, _ = await _open(db, invitation, row, cookie, now)
    return opened


async def come_in(db: AsyncSession, secret: str, cookie: str | None, now: datetime) -> tuple[Opened, Entry | None]:
    """Sign a device in, again if it is in already; None where the link's state is not `open`. Raises as `look`.

    Needs a `write()` transaction: two devices that press the button together are counted one after the other.
    """
    invitation, row = await _by_secret(db, secret, to_change=True)
    opened, login = await _open(db, invitation, row, cookie, now)
    if opened.state != "open":
        return opened, None
    if login is not None:
        login.last_seen_on = now.astimezone(UTC).date()
        return opened, entry_again(login, row, cookie or "", now)
    entry = await sign_in(db, row, invitation.showcase_id, opened.id, invitation.expires_at, now)
    if cookie:
        await queries.sign_out(db, digest(cookie))
    return opened, entry


def refusal(opened: Opened) -> NotFound | Conflict:
    """The error for a link that lets nobody in: `invitation.revoked` or `.expired` (410), `.devices_used`."""
    match opened.state:
        case "full" | "open":
            return devices_used()
        case "expired":
            return NotFound("invitation.expired", "this invitation's time is over", status=410)
        case "revoked":
            return NotFound("invitation.revoked", "this invitation was withdrawn", status=410)


def devices_used() -> Conflict:
    """The error for a device too many."""
    return Conflict("invitation.devices_used", f"this link serves {DEVICES_PER_LINK} devices")


async def revoke_invitation(
    db: AsyncSession, invitation_id: InvitationId, expo_id: ExpoId | None, now: datetime
) -> Revoked:
    """End a link and sign out all that came in by it; harmless to repeat. NotFound `invitation.unknown`.

    With `expo_id`, an invitation to another expo is unknown.
    """
    found = await queries.invitation_of(db, invitation_id)
    if found is None or expo_id not in {None, found[1].expo_id}:
        raise _unknown()
    invitation, row = found
    invitation.revoked_at = at = invitation.revoked_at or now
    await queries.revoke_logins(db, now, invitation_id=invitation.id)
    return Revoked(PersonId(row.id), at)


async def revoke_device(db: AsyncSession, login_id: LoginId, expo_id: ExpoId, now: datetime) -> Revoked:
    """Sign one device out; harmless to repeat. NotFound `device.unknown`, also for one of another expo."""
    found = await queries.login_of(db, login_id)
    if found is None or found[1].expo_id != expo_id:
        raise NotFound("device.unknown", "no such device, or it has signed out")
    login, row = found
    login.revoked_at = at = login.revoked_at or now
    return Revoked(PersonId(row.id), at)


async def revoke_person(db: AsyncSession, person_id: PersonId, expo_id: ExpoId, now: datetime) -> Revoked:
    """End everything that somebody has here; harmless to repeat. NotFound `person.not_found`, as above."""
    row = await queries.person(db, person_id)
    if row is None or row.expo_id != expo_id:
        raise NotFound("person.not_found", "no such person")
    row.revoked_at = at = row.revoked_at or now
    await queries.revoke_invitations(db, now, row.id)
    await queries.revoke_logins(db, now, person_id=row.id)
    return Revoked(PersonId(row.id), at)


async def _known(db: AsyncSession, occasion: Occasion, person_id: PersonId) -> Person:
    row = await queries.person(db, person_id)
    if row is None or row.expo_id != occasion.expo_id or row.revoked_at is not None:
        raise NotFound("person.not_found", "no such person in this expo")
    return row


def _newcomer(occasion: Occasion, wanted: Wanted) -> Person:
    exhibits = wanted.role == "exhibitor"
    company = _company(occasion, wanted.company) if exhibits and wanted.company else None
    side = occasion.guest_language if exhibits else occasion.host_language
    return Person(
        agency_id=occasion.agency_id,
        expo_id=occasion.expo_id,
        exhibitor_id=company,
        showcase_id=occasion.showcase_id if exhibits and company is None else None,
        role=wanted.role,
        name=own_name(wanted.name, NAME_CHARS),
        language=wanted.language or side,
        organisation=own_name(wanted.organisation, TITLE_CHARS) if wanted.organisation else "",
    )


def _company(occasion: Occasion, wanted: str) -> ExhibitorId:
    for company in occasion.companies:
        if company.is_called(wanted):
            return company.id
    known = ", ".join(company.slug for company in occasion.companies)
    raise Invalid("invitation.company_unknown", f"this delegation's companies are {known}")


async def _by_secret(db: AsyncSession, secret: str, *, to_change: bool = False) -> tuple[Invitation, Person]:
    known = len(secret) <= MAX_SECRET_CHARS
    found = await queries.invitation(db, digest(secret), to_change=to_change) if known else None
    if found is None:
        raise _unknown()
    return found


async def _open(
    db: AsyncSession, invitation: Invitation, row: Person, cookie: str | None, now: datetime
) -> tuple[Opened, Login | None]:
    present = await queries.login(db, digest(cookie), now) if cookie else None
    login = present[0] if present and present[0].invitation_id == invitation.id else None
    by = await queries.person(db, invitation.invited_by) if invitation.invited_by else None
    opened = Opened(
        id=InvitationId(invitation.id),
        showcase_id=ShowcaseId(invitation.showcase_id),
        person=person_view(row),
        inviter=None if by is None or by.revoked_at else by.name,
        expires_at=invitation.expires_at,
        state=link_state(
            expires_at=invitation.expires_at,
            revoked=invitation.revoked_at is not None or row.revoked_at is not None,
            devices=await queries.devices_in_use(db, invitation.id, now),
            known=login is not None,
            now=now,
        ),
        known=login is not None,
    )
    return opened, login


def _view(
    invitation: Invitation, row: Person, devices: tuple[Login, ...] | list[Login], now: datetime
) -> InvitationView:
    in_use = [device for device in devices if device.revoked_at is None and device.expires_at > now]
    return InvitationView(
        id=InvitationId(invitation.id),
        showcase_id=ShowcaseId(invitation.showcase_id),
        person=person_view(row),
        invited_by=None if invitation.invited_by is None else PersonId(invitation.invited_by),
        created_at=invitation.created_at,
        expires_at=invitation.expires_at,
        state=link_state(
            expires_at=invitation.expires_at,
            revoked=invitation.revoked_at is not None or row.revoked_at is not None,
            devices=len(in_use),
            known=False,
            now=now,
        ),
        devices=tuple(
            DeviceView(LoginId(device.id), device.created_at, device.last_seen_on, device.revoked_at is not None)
            for device in devices
        ),
    )


def _unknown() -> NotFound:
    return NotFound("invitation.unknown", "no such invitation")
