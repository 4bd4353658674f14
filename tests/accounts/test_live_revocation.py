"""Two workers, live media: who is revoked in one leaves the air in the other, within three seconds."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from expo.accounts.service import sign_link
from expo.accounts.tokens import Tokens
from expo.clock import utc_now
from expo.cluster.workers import private_socket
from expo.demo.seed import Seeded, seed
from expo.media.aiortc_seam import Certificate
from expo.media.peer import Peer
from expo.media.peer_http import Refused, join
from expo.settings import Settings
from expo.store.db import Database
from expo.store.migrate import upgrade
from tests.support.room import OPTIONS
from tests.support.server import running_server

pytestmark = [pytest.mark.cluster, pytest.mark.media, pytest.mark.asyncio(loop_scope="module")]

PAGE_DATA = re.compile(r'<script type="application/json" id="page-data">(.*?)</script>', re.DOTALL)
SOON_S = 3.0


@dataclass(frozen=True, slots=True)
class Server:
    """Two workers, and people who talk to the one without the media, on its private socket."""

    folder: Path
    socket: Path
    tokens: Tokens
    seeded: Seeded

    @asynccontextmanager
    async def browser(self, path: str, method: str = "GET") -> AsyncGenerator[aiohttp.ClientSession]:
        """A browser of its own that has opened (or, for POST, pressed the button of) one address."""
        async with aiohttp.ClientSession(
            "http://worker-1", connector=aiohttp.UnixConnector(path=str(self.socket))
        ) as http:
            async with http.request(method, path, allow_redirects=False) as answer:
                assert answer.status in {200, 303}, await answer.text()
            yield http

    def organiser(self) -> str:
        one = next(person for person in self.seeded.people if person.role == "organiser")
        return f"/enter/{sign_link(self.tokens, one.id, one.role, one.showcase_id, utc_now())}"

    def expo(self, *arguments: str) -> None:
        env = {**os.environ, "EXPO_DATA_DIR": str(self.folder)}
        done = subprocess.run([sys.executable, "-m", "expo", *arguments], env=env, capture_output=True, check=True)
        assert done.stdout == b"Revoked.\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Server]:
    folder = tmp_path_factory.mktemp("data")
    settings = Settings.from_env({"EXPO_DATA_DIR": str(folder)})
    await upgrade(settings.effective_database_url)
    database = await Database.open(settings.effective_database_url)
    seeded = await seed(database, utc_now())
    await database.close()
    async with running_server(folder, workers=2):
        yield Server(folder, private_socket(settings, 1), Tokens(settings.load_secret()), seeded)


async def join_as(http: aiohttp.ClientSession, kind: str, peer: Peer, token: str | None) -> Peer:
    joined = await join(http, f"http://worker-1/{kind}/chungbuk", peer.offer, token)
    await peer.connect(joined.answer)
    return peer


@pytest.mark.parametrize("what", ["invitation", "device", "person", "command line"])
async def test_who_is_revoked_leaves_the_air_and_stays_off(server: Server, what: str) -> None:
    certificate = Certificate.generate()
    async with server.browser(server.organiser()) as desk:
        invitations = "/api/showcases/chungbuk/invitations"
        body = {"role": "exhibitor", "name": "김민수", "company": "gyeol-cosmetics"}
        async with desk.post(invitations, json=body) as answer:
            made: dict[str, Any] = await answer.json()
        async with server.browser("/i/" + made["url"].rpartition("/")[2], "POST") as studio:
            async with studio.get("/studio/chungbuk") as page:
                data = json.loads(PAGE_DATA.findall(await page.text())[0])
            publisher = await join_as(studio, "whip", Peer.publisher(certificate, OPTIONS), data["publishToken"])
            viewer = await join_as(studio, "whep", Peer.viewer(certificate, OPTIONS), data["whepToken"])
            stranger = await join_as(desk, "whep", Peer.viewer(certificate, OPTIONS), None)

            if what == "command line":
                await asyncio.to_thread(server.expo, "invite", "revoke", made["id"])
            else:
                async with desk.get(invitations) as listed:
                    mine = next(each for each in (await listed.json())["invitations"] if each["id"] == made["id"])
                    device = mine["devices"][0]["id"]
                address = {
                    "invitation": f"/api/invitations/{made['id']}",
                    "device": f"/api/devices/{device}",
                    "person": f"/api/people/{made['personId']}",
                }[what]
                async with desk.delete(address) as answer:
                    assert answer.status == 204
            async with asyncio.timeout(SOON_S):
                await publisher.closed.wait()
                await viewer.closed.wait()
            assert stranger.connected

            for kind, token in (
                ("whip", data["pageToken"]),
                ("whep", data["whepToken"]),
                ("whip", data["encoderToken"]),
            ):
                peer = Peer.publisher(certificate, OPTIONS) if kind == "whip" else Peer.viewer(certificate, OPTIONS)
                with pytest.raises(Refused, match=r"401.*token\.revoked"):
                    await join_as(studio, kind, peer, token)
                await peer.close()
            async with studio.get("/studio/chungbuk") as page:
                assert page.status == 401
            for peer in (publisher, viewer, stranger):
                await peer.close()
