"""`expo invite`: invitations from the shell, on the rows of a server that may be running."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from expo.accounts import invitations
from expo.accounts.invitations import InvitationView, Wanted
from expo.accounts.revocations import publish
from expo.accounts.routes import invitation_url
from expo.clock import utc_now
from expo.cluster.redis import Valkey
from expo.errors import Unavailable
from expo.ids import InvitationId, ShowcaseId
from expo.ops.columns import columns
from expo.settings import Settings
from expo.showcases.occasions import occasion
from expo.store.db import Database

LANGUAGE = "en"


@dataclass(frozen=True, slots=True)
class Made:
    """A new invitation, and its link, which nobody can look up again."""

    invitation: InvitationView
    url: str
    agency: str


async def make(settings: Settings, showcase_id: ShowcaseId, wanted: Wanted, base_url: str | None) -> Made:
    """Raises what `accounts.invitations.invite` raises, NotFound `showcase.not_found`, Unavailable `store.*`."""
    async with _rows(settings) as database, database.write() as db:
        to = await occasion(db, showcase_id, LANGUAGE)
        view, secret = await invitations.invite(db, to, wanted, None, utc_now())
    return Made(view, invitation_url((base_url or address(settings)).rstrip("/"), secret), to.agency_name)


async def every(settings: Settings, showcase_id: ShowcaseId | None) -> Sequence[InvitationView]:
    """Newest first; of one showcase or of all."""
    async with _rows(settings) as database, database.read() as db:
        return await invitations.invitations(db, showcase_id, utc_now())


async def revoke(settings: Settings, invitation_id: InvitationId) -> bool:
    """End a link and all that came in by it. Raises NotFound `invitation.unknown`.

    False when the workers could not be told; pages are closed at once, and media when a worker next reads the rows.
    """
    async with _rows(settings) as database, database.write() as db:
        revoked = await invitations.revoke_invitation(db, invitation_id, None, utc_now())
    valkey = Valkey(settings.effective_redis_url)
    try:
        await publish(valkey, revoked)
    except Unavailable:
        return False
    finally:
        await valkey.close()
    return True


def address(settings: Settings) -> str:
    """Where people reach the server, as far as settings say."""
    host = {"0.0.0.0": "127.0.0.1", "::": "127.0.0.1"}.get(settings.http_host, settings.http_host)  # noqa: S104 - told apart, not bound
    return settings.public_url or f"http://{f'[{host}]' if ':' in host else host}:{settings.http_port}"


def table(views: Sequence[InvitationView]) -> str:
    """One line per invitation for a terminal."""
    if not views:
        return "No invitations yet."
    rows = [("ID", "ROLE", "STATE", "DEVICES", "UNTIL", "SHOWCASE", "NAME")]
    for view in views:
        devices = sum(not device.revoked for device in view.devices)
        rows.append(
            (
                view.id,
                view.person.role,
                view.state,
                f"{devices}/{invitations.DEVICES_PER_LINK}",
                f"{view.expires_at:%Y-%m-%d}",
                view.showcase_id,
                view.person.name,
            )
        )
    return columns(rows)


@contextlib.asynccontextmanager
async def _rows(settings: Settings) -> AsyncGenerator[Database]:
    database = await Database.open(settings.effective_database_url)
    try:
        yield database
    finally:
        await database.close()
