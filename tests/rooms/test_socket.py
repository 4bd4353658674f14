"""Sockets of rooms over real HTTP: who is let in, and what all of one address may ask."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from socketio.exceptions import ConnectionError as Refused

from expo.ids import RoomId
from expo.rooms import socket as room_socket
from expo.rooms.commands import Ack, Actor, PassedRequest, Request
from expo.rooms.model import State
from expo.rooms.room import Listener
from expo.rooms.socket import RoomSockets
from tests.support.live import Page
from tests.support.shows import HOA, ROOM, draft
from tests.support.site import Served, site

pytestmark = [pytest.mark.cluster]


class OneRoom:
    """A `RoomGateway` to a room in which nothing happens."""

    def __init__(self) -> None:
        self.followed = 0

    async def submit(self, room: RoomId, actor: Actor, request: Request | PassedRequest) -> Ack:
        return Ack(revision=0, shared=True)

    async def follow(
        self, room: RoomId, hear: Listener, replaced: Callable[[State], None], gone: Callable[[str], None]
    ) -> State:
        self.followed += 1
        return draft()

    async def remove(self, room: RoomId) -> None:
        """Nothing is kept here."""

    def leave(self, room: RoomId) -> None:
        self.followed -= 1


@asynccontextmanager
async def serving(folder: Path, sockets: RoomSockets) -> AsyncGenerator[tuple[Served, aiohttp.ClientSession]]:
    async with site(folder, sockets.server.routes()) as served, aiohttp.ClientSession() as http:
        yield served, http
        await sockets.close()


async def test_who_is_revoked_while_being_let_in_does_not_get_in(tmp_path: Path) -> None:
    rooms = OneRoom()

    async def admit(request: web.Request, room: RoomId, token: str | None) -> Actor | None:
        if token:
            sockets.expel([HOA.participant], "token.revoked")  # the rows said yes a moment ago
        return HOA

    sockets = RoomSockets(rooms, admit)
    async with serving(tmp_path, sockets) as (served, http):
        with pytest.raises(Refused) as refused:
            await Page(http).connect(served.url, ROOM, "token")
        assert refused.value.args[-1]["data"]["code"] == "token.revoked"
        assert rooms.followed == 0
        page = Page(http)
        await page.connect(served.url, ROOM)
        assert page.hello["you"]["participant"] == HOA.participant
        await page.close()


async def test_all_sockets_of_one_address_together_may_ask_so_much_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_socket, "NETWORK_BURST", 5)
    monkeypatch.setattr(room_socket, "NETWORK_PER_S", 0.01)

    async def admit(request: web.Request, room: RoomId, token: str | None) -> Actor | None:
        return None

    async with serving(tmp_path, RoomSockets(OneRoom(), admit)) as (served, http):
        pages = [Page(http) for _ in range(3)]
        for page in pages:
            await page.connect(served.url, ROOM)
        answers = [await pages[number % 3].ask("snapshot") for number in range(7)]
        assert [answer.get("error", {}).get("code") for answer in answers] == [None] * 5 + ["request.too_many"] * 2
        for page in pages:
            await page.close()
