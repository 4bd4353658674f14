"""`/status`: how the server does, in plain words, for those who make its showcases; whole without script."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from expo.catalogue.pages import clocked
from expo.clock import utc_now
from expo.cluster.redis import Valkey
from expo.edge import auth
from expo.edge.formats import Formats
from expo.edge.keys import DATABASE, LANGUAGE, SETTINGS
from expo.edge.openapi import HTML, Answer, Content, Operation, operation
from expo.edge.pages import render
from expo.ops import status
from expo.ops.health import Probe
from expo.ops.metrics import Meters
from expo.showcases.sheets import MAKERS, desk


def routes(meters: Meters, probes: Mapping[str, Probe], valkey: Valkey) -> list[web.RouteDef]:
    """The page, from what `/metrics`, `/readyz` and Valkey know."""

    @operation(
        Operation(
            "How the server does: workers, live rooms, recordings, disks; for organisers, of their own expo's rooms",
            {200: Answer("The page", Content(HTML))},
            errors=(401, 403, 503),
            tag="operations",
        )
    )
    async def page(request: web.Request) -> web.Response:
        principal = await auth.require(request, *MAKERS)
        async with request.app[DATABASE].read() as db:
            found = await desk(db, principal, request[LANGUAGE])
        seen = await status.look(request.app[SETTINGS], meters, probes, valkey, found.lines)
        formats = Formats(request[LANGUAGE])

        def size(size_bytes: int) -> str:
            return size_text(size_bytes, formats)

        return render(
            request, "status.html", areas=("common", "status"), page_data=clocked(found.clocks),
            desk=found, seen=seen, now=utc_now(), troubles=status.troubles_of(seen, size), size=size,
        )  # fmt: skip

    return [web.get("/status", page)]


def size_text(size: float, formats: Formats) -> str:
    """Bytes as people say them, in powers of ten: `1.2 GB`, `340 MB`."""
    unit, factor = ("GB", 1e9) if size >= 1e9 else ("MB", 1e6)
    return f"{formats.number(round(size / factor, 1 if size < 1e10 else 0))} {unit}"
