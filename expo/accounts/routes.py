"""The JSON API of invitations for the organiser's page: make, list, and take back links, devices and people."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from expo.accounts import elsewhere, guests, invitations, pages
from expo.accounts.invitations import DAYS, MOST_DAYS, InvitationView, Revoked, Wanted
from expo.accounts.keys import OCCASIONS, REVOCATIONS
from expo.accounts.occasions import Occasion
from expo.accounts.rules import LinkState, Role
from expo.clock import utc_now
from expo.edge import auth, wire
from expo.edge.keys import DATABASE, LANGUAGE, PROXIES, SETTINGS
from expo.edge.openapi import Answer, Content, Operation, operation
from expo.edge.principal import Principal
from expo.errors import NotFound
from expo.ids import ExhibitorId, InvitationId, LoginId, PersonId, ShowcaseId

_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
_REVOKED = "Nothing that was given out by it counts any more; live media ends within seconds"


class NewInvitation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Whom to invite: somebody new by `role` and `name`, or `personId` of somebody known, who keeps role and name.

    `company` is an exhibitor's id, slug or name; an exhibitor without one presents in this showcase alone.
    """

    role: Literal["organiser", "exhibitor", "buyer", "interpreter", "moderator", "technician"]
    name: Annotated[str, msgspec.Meta(max_length=20_000)] = ""
    person_id: _Id | None = None
    language: Literal["en", "ko", "vi"] | None = None
    company: _Id | None = None
    days: Annotated[int, msgspec.Meta(ge=1, le=MOST_DAYS)] = DAYS


class DeviceAnswer(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A browser that came in by a link. `lastSeenOn` is a day in UTC."""

    id: LoginId
    since: datetime
    last_seen_on: date
    revoked: bool


class InvitationAnswer(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """An invitation. `url` is there once, in the answer that made it. `state` `full`: all its devices are in use."""

    v: int = 1
    id: InvitationId
    showcase_id: ShowcaseId
    person_id: PersonId
    role: Role
    name: str
    language: str
    company: ExhibitorId | None
    created_at: datetime
    expires_at: datetime
    state: LinkState
    devices: tuple[DeviceAnswer, ...]
    url: str | None = None


class InvitationsAnswer(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The newest 500 invitations to a showcase, newest first."""

    v: int = 1
    invitations: tuple[InvitationAnswer, ...]


@operation(
    Operation(
        "Invitations to a showcase; organisers of its expo",
        {200: Answer("The invitations", Content(type=InvitationsAnswer))},
        parameters={"showcase_id": "The showcase's id"},
        errors=(401, 403, 404),
        tag="accounts",
    )
)
async def every(request: web.Request) -> web.Response:
    principal = await auth.require(request, "organiser")
    async with request.app[DATABASE].read() as db:
        occasion = await own_occasion(request, db, principal)
        views = await invitations.invitations(db, occasion.showcase_id, utc_now())
    return wire.answer(InvitationsAnswer(invitations=tuple(_answer(view) for view in views)), headers=_PRIVATE)


@operation(
    Operation(
        "Invite somebody to a showcase; organisers of its expo",
        {201: Answer("The invitation with its link, which is not told again", Content(type=InvitationAnswer))},
        body=Content(type=NewInvitation),
        parameters={"showcase_id": "The showcase's id"},
        errors=(400, 401, 403, 404, 413, 415, 422, 429),
        tag="accounts",
    )
)
async def invite(request: web.Request) -> web.Response:
    principal = await auth.require(request, "organiser")
    asked = await wire.body(request, NewInvitation)
    wanted = Wanted(
        role=asked.role,
        name=asked.name,
        person_id=None if asked.person_id is None else PersonId(asked.person_id),
        language=asked.language,
        company=asked.company,
        days=asked.days,
    )
    async with request.app[DATABASE].write() as db:
        occasion = await own_occasion(request, db, principal)
        view, secret = await invitations.invite(db, occasion, wanted, principal.person_id, utc_now())
    answer = msgspec.structs.replace(_answer(view), url=invitation_url(base_url(request), secret))
    return wire.answer(answer, status=201, headers=_PRIVATE)


@operation(
    Operation(
        "Withdraw an invitation; organisers of its expo. Harmless to repeat",
        {204: Answer(_REVOKED)},
        parameters={"invitation_id": "The invitation's id"},
        errors=(401, 403, 404),
        tag="accounts",
    )
)
async def withdraw(request: web.Request) -> web.Response:
    principal = await auth.require(request, "organiser")
    wanted = InvitationId(request.match_info["invitation_id"])
    async with request.app[DATABASE].write() as db:
        revoked = await invitations.revoke_invitation(db, wanted, principal.expo_id, utc_now())
    return _revoked(request, revoked)


@operation(
    Operation(
        "Sign a device out; organisers of its expo. Harmless to repeat",
        {204: Answer(_REVOKED)},
        parameters={"device_id": "The device's id"},
        errors=(401, 403, 404),
        tag="accounts",
    )
)
async def sign_device_out(request: web.Request) -> web.Response:
    principal = await auth.require(request, "organiser")
    wanted = LoginId(request.match_info["device_id"])
    async with request.app[DATABASE].write() as db:
        revoked = await invitations.revoke_device(db, wanted, principal.expo_id, utc_now())
    return _revoked(request, revoked)


@operation(
    Operation(
        "Withdraw all that a person has here: links, devices, tokens; organisers of the expo. Harmless to repeat",
        {204: Answer(_REVOKED)},
        parameters={"person_id": "The person's id"},
        errors=(401, 403, 404),
        tag="accounts",
    )
)
async def revoke_person(request: web.Request) -> web.Response:
    principal = await auth.require(request, "organiser")
    wanted = PersonId(request.match_info["person_id"])
    async with request.app[DATABASE].write() as db:
        revoked = await invitations.revoke_person(db, wanted, principal.expo_id, utc_now())
    return _revoked(request, revoked)


def routes() -> list[web.RouteDef]:
    """Everything that accounts serve."""
    return [
        web.get("/api/showcases/{showcase_id}/invitations", every),
        web.post("/api/showcases/{showcase_id}/invitations", invite),
        web.delete("/api/invitations/{invitation_id}", withdraw),
        web.delete("/api/devices/{device_id}", sign_device_out),
        web.delete("/api/people/{person_id}", revoke_person),
        *pages.routes(),
        *guests.routes(),
        *elsewhere.routes(),
    ]


def invitation_url(base_url: str, secret: str) -> str:
    """The link to send; `base_url` without a final slash."""
    return base_url + pages.INVITATION_PATH.replace("{secret}", secret)


def base_url(request: web.Request) -> str:
    """Where people reach this server, as settings say, else as the request came."""
    return request.app[SETTINGS].public_url or f"{request.app[PROXIES].scheme(request)}://{request.host}"


async def own_occasion(request: web.Request, db: AsyncSession, principal: Principal) -> Occasion:
    """The showcase of the address; one of another expo does not exist for its reader."""
    showcase_id = ShowcaseId(request.match_info["showcase_id"])
    occasion = await request.app[OCCASIONS](db, showcase_id, request[LANGUAGE])
    if occasion.expo_id != principal.expo_id:
        raise NotFound("showcase.not_found", "no such showcase")
    return occasion


_PRIVATE = {"Cache-Control": "private, no-store"}


def _revoked(request: web.Request, revoked: Revoked) -> web.Response:
    request.app[REVOCATIONS].tell(revoked)
    return web.Response(status=204)


def _answer(view: InvitationView) -> InvitationAnswer:
    return InvitationAnswer(
        id=view.id,
        showcase_id=view.showcase_id,
        person_id=view.person.id,
        role=view.person.role,
        name=view.person.name,
        language=view.person.language,
        company=view.person.exhibitor_id,
        created_at=view.created_at,
        expires_at=view.expires_at,
        state=view.state,
        devices=tuple(
            DeviceAnswer(id=device.id, since=device.since, last_seen_on=device.last_seen_on, revoked=device.revoked)
            for device in view.devices
        ),
    )
