"""Pages of accounts: an invitation, what to do when it does not open any more, signing out.

A link is looked at by messengers long before its person sees it, so GET changes nothing; the one button POSTs.
"""

from __future__ import annotations

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from expo.accounts import invitations
from expo.accounts.guests import GUEST_COOKIE
from expo.accounts.invitations import Opened
from expo.accounts.keys import OCCASIONS
from expo.accounts.occasions import Occasion
from expo.accounts.rules import DEVICES_PER_LINK
from expo.clock import utc_now
from expo.edge import auth
from expo.edge.accepts import prefers_html
from expo.edge.i18n import LANGUAGE_COOKIE, LANGUAGES
from expo.edge.keys import DATABASE, LANGUAGE, PRINCIPALS
from expo.edge.openapi import HTML, Answer, Content, Operation, operation
from expo.edge.pages import render

INVITATION_PATH = "/i/{secret}"
_SECRET = {"secret": "The last part of the invitation's link"}


@operation(
    Operation(
        "An invitation: who invites to what and when, and one button. Reading it changes nothing",
        {200: Answer("The page", Content(HTML))},
        parameters=_SECRET,
        errors=(404, 409, 410),
        tag="accounts",
    )
)
async def read_invitation(request: web.Request) -> web.Response:
    async with request.app[DATABASE].read() as db:
        opened = await invitations.look(db, request.match_info["secret"], _cookie(request), utc_now())
        occasion = await _occasion(request, opened, db)
    await auth.identify(request)  # the page tells who is signed in here now
    return _page(request, opened, occasion)


@operation(
    Operation(
        "Accept an invitation: signs this device in and leads to the role's page; harmless to repeat",
        {303: Answer("To the role's page", headers={"Location": "Path of the page", "Set-Cookie": "The login"})},
        parameters=_SECRET,
        errors=(403, 404, 409, 410, 429),
        tag="accounts",
    )
)
async def accept_invitation(request: web.Request) -> web.Response:
    async with request.app[DATABASE].write() as db:
        opened, entry = await invitations.come_in(db, request.match_info["secret"], _cookie(request), utc_now())
        occasion = await _occasion(request, opened, db)
    return _page(request, opened, occasion) if entry is None else auth.let_in(request, entry)


@operation(
    Operation(
        "Who is signed in on this device, and the way out",
        {200: Answer("The page", Content(HTML))},
        tag="accounts",
    )
)
async def read_sign_out(request: web.Request) -> web.Response:
    principal = await auth.identify(request)
    return render(request, "sign-out.html", areas=("common", "accounts"), person=principal)


@operation(
    Operation(
        "Sign this device out: its login ends, and its name as a guest is forgotten",
        {303: Answer("Back to the page", headers={"Location": "`/sign-out`", "Set-Cookie": "Both cookies, emptied"})},
        errors=(403, 429),
        tag="accounts",
    )
)
async def sign_out(request: web.Request) -> web.Response:
    cookie = _cookie(request)
    if cookie is not None:
        await request.app[PRINCIPALS].sign_out(cookie)
    response = auth.lead_to("/sign-out")
    for name in (auth.LOGIN_COOKIE, GUEST_COOKIE):
        auth.set_cookie(request, response, name, "", 0)
    return response


def routes() -> list[web.RouteDef]:
    return [
        web.get(INVITATION_PATH, read_invitation),
        web.post(INVITATION_PATH, accept_invitation),
        web.get("/sign-out", read_sign_out),
        web.post("/sign-out", sign_out),
    ]


def _page(request: web.Request, opened: Opened, occasion: Occasion) -> web.Response:
    """The invitation, or why it does not open: a page for people, a problem for programs."""
    if opened.state == "open":
        template, status = "invitation.html", 200
    else:
        refused = invitations.refusal(opened)
        if not prefers_html(request.headers.get("Accept", "")):
            raise refused
        template, status = "invitation-refused.html", refused.status
    response = render(
        request,
        template,
        areas=("common", "accounts"),
        status=status,
        invitation=opened,
        occasion=occasion,
        devices=DEVICES_PER_LINK,
    )
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


async def _occasion(request: web.Request, opened: Opened, db: AsyncSession) -> Occasion:
    """What the link invites to, in its person's language unless the reader has chosen another."""
    if request.cookies.get(LANGUAGE_COOKIE) not in LANGUAGES and opened.person.language in LANGUAGES:
        request[LANGUAGE] = opened.person.language
    return await request.app[OCCASIONS](db, opened.showcase_id, request[LANGUAGE])


def _cookie(request: web.Request) -> str | None:
    return request.cookies.get(auth.LOGIN_COOKIE) or None
