from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from expo.errors import Unavailable
from expo.media.engine import EngineConfig, MediaEngine
from expo.ops import health
from expo.ops.drain import DRAIN, Drain


async def works() -> None:
    pass


async def is_away() -> None:
    raise Unavailable("store.away", "no answer")


async def is_silent() -> None:
    await asyncio.Event().wait()


async def has_a_bug() -> None:
    raise ZeroDivisionError


def client(**probes: health.Probe) -> TestClient[web.Request, web.Application]:
    app = web.Application()
    app[DRAIN] = Drain()
    app.add_routes(health.routes(probes))
    return TestClient(TestServer(app))


async def test_ready_when_every_plane_works() -> None:
    async with client(store=works, media=works) as http:
        answer = await http.get("/readyz")

        assert answer.status == 200
        assert await answer.json() == {"ready": True, "planes": {"store": "ok", "media": "ok"}, "v": 1}


async def test_what_is_missing_is_named_and_the_rest_still_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PROBE_S", 0.01)
    async with client(store=is_away, cluster=is_silent, media=works, rooms=has_a_bug) as http:
        answer = await http.get("/readyz")

        assert answer.status == 503
        assert answer.headers["Retry-After"] == "1"
        assert (await answer.json())["planes"] == {
            "store": "store.away",
            "cluster": "cluster.away",
            "media": "ok",
            "rooms": "rooms.away",
        }


async def test_alive_whatever_is_missing() -> None:
    async with client(store=is_away) as http:
        answer = await http.get("/healthz")

        assert answer.status == 200
        assert await answer.text() == "ok\n"


async def test_a_draining_worker_is_alive_and_not_ready() -> None:
    async with client(store=works) as http:
        http.app[DRAIN].begin()

        assert (await http.get("/healthz")).status == 200
        answer = await http.get("/readyz")

        assert answer.status == 503
        assert (await answer.json())["planes"]["worker"] == "draining"


@pytest.mark.media
@pytest.mark.parametrize("bind", ["127.0.0.1", "0.0.0.0", "::", "::1"])
async def test_a_media_port_is_ready_while_the_loop_reads_it(bind: str) -> None:
    engine = await MediaEngine.open(EngineConfig(bind, 0, ("127.0.0.1",)))
    try:
        async with client(media=engine.probe) as http:
            for _ in range(2):
                answer = await http.get("/readyz")
                assert answer.status == 200, await answer.text()
        assert engine.stats.datagrams_received >= 2
        assert engine.stats.datagrams_refused == engine.stats.stun_refused == 0
    finally:
        await engine.close()


@pytest.mark.media
async def test_a_closed_media_port_is_away_at_once() -> None:
    engine = await MediaEngine.open(EngineConfig("127.0.0.1", 0, ("127.0.0.1",)))
    await engine.close()
    async with client(store=works, media=engine.probe) as http:
        answer = await http.get("/readyz")

        assert answer.status == 503
        assert (await answer.json())["planes"] == {"store": "ok", "media": "media.away"}
