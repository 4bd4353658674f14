"""The whole application of one worker: pages, API, role links and media over real sockets."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from expo.accounts.keys import TOKENS
from expo.accounts.rules import ROLES, Can, RoomGrant
from expo.clock import utc_now
from expo.edge.headers import CONTENT_SECURITY_POLICY
from expo.edge.keys import EDGE_STATS
from expo.ids import ParticipantId, RoomId
from expo.media.peer import Peer
from expo.media.peer_http import joined_peer
from tests.edge.test_openapi import check_document
from tests.edge.test_server import SLOW_LORISES, lorises
from tests.support.room import Source, Watching, missing_nothing
from tests.support.worker import Worker, running_worker

pytestmark = pytest.mark.media

PAGE_DATA = re.compile(r'<script type="application/json" id="page-data">(.*?)</script>', re.DOTALL)


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncGenerator[Worker]:
    async with running_worker(tmp_path) as running:
        yield running


@pytest.fixture
async def http() -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:  # our host is an IP address
        yield session


async def read(http: aiohttp.ClientSession, url: str, **headers: str) -> tuple[aiohttp.ClientResponse, str]:
    async with http.get(url, headers=headers) as answer:
        return answer, await answer.text()


def page_data(text: str) -> dict[str, Any]:
    return json.loads(PAGE_DATA.findall(text)[0])


@pytest.mark.parametrize("language", ["en", "ko", "vi"])
async def test_every_page_opens_in_every_language(worker: Worker, http: aiohttp.ClientSession, language: str) -> None:
    await read(http, worker.link(worker.person("exhibitor")))
    await read(http, f"{worker.url}/lang/{language}")
    stages = [f"/s/{showcase}" for showcase in worker.seeded.showcases]
    for path in ("/", *stages, "/check", f"/studio/{worker.seeded.live}"):
        answer, text = await read(http, worker.url + path)
        assert answer.status == 200, path
        assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
        assert f'lang="{language}"' in text
        assert "{{" not in text


async def test_every_roles_link_leads_to_a_page_that_opens(worker: Worker) -> None:
    landed: dict[str, str] = {}
    for person in worker.seeded.people:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
            answer, _ = await read(http, worker.link(person), Accept="text/html")
            assert answer.status == 200, person.role
            assert [hop.status for hop in answer.history] == [303]
            landed[person.role] = answer.url.path
    assert set(landed) == set(ROLES)
    assert landed["exhibitor"].startswith("/studio/")
    assert landed["buyer"].startswith("/s/")
    assert landed["interpreter"] == "/check"


async def test_the_stage_polls_what_its_page_data_names(worker: Worker, http: aiohttp.ClientSession) -> None:
    _, text = await read(http, f"{worker.url}/s/{worker.seeded.live}")
    data = page_data(text)
    answer, body = await read(http, worker.url + data["stateUrl"])
    state = json.loads(body)
    assert set(state) == {
        "v", "id", "title", "state", "onAir", "viewers", "startsAt", "keyFrameIntervalMs", "replay",
        "again", "serverTime",
    }  # fmt: skip
    assert (state["v"], state["id"], state["state"], state["onAir"]) == (1, worker.seeded.live, "live", False)
    async with http.get(worker.url + data["stateUrl"], headers={"If-None-Match": answer.headers["ETag"]}) as again:
        assert again.status == 304
    _, listed = await read(http, f"{worker.url}/api/showcases")
    assert worker.seeded.live in {showcase["id"] for showcase in json.loads(listed)["showcases"]}


@pytest.mark.parametrize("path", ["/api/showcases/nobody", "/api/showcases/" + "a" * 100, "/s/nobody"])
async def test_what_does_not_exist_is_a_problem_for_programs_and_a_page_for_people(
    worker: Worker, http: aiohttp.ClientSession, path: str
) -> None:
    answer, body = await read(http, worker.url + path)
    assert (answer.status, json.loads(body)["code"]) == (404, "showcase.not_found")
    answer, body = await read(http, worker.url + path, Accept="text/html", **{"Accept-Language": "ko"})
    assert (answer.status, answer.content_type) == (404, "text/html")
    assert "해당 쇼케이스가 없습니다" in body


async def test_the_studio_opens_to_its_exhibitor_only(worker: Worker, http: aiohttp.ClientSession) -> None:
    studio = f"{worker.url}/studio/{worker.seeded.live}"
    assert (await read(http, studio))[0].status == 401
    await read(http, worker.link(worker.person("buyer")))
    assert (await read(http, studio))[0].status == 403


async def test_the_document_of_the_whole_application_is_sound(worker: Worker, http: aiohttp.ClientSession) -> None:
    _, body = await read(http, f"{worker.url}/openapi.json")
    found = json.loads(body)
    check_document(found)
    served = {
        re.sub(r":[^}]+\}", "}", route.resource.canonical)
        for route in worker.app.router.routes()
        if route.resource is not None
    }
    assert set(found["paths"]) == served
    assert set(found["paths"]["/whep/{room}"]) == {"post", "options"}
    assert set(found["paths"]["/whip/{room}/{resource}"]) == {"patch", "delete", "options"}
    undeclared = [path for path, item in found["paths"].items() for told in item.values() if not told["summary"]]
    assert undeclared == []


async def test_metrics_tell_of_every_plane(worker: Worker, http: aiohttp.ClientSession) -> None:
    _, body = await read(http, f"{worker.url}/metrics")
    for name in ("expo_http_answers_total", "expo_http_server_errors_total", "expo_media_", "expo_rooms_"):
        assert name in body, name


async def test_five_hundred_slow_lorises_keep_no_buyer_out_and_cost_no_viewer_a_frame(
    worker: Worker, http: aiohttp.ClientSession
) -> None:
    """The whole way: page, state, WHEP, ICE and DTLS, from the same address as the flood."""
    whip, whep = (f"{worker.url}/{kind}/{worker.seeded.live}" for kind in ("whip", "whep"))
    exhibitor, watching = Peer.publisher(), Peer.viewer()
    source, canary = Source(exhibitor), Watching(watching)
    async with (
        joined_peer(http, whip, exhibitor, room_token(worker, "publish")),
        joined_peer(http, whep, watching, None),
        missing_nothing(source, canary),
        lorises(worker.served, SLOW_LORISES, b"POST /whep/x HTTP/1.1\r\nHost: x\r\nX-A"),
        aiohttp.ClientSession() as newcomer,
    ):
        async with asyncio.timeout(10):
            _, text = await read(newcomer, f"{worker.url}/s/{worker.seeded.live}")
            data = page_data(text)
            viewer = Peer.viewer()
            async with joined_peer(newcomer, worker.url + data["whepUrl"], viewer, data["whepToken"]):
                await Watching(viewer).until(lambda seen: bool(seen.video))
                _, body = await read(newcomer, worker.url + data["stateUrl"])
                assert json.loads(body)["viewers"] == 2
        assert worker.app[EDGE_STATS].evicted > 0


def room_token(worker: Worker, can: Can) -> str:
    grant = RoomGrant(
        room=RoomId(worker.seeded.live),
        participant=ParticipantId("encoder"),
        name="Encoder",
        can=frozenset({can}),
        expires_at=utc_now() + timedelta(hours=1),
    )
    return worker.app[TOKENS].sign(grant)


async def test_a_full_worker_says_when_to_come_back(tmp_path: Path, http: aiohttp.ClientSession) -> None:
    async with running_worker(tmp_path, viewers=1) as worker:
        url = f"{worker.url}/whep/{worker.seeded.live}"
        first, second = Peer.viewer(), Peer.viewer()
        async with joined_peer(http, url, first, None):
            headers = {
                "Content-Type": "application/sdp",
                "Accept-Language": "vi",
                "Origin": "https://elsewhere.example",
                "Authorization": f"Bearer {room_token(worker, 'watch')}",
            }
            async with http.post(url, data=second.offer.encode(), headers=headers) as answer:
                told = await answer.json()
            assert (answer.status, told["code"]) == (503, "media.full")
            assert int(answer.headers["Retry-After"]) == told["retryAfterS"] > 0
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert "Hiện đã hết chỗ" in told["title"]
        await second.close()


async def test_a_worker_leaves_no_task_behind(tmp_path: Path) -> None:
    before = asyncio.all_tasks()
    async with running_worker(tmp_path) as worker, aiohttp.ClientSession() as http:
        await read(http, worker.url)
    assert {task.get_name() for task in asyncio.all_tasks() - before} == set()
