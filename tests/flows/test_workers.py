"""Two workers: whichever takes the request, the room is the same."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from expo.accounts.rules import CANS, RoomGrant
from expo.accounts.tokens import Tokens
from expo.clock import utc_now
from expo.ids import ParticipantId, RoomId
from expo.media.aiortc_seam import Certificate
from expo.media.peer import Peer
from expo.media.peer_http import Joined, Refused, join, leave
from tests.support.house import SECRET, open_house
from tests.support.room import OPTIONS, Source
from tests.support.server import RunningServer

pytestmark = [pytest.mark.cluster, pytest.mark.media]

VIEWERS = 4


@dataclass
class Cluster:
    """A server with two workers, its live showcase, and a client that asks the worker without the media."""

    server: RunningServer
    room: RoomId
    token: str
    http: aiohttp.ClientSession
    certificate: Certificate

    def url(self, kind: str) -> str:
        return f"http://worker-1/{kind}/{self.room}"

    async def publish(self) -> tuple[Source, Joined]:
        peer = Peer.publisher(self.certificate, OPTIONS)
        return Source(peer), await self._join("whip", peer)

    async def watch(self) -> tuple[Peer, Joined]:
        peer = Peer.viewer(self.certificate, OPTIONS)
        return peer, await self._join("whep", peer)

    async def _join(self, kind: str, peer: Peer) -> Joined:
        try:
            joined = await join(self.http, self.url(kind), peer.offer, self.token)
            await peer.connect(joined.answer)
        except BaseException:
            await peer.close()
            raise
        return joined


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncGenerator[Cluster]:
    # On the other worker's private socket, since the kernel decides who takes a connection to the shared one.
    async with (
        open_house(tmp_path) as house,
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(house.sockets[1]))) as http,
    ):
        room = RoomId(house.room)
        grant = RoomGrant(room, ParticipantId("p1"), "Somebody", frozenset(CANS), utc_now() + timedelta(hours=1))
        yield Cluster(house.server, room, Tokens(SECRET).sign(grant), http, Certificate.generate())


async def test_publishing_and_watching_work_through_the_worker_without_the_media(cluster: Cluster) -> None:
    source, published = await cluster.publish()
    viewers = [await cluster.watch() for _ in range(VIEWERS)]
    heard = [asyncio.Event() for _ in viewers]
    for (peer, _), event in zip(viewers, heard, strict=True):
        peer.on_packet = lambda _incoming, _packet, event=event: event.set()
    sending = asyncio.create_task(source.run(2_000), name="source")
    async with asyncio.timeout(20):
        for event in heard:
            await event.wait()
    async with cluster.http.get(cluster.url("api/showcases")) as answer:
        state = await answer.json()
        assert (state["onAir"], state["viewers"]) == (True, VIEWERS)
    sending.cancel()
    for peer, joined in viewers:
        assert await leave(cluster.http, joined, cluster.token) == 200
        await peer.close()
    assert await leave(cluster.http, published, cluster.token) == 200
    await source.peer.close()


async def test_while_the_worker_with_the_media_is_away_the_other_says_so_and_then_all_is_well(cluster: Cluster) -> None:
    source, _ = await cluster.publish()
    os.kill(cluster.server.children()["worker-0"], signal.SIGKILL)
    refusals: list[Refused] = []
    async with asyncio.timeout(60):
        while True:
            try:
                peer, joined = await cluster.watch()
            except Refused as error:
                refusals.append(error)
                await asyncio.sleep(0.02)
            else:
                break
    assert refusals
    assert all(each.status == 503 and each.retry_after_s == 2 for each in refusals)
    assert all("rooms.owner_away" in each.problem for each in refusals)
    assert await leave(cluster.http, joined, cluster.token) == 200
    await peer.close()
    await source.peer.close(bye=False)
