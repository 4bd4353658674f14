"""Deadlines and caps of the server, against real connections."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from expo.edge.keys import EDGE_STATS
from expo.edge.server import Crowd, ServerLimits
from expo.edge.wire import read_body
from tests.support.site import Served, raw, site

SLOW_LORISES = 500


async def hello(_: web.Request) -> web.Response:
    return web.Response(text="hello")


async def take(request: web.Request) -> web.Response:
    return web.Response(text=str(len(await read_body(request, limit_bytes=1000, deadline_s=0.3))))


ROUTES = (web.get("/hello", hello), web.post("/take", take))


@contextlib.asynccontextmanager
async def lorises(served: Served, count: int, text: bytes) -> AsyncGenerator[list[socket.socket]]:
    """Connections that send the beginning of a request and then nothing."""
    loop = asyncio.get_running_loop()
    opened: list[socket.socket] = []
    try:
        for _ in range(count):
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            sock.setblocking(False)
            opened.append(sock)
            await loop.sock_connect(sock, ("127.0.0.1", served.port))
            with contextlib.suppress(ConnectionError):
                await loop.sock_sendall(sock, text)
        yield opened
    finally:
        for sock in opened:
            sock.close()


async def closed_by_server(sock: socket.socket) -> bool:
    loop = asyncio.get_running_loop()
    try:
        while await loop.sock_recv(sock, 4096):
            pass
    except ConnectionError:
        pass
    return True


async def test_five_hundred_slow_lorises_do_not_keep_a_buyer_out(tmp_path: Path) -> None:
    """The buyer shares the address of the flood, as everybody behind one NAT does."""
    async with (
        site(tmp_path, ROUTES) as served,
        lorises(served, SLOW_LORISES, b"GET /hello HTTP/1.1\r\nHost: x\r\nX-A"),
    ):
        stats = served.app[EDGE_STATS]
        for _ in range(5):  # each canary is a new connection
            async with asyncio.timeout(2), aiohttp.ClientSession() as http, http.get(f"{served.url}/hello") as answer:
                assert await answer.text() == "hello"
        assert stats.evicted >= SLOW_LORISES - ServerLimits().pending_per_address
        assert stats.connections <= ServerLimits().pending_per_address + 6


async def test_silent_connections_do_not_keep_a_buyer_out(tmp_path: Path) -> None:
    async with (
        site(tmp_path, ROUTES) as served,
        lorises(served, SLOW_LORISES, b""),
        asyncio.timeout(2),
        aiohttp.ClientSession() as http,
        http.get(f"{served.url}/hello") as answer,
    ):
        assert answer.status == 200


async def test_a_flood_from_many_addresses_keeps_the_newest(tmp_path: Path) -> None:
    limits = ServerLimits(pending_per_address=100, pending_in_all=10)
    async with site(tmp_path, ROUTES, limits=limits) as served, lorises(served, 30, b"GET") as opened:
        await asyncio.gather(*(closed_by_server(sock) for sock in opened[:20]))
        assert served.app[EDGE_STATS].evicted == 20
        assert served.app[EDGE_STATS].connections == 10


async def test_a_header_that_is_not_whole_in_time_closes_the_connection(tmp_path: Path) -> None:
    limits = ServerLimits(header_deadline_s=0.2)
    async with site(tmp_path, ROUTES, limits=limits) as served:
        async with asyncio.timeout(5):
            with contextlib.suppress(ConnectionError):
                assert await raw(served, "GET /hello HTTP/1.1\r\nHost: x\r\n") == b""
        assert served.app[EDGE_STATS].headers_late == 1


async def test_dripping_does_not_extend_the_header_deadline(tmp_path: Path) -> None:
    limits = ServerLimits(header_deadline_s=0.3)
    async with site(tmp_path, ROUTES, limits=limits) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)

        async def drip() -> None:
            with contextlib.suppress(ConnectionError):
                for byte in b"GET /hello HTTP/1.1\r\nX-Slow: " + b"a" * 1000:
                    writer.write(bytes([byte]))
                    await writer.drain()
                    await asyncio.wait({closed}, timeout=0.02)

        closed = asyncio.create_task(reader.read(), name="until closed")
        async with asyncio.timeout(5):
            await asyncio.wait({closed, asyncio.create_task(drip(), name="drip")})
        assert served.app[EDGE_STATS].headers_late == 1
        writer.close()
        with contextlib.suppress(ConnectionError):
            await closed
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def test_the_second_request_of_a_connection_has_a_header_deadline_too(tmp_path: Path) -> None:
    limits = ServerLimits(header_deadline_s=0.2)
    async with site(tmp_path, ROUTES, limits=limits) as served:
        whole = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"
        async with asyncio.timeout(5):
            answer = b""
            reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
            writer.write(whole.encode())
            answer = await reader.readuntil(b"hello")
            writer.write(b"GET /hel")
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
        assert b"200 OK" in answer
        assert served.app[EDGE_STATS].headers_late == 1


async def test_an_idle_connection_is_closed_after_the_keep_alive_time(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES, limits=ServerLimits(keep_alive_s=0.2)) as served:
        answer = await raw(served, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", deadline_s=5)
        assert answer.endswith(b"hello")


async def test_idle_connections_over_the_cap_make_room_oldest_first(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES, limits=ServerLimits(idle_per_address=3)) as served:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as http:
            answers = await asyncio.gather(*(http.get(f"{served.url}/hello") for _ in range(8)))
            for answer in answers:
                assert await answer.text() == "hello"
        assert served.app[EDGE_STATS].evicted == 5


async def test_a_body_that_drips_is_answered_after_its_deadline(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES, limits=ServerLimits(linger_s=0.1)) as served:
        answer = await raw(served, "POST /take HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc", deadline_s=8)
        assert b" 408 " in answer.split(b"\r\n")[0]
        assert b'"request.too_slow"' in answer


async def test_a_body_over_the_limit_is_refused_whatever_its_header_says(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES) as served, aiohttp.ClientSession() as http:
        async with http.post(f"{served.url}/take", data=b"x" * 1000) as answer:
            assert await answer.text() == "1000"
        async with http.post(f"{served.url}/take", data=b"x" * 1001) as answer:
            assert answer.status == 413

        async def endless() -> AsyncIterator[bytes]:
            for _ in range(100):
                yield b"x" * 100

        async with http.post(f"{served.url}/take", data=endless()) as answer:
            assert (await answer.json())["code"] == "request.too_large"


@pytest.mark.parametrize("text", ["\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "\x00" * 50, "NOT HTTP\r\n\r\n"])
async def test_what_is_not_http_gets_a_problem_and_a_closed_connection(tmp_path: Path, text: str) -> None:
    async with site(tmp_path, ROUTES) as served:
        head, _, body = (await raw(served, text, deadline_s=5)).partition(b"\r\n\r\n")
        assert b" 400 " in head.split(b"\r\n")[0]
        assert json.loads(body)["code"] == "request.malformed"
        assert served.app[EDGE_STATS].errors["request.malformed"] == 1


async def test_connections_are_forgotten_when_they_end(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES, limits=ServerLimits(keep_alive_s=0.1)) as served:
        for _ in range(3):
            await raw(served, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
            await raw(served, "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        async with aiohttp.ClientSession() as http, http.get(f"{served.url}/hello") as answer:
            await answer.read()
            assert served.app[EDGE_STATS].connections == 1


async def test_a_reader_that_takes_nothing_is_given_up(tmp_path: Path) -> None:
    gone = asyncio.Event()

    async def pour(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 65536)
        finally:
            gone.set()

    limits = ServerLimits(unsent_deadline_ms=300)
    async with site(tmp_path, [web.get("/pour", pour)], limits=limits) as served:
        with socket.create_connection(("127.0.0.1", served.port)) as sock:
            sock.sendall(b"GET /pour HTTP/1.1\r\nHost: x\r\n\r\n")
            async with asyncio.timeout(20):
                await gone.wait()


class Member:
    def __init__(self, left: list[Member]) -> None:
        self.left = left

    def evict(self) -> None:
        self.left.append(self)


def test_a_crowd_evicts_the_oldest_of_the_address_that_is_over_its_cap() -> None:
    left: list[Member] = []
    crowd = Crowd(per_address=2, in_all=10)
    stranger, *flood = (Member(left) for _ in range(5))
    crowd.enter(stranger, "192.0.2.1")
    for member in flood:
        crowd.enter(member, "192.0.2.2")
    assert left == flood[:2]
    assert len(crowd) == 3


def test_a_member_that_left_is_not_evicted() -> None:
    left: list[Member] = []
    crowd = Crowd(per_address=1, in_all=10)
    first, second = Member(left), Member(left)
    crowd.enter(first, "a")
    crowd.leave(first)
    crowd.leave(first)
    crowd.enter(second, "a")
    assert left == []
