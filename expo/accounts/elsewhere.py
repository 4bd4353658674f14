"""Going on in another browser: the page that says why and how, the code that signs in there, the page that takes it.

Apps' own browsers play the picture but give no camera; whoever needs one copies a link that holds nothing secret.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote, urlsplit

import msgspec
from aiohttp import web

from expo.accounts.keys import CODES
from expo.accounts.rules import CODE_CHARS, CODE_LIFE
from expo.clock import utc_now
from expo.edge import auth, wire
from expo.edge.accepts import prefers_html
from expo.edge.forms import FORM, form
from expo.edge.keys import LANDING, PRINCIPAL, PROXIES, SETTINGS
from expo.edge.openapi import HTML, Answer, Content, Operation, operation
from expo.edge.origin import network_of
from expo.edge.pages import render, translator
from expo.edge.qr import qr_svg
from expo.errors import ExpoError

AREAS = ("common", "accounts", "errors")
PATH_CHARS = 300
_KAKAOTALK = "KAKAOTALK"
_OUT_OF_KAKAOTALK = "kakaotalk://web/openExternal?url="
_LONGEST_TYPED = 200
_Path = Annotated[str, msgspec.Meta(max_length=PATH_CHARS)]


class NewCode(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`next` is a path of this site that the code leads to; anything else leads to the role's page."""

    next: _Path = "/"


class CodeAnswer(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A code to show, in two halves; it works for `lifeS` seconds from now, once."""

    v: int = 1
    code: str
    life_s: int


class TypedCode(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the form sends; `next` is used where the code itself leads nowhere."""

    code: Annotated[str, msgspec.Meta(max_length=_LONGEST_TYPED)]
    next: _Path = "/"


class ElsewhereData(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Where the other browser is to come to; a path of this site."""

    next: str


@operation(
    Operation(
        "How to go on in a browser that has a camera and a microphone",
        {200: Answer("The page; `?next=` is a path of this site, `?why=insecure` where only https is missing",
                     Content(HTML))},
        tag="accounts",
    )
)  # fmt: skip
async def read_elsewhere(request: web.Request) -> web.Response:
    principal = await auth.identify(request)
    wanted = _wanted(request)
    site = request.app[SETTINGS].public_url or f"{request.app[PROXIES].scheme(request)}://{request.host}"
    address = site + (f"/code?next={quote(wanted, safe='/')}" if principal else wanted)
    insecure = request.query.get("why") == "insecure"
    in_kakaotalk = _KAKAOTALK in request.headers.get("User-Agent", "")
    return render(
        request,
        "elsewhere.html",
        areas=AREAS,
        page_data=ElsewhereData(next=wanted),
        insecure=insecure,
        helps=not insecure or urlsplit(site).scheme == "https",
        address=address,
        way_out=_OUT_OF_KAKAOTALK + quote(address, safe="") if in_kakaotalk else None,
        qr=qr_svg(address, translator(request)("accounts.elsewhere.qr")),
        here=None if wanted == "/" else f"{wanted}#here",
    )


@operation(
    Operation(
        "A one-time code that signs its person in on another browser; the one before it ends",
        {201: Answer("The code", Content(type=CodeAnswer))},
        body=Content(type=NewCode),
        errors=(400, 401, 403, 413, 415, 422, 429, 503),
        tag="accounts",
    )
)
async def make_code(request: web.Request) -> web.Response:
    principal = await auth.require(request)
    asked = await wire.body(request, NewCode)
    code = await request.app[CODES].make(principal, auth.own_path(asked.next))
    half = CODE_CHARS // 2
    answer = CodeAnswer(code=f"{code[:half]} {code[half:]}", life_s=CODE_LIFE.seconds)
    return wire.answer(answer, status=201, headers={"Cache-Control": "private, no-store"})


@operation(
    Operation(
        "Where a one-time code is typed",
        {200: Answer("The page; `?next=` is a path of this site to go on to", Content(HTML))},
        tag="accounts",
    )
)
async def read_code(request: web.Request) -> web.Response:
    await auth.identify(request)
    return _page(request, _wanted(request))


@operation(
    Operation(
        "Sign this browser in by a one-time code and go on where its person was",
        {303: Answer("On", headers={"Location": "Path of the page", "Set-Cookie": "The login"})},
        body=Content(FORM, TypedCode),
        errors=(400, 403, 404, 409, 410, 413, 415, 422, 429, 503),
        tag="accounts",
    )
)
async def use_code(request: web.Request) -> web.Response:
    typed = await form(request, TypedCode)
    wanted = auth.own_path(typed.next)
    network = network_of(request.app[PROXIES].address(request))
    cookie = request.cookies.get(auth.LOGIN_COOKIE) or None
    try:
        entry, path = await request.app[CODES].take(typed.code, network, cookie, utc_now())
    except ExpoError as error:
        if not prefers_html(request.headers.get("Accept", "")):
            raise
        await auth.identify(request)
        return _page(request, wanted, error)
    leads_to = wanted if path == "/" else path
    return auth.let_in(request, entry, None if leads_to == "/" else leads_to)


def routes() -> list[web.RouteDef]:
    return [
        web.get("/elsewhere", read_elsewhere),
        web.post("/api/codes", make_code),
        web.get("/code", read_code),
        web.post("/code", use_code),
    ]


def _wanted(request: web.Request) -> str:
    """The path of this site in `?next=`; `/` for any other, and for a longer one than a code may lead to."""
    path = auth.own_path(request.query.get("next", ""))
    return path if len(path) <= PATH_CHARS else "/"


def _page(request: web.Request, wanted: str, error: ExpoError | None = None) -> web.Response:
    """The form, with what went wrong the last time in words."""
    words = None if error is None else translator(request)(f"error.{error.code}")
    known = request.get(PRINCIPAL)
    go_on = request.app[LANDING](known) if wanted == "/" and known else wanted
    response = render(
        request, "code.html", areas=("common",), status=200 if error is None else error.status, wanted=wanted,
        go_on=go_on, words=words, wait_s=None if error is None else error.retry_after_s,
    )  # fmt: skip
    if error is not None and error.retry_after_s is not None:
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response
