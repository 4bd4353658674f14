"""A worker passes requests on to the sibling that has the room, and says whether that one is gone or only silent."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web

from expo.media.peer import Peer
from expo.media.peer_http import join, leave
from expo.rooms import sibling as sibling_module
from expo.rooms.door import proof_of
from expo.rooms.live import LiveState
from expo.rooms.operations import FORWARDED
from expo.rooms.sibling import OwnerAwayError, Sibling
from tests.support.offers import offer
from tests.support.room import OPTIONS, Source
from tests.support.site import Served, site
from tests.support.stage import ROOM, SECRET, Answered, Stage, eventually, open_stage

pytestmark = pytest.mark.media


@dataclass(frozen=True, slots=True)
class Pair:
    """The worker with the room, and another that passes on to it all that it is asked."""

    owner: Stage
    other: Served
    sibling: Sibling

    async def ask(self, method: str, path: str, body: str | None = None, **asked: str) -> Answered:
        """Ask the other."""
        headers = {name.replace("_", "-"): value for name, value in asked.items()}
        return await self.owner.ask(method, f"{self.other.url}{path}", body, headers=headers)


@asynccontextmanager
async def passing_on(folder: Path, private_socket: Path) -> AsyncGenerator[tuple[Served, Sibling]]:
    sibling = Sibling(private_socket, proof_of(SECRET))

    async def pass_on(request: web.Request) -> web.Response:
        """Ask the sibling."""
        return await sibling.pass_on(request)

    try:
        async with site(folder, [web.route("*", "/{path:(?:whip|whep)/.*}", pass_on)]) as served:
            yield served, sibling
    finally:
        await sibling.close()
        await sibling.close()


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncGenerator[Pair]:
    with tempfile.TemporaryDirectory(prefix="expo-") as short:  # a unix socket's path has 107 bytes at most
        private_socket = Path(short) / "worker-0.sock"
        async with open_stage(tmp_path / "own") as owner:
            await web.UnixSite(owner.served.runner, str(private_socket)).start()
            async with passing_on(tmp_path / "far", private_socket) as (served, sibling):
                yield Pair(owner, served, sibling)


def code(answer: Answered) -> tuple[int, str]:
    return answer.status, json.loads(answer.body)["code"]


async def test_publishing_and_watching_work_through_another_worker(pair: Pair) -> None:
    stage = pair.owner
    publisher, viewer = Peer.publisher(stage.certificate, OPTIONS), Peer.viewer(stage.certificate, OPTIONS)
    stage.peers.extend((publisher, viewer))
    published = await join(stage.http, f"{pair.other.url}/whip/{ROOM}", publisher.offer, stage.token())
    await publisher.connect(published.answer)
    watched = await join(stage.http, f"{pair.other.url}/whep/{ROOM}?lanes=picture", viewer.offer, None)
    assert watched.etag
    arrived = asyncio.Event()
    viewer.on_packet = lambda _incoming, _packet: arrived.set()
    await viewer.connect(watched.answer)
    await Source(publisher).run(50)
    await asyncio.wait_for(arrived.wait(), 5)
    assert watched.resource_url.startswith(pair.other.url)
    assert await leave(stage.http, watched, None) == 200
    assert await leave(stage.http, published, stage.token()) == 200
    assert stage.host.rooms == 0


async def test_the_owners_refusals_come_back_as_they_are(pair: Pair) -> None:
    sdp = {"Content_Type": "application/sdp", "Accept_Language": "vi"}
    refused = await pair.ask("POST", f"/whip/{ROOM}", offer("chromium-publish"), **sdp)
    assert code(refused) == (401, "token.missing")
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")
    direct = await pair.owner.ask("POST", f"/whip/{ROOM}", offer("chromium-publish"), headers={"Accept-Language": "vi"})
    assert json.loads(refused.body)["title"] == json.loads(direct.body)["title"]
    assert code(await pair.ask("POST", "/whep/nowhere", offer("chromium-watch"), **sdp)) == (404, "rooms.absent")
    assert code(await pair.ask("PATCH", f"/whep/{ROOM}/nothing", "a=x", **sdp)) == (404, "rooms.no_resource")
    assert code(await pair.ask("POST", f"/whep/{ROOM}", "x" * 70_000, **sdp)) == (413, "request.too_large")
    preflight = await pair.ask("OPTIONS", f"/whip/{ROOM}")
    assert (preflight.status, preflight.headers["Accept-Post"]) == (200, "application/sdp")
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]


async def test_the_live_state_is_known_everywhere(pair: Pair) -> None:
    assert await pair.sibling.live_state(ROOM) == LiveState()
    source, _ = await pair.owner.publish()
    await source.run(3)
    await eventually(lambda: pair.owner.host.live_state(ROOM).on_air)
    assert await pair.sibling.live_state(ROOM) == LiveState(on_air=True)


async def test_a_guessed_proof_changes_nothing(pair: Pair) -> None:
    asked = {"Content_Type": "application/sdp", FORWARDED: "0" * 64}
    assert (await pair.ask("POST", f"/whep/{ROOM}", offer("chromium-watch"), **asked)).status == 201


async def test_an_owner_that_is_away_is_said_to_be_away(tmp_path: Path) -> None:
    async with passing_on(tmp_path, tmp_path / "nobody.sock") as (served, sibling):
        with pytest.raises(OwnerAwayError) as caught:
            await sibling.live_state(ROOM)
        assert (caught.value.code, caught.value.retry_after_s) == ("rooms.owner_away", sibling_module.RETRY_S)
        assert caught.value.gone
        assert str(tmp_path) not in caught.value.detail
        async with open_stage(tmp_path / "client") as client:
            answer = await client.offer(f"{served.url}/whep/{ROOM}", offer("chromium-watch"))
            assert code(answer) == (503, "rooms.owner_away")
            assert answer.headers["Retry-After"] == str(sibling_module.RETRY_S)


async def test_an_owner_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sibling_module, "ASK_S", 0.1)
    with tempfile.TemporaryDirectory(prefix="expo-") as short:
        silent = Path(short) / "worker-0.sock"
        released = asyncio.Event()

        async def hang(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await released.wait()
            writer.close()

        server = await asyncio.start_unix_server(hang, str(silent))
        async with server, passing_on(tmp_path, silent) as (_, sibling):
            with pytest.raises(OwnerAwayError, match=r"rooms\.owner_away") as caught:
                await sibling.live_state(ROOM)
            assert not caught.value.gone, "it may have the room still"
            released.set()
