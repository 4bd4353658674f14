"""The way to a room from any worker: its own host here, or plain HTTP to the worker that has the media.

Only signalling hops, and only once: what is passed on carries a proof that the sender is a worker of this server, and a
worker without the media refuses to pass that on again.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import aiohttp
import msgspec
from aiohttp import web
from multidict import CIMultiDictProxy

from expo.edge import wire
from expo.edge.keys import LANGUAGE
from expo.edge.openapi import Operation, operation
from expo.edge.problems import PROBLEM_TYPE, Problem
from expo.errors import ExpoError, Unavailable
from expo.ids import RoomId
from expo.media.sdp import MAX_BYTES
from expo.rooms.commands import Ack, Actor, PassedRequest, Request
from expo.rooms.host import RoomHost
from expo.rooms.live import LiveState
from expo.rooms.operations import (
    COMMANDS_PATH,
    FORWARDED,
    LEAVE,
    LIVE_PATH,
    OPEN_PATH,
    PREFLIGHT,
    PUBLISH,
    RESOURCE_PREFLIGHT,
    TRICKLE,
    WATCH,
    WHEP_PATH,
    WHEP_RESOURCE_PATH,
    WHIP_PATH,
    WHIP_RESOURCE_PATH,
    LiveReport,
)

PASS_ON_S = 12.0
"""Longer than the owner may wait for rows, shorter than a player's own patience."""
ASK_S = 2.0
RETRY_S = 2
MAX_REQUESTS = 256
"""At once to the owner; further ones wait here, within their deadline."""

_SENT = ("Authorization", "Content-Type", "If-Match", "Accept")
_RETURNED = (
    "Accept-Patch",
    "Accept-Post",
    "Access-Control-Allow-Headers",
    "Access-Control-Allow-Methods",
    "Access-Control-Max-Age",
    "Allow",
    "Cache-Control",
    "Content-Type",
    "ETag",
    "Link",
    "Location",
    "Retry-After",
    "WWW-Authenticate",
)


class RoomDoor(Protocol):
    """What the rest of the server may ask of a room without knowing where it is."""

    async def live_state(self, room: RoomId) -> LiveState:
        """Unavailable rooms.owner_away when the worker that would know does not answer."""
        ...


class OwnDoor:
    """The rooms are here."""

    def __init__(self, host: RoomHost) -> None:
        self._host = host

    async def live_state(self, room: RoomId) -> LiveState:
        return self._host.live_state(room)


class FarDoor:
    """The rooms are with the worker behind `private_socket`; `open()` and `close()` frame its connections."""

    def __init__(self, private_socket: Path, proof: str) -> None:
        self._socket = private_socket
        self._proof = proof
        self._http: aiohttp.ClientSession | None = None

    def open(self) -> None:
        connector = aiohttp.UnixConnector(path=str(self._socket), limit=MAX_REQUESTS)
        self._http = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    async def close(self) -> None:
        """Idempotent."""
        http, self._http = self._http, None
        if http is not None:
            await http.close()

    async def live_state(self, room: RoomId) -> LiveState:
        path = LIVE_PATH.replace("{room}", quote(room, safe=""))
        status, _, body = await self._ask("GET", path, {}, b"", ASK_S)
        try:
            report = msgspec.json.decode(body, type=LiveReport) if status == 200 else None
        except msgspec.MsgspecError:
            report = None
        if report is None:
            raise _away(f"status {status}")
        return LiveState(report.on_air, report.viewers, report.key_frame_interval_ms)

    async def open_room(self, room: RoomId) -> None:
        """Have the owner open the room. Raises what keeps it shut, Unavailable rooms.owner_away."""
        await self._private(OPEN_PATH, room, b"")

    async def command(self, room: RoomId, actor: Actor, request: Request | PassedRequest) -> Ack:
        """Have the owner carry a command out; raises what the owner raised, Unavailable rooms.owner_away."""
        body = msgspec.json.encode({"actor": actor, "request": request})
        return msgspec.json.decode(await self._private(COMMANDS_PATH, room, body), type=Ack)

    async def _private(self, path: str, room: RoomId, body: bytes) -> bytes:
        where = path.replace("{room}", quote(room, safe=""))
        status, headers, answer = await self._ask("POST", where, {"Content-Type": wire.JSON}, body, PASS_ON_S)
        if status == 200:
            return answer
        if headers.get("Content-Type", "").startswith(PROBLEM_TYPE):
            told = msgspec.json.decode(answer, type=Problem)
            raise ExpoError(told.code, told.detail, status=told.status, retry_after_s=told.retry_after_s)
        raise _away(f"status {status}")

    async def pass_on(self, request: web.Request) -> web.Response:
        """The owner's answer to this request. Raises Unavailable rooms.owner_away."""
        if hmac.compare_digest(request.headers.get(FORWARDED, "").encode(), self._proof.encode()):
            raise _away("passed on to a worker without the media")
        body = await wire.read_body(request, limit_bytes=MAX_BYTES)
        headers = {name: request.headers[name] for name in _SENT if name in request.headers}
        headers["Accept-Language"] = request.get(LANGUAGE, "en")
        status, returned, answer = await self._ask(
            request.method, request.rel_url.raw_path_qs, headers, body, PASS_ON_S
        )
        response = web.Response(status=status, body=answer or None)
        for name in _RETURNED:
            if name in returned:
                response.headers[name] = returned[name]
        return response

    async def _ask(
        self, method: str, path: str, headers: dict[str, str], body: bytes, deadline_s: float
    ) -> tuple[int, CIMultiDictProxy[str], bytes]:
        if self._http is None:
            raise _away("the door is closed")
        try:
            async with (
                asyncio.timeout(deadline_s),
                self._http.request(
                    method,
                    f"http://worker{path}",
                    headers={**headers, FORWARDED: self._proof},
                    data=body or None,
                    allow_redirects=False,
                    skip_auto_headers=("Content-Type",),
                ) as answer,
            ):
                return answer.status, answer.headers, await answer.read()
        except (OSError, TimeoutError, aiohttp.ClientError) as error:
            raise _away(type(error).__name__) from error


def proof_of(secret: str) -> str:
    """What one worker shows another, derived from the cluster secret."""
    return hmac.digest(secret.encode(), b"expo.rooms.door.v1", hashlib.sha256).hex()


def routes(door: FarDoor) -> list[web.RouteDef]:
    """WHIP and WHEP on a worker without the media: the same routes, each passed on."""

    def passing(declared: Operation):
        @operation(declared)
        async def pass_on(request: web.Request) -> web.Response:
            return await door.pass_on(request)

        return pass_on

    return [
        web.post(WHIP_PATH, passing(PUBLISH)),
        web.post(WHEP_PATH, passing(WATCH)),
        *(web.options(path, passing(PREFLIGHT)) for path in (WHIP_PATH, WHEP_PATH)),
        *(web.patch(path, passing(TRICKLE)) for path in (WHIP_RESOURCE_PATH, WHEP_RESOURCE_PATH)),
        *(web.delete(path, passing(LEAVE)) for path in (WHIP_RESOURCE_PATH, WHEP_RESOURCE_PATH)),
        *(web.options(path, passing(RESOURCE_PREFLIGHT)) for path in (WHIP_RESOURCE_PATH, WHEP_RESOURCE_PATH)),
    ]


def _away(why: str) -> Unavailable:
    return Unavailable("rooms.owner_away", f"the worker with the media: {why}", retry_after_s=RETRY_S)
