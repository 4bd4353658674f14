"""Live sockets over real HTTP: what many are told is one frame, and who does not read it is dropped."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from select import select

import aiohttp
import pytest
from aiohttp import web

from expo.edge import socket as edge_socket
from expo.edge.frames import FRAME_BURST
from expo.edge.socket import AT_ONCE, PATH, QUEUED_S, SocketServer
from tests.support.site import site

pytestmark = [pytest.mark.cluster]


class Everybody:
    """Lets everybody in, says what it is told, and remembers who is there."""

    def __init__(self) -> None:
        self.sids: list[str] = []
        self.left = asyncio.Event()

    async def connect(self, sid: str, request: web.Request, auth: object) -> None:
        self.sids.append(sid)

    async def message(self, sid: str, name: str, body: object) -> object:
        return "가" * 100_000 if name == "long" else body

    def disconnect(self, sid: str) -> None:
        self.sids.remove(sid)
        self.left.set()


async def open_socket(http: aiohttp.ClientSession, url: str) -> aiohttp.ClientWebSocketResponse:
    """Connected, as far as Socket.IO is concerned."""
    opened = await http.ws_connect(url + PATH + "?EIO=4&transport=websocket", max_msg_size=0)
    assert (await opened.receive_str()).startswith("0{")
    await opened.send_str("40")
    assert (await opened.receive_str()).startswith("40{")
    return opened


async def test_a_crowd_is_told_in_slices_so_that_media_comes_in_between(tmp_path: Path) -> None:
    everybody = Everybody()
    server = SocketServer(everybody, [])
    async with site(tmp_path, server.routes()) as served, aiohttp.ClientSession() as http:
        readers = [await open_socket(http, served.url) for _ in range(AT_ONCE + 8)]
        await asyncio.sleep(QUEUED_S)  # from here on frames are written, not queued
        server.push(everybody.sids, "word", b"1")
        for told in (AT_ONCE, AT_ONCE + 8):
            await asyncio.sleep(0)
            arrived, _, _ = select([reader.get_extra_info("socket") for reader in readers], [], [], 0)
            assert len(arrived) == told
        await server.close()
        for reader in readers:
            await reader.close()


class Slow(Everybody):
    """Asks its rows for longer than engine.io's own queue is used, then greets."""

    async def connect(self, sid: str, request: web.Request, auth: object) -> None:
        await asyncio.sleep(2 * QUEUED_S)
        await super().connect(sid, request, auth)
        self.server.push([sid], "hello", b"1")

    def __init__(self) -> None:
        super().__init__()
        self.server = SocketServer(self, [])


async def test_a_greeting_never_overtakes_that_the_socket_is_connected(tmp_path: Path) -> None:
    slow = Slow()
    async with site(tmp_path, slow.server.routes()) as served, aiohttp.ClientSession() as http:
        reader = await open_socket(http, served.url)
        assert await reader.receive_str() == '42["hello",1]'
        await slow.server.close()
        await reader.close()


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


class Visitors:
    """Browsers of one address, closed at the end."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._url = url
        self._sockets: list[aiohttp.ClientWebSocketResponse] = []

    async def knock(self) -> aiohttp.ClientWebSocketResponse:
        """A WebSocket, and nothing said on it."""
        self._sockets.append(await self._http.ws_connect(self._url + PATH + "?EIO=4&transport=websocket"))
        return self._sockets[-1]

    async def open(self) -> aiohttp.ClientWebSocketResponse:
        self._sockets.append(await open_socket(self._http, self._url))
        return self._sockets[-1]

    async def close(self) -> None:
        for each in self._sockets:
            await each.close()


@contextlib.asynccontextmanager
async def serving(folder: Path) -> AsyncGenerator[tuple[Everybody, SocketServer, Visitors]]:
    everybody = Everybody()
    server = SocketServer(everybody, ["word", "long"])
    async with site(folder, server.routes()) as served, aiohttp.ClientSession() as http:
        visitors = Visitors(http, served.url)
        yield everybody, server, visitors
        await server.close()
        await visitors.close()


async def cut(reader: aiohttp.ClientWebSocketResponse) -> None:
    """Return when the server has hung up."""
    async with asyncio.timeout(10):
        while (await reader.receive()).type not in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}:
            pass


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "x",
        "2",
        "4",
        "4x",
        "42",
        "42[",
        '42["other",1]',
        '42["connect",{"aiohttp.request":{}}]',
        '42["disconnect"]',
        '42["word",{]',
        '42["word",' + "[" * 8000,
        '42["word",' + "1" * 8000 + "]",
        '42\u00b2["word"]',
        '421234567890["word"]',
        '42/admin,["word",1]',
        "40/admin,",
        "40" + "[" * 8000,
        "40{",
        "430[]",
        '451-["word",{"_placeholder":true,"num":0}]',
        '459999999999-["word",1]',
        b"word",
        b"",
    ],
    ids=lambda frame: repr(frame[:20]),
)
async def test_who_does_not_speak_as_pages_do_is_cut_and_forgotten(
    tmp_path: Path, frame: str | bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(tmp_path) as (everybody, server, visitors):
        reader, other = await visitors.open(), await visitors.open()
        await (reader.send_str(frame) if isinstance(frame, str) else reader.send_bytes(frame))
        await cut(reader)
        await asyncio.wait_for(everybody.left.wait(), 10)
        await other.send_str('427["word",[1,"x"]]')
        assert await other.receive_str() == '437[[1,"x"]]'
        assert len(everybody.sids) == len(server) == 1
        assert caplog.records == []


async def test_who_says_who_it_is_twice_is_one_and_who_leaves_is_cut(tmp_path: Path) -> None:
    async with serving(tmp_path) as (everybody, server, visitors):
        reader = await visitors.open()
        await reader.send_str("40")
        assert (await reader.receive_str()).startswith("44")
        assert len(everybody.sids) == len(server) == 1
        await reader.send_str("41")
        await cut(reader)
        await asyncio.wait_for(everybody.left.wait(), 10)
        assert everybody.sids == []


async def test_who_never_says_who_it_is_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge_socket, "JOIN_S", 0.1)
    async with serving(tmp_path) as (everybody, _, visitors):
        reader = await visitors.knock()
        await cut(reader)
        assert everybody.sids == []


async def test_a_flood_of_packets_ends_with_its_socket(tmp_path: Path) -> None:
    async with serving(tmp_path) as (everybody, _, visitors):
        reader = await visitors.open()
        for _ in range(FRAME_BURST + 20):
            await reader.send_str("3")
        await cut(reader)
        await asyncio.wait_for(everybody.left.wait(), 10)
        assert everybody.sids == []


async def test_who_asks_and_does_not_read_is_cut_before_the_answers_fill_the_memory(tmp_path: Path) -> None:
    async with serving(tmp_path) as (everybody, _, visitors):
        reader = await visitors.open()
        for number in range(FRAME_BURST // 2):
            await reader.send_str(f'42{number}["long"]')
        await asyncio.wait_for(everybody.left.wait(), 10)


async def test_one_address_has_so_many_sockets_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge_socket, "MAX_PER_NETWORK", 2)
    async with serving(tmp_path) as (_, _, visitors):
        first, _ = await visitors.open(), await visitors.open()
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await visitors.open()
        assert refused.value.status == 429
        await first.close()
        async with asyncio.timeout(10):
            while True:  # until the server knows too
                with contextlib.suppress(aiohttp.WSServerHandshakeError):
                    await visitors.open()
                    break


async def test_text_that_is_cut_within_an_emoji_loses_the_half(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, _, visitors):
        reader = await visitors.open()
        await reader.send_str('421["word",' + "[" * 500 + "]" * 500 + "]")
        assert (await reader.receive_str()).startswith("431[[[[")  # no deeper than anything of ours
        await reader.send_str('421["word",{"text":"half \\ud83d","more":["\\ud83d\\ude42"]}]')
        assert json.loads((await reader.receive_str()).removeprefix("431")) == [{"text": "half ", "more": ["🙂"]}]
