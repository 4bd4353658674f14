"""The application's frame: limits, middlewares, headers, languages and templates; `expo.app` mounts routes in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from importlib import metadata
from pathlib import Path

import msgspec
from aiohttp import web

from expo.edge import auth
from expo.edge.headers import dress
from expo.edge.i18n import Catalogues
from expo.edge.keys import CATALOGUES, EDGE_STATS, LIMITER, PROXIES, TEMPLATES
from expo.edge.limits import RateLimiter
from expo.edge.middlewares import MIDDLEWARES
from expo.edge.openapi import Answer, Content, Operation, document, operation
from expo.edge.origin import TrustedProxies
from expo.edge.static import StaticFiles
from expo.edge.stats import EdgeStats
from expo.edge.templates import WEB_FOLDER, Templates

VERSION = metadata.version("expo-live")
MAX_BODY_BYTES = 128 * 1024
"""The largest body that any handler reads (an SDP may have 64 KiB)."""


def application(*, trusted_proxies: Sequence[str] = (), web_folder: Path = WEB_FOLDER) -> web.Application:
    """An application with everything around handlers, `/enter`, `/lang`, `/static` and `/openapi.json`.

    Its caller sets PRINCIPALS. Starting it raises Unavailable `web.not_built` without a built front end. Serve it with
    `edge.server.EdgeRunner`.
    """
    app = web.Application(middlewares=MIDDLEWARES, client_max_size=MAX_BODY_BYTES)
    app[PROXIES] = TrustedProxies.parse(trusted_proxies)
    app[LIMITER] = RateLimiter()
    app[EDGE_STATS] = EdgeStats()
    app.on_response_prepare.append(dress)

    async def pages(app: web.Application) -> AsyncIterator[None]:
        app[TEMPLATES] = templates = Templates.open(web_folder)
        app[CATALOGUES] = Catalogues.load(web_folder / "locale")
        app.add_routes(StaticFiles(web_folder / "static", templates).routes())
        yield

    app.cleanup_ctx.append(pages)
    app.add_routes(auth.routes())
    app.router.add_get("/openapi.json", openapi)
    return app


@operation(Operation("This document", {200: Answer("OpenAPI 3.1", Content())}, tag="operations"))
async def openapi(request: web.Request) -> web.Response:
    described = document(request.app.router.routes(), version=VERSION)
    return web.Response(
        body=msgspec.json.encode(described),
        content_type="application/json",
        headers={"Cache-Control": "no-cache", "Access-Control-Allow-Origin": "*"},
    )
