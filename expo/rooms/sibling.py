"""Another worker of this server, asked over its private socket for what concerns the rooms that it has.

Only signalling hops, and only once: what is passed on carries a proof that the sender is a worker of this server, and
who gets it carries it out or says who else should.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

import aiohttp
import msgspec
from aiohttp import web
from multidict import CIMultiDictProxy

from expo.edge import wire
from expo.edge.keys import LANGUAGE
from expo.edge.problems import PROBLEM_TYPE, Problem
from expo.errors import ExpoError, Unavailable
from expo.ids import RoomId
from expo.media.recording.recorder import RecordingHealth
from expo.media.sdp import MAX_BYTES
from expo.rooms.commands import Ack, Actor, PassedRequest, Request
from expo.rooms.live import LiveState
from expo.rooms.operations import (
    COMMANDS_PATH,
    FORWARDED,
    HEALTH_PATH,
    LIVE_PATH,
    OPEN_PATH,
    REMOVE_PATH,
    REVIEW_PATH,
    LiveReport,
    RecorderReport,
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


class OwnerAwayError(Unavailable):
    """`rooms.owner_away`. `gone`: the worker does not run or has the room no more, so ask who has it now."""

    def __init__(self, why: str, *, gone: bool) -> None:
        super().__init__("rooms.owner_away", f"the worker with the room: {why}", retry_after_s=RETRY_S)
        self.gone = gone


class Sibling:
    """The worker behind `private_socket`; connects when asked, `close` ends that. All methods raise OwnerAwayError."""

    def __init__(self, private_socket: Path, proof: str) -> None:
        self._socket = private_socket
        self._proof = proof
        self._http: aiohttp.ClientSession | None = None

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
            raise OwnerAwayError(f"status {status}", gone=False)
        return LiveState(report.on_air, report.viewers, report.key_frame_interval_ms)

    async def open_room(self, room: RoomId) -> None:
        """Return once the room's log can be read. Raises what keeps it shut, Unavailable rooms.owner_away."""
        await self._private(OPEN_PATH, room, b"")

    async def remove_room(self, room: RoomId) -> None:
        """Have a room removed whose rows are gone; raises what the owner raised, Unavailable rooms.owner_away."""
        await self._private(REMOVE_PATH, room, b"")

    async def review(self, room: RoomId) -> None:
        """Have the owner look at consents again; raises what the owner raised, Unavailable rooms.owner_away."""
        await self._private(REVIEW_PATH, room, b"")

    async def recording_health(self, room: RoomId) -> RecordingHealth | None:
        """How the owner's recorder does; raises what the owner raised, Unavailable rooms.owner_away."""
        body = await self._private(HEALTH_PATH, room, b"", method="GET", deadline_s=ASK_S)
        return msgspec.json.decode(body, type=RecorderReport).health

    async def command(self, room: RoomId, actor: Actor, request: Request | PassedRequest) -> Ack:
        """Have the owner carry a command out; raises what the owner raised, Unavailable rooms.owner_away."""
        body = msgspec.json.encode({"actor": actor, "request": request})
        return msgspec.json.decode(await self._private(COMMANDS_PATH, room, body), type=Ack)

    async def _private(
        self, path: str, room: RoomId, body: bytes, *, method: str = "POST", deadline_s: float = PASS_ON_S
    ) -> bytes:
        where = path.replace("{room}", quote(room, safe=""))
        status, headers, answer = await self._ask(method, where, {"Content-Type": wire.JSON}, body, deadline_s)
        if status in (200, 204):
            return answer
        _require_stayed(status, headers, answer)
        if (told := _problem(headers, answer)) is not None:
            raise ExpoError(told.code, told.detail, status=told.status, retry_after_s=told.retry_after_s)
        raise OwnerAwayError(f"status {status}", gone=False)

    async def pass_on(self, request: web.Request) -> web.Response:
        """The owner's answer to this request."""
        body = await wire.read_body(request, limit_bytes=MAX_BYTES)
        headers = {name: request.headers[name] for name in _SENT if name in request.headers}
        headers["Accept-Language"] = request.get(LANGUAGE, "en")
        status, returned, answer = await self._ask(
            request.method, request.rel_url.raw_path_qs, headers, body, PASS_ON_S
        )
        _require_stayed(status, returned, answer)
        response = web.Response(status=status, body=answer or None)
        for name in _RETURNED:
            if name in returned:
                response.headers[name] = returned[name]
        return response

    async def _ask(
        self, method: str, path: str, headers: dict[str, str], body: bytes, deadline_s: float
    ) -> tuple[int, CIMultiDictProxy[str], bytes]:
        if self._http is None:
            connector = aiohttp.UnixConnector(path=str(self._socket), limit=MAX_REQUESTS)
            self._http = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
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
        except TimeoutError as error:
            raise OwnerAwayError("no answer in time", gone=False) from error
        except (OSError, aiohttp.ClientError) as error:
            raise OwnerAwayError(type(error).__name__, gone=True) from error


def _problem(headers: CIMultiDictProxy[str], body: bytes) -> Problem | None:
    if not headers.get("Content-Type", "").startswith(PROBLEM_TYPE):
        return None
    return msgspec.json.decode(body, type=Problem)


def _require_stayed(status: int, headers: CIMultiDictProxy[str], body: bytes) -> None:
    if status == HTTPStatus.SERVICE_UNAVAILABLE and (told := _problem(headers, body)) and told.code == "rooms.moved":
        raise OwnerAwayError("it has the room no more", gone=True)
