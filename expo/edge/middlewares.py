"""What happens around every handler, outermost first: observe, speak, answer errors, guard, limit."""

from __future__ import annotations

import secrets
import time

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from expo.clock import monotonic_us
from expo.edge import csrf
from expo.edge.accepts import prefers_html
from expo.edge.i18n import LANGUAGE_COOKIE, negotiate
from expo.edge.keys import CATALOGUES, EDGE_STATS, LANGUAGE, LIMITER, PROXIES, REQUEST_ID
from expo.edge.origin import UNKNOWN, network_of
from expo.edge.pages import render
from expo.edge.problems import SERVER_ERROR, Problem, from_http, problem, problem_response
from expo.errors import ExpoError

QUIET_ROUTES = frozenset({"/healthz", "/readyz", "/metrics", "/static/{path}", "/api/showcases/{showcase_id}"})
"""Asked all the time by machines: their access lines are debug."""

log = structlog.get_logger(__name__)


@web.middleware
async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the request an id and its access line: the route's pattern, never the path (paths hold tokens)."""
    request_id = request[REQUEST_ID] = secrets.token_hex(8)
    began = time.monotonic()
    status = 500
    with structlog.contextvars.bound_contextvars(request=request_id):
        try:
            response = await handler(request)
            status = response.status
        except web.HTTPException as answer:
            status = answer.status
            raise
        finally:
            route = route_pattern(request)
            request.app[EDGE_STATS].answers[route, status // 100] += 1
            write = log.debug if route in QUIET_ROUTES else log.info
            write(
                "answered",
                method=request.method if request.method in _METHODS else "other",
                route=route,
                status=status,
                took_ms=round((time.monotonic() - began) * 1000, 1),
            )
    return response


@web.middleware
async def speak(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Choose the reader's language."""
    request[LANGUAGE] = negotiate(request.cookies.get(LANGUAGE_COOKIE), request.headers.get("Accept-Language", ""))
    return await handler(request)


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error into a problem body, or into a page for people; what nobody expected is logged and counted."""
    try:
        return await handler(request)
    except ExpoError as error:
        if error.status >= 500:
            log.warning("refused", error=error.code, detail=error.detail)
        return _answer(request, error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        if isinstance(error, web.HTTPMethodNotAllowed):
            return _wrong_method(request, error)
        return _answer(request, from_http(error))
    except Exception:  # the supervisor of all handlers: logged and counted
        log.exception("a handler failed", route=route_pattern(request))
        return _answer(request, ExpoError(SERVER_ERROR))


@web.middleware
async def limit(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Bound the POSTs of one address; what another worker forwards has been counted there."""
    if request.method == "POST":
        address = request.app[PROXIES].address(request)
        if address != UNKNOWN:
            request.app[LIMITER].admit(network_of(address), monotonic_us())
    return await handler(request)


MIDDLEWARES = (observe, speak, answer_errors, csrf.guard, limit)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def route_pattern(request: web.Request) -> str:
    """`/whep/{room}`; `unknown` where no route matched."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unknown"


def _answer(request: web.Request, error: ExpoError) -> web.StreamResponse:
    request.app[EDGE_STATS].errors[error.code] += 1
    body = problem(error, request.app[CATALOGUES], request[LANGUAGE])
    plain = problem_response(body, bearer_sent="Authorization" in request.headers)
    if not prefers_html(request.headers.get("Accept", "")):
        return plain
    return _page(request, body, plain)


def _page(request: web.Request, body: Problem, plain: web.Response) -> web.Response:
    try:
        page = render(request, "error.html", status=body.status, problem=body, request_id=request[REQUEST_ID])
    except Exception:  # the page of last resort must not fail; the problem body stands in for it
        request.app[EDGE_STATS].errors[SERVER_ERROR] += 1
        log.exception("the error page failed", error=body.code)
        return plain
    for name in ("Retry-After", "WWW-Authenticate"):
        if name in plain.headers:
            page.headers[name] = plain.headers[name]
    return page


def _wrong_method(request: web.Request, error: web.HTTPMethodNotAllowed) -> web.StreamResponse:
    allowed = ", ".join(sorted({*error.allowed_methods, "OPTIONS"}))
    if request.method == "OPTIONS":
        return web.Response(status=204, headers={"Allow": allowed})
    response = _answer(request, from_http(error))
    response.headers["Allow"] = allowed
    return response
