"""The organiser's page of invitations to a showcase: who is invited, new links, taking links back.

All of it are forms that work without script. A link's secret is not kept, so the answer to the form that made it is the
only page that shows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec
from aiohttp import web

from expo.accounts import invitations
from expo.accounts.invitations import MOST_DAYS, DeviceView, InvitationView, Wanted
from expo.accounts.keys import OCCASIONS, REVOCATIONS
from expo.accounts.letters import Letter, language_of, letter
from expo.accounts.lists import MOST_AT_ONCE, Listed, read_list
from expo.accounts.occasions import Company, Occasion
from expo.accounts.routes import base_url, invitation_url, own_occasion
from expo.accounts.rules import DEVICES_PER_LINK, Role
from expo.clock import utc_now
from expo.edge import auth
from expo.edge.accepts import prefers_html
from expo.edge.forms import FORM, form
from expo.edge.keys import CATALOGUES, DATABASE, LANGUAGE
from expo.edge.openapi import HTML, Answer, Content, Operation, operation
from expo.edge.pages import render, translator
from expo.edge.principal import Principal
from expo.edge.problems import title
from expo.edge.qr import qr_svg
from expo.errors import Invalid
from expo.ids import InvitationId, LoginId

DAYS_OFFERED = (7, 30, 90, 180, MOST_DAYS)
ROLES_OFFERED: tuple[Role, ...] = ("exhibitor", "interpreter", "moderator", "technician", "organiser", "buyer")
_SHOWCASE = {"showcase_id": "The showcase's id"}
_PAGE = Content(HTML)

Standing = Literal["waiting", "in_use", "full", "expired", "revoked"]


class NewInvitations(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to invite, all in one role: `people` are lines of a name, with a company behind a comma or a tab.

    `company` is an exhibitor's id, for presenters without one in their line. An empty `language` is that of the side.
    """

    role: Literal["organiser", "exhibitor", "buyer", "interpreter", "moderator", "technician"]
    people: Annotated[str, msgspec.Meta(max_length=20_000)]
    company: Annotated[str, msgspec.Meta(max_length=64)] = ""
    language: Literal["", "en", "ko", "vi"] = ""
    days: Annotated[int, msgspec.Meta(ge=1, le=MOST_DAYS)] = invitations.DAYS


class OneInvitation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which one is meant."""

    invitation: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class OneDevice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which one is meant."""

    device: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


@dataclass(frozen=True, slots=True)
class Invitee:
    """One invitation in the list. `company` is empty where there is none; `devices` are signed in by the link."""

    invitation: InvitationView
    company: str
    devices: tuple[DeviceView, ...]
    standing: Standing


@dataclass(frozen=True, slots=True)
class Wrong:
    """A line that cannot be invited, or None for all of the form, and why in words."""

    line: Listed | None
    error: Invalid
    why: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a form did: the links it made, or what is wrong with what it asked."""

    letters: tuple[Letter, ...] = ()
    wrong: tuple[Wrong, ...] = ()
    withdrawn: bool = False
    signed_out: bool = False


@operation(
    Operation(
        "Invitations to a showcase, as a page; organisers of its expo",
        {200: Answer("The page; `?company=` chooses one in its form", _PAGE)},
        parameters=_SHOWCASE,
        errors=(401, 403, 404, 503),
    )
)
async def read_invitations(request: web.Request) -> web.Response:
    principal = await auth.require(request, "organiser")
    return await _page(request, principal)


@operation(
    Operation(
        "Invite people to a showcase, all or none of them; organisers of its expo",
        {200: Answer("The page with their links, which are not told again", _PAGE)},
        body=Content(FORM, NewInvitations),
        parameters=_SHOWCASE,
        errors=(400, 401, 403, 404, 413, 415, 422, 429, 503),
    )
)
async def invite(request: web.Request) -> web.Response:
    principal = await auth.require(request, "organiser")
    asked = await form(request, NewInvitations)
    made: list[tuple[InvitationView, str]] = []
    async with request.app[DATABASE].write() as db:
        occasion = await own_occasion(request, db, principal)
        wanted, wrong = _read(request, occasion, asked)
        if not wrong:
            now = utc_now()
            made = [await invitations.invite(db, occasion, one, principal.person_id, now) for one in wanted]
    if not wrong:
        return await _page(request, principal, Outcome(letters=await _letters(request, occasion, made)))
    if not prefers_html(request.headers.get("Accept", "")):
        raise wrong[0].error
    return await _page(request, principal, Outcome(wrong=wrong), asked)


@operation(
    Operation(
        "A new link for somebody invited; the one before ends, with all that came in by it; organisers of the expo",
        {200: Answer("The page with the link, which is not told again", _PAGE)},
        body=Content(FORM, OneInvitation),
        parameters=_SHOWCASE,
        errors=(401, 403, 404, 413, 415, 422, 429, 503),
    )
)
async def renew(request: web.Request) -> web.Response:
    principal = await auth.require(request, "organiser")
    asked = await form(request, OneInvitation)
    now = utc_now()
    async with request.app[DATABASE].write() as db:
        occasion = await own_occasion(request, db, principal)
        revoked, view, secret = await invitations.renew(
            db, occasion, InvitationId(asked.invitation), principal.person_id, days_for(occasion, now), now
        )
    request.app[REVOCATIONS].tell(revoked)
    return await _page(request, principal, Outcome(letters=await _letters(request, occasion, [(view, secret)])))


@operation(
    Operation(
        "Withdraw an invitation, from the page; organisers of the expo. Harmless to repeat",
        {200: Answer("The page; nothing that came in by the link counts any more", _PAGE)},
        body=Content(FORM, OneInvitation),
        parameters=_SHOWCASE,
        errors=(401, 403, 404, 413, 415, 422, 429, 503),
    )
)
async def withdraw(request: web.Request) -> web.Response:
    principal = await auth.require(request, "organiser")
    asked = await form(request, OneInvitation)
    async with request.app[DATABASE].write() as db:
        occasion = await own_occasion(request, db, principal)
        revoked = await invitations.revoke_invitation(db, InvitationId(asked.invitation), occasion.expo_id, utc_now())
    request.app[REVOCATIONS].tell(revoked)
    return await _page(request, principal, Outcome(withdrawn=True))


@operation(
    Operation(
        "Sign one device out, from the page; its place is free for another; organisers of the expo. Harmless to repeat",
        {200: Answer("The page", _PAGE)},
        body=Content(FORM, OneDevice),
        parameters=_SHOWCASE,
        errors=(401, 403, 404, 413, 415, 422, 429, 503),
    )
)
async def sign_out(request: web.Request) -> web.Response:
    principal = await auth.require(request, "organiser")
    asked = await form(request, OneDevice)
    async with request.app[DATABASE].write() as db:
        occasion = await own_occasion(request, db, principal)
        revoked = await invitations.revoke_device(db, LoginId(asked.device), occasion.expo_id, utc_now())
    request.app[REVOCATIONS].tell(revoked)
    return await _page(request, principal, Outcome(signed_out=True))


def routes() -> list[web.RouteDef]:
    return [
        web.get("/invite/{showcase_id}", read_invitations),
        web.post("/invite/{showcase_id}", invite),
        web.post("/invite/{showcase_id}/new-link", renew),
        web.post("/invite/{showcase_id}/withdraw", withdraw),
        web.post("/invite/{showcase_id}/sign-out", sign_out),
    ]


def days_for(occasion: Occasion, now: datetime) -> int:
    """How long a link lasts unless said: 30 days, or longer where the showcase comes later."""
    needed = occasion.starts_at + timedelta(days=2) - now
    return next(
        (days for days in DAYS_OFFERED if days >= invitations.DAYS and timedelta(days=days) >= needed), MOST_DAYS
    )


def _read(request: web.Request, occasion: Occasion, asked: NewInvitations) -> tuple[list[Wanted], tuple[Wrong, ...]]:
    """Everybody in the form, and what is wrong with some of them or with all of it."""

    def told(line: Listed | None, error: Invalid) -> Wrong:
        return Wrong(line, error, title(error.code, request.app[CATALOGUES], request[LANGUAGE]))

    try:
        listed = read_list(asked.people)
    except Invalid as error:
        return [], (told(None, error),)
    wanted, wrong = [_wanted(asked, line) for line in listed], list[Wrong]()
    for line, one in zip(listed, wanted, strict=True):
        try:
            invitations.check(occasion, one)
        except Invalid as error:
            wrong.append(told(line, error))
    return wanted, tuple(wrong)


def _wanted(asked: NewInvitations, line: Listed) -> Wanted:
    presents = asked.role == "exhibitor"
    return Wanted(
        role=asked.role,
        name=line.name,
        language=asked.language or None,
        company=(line.company or asked.company or None) if presents else None,
        organisation="" if presents else line.company,
        days=asked.days,
    )


async def _letters(
    request: web.Request, occasion: Occasion, made: Sequence[tuple[InvitationView, str]]
) -> tuple[Letter, ...]:
    """Messages to these people, each in the own language."""
    catalogues, t = request.app[CATALOGUES], translator(request)
    async with request.app[DATABASE].read() as db:
        tellings = {
            language: await request.app[OCCASIONS](db, occasion.showcase_id, language)
            for language in {language_of(view) for view, _ in made}
        }
    return tuple(
        letter(
            view,
            invitation_url(base_url(request), secret),
            tellings[language_of(view)],
            catalogues,
            t("invite.qr_of", name=view.person.name),
        )
        for view, secret in made
    )


async def _page(
    request: web.Request, principal: Principal, outcome: Outcome = Outcome(), asked: NewInvitations | None = None
) -> web.Response:
    now = utc_now()
    async with request.app[DATABASE].read() as db:
        occasion = await own_occasion(request, db, principal)
        views = await invitations.invitations(db, occasion.showcase_id, now)
    invitees = [_invitee(view, occasion) for view in views]
    if asked is None:
        chosen = next((one.id for one in occasion.companies if one.id == request.query.get("company")), "")
        asked = NewInvitations(role="exhibitor", people="", company=chosen, days=days_for(occasion, now))
    stage_url = f"{base_url(request)}/s/{occasion.showcase_id}"
    return render(
        request,
        "invite.html",
        areas=("common", "invite"),
        status=400 if outcome.wrong else 200,
        occasion=occasion,
        outcome=outcome,
        asked=asked,
        current=[one for one in invitees if one.standing not in {"expired", "revoked"}],
        over=[one for one in invitees if one.standing in {"expired", "revoked"}],
        missing=() if occasion.ended else _missing(occasion, invitees),
        roles=ROLES_OFFERED,
        days_offered=sorted({*DAYS_OFFERED, asked.days}),
        devices=DEVICES_PER_LINK,
        most=MOST_AT_ONCE,
        stage_url=stage_url,
        stage_code=qr_svg(stage_url, translator(request)("invite.qr_stage")),
    )


def _missing(occasion: Occasion, invitees: Sequence[Invitee]) -> tuple[Company, ...]:
    """Companies of the delegation for whom nobody has a link that works."""
    invited = {one.invitation.person.exhibitor_id for one in invitees if one.standing not in {"expired", "revoked"}}
    return tuple(company for company in occasion.companies if company.id not in invited)


def _invitee(view: InvitationView, occasion: Occasion) -> Invitee:
    devices = tuple(device for device in view.devices if not device.revoked)
    standing: Standing = view.state if view.state != "open" else "in_use" if devices else "waiting"
    names = {company.id: company.name for company in occasion.companies}
    person = view.person
    return Invitee(
        view, names.get(person.exhibitor_id, "") if person.exhibitor_id else person.organisation, devices, standing
    )
