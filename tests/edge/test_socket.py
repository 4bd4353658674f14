"""Live sockets over real HTTP: what many are told is one frame, and who does not read it is dropped."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from expo.edge.socket import PATH, QUEUED_S, SocketServer
from tests.support.site import site

pytestmark = [pytest.mark.cluster]


class Everybody:
    """Lets everybody in and remembers who is there."""

    def __init__(self) -> None:
        self.sids: list[str] = []

    async def connect(self, sid: str, request: web.Request, auth: object) -> None:
        self.sids.append(sid)

    async def message(self, sid: str, name: str, body: object) -> object:
        return None

    def disconnect(self, sid: str) -> None:
        self.sids.remove(sid)


async def open_socket(http: aiohttp.ClientSession, url: str) -> aiohttp.ClientWebSocketResponse:
    """Connected, as far as Socket.IO is concerned."""
    opened = await http.ws_connect(url + PATH + "?EIO=4&transport=websocket", max_msg_size=0)
    assert (await opened.receive_str()).startswith("0{")
    await opened.send_str("40")
    assert (await opened.receive_str()).startswith("40{")
    return opened


@pytest.mark.parametrize("size", [10, 200, 70_000])
async def test_what_many_are_told_reaches_each_whole_and_in_order(tmp_path: Path, size: int) -> None:
    everybody = Everybody()
    server = SocketServer(everybody, [])
    async with site(tmp_path, server.routes()) as served, aiohttp.ClientSession() as http:
        readers = [await open_socket(http, served.url) for _ in range(2)]
        told = [f'"{number} {"가" * (size // 3)}"' for number in range(12)]
        for body in told:
            server.push(everybody.sids, "word", body.encode())
            await asyncio.sleep(QUEUED_S / 4)  # over the time in which engine.io's own queue is used
        for reader in readers:
            assert [await reader.receive_str() for _ in told] == [f'42["word",{body}]' for body in told]
        await server.close()


async def test_who_does_not_read_is_dropped_and_the_others_miss_nothing(tmp_path: Path) -> None:
    everybody = Everybody()
    server = SocketServer(everybody, [])
    async with site(tmp_path, server.routes()) as served, aiohttp.ClientSession() as http:
        reader = await open_socket(http, served.url)
        await open_socket(http, served.url)  # and never read
        told = 0
        async with asyncio.timeout(20):
            while len(server) > 1:
                server.push(everybody.sids, "word", b'"%d %s"' % (told, b"x" * 60_000))
                assert (await reader.receive_str()).startswith(f'42["word","{told} ')
                told += 1
        await server.close()
