"""The HTTP server around aiohttp: deadlines and caps that stop a slow client from holding what others need.

aiohttp 3.14 gives a connection its whole keep-alive time to send a header, and has no cap of its own. Here a header
must be whole within 10 s, and of the connections that still owe one, each address keeps its newest: a flood of silent
connections pushes out its own oldest members, while a buyer behind the same NAT, whose header arrives with the first
segment, gets through. This module alone subclasses aiohttp's protocol; `tests/edge/test_server.py` holds its contract.
"""

from __future__ import annotations

import asyncio
import socket
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import msgspec
import structlog
from aiohttp import web

from expo.edge.keys import EDGE_STATS
from expo.edge.origin import UNKNOWN, network_of, peer_address
from expo.edge.problems import PROBLEM_TYPE, Problem, problem_type
from expo.edge.stats import EdgeStats

KEEP_ALIVE_S = 30.0
HEADER_DEADLINE_S = 10.0
LINGER_S = 2.0
"""How long the rest of an unread body is thrown away before the connection is closed."""
UNSENT_DEADLINE_MS = 30_000
"""TCP_USER_TIMEOUT (RFC 5482): a reader that takes nothing for that long is gone."""
PENDING_PER_ADDRESS = 64
PENDING_IN_ALL = 512
IDLE_PER_ADDRESS = 512
IDLE_IN_ALL = 4096

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Deadlines, and caps in connections."""

    keep_alive_s: float = KEEP_ALIVE_S
    header_deadline_s: float = HEADER_DEADLINE_S
    linger_s: float = LINGER_S
    unsent_deadline_ms: int = UNSENT_DEADLINE_MS
    pending_per_address: int = PENDING_PER_ADDRESS
    pending_in_all: int = PENDING_IN_ALL
    idle_per_address: int = IDLE_PER_ADDRESS
    idle_in_all: int = IDLE_IN_ALL


class Evictable(Protocol):
    def evict(self) -> None:
        """Close to make room. Must not call back into the crowd."""
        ...


@dataclass(slots=True)
class Crowd:
    """Connections in one state, oldest first; over a cap the oldest leaves, its own address' oldest before others."""

    per_address: int
    in_all: int
    _by_address: dict[str, OrderedDict[Evictable, None]] = field(
        default_factory=dict[str, "OrderedDict[Evictable, None]"], init=False, repr=False
    )
    _all: OrderedDict[Evictable, str] = field(default_factory=OrderedDict["Evictable", str], init=False, repr=False)

    def __len__(self) -> int:
        return len(self._all)

    def enter(self, member: Evictable, address: str) -> None:
        """Take a member in as the newest; whoever is over a cap is evicted."""
        self.leave(member)
        neighbours = self._by_address.setdefault(address, OrderedDict())
        neighbours[member] = None
        self._all[member] = address
        if len(neighbours) > self.per_address:
            self._evict(next(iter(neighbours)))
        elif len(self._all) > self.in_all:
            self._evict(next(iter(self._all)))

    def leave(self, member: Evictable) -> None:
        """Forget a member; one that is not there is fine."""
        address = self._all.pop(member, None)
        if address is None:
            return
        neighbours = self._by_address[address]
        del neighbours[member]
        if not neighbours:
            del self._by_address[address]

    def _evict(self, member: Evictable) -> None:
        self.leave(member)
        member.evict()


class EdgeServer(web.Server):
    """aiohttp's protocol factory, making our protocol."""

    def __init__(self, plain: web.Server, limits: ServerLimits, stats: EdgeStats, **handler_args: Any) -> None:
        super().__init__(plain.request_handler, request_factory=plain.request_factory, **handler_args)
        self.limits = limits
        self.stats = stats
        self.pending = Crowd(limits.pending_per_address, limits.pending_in_all)
        self.idle = Crowd(limits.idle_per_address, limits.idle_in_all)
        self._handler_args = handler_args

    def __call__(self) -> web.RequestHandler:
        return EdgeConnection(self, loop=asyncio.get_running_loop(), **self._handler_args)


class EdgeConnection(web.RequestHandler):
    """One connection: pending until a header is whole, busy while requests are answered, idle in between."""

    __slots__ = ("_address", "_answered", "_header_timer", "_server")

    def __init__(self, server: EdgeServer, *, loop: asyncio.AbstractEventLoop, **handler_args: Any) -> None:
        super().__init__(server, loop=loop, **handler_args)
        self._server = server
        self._address = UNKNOWN
        self._answered = 0
        self._header_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._address = network_of(peer_address(transport.get_extra_info("peername")))
        _limit_unsent(transport.get_extra_info("socket"), self._server.limits.unsent_deadline_ms)
        self._server.stats.connections += 1
        self._await_header()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._server.stats.connections -= 1
        self._header_whole()
        self._server.idle.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        received = self._request_count
        super().data_received(data)
        if self._request_count > received:
            self._header_whole()
            self._server.idle.leave(self)
        elif self._request_count == self._answered and self._header_timer is None and data and self.transport:
            self._server.idle.leave(self)
            self._await_header()

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        result = await super().finish_response(request, resp, start_time)
        self._answered += 1
        if self._answered >= self._request_count and self.transport is not None and self._address != UNKNOWN:
            self._server.idle.enter(self, self._address)
        return result

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is not HTTP (400), a handler's deadline (504), or a bug in front of the middlewares (500)."""
        code = {400: "request.malformed", 504: "server.too_slow"}.get(status, "server.error")
        self._server.stats.errors[code] += 1
        if status == 400:
            log.debug("a connection sent what is not HTTP", error=type(exc).__name__)
        else:
            log.error("a request failed outside the middlewares", error=code, exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("part of the answer is sent already")
        problem = Problem(problem_type(code), "The request could not be answered", status, code)
        response = web.Response(status=status, body=msgspec.json.encode(problem), content_type=PROBLEM_TYPE)
        response.force_close()
        return response

    def evict(self) -> None:
        """Close at once: an older one without a whole request, over the cap."""
        self._server.stats.evicted += 1
        self._drop()

    def _await_header(self) -> None:
        """Start the header's deadline; a peer on a unix socket is one of ours and is not counted."""
        if self._address != UNKNOWN:
            self._header_timer = self._loop.call_later(self._server.limits.header_deadline_s, self._header_late)
            self._server.pending.enter(self, self._address)

    def _header_whole(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None
        self._server.pending.leave(self)

    def _header_late(self) -> None:
        self._server.stats.headers_late += 1
        self._drop()

    def _drop(self) -> None:
        transport = self.transport
        self._header_whole()
        self.force_close()
        if transport is not None:
            transport.abort()


class EdgeRunner(web.AppRunner):
    """`web.AppRunner` whose server has the limits above; use it wherever an application of `edge.http` listens."""

    def __init__(
        self, app: web.Application, *, shutdown_timeout: float = 5.0, limits: ServerLimits | None = None
    ) -> None:
        super().__init__(app, access_log=None, shutdown_timeout=shutdown_timeout)
        self._limits = limits or ServerLimits()

    async def _make_server(self) -> web.Server:
        plain = await super()._make_server()
        return EdgeServer(
            plain,
            self._limits,
            self.app[EDGE_STATS],
            keepalive_timeout=self._limits.keep_alive_s,
            lingering_time=self._limits.linger_s,
            access_log=None,
        )


def _limit_unsent(sock: object, deadline_ms: int) -> None:
    tcp = cast("socket.socket | None", sock)
    if tcp is not None and tcp.family in {socket.AF_INET, socket.AF_INET6}:
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, deadline_ms)
