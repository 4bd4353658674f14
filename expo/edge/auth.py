"""Logins: a link signs a browser in and leads on; pages ask here who reads them. Media endpoints never do."""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web

from expo.clock import utc_now
from expo.edge.i18n import LANGUAGE_COOKIE, LANGUAGES
from expo.edge.keys import LANDING, PRINCIPAL, PRINCIPALS, PROXIES
from expo.edge.openapi import Answer, Operation, operation
from expo.edge.principal import Entry, Principal
from expo.errors import Forbidden, NotFound, Unauthenticated

LOGIN_COOKIE = "expo_login"
LANGUAGE_COOKIE_S = 365 * 24 * 3600


async def identify(request: web.Request) -> Principal | None:
    """Who asks, by the login cookie; None for a stranger or a stale cookie. Looked up once a request."""
    known = request.get(PRINCIPAL)
    value = request.cookies.get(LOGIN_COOKIE)
    if known is not None or not value:
        return known
    principal = await request.app[PRINCIPALS].by_cookie(value, utc_now())
    if principal is not None:
        request[PRINCIPAL] = principal
    return principal


async def require(request: web.Request, *roles: str) -> Principal:
    """Who asks, in one of these roles; Unauthenticated `login.missing` or Forbidden `login.role`."""
    principal = await identify(request)
    if principal is None:
        raise Unauthenticated("login.missing", "open the page by your own link first")
    if roles and principal.role not in roles:
        raise Forbidden("login.role", "your role does not open this page")
    return principal


def routes() -> list[web.RouteDef]:
    return [
        web.get("/enter/{token}", enter),
        web.get("/lang/{code}", choose_language),
        web.post("/lang/{code}", choose_language),
    ]


@operation(
    Operation(
        "Open a role link: sets the login cookie and leads to the role's page; harmless to repeat",
        {303: Answer("To the role's page", headers={"Location": "Path of the page", "Set-Cookie": "The login"})},
        parameters={"token": "Signed role link"},
        errors=(401,),
        tag="accounts",
    )
)
async def enter(request: web.Request) -> web.Response:
    present = request.cookies.get(LOGIN_COOKIE)
    entry = await request.app[PRINCIPALS].by_link(request.match_info["token"], present, utc_now())
    return let_in(request, entry)


@operation(
    Operation(
        "Choose the language of the pages",
        {303: Answer("Back to `next`", headers={"Location": "Path", "Set-Cookie": "The language"})},
        parameters={"code": "One of `en ko vi`; `?next=` is a path of this site, `/` when it is absent or is not one"},
        errors=(404,),
        tag="pages",
    )
)
async def choose_language(request: web.Request) -> web.Response:
    code = request.match_info["code"]
    if code not in LANGUAGES:
        raise NotFound("language.unknown", f"choose one of {', '.join(LANGUAGES)}")
    response = lead_to(own_path(request.query.get("next", "")))
    set_cookie(request, response, LANGUAGE_COOKIE, code, LANGUAGE_COOKIE_S)
    return response


def let_in(request: web.Request, entry: Entry, path: str | None = None) -> web.Response:
    """Sign this browser in and lead it to `path`, else its person's page, in their language unless one was chosen."""
    principal = entry.principal
    response = lead_to(path or request.app[LANDING](principal))
    set_cookie(request, response, LOGIN_COOKIE, entry.cookie, entry.life_s)
    if request.cookies.get(LANGUAGE_COOKIE) not in LANGUAGES and principal.language in LANGUAGES:
        set_cookie(request, response, LANGUAGE_COOKIE, principal.language, LANGUAGE_COOKIE_S)
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def set_cookie(request: web.Request, response: web.StreamResponse, name: str, value: str, max_age_s: int) -> None:
    """HttpOnly, SameSite=Lax, and Secure exactly when the page came by https."""
    secure = request.app[PROXIES].scheme(request) == "https"
    response.set_cookie(name, value, max_age=max_age_s, path="/", httponly=True, samesite="Lax", secure=secure)


def own_path(text: str) -> str:
    """The text if it is a path of this site, else `/`: an open redirect would lend our name to strangers."""
    if not text.startswith("/") or text.startswith("//") or "\\" in text or not text.isprintable():
        return "/"
    return quote(text, safe="/?=&%:@!$'()*+,;~-._[]#")


def lead_to(path: str) -> web.Response:
    """303 to a path of this site."""
    return web.Response(status=303, headers={"Location": path, "Cache-Control": "no-store"})
