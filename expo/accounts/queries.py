"""SQL of agencies, people, invitations and logins."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from expo.accounts.tables import Invitation, Login, Person


async def person(db: AsyncSession, person_id: str) -> Person | None:
    """One person."""
    return await db.get(Person, person_id)


async def people(db: AsyncSession, person_ids: Collection[str]) -> list[Person]:
    """People by id, in no order; unknown ids are left out."""
    return list(await db.scalars(select(Person).where(Person.id.in_(person_ids))))


async def login(db: AsyncSession, secret_hash: str, now: datetime) -> tuple[Login, Person] | None:
    """The login of this secret and its person, unless either has ended."""
    query = (
        select(Login, Person)
        .join(Person, Person.id == Login.person_id)
        .where(
            Login.secret_hash == secret_hash,
            Login.expires_at > now,
            Login.revoked_at.is_(None),
            Person.revoked_at.is_(None),
        )
    )
    row = (await db.execute(query)).first()
    return None if row is None else (row[0], row[1])


async def login_of(db: AsyncSession, login_id: str) -> tuple[Login, Person] | None:
    """A login by its id, ended or not, and its person."""
    query = select(Login, Person).join(Person, Person.id == Login.person_id).where(Login.id == login_id)
    row = (await db.execute(query)).first()
    return None if row is None else (row[0], row[1])


async def see(db: AsyncSession, login_id: str, today: date) -> None:
    """Note on which day a login was last used."""
    await db.execute(update(Login).where(Login.id == login_id).values(last_seen_on=today))


async def sign_out(db: AsyncSession, secret_hash: str) -> None:
    """Delete a login that was not revoked; a revoked one stays to be told of."""
    await db.execute(delete(Login).where(Login.secret_hash == secret_hash, Login.revoked_at.is_(None)))


async def sweep(db: AsyncSession, person_id: str, now: datetime, keep_linked: int) -> None:
    """Delete a person's expired logins, and of those by role links all but the newest `keep_linked`."""
    own = Login.person_id == person_id
    await db.execute(delete(Login).where(own, Login.expires_at <= now, Login.revoked_at.is_(None)))
    linked = select(Login.id).where(own, Login.invitation_id.is_(None), Login.revoked_at.is_(None))
    newest = linked.order_by(Login.created_at.desc(), Login.id.desc()).limit(keep_linked)
    surplus = (own, Login.invitation_id.is_(None), Login.revoked_at.is_(None), Login.id.not_in(newest))
    await db.execute(delete(Login).where(*surplus))


async def invitation(
    db: AsyncSession, secret_hash: str, *, to_change: bool = False
) -> tuple[Invitation, Person] | None:
    """The invitation of this secret and its person; `to_change` locks the invitation until the transaction ends."""
    query = (
        select(Invitation, Person)
        .join(Person, Person.id == Invitation.person_id)
        .where(Invitation.secret_hash == secret_hash)
    )
    if to_change:
        query = query.with_for_update(of=Invitation)
    row = (await db.execute(query)).first()
    return None if row is None else (row[0], row[1])


async def invitation_of(
    db: AsyncSession, invitation_id: str, *, to_change: bool = False
) -> tuple[Invitation, Person] | None:
    """An invitation by its id, and its person; `to_change` as above."""
    query = (
        select(Invitation, Person).join(Person, Person.id == Invitation.person_id).where(Invitation.id == invitation_id)
    )
    if to_change:
        query = query.with_for_update(of=Invitation)
    row = (await db.execute(query)).first()
    return None if row is None else (row[0], row[1])


async def invitations(db: AsyncSession, showcase_id: str | None, most: int) -> list[tuple[Invitation, Person]]:
    """The newest invitations to a showcase, or with None to any, newest first."""
    query = select(Invitation, Person).join(Person, Person.id == Invitation.person_id)
    if showcase_id is not None:
        query = query.where(Invitation.showcase_id == showcase_id)
    newest = query.order_by(Invitation.created_at.desc(), Invitation.id.desc()).limit(most)
    return [(row[0], row[1]) for row in await db.execute(newest)]


async def devices(db: AsyncSession, invitation_ids: Collection[str]) -> dict[str, list[Login]]:
    """The logins by each invitation, oldest first, revoked ones too."""
    query = select(Login).where(Login.invitation_id.in_(invitation_ids)).order_by(Login.created_at, Login.id)
    found: dict[str, list[Login]] = {}
    for one in await db.scalars(query):
        found.setdefault(one.invitation_id or "", []).append(one)
    return found


async def devices_in_use(db: AsyncSession, invitation_id: str, now: datetime) -> int:
    """How many devices are signed in by an invitation."""
    query = select(func.count()).where(
        Login.invitation_id == invitation_id, Login.revoked_at.is_(None), Login.expires_at > now
    )
    return (await db.scalar(query)) or 0


async def revoke_logins(
    db: AsyncSession, now: datetime, *, person_id: str | None = None, invitation_id: str | None = None
) -> None:
    """Revoke all logins of a person, or by an invitation, that are not revoked yet."""
    whose = Login.person_id == person_id if person_id is not None else Login.invitation_id == invitation_id
    await db.execute(update(Login).where(whose, Login.revoked_at.is_(None)).values(revoked_at=now))


async def revoke_invitations(db: AsyncSession, now: datetime, person_id: str) -> None:
    """Revoke all invitations of a person that are not revoked yet."""
    open_ones = (Invitation.person_id == person_id, Invitation.revoked_at.is_(None))
    await db.execute(update(Invitation).where(*open_ones).values(revoked_at=now))


async def revoked_since(db: AsyncSession, since: datetime) -> dict[str, datetime]:
    """Person ids with the last moment after `since` at which they, an invitation or a device of theirs was revoked."""
    found: dict[str, datetime] = {}
    for of, at in (
        (Person.id, Person.revoked_at),
        (Invitation.person_id, Invitation.revoked_at),
        (Login.person_id, Login.revoked_at),
    ):
        for row in await db.execute(select(of, func.max(at)).where(at > since).group_by(of)):
            found[row[0]] = max(found.get(row[0], since), row[1] or since)
    return found
