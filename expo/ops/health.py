"""Liveness and readiness, for load balancers and people.

`/healthz` answers while the event loop turns. `/readyz` asks every plane the worker needs and names what is missing;
a worker that drains is not ready.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import msgspec
from aiohttp import web

from expo.edge.openapi import TEXT, Answer, Content, Operation, operation
from expo.errors import ExpoError
from expo.kit.logging import get_logger
from expo.ops.drain import DRAIN

PROBE_S = 2.0
"""A plane that does not answer in this time is away."""

Probe = Callable[[], Awaitable[None]]
"""Returns when its plane works; raises ExpoError or OSError when it does not, or stays silent."""

log = get_logger(__name__)


class Readiness(msgspec.Struct, frozen=True):
    """Body of `/readyz`: per plane `ok` or the code of what is wrong."""

    ready: bool
    planes: dict[str, str]
    v: int = 1


def routes(probes: Mapping[str, Probe]) -> list[web.RouteDef]:
    """`/healthz` and `/readyz`; `probes` by the name of their plane, for example store, cluster, media."""

    @operation(Operation("Alive: the event loop turns", {200: Answer("`ok`", Content(TEXT))}, tag="operations"))
    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n", headers={"Cache-Control": "no-store"})

    @operation(
        Operation(
            "Ready: what of this worker works, plane by plane",
            {
                200: Answer("All of it", Content(type=Readiness)),
                503: Answer("Not all of it", Content(type=Readiness), {"Retry-After": "Seconds"}),
            },
            tag="operations",
        )
    )
    async def readyz(request: web.Request) -> web.Response:
        planes = await states(probes)
        drain = request.app.get(DRAIN)
        if drain is not None and drain.begun:
            planes["worker"] = "draining"
        ready = all(state == "ok" for state in planes.values())
        return web.Response(
            body=msgspec.json.encode(Readiness(ready=ready, planes=planes)),
            status=200 if ready else 503,
            content_type="application/json",
            headers={"Cache-Control": "no-store"} | ({} if ready else {"Retry-After": "1"}),
        )

    return [web.get("/healthz", healthz), web.get("/readyz", readyz)]


async def states(probes: Mapping[str, Probe]) -> dict[str, str]:
    """Per plane `ok` or the code of what is wrong; all are asked at once."""
    found = await asyncio.gather(*(_state(name, probe) for name, probe in probes.items()))
    return dict(zip(probes, found, strict=True))


async def _state(name: str, probe: Probe) -> str:
    try:
        async with asyncio.timeout(PROBE_S):
            await probe()
    except ExpoError as error:
        return error.code
    except OSError:  # TimeoutError is one
        return f"{name}.away"
    except Exception:
        log.exception("readiness probe failed", plane=name)
        return f"{name}.away"
    return "ok"
