"""Two workers: whichever takes the request, the room is the same."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
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
from expo.media.peer_http import Joined, join, leave
from expo.rooms.door import proof_of
from expo.rooms.operations import FORWARDED
from tests.support.house import SECRET, House, open_house
from tests.support.live import Page
from tests.support.offers import offer
from tests.support.room import OPTIONS, Source

pytestmark = [pytest.mark.cluster, pytest.mark.media]

VIEWERS = 4


@dataclass
class Cluster:
    """A server with two workers and its live showcase, asked worker by worker: the kernel would choose one."""

    house: House
    token: str
    certificate: Certificate

    @property
    def room(self) -> RoomId:
        return RoomId(self.house.room)

    @contextlib.asynccontextmanager
    async def asking(self, worker: int) -> AsyncGenerator[aiohttp.ClientSession]:
        async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(self.house.sockets[worker]))) as http:
            yield http

    async def join(self, worker: int, kind: str, peer: Peer) -> Joined:
        """By `whip` or `whep`, through this worker."""
        try:
            async with self.asking(worker) as http:
                joined = await join(http, f"http://worker/{kind}/{self.room}", peer.offer, self.token)
            await peer.connect(joined.answer)
        except BaseException:
            await peer.close()
            raise
        return joined

    async def publish(self, worker: int) -> tuple[Source, Joined]:
        peer = Peer.publisher(self.certificate, OPTIONS)
        return Source(peer), await self.join(worker, "whip", peer)

    async def watch(self, worker: int) -> tuple[Peer, Joined]:
        peer = Peer.viewer(self.certificate, OPTIONS)
        return peer, await self.join(worker, "whep", peer)

    async def state(self, worker: int) -> dict[str, object]:
        async with (
            self.asking(worker) as http,
            http.get(f"http://worker/api/showcases/{self.room}") as answer,
        ):
            return await answer.json()

    def port_of(self, joined: Joined) -> int:
        """Of the first candidate."""
        found = re.search(r"a=candidate:\S+ 1 udp \d+ \S+ (\d+) typ host", joined.answer)
        assert found is not None
        return int(found[1])


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncGenerator[Cluster]:
    async with open_house(tmp_path) as house:
        room = RoomId(house.room)
        grant = RoomGrant(room, ParticipantId("p1"), "Somebody", frozenset(CANS), utc_now() + timedelta(hours=1))
        yield Cluster(house, Tokens(SECRET).sign(grant), Certificate.generate())


async def hearing(source: Source, *viewers: Peer) -> None:
    """Send until each of these has heard something."""
    heard = [asyncio.Event() for _ in viewers]
    for peer, event in zip(viewers, heard, strict=True):
        peer.on_packet = lambda _incoming, _packet, event=event: event.set()
    sending = asyncio.create_task(source.run(100_000), name="source")
    async with asyncio.timeout(20):
        for event in heard:
            await event.wait()
    sending.cancel()


@pytest.mark.parametrize("first", [0, 1])
async def test_the_worker_that_is_asked_first_carries_the_room_and_the_other_leads_there(
    cluster: Cluster, first: int
) -> None:
    source, published = await cluster.publish(first)
    port = cluster.house.server.udp_port + first
    assert cluster.port_of(published) == port
    viewers = [await cluster.watch(number % 2) for number in range(VIEWERS)]
    assert {cluster.port_of(joined) for _, joined in viewers} == {port}
    await hearing(source, *(peer for peer, _ in viewers))
    for worker in (0, 1):
        state = await cluster.state(worker)
        assert (state["onAir"], state["viewers"]) == (True, VIEWERS)
    for peer, joined in viewers:
        async with cluster.asking(1 - first) as http:
            assert await leave(http, joined, cluster.token) == 200
        await peer.close()
    async with cluster.asking(1 - first) as http:
        assert await leave(http, published, cluster.token) == 200
    await source.peer.close()


async def test_a_room_that_no_rows_describe_is_not_taken_and_what_was_passed_on_goes_no_further(
    cluster: Cluster,
) -> None:
    source, _ = await cluster.publish(0)
    sent = offer("chromium-watch")
    async with cluster.asking(1) as http:
        sdp = {"Content-Type": "application/sdp"}
        async with http.post("http://worker/whep/nowhere", data=sent, headers=sdp) as answer:
            assert (answer.status, (await answer.json())["code"]) == (404, "showcase.not_found")
        proof = {FORWARDED: proof_of(SECRET), **sdp}
        async with http.post(f"http://worker/whep/{cluster.room}", data=sent, headers=proof) as answer:
            assert (answer.status, (await answer.json())["code"]) == (503, "rooms.moved")
    await source.peer.close()


async def test_when_the_owner_is_killed_everybody_is_back_in_the_same_state_through_the_other_worker(
    cluster: Cluster,
) -> None:
    house = cluster.house
    source, _ = await cluster.publish(0)
    async with house.page(1, await house.cookies("organiser")) as desk, house.page(1) as buyer:
        product = desk.hello["snapshot"]["state"]["segments"][0]["products"][0]
        assert (await desk.command("pin", product=product))["shared"] is True
        await buyer.event("pinned")
        os.kill(house.server.children()["worker-0"], signal.SIGKILL)
        viewer, _ = await cluster.watch(1)  # whoever carries it now: the killed one may have been started again by then
        again, _ = await cluster.publish(1)
        await hearing(again, viewer)
        assert (await desk.ask("snapshot"))["state"]["pin"] == product
        assert (await desk.command("unpin"))["shared"] is True
        await buyer.event("unpinned")
        await viewer.close()
        await again.peer.close()
    await source.peer.close(bye=False)


async def test_a_countdown_ends_also_when_its_owner_is_killed_and_nobody_asks_for_anything(cluster: Cluster) -> None:
    house = cluster.house
    source, _ = await cluster.publish(0)
    async with house.page(1, await house.cookies("organiser")) as desk:
        state = desk.hello["snapshot"]["state"]
        coming = next(one["id"] for one in state["segments"] if one["startedMs"] is None)
        assert (await desk.command("arm_next", segment=coming, anyway=True))["shared"] is True
        os.kill(house.server.children()["worker-0"], signal.SIGKILL)
        await desk.until(lambda: current(desk) == coming)
    await source.peer.close(bye=False)


async def test_an_owner_that_slept_beyond_its_lease_sends_its_viewers_to_the_new_one(cluster: Cluster) -> None:
    house = cluster.house
    source, _ = await cluster.publish(0)
    viewer, _ = await cluster.watch(0)
    await hearing(source, viewer)
    async with house.page(1, await house.cookies("organiser")) as desk:
        asleep = house.server.children()["worker-0"]
        os.kill(asleep, signal.SIGSTOP)
        try:
            await house.server.log.event("room taken", room=cluster.room, worker=1)
        finally:
            os.kill(asleep, signal.SIGCONT)
        await asyncio.wait_for(viewer.closed.wait(), 20)
        again, joined = await cluster.watch(0)
        assert cluster.port_of(joined) == house.server.udp_port + 1
        assert (await desk.command("pause"))["shared"] is True
        await again.close()
    await source.peer.close(bye=False)


def current(page: Page) -> object:
    """The segment that is on, as far as this page was told."""
    begun = [told["event"]["segment"] for told in page.events if told["event"]["type"] == "advanced"]
    return begun[-1] if begun else page.snapshots[-1]["state"]["current"] if page.snapshots else None
