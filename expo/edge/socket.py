"""Socket.IO (protocol 5) for pages: WebSocket only, same origin only, bounded both ways (`frames` has what may come).

A socket that does not take what it is sent is dropped, and comes back by itself: python-socketio's own queues have no
bound. What goes to many is made into one WebSocket frame and written to AT_ONCE sockets per turn of the loop, which
media shares: python-socketio's own way, a queue and a task per socket, costs several times as much.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

import msgspec
import socketio
import structlog
from aiohttp import web
from engineio.packet import MESSAGE, Packet
from socketio.exceptions import ConnectionRefusedError as Refused

from expo.edge import frames
from expo.edge.csrf import require_same_origin
from expo.edge.i18n import LANGUAGE_COOKIE, negotiate
from expo.edge.keys import CATALOGUES, EDGE_STATS, PROXIES
from expo.edge.openapi import Answer, Operation, operation
from expo.edge.origin import UNKNOWN, network_of
from expo.edge.problems import SERVER_ERROR, problem
from expo.errors import ExpoError, Invalid, TooMany

PATH = "/socket.io/"
MAX_MESSAGE_BYTES = 16 * 1024
MAX_QUEUED = 64
"""Messages that wait for one socket: 10 s of a busy show."""
MAX_UNSENT_BYTES = 1024 * 1024
"""Bytes that wait for one socket: a snapshot with 200 messages as long as they may be, in Hangul, has a third of it."""
MAX_ANSWERS = 16
"""Answers that wait for one socket before it may ask for more: an answer may be as long as a snapshot."""
MAX_PER_NETWORK = 1_200
"""Connections of one address: a hall of buyers behind one NAT, and those of them who have just come back."""
JOIN_S = 10.0
"""So long a connection may say nothing of who it is."""
RETRY_S = 5
AT_ONCE = 32
"""Sockets per turn of the loop."""
PING_S = 10
PONG_S = 8
FAREWELL_S = 1.0
"""How long a last message may take before the connection is cut."""

MESSAGE_TYPE = b"4"
"""What engine.io (protocol 4) writes before a message."""

QUEUED_S = 0.1
"""So long engine.io may take to write what it was given: first of all that the socket is connected."""

Sid = str

log = structlog.get_logger(__name__)


class SocketHandler(Protocol):
    """What a feature does with sockets. Whatever it raises as ExpoError is told to the client as a problem."""

    async def connect(self, sid: Sid, request: web.Request, auth: object) -> None:
        """Admit a socket; `auth` is what the client gave, unchecked."""
        ...

    async def message(self, sid: Sid, name: str, body: object) -> object:
        """Answer a message with something that JSON can carry; `body` is unchecked."""
        ...

    def disconnect(self, sid: Sid) -> None:
        """The socket has gone, whoever ended it."""
        ...


@dataclass(slots=True)
class _Line:
    """An open socket: engine.io's end of it, and the request that it came by.

    `queued_s`: when engine.io was last given something that others of ours must not overtake, by the loop's clock.
    """

    socket: Any
    request: web.Request
    queued_s: float


class _Message:
    """What many sockets are told; `frame` is the whole unmasked text frame (RFC 6455 5.2), made once.

    Where a client has negotiated compression this message comes without (RFC 7692 6).
    """

    __slots__ = ("frame", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        content = MESSAGE_TYPE + text.encode()
        size = len(content)
        if size < 126:
            head = bytes((0x81, size))
        elif size < 1 << 16:
            head = b"\x81\x7e" + size.to_bytes(2, "big")
        else:
            head = b"\x81\x7f" + size.to_bytes(8, "big")
        self.frame = head + content


class SocketServer:
    """All sockets of this worker. `routes` mounts it; `close` cuts them off, so that they go to another worker."""

    def __init__(self, handler: SocketHandler, messages: Iterable[str]) -> None:
        self._handler = handler
        self._lines: dict[Sid, _Line] = {}
        self._outbox: deque[tuple[list[Sid], _Message]] = deque()
        self._writing = False
        self._closed = False
        self._open: Counter[str] = Counter()
        """Connections by the network that they come from."""
        self._silent: dict[int, asyncio.TimerHandle] = {}
        """When a connection is cut that has not said who it is, by its request's id."""
        self._io = socketio.AsyncServer(
            async_mode="aiohttp",
            transports=["websocket"],
            cors_allowed_origins=None,  # same origin; an empty list would mean everybody
            async_handlers=False,  # one client's messages in their order
            max_http_buffer_size=MAX_MESSAGE_BYTES,
            ping_interval=PING_S,
            ping_timeout=PONG_S,
            logger=False,
            engineio_logger=False,
        )
        io = cast("Any", self._io)
        io.on("connect", self._connect)
        io.on("disconnect", self._disconnect)
        known = tuple(messages)
        for name in known:
            io.on(name, self._answering(name))
        io.eio.on("message", self._read)
        io.eio._async = {**io.eio._async, "websocket": frames.checking(frames.allowed(known))}

    def __len__(self) -> int:
        return len(self._lines)

    def routes(self) -> list[web.RouteDef]:
        return [web.get(PATH, self._serve)]

    def push(self, sids: Iterable[Sid], name: str, body: bytes) -> None:
        """Send an event whose one argument is `body`, JSON, behind all that was pushed before."""
        told = list(sids)
        if told:
            self._outbox.append((told, _Message(f'2["{name}",{body.decode()}]')))
            self._go_on()

    def farewell(self, sid: Sid, name: str, body: bytes) -> None:
        """Send a last event, then cut the connection."""
        self.push([sid], name, body)
        asyncio.get_running_loop().call_later(FAREWELL_S, self.drop, sid)

    def drop(self, sid: Sid) -> None:
        """Cut a connection. Harmless when it has gone."""
        line = self._lines.get(sid)
        if line is not None:
            _cut(line.request)

    async def close(self) -> None:
        """Idempotent."""
        for sid in tuple(self._lines):
            self.drop(sid)
        if not self._closed:
            self._closed = True
            await self._io.shutdown()

    def _go_on(self) -> None:
        if not self._writing and self._outbox:
            self._writing = True
            asyncio.get_running_loop().call_soon(self._write)

    def _write(self) -> None:
        self._writing = False
        left = AT_ONCE
        while self._outbox and left > 0:
            sids, message = self._outbox.popleft()
            for sid in sids[:left]:
                self._put(sid, message)
            if later := sids[left:]:
                self._outbox.appendleft((later, message))
            left -= len(sids)
        self._go_on()

    def _put(self, sid: Sid, message: _Message) -> None:
        line = self._lines.get(sid)
        transport = None if line is None else line.request.transport
        if line is None or transport is None or transport.is_closing():
            return
        if line.socket.queue.qsize() >= MAX_QUEUED or transport.get_write_buffer_size() >= MAX_UNSENT_BYTES:
            log.info("a socket is too slow", sid=sid)
            self.drop(sid)
        elif (now_s := asyncio.get_running_loop().time()) - line.queued_s < QUEUED_S:
            line.queued_s = now_s
            line.socket.queue.put_nowait(Packet(MESSAGE, message.text))
        else:
            transport.write(message.frame)

    @operation(
        Operation(
            "The live socket (Socket.IO 5, WebSocket only): docs/protocol.md",
            {101: Answer("The connection is a WebSocket from here on")},
            errors=(400, 403, 429),
            tag="rooms",
        )
    )
    async def _serve(self, request: web.Request) -> web.StreamResponse:
        """Returns when the socket has closed."""
        require_same_origin(request)
        if request.headers.get("Upgrade", "").lower() != "websocket":
            raise Invalid("request.malformed", "connect by WebSocket: ?EIO=4&transport=websocket")
        network = network_of(request.app[PROXIES].address(request))
        if network != UNKNOWN and self._open[network] >= MAX_PER_NETWORK:
            raise TooMany("request.too_many", "too many sockets from this address", retry_after_s=RETRY_S)
        self._open[network] += 1
        self._silent[id(request)] = asyncio.get_running_loop().call_later(JOIN_S, _cut, request)
        try:
            return cast("web.StreamResponse", await cast("Any", self._io).handle_request(request))
        finally:
            self._heard(request)
            self._open[network] -= 1
            if not self._open[network]:
                del self._open[network]

    async def _read(self, eio_sid: str, text: object) -> None:
        """Hand Socket.IO a packet; what it cannot read costs a line, not a traceback for each of many."""
        io = cast("Any", self._io)
        try:
            await io._handle_eio_message(eio_sid, text)
        except (ValueError, TypeError, RecursionError) as error:  # JSON that is none, or is too deep
            log.info("a socket sent what cannot be read", error=type(error).__name__)
            _cut(cast("web.Request", io.environ[eio_sid]["aiohttp.request"]))

    def _heard(self, request: web.Request) -> None:
        """It has said who it is, or has gone."""
        if (waiting := self._silent.pop(id(request), None)) is not None:
            waiting.cancel()

    async def _connect(self, sid: Sid, environ: Mapping[str, Any], auth: object = None) -> None:
        request = cast("web.Request", environ["aiohttp.request"])
        self._heard(request)
        io = cast("Any", self._io)
        loop = asyncio.get_running_loop()
        line = self._lines[sid] = _Line(io.eio.sockets[io.manager.eio_sid_from_sid(sid, "/")], request, loop.time())
        try:
            await self._handler.connect(sid, request, frames.whole(auth))
            line.queued_s = loop.time()  # engine.io is about to be given that it is connected
        except BaseException as error:
            self._lines.pop(sid, None)
            loop.call_later(FAREWELL_S, _cut, request)
            if not isinstance(error, Exception):
                raise
            told = self._problem(request, error)
            raise Refused(told["title"], told) from None
        if sid not in self._lines:  # it went away while it was admitted
            self._handler.disconnect(sid)

    def _disconnect(self, sid: Sid, *_reason: object) -> None:
        line = self._lines.pop(sid, None)
        if line is not None:
            self._handler.disconnect(sid)
            asyncio.get_running_loop().call_later(FAREWELL_S, _cut, line.request)

    def _answering(self, name: str) -> Any:
        async def answer(sid: Sid, body: object = None, *_more: object) -> object:
            line = self._lines.get(sid)
            if line is None:
                return None
            if line.socket.queue.qsize() >= MAX_ANSWERS:
                log.info("a socket asks and does not read", sid=sid)
                _cut(line.request)
                return None
            said = frames.whole(body)
            try:
                return await self._handler.message(sid, name, said)
            except Exception as error:  # the supervisor of all messages: told, logged and counted
                return {"error": self._problem(line.request, error)}

        return answer

    def _problem(self, request: web.Request, error: Exception) -> dict[str, Any]:
        if not isinstance(error, ExpoError):
            log.exception("a socket's handler failed", exc_info=error)
            error = ExpoError(SERVER_ERROR)
        request.app[EDGE_STATS].errors[error.code] += 1
        language = negotiate(request.cookies.get(LANGUAGE_COOKIE), request.headers.get("Accept-Language", ""))
        return cast("dict[str, Any]", msgspec.to_builtins(problem(error, request.app[CATALOGUES], language)))


def _cut(request: web.Request) -> None:
    """End the connection at once. Harmless when it has gone."""
    if request.transport is not None:
        request.transport.abort()
