"""The client's WHIP and WHEP against a small server of the test's own, over real media."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web

from expo.media import peer_http
from expo.media.peer import Peer, PeerFailed
from expo.media.peer_http import Refused, join, joined_peer, keep_joined
from tests.support.room import OPTIONS, Room, open_room

pytestmark = pytest.mark.media
SDP = "application/sdp"


@dataclass
class Endpoint:
    """A WHEP server over a room; the next answers can be refusals."""

    room: Room
    url: str = ""
    posts: list[web.Request] = field(default_factory=list[web.Request])
    deleted: list[str] = field(default_factory=list[str])
    refusals: list[web.Response] = field(default_factory=list[web.Response])

    async def post(self, request: web.Request) -> web.Response:
        self.posts.append(request)
        if self.refusals:
            return self.refusals.pop(0)
        downlink = await self.room.engine.watch(
            await request.text(), self.room.router, lanes=None, on_closed=self.room.ended.append
        )
        headers = {"Location": f"watch/{len(self.posts)}", "ETag": downlink.etag}
        return web.Response(status=201, text=downlink.answer, content_type=SDP, headers=headers)

    async def delete(self, request: web.Request) -> web.Response:
        self.deleted.append(f"{request.path} {request.headers['Authorization']}")
        return web.Response()


@contextlib.asynccontextmanager
async def endpoint() -> AsyncGenerator[tuple[Endpoint, aiohttp.ClientSession]]:
    async with open_room() as room:
        served = Endpoint(room)
        app = web.Application()
        app.add_routes([web.post("/watch", served.post), web.delete("/watch/{resource}", served.delete)])
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        served.url = f"http://127.0.0.1:{runner.addresses[0][1]}/watch"
        try:
            async with aiohttp.ClientSession() as http:
                yield served, http
        finally:
            await runner.cleanup()


async def test_a_joined_peer_is_connected_and_deletes_its_resource_at_the_end() -> None:
    async with endpoint() as (served, http):
        async with joined_peer(http, served.url, Peer.viewer(options=OPTIONS), "secret") as joined:
            assert served.room.engine.viewers == 1
            assert joined.resource_url == served.url + "/1"
            assert joined.etag
        assert served.posts[0].headers["Content-Type"] == SDP
        assert served.posts[0].headers["Authorization"] == "Bearer secret"
        assert served.deleted == ["/watch/1 Bearer secret"]


async def test_a_refusal_carries_status_problem_and_patience() -> None:
    async with endpoint() as (served, http):
        served.refusals.append(web.Response(status=503, text='{"code": "media.full"}', headers={"Retry-After": "7"}))
        peer = Peer.viewer(options=OPTIONS)
        with pytest.raises(Refused) as refusal:
            async with joined_peer(http, served.url, peer, None):
                raise AssertionError("joined")
        assert (refusal.value.status, refusal.value.retry_after_s) == (503, 7.0)
        assert "media.full" in refusal.value.problem
        assert "Authorization" not in served.posts[0].headers
        assert peer.closed.is_set()


async def test_a_server_that_is_not_there_is_said_in_words() -> None:
    async with aiohttp.ClientSession() as http:
        peer = Peer.viewer(options=OPTIONS)
        with pytest.raises(PeerFailed, match="cannot reach"):
            await join(http, "http://127.0.0.1:9/", peer.offer, None)
        await peer.close()


async def test_it_comes_back_with_a_new_peer_after_refusals_and_lost_connections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(peer_http, "FIRST_PAUSE_S", 0.01)
    used: asyncio.Queue[Peer] = asyncio.Queue()
    failures: list[PeerFailed] = []

    async def use(peer: Peer) -> None:
        used.put_nowait(peer)
        await asyncio.Event().wait()

    async with endpoint() as (served, http):
        served.refusals += [web.Response(status=409), web.Response(status=500)]
        keeping = asyncio.ensure_future(
            keep_joined(http, served.url, "t", lambda: Peer.viewer(options=OPTIONS), use, failures.append)
        )
        async with asyncio.timeout(10):
            first = await used.get()
            await first.close()
            second = await used.get()
        assert [isinstance(failure, Refused) and failure.status for failure in failures] == [409, 500]
        assert second is not first
        assert second.connected
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping
        assert second.closed.is_set()
        assert served.deleted == ["/watch/4 Bearer t"]
