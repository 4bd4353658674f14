"""Guests: buyers who say their name and company once and need no password; a signed cookie remembers it."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Annotated

import msgspec
from aiohttp import web

from expo.accounts.keys import TOKENS
from expo.accounts.names import own_name
from expo.accounts.rules import NAME_CHARS
from expo.accounts.tokens import Guest
from expo.clock import utc_now
from expo.edge import auth, wire
from expo.edge.openapi import Answer, Content, Operation, operation
from expo.errors import NotFound, Unauthenticated
from expo.ids import GuestId

GUEST_COOKIE = "expo_guest"
GUEST_LIFE = timedelta(days=180)
COMPANY_CHARS = 120
_LONGEST = 20_000
"""Longer texts are refused before they are looked at; shorter ones get an answer in words."""


class NewGuest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who asks or is interested; `name` up to 80 characters, `company` up to 120."""

    name: Annotated[str, msgspec.Meta(max_length=_LONGEST)]
    company: Annotated[str, msgspec.Meta(max_length=_LONGEST)]


class GuestAnswer(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A guest as others see them."""

    v: int = 1
    id: GuestId
    name: str
    company: str


def guest(request: web.Request) -> Guest | None:
    """The guest who asks; None for a stranger, or a cookie that is stale, forged or another server's."""
    try:
        return request.app[TOKENS].verify_guest(request.cookies.get(GUEST_COOKIE), utc_now())
    except Unauthenticated:
        return None


@operation(
    Operation(
        "Say name and company once; a signed cookie remembers them. Saying them again changes them",
        {201: Answer("The guest", Content(type=GuestAnswer), headers={"Set-Cookie": "The guest"})},
        body=Content(type=NewGuest),
        errors=(400, 403, 413, 415, 422, 429),
        tag="accounts",
    )
)
async def say_name(request: web.Request) -> web.Response:
    given = await wire.body(request, NewGuest)
    known = guest(request)
    told = Guest(
        id=known.id if known else GuestId(f"guest-{secrets.token_hex(8)}"),
        name=own_name(given.name, NAME_CHARS),
        company=own_name(given.company, COMPANY_CHARS),
        expires_at=utc_now() + GUEST_LIFE,
    )
    response = wire.answer(GuestAnswer(id=told.id, name=told.name, company=told.company), status=201)
    value = request.app[TOKENS].sign_guest(told)
    auth.set_cookie(request, response, GUEST_COOKIE, value, int(GUEST_LIFE.total_seconds()))
    response.headers["Cache-Control"] = "no-store"
    return response


@operation(
    Operation(
        "The guest that the cookie names",
        {200: Answer("The guest", Content(type=GuestAnswer))},
        errors=(404,),
        tag="accounts",
    )
)
async def who_am_i(request: web.Request) -> web.Response:
    known = guest(request)
    if known is None:
        raise NotFound("guest.unknown", "no name was given in this browser yet")
    answer = GuestAnswer(id=known.id, name=known.name, company=known.company)
    return wire.answer(answer, headers={"Cache-Control": "private, no-store"})


def routes() -> list[web.RouteDef]:
    return [web.post("/api/guests", say_name), web.get("/api/guests/me", who_am_i)]
