"""A server with two workers over seeded rows, and how each role comes in."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import aiohttp

from expo.accounts.rules import Role, RoomGrant
from expo.accounts.service import sign_link
from expo.accounts.tokens import Tokens
from expo.clock import utc_now
from expo.cluster.workers import private_socket
from expo.demo.seed import Seeded, SeededPerson, seed
from expo.ids import ParticipantId, PersonId, RoomId, ShowcaseId
from expo.media.aiortc_seam import Certificate
from expo.media.peer import Peer
from expo.media.peer_http import join
from expo.ops.rooms import every
from expo.settings import Settings
from expo.store.db import Database
from expo.store.migrate import upgrade
from tests.support.live import Page, cookie_header, opened_page
from tests.support.room import OPTIONS, Source, Watching
from tests.support.server import RunningServer, running_server

SECRET = "the cluster's secret, for tests only"
CERTIFICATE = Certificate.generate()


@dataclass
class House:
    """A server with two workers and its seeded showcases; a room belongs to the worker that was asked for it first."""

    server: RunningServer
    seeded: Seeded
    sockets: tuple[Path, Path]
    database_url: str

    @property
    def room(self) -> str:
        return self.seeded.live

    @property
    def valkey_url(self) -> str:
        return Settings.from_env({"EXPO_DATA_DIR": str(self.server.data_dir)}).effective_redis_url

    async def owner(self) -> int:
        """Which worker has the room."""
        rooms = await every(Settings.from_env({"EXPO_DATA_DIR": str(self.server.data_dir)}))
        owner = next(each.owner for each in rooms if each.room == self.room)
        assert owner is not None
        return int(owner.partition(".")[0].rpartition("-")[2])

    def person(self, role: str) -> SeededPerson:
        people = [each for each in self.seeded.people if each.role == role]
        return next((each for each in people if each.showcase_id == self.room), people[0])

    async def cookies(self, role: str) -> dict[str, str]:
        person = self.person(role)
        return await self.entered(person.id, person.role, person.showcase_id)

    async def entered(self, person: PersonId, role: Role, showcase: ShowcaseId) -> dict[str, str]:
        """The cookies of somebody who has opened a link of their own."""
        link = sign_link(Tokens(SECRET), person, role, showcase, utc_now())
        return await self._cookies("GET", f"/enter/{link}", 303)

    async def guest(self, name: str) -> dict[str, str]:
        return await self._cookies("POST", "/api/guests", 201, {"name": name, "company": "Sao Mai"})

    async def invited(self, host: dict[str, str], **wanted: str) -> tuple[PersonId, dict[str, str]]:
        """Somebody new whom this organiser has invited, and the cookies of a browser that came in."""
        path = f"{self.server.base_url}/api/showcases/{self.room}/invitations"
        async with (
            aiohttp.ClientSession(headers=cookie_header(host)) as http,
            http.post(path, json={"role": "buyer", "name": "Yến", **wanted}) as answer,
        ):
            assert answer.status == 201, await answer.text()
            made = await answer.json()
        cookies = await self._cookies("POST", f"/i/{made['url'].rpartition('/')[2]}", 303)
        return PersonId(made["personId"]), cookies

    async def revoke(self, host: dict[str, str], person: PersonId) -> None:
        """Take everything back that this person has."""
        async with (
            aiohttp.ClientSession(headers=cookie_header(host)) as http,
            http.delete(f"{self.server.base_url}/api/people/{person}") as answer,
        ):
            assert answer.status == 204, await answer.text()

    def page(self, worker: int, cookies: dict[str, str] | None = None) -> AbstractAsyncContextManager[Page]:
        return opened_page(self.sockets[worker], self.room, cookies=cookies)

    @contextlib.asynccontextmanager
    async def on_the_air(self, participant: str) -> AsyncGenerator[Source]:
        """Somebody who publishes with a room token."""
        grant = RoomGrant(
            RoomId(self.room), ParticipantId(participant), "Somebody", frozenset({"publish", "takeover"}),
            utc_now() + timedelta(minutes=10),
        )  # fmt: skip
        async with self._joined("whip", Peer.publisher(CERTIFICATE, OPTIONS), Tokens(SECRET).sign(grant)) as peer:
            yield Source(peer)

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncGenerator[Watching]:
        """A viewer without a token."""
        peer = Peer.viewer(CERTIFICATE, OPTIONS)
        watching = Watching(peer)
        async with self._joined("whep", peer, None):
            yield watching

    @contextlib.asynccontextmanager
    async def _joined(self, kind: str, peer: Peer, token: str | None) -> AsyncGenerator[Peer]:
        try:
            async with aiohttp.ClientSession() as http:
                joined = await join(http, f"{self.server.base_url}/{kind}/{self.room}", peer.offer, token)
            await peer.connect(joined.answer)
            yield peer
        finally:
            await peer.close()

    async def _cookies(self, method: str, path: str, status: int, body: object = None) -> dict[str, str]:
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
            http.request(method, self.server.base_url + path, json=body, allow_redirects=False) as answer,
        ):
            assert answer.status == status, await answer.text()
            return {name: cookie.value for name, cookie in answer.cookies.items()}


@contextlib.asynccontextmanager
async def open_house(folder: Path) -> AsyncGenerator[House]:
    """Serving until the end of the block."""
    database_url = f"sqlite+aiosqlite:///{folder}/expo.db"
    await upgrade(database_url)
    database = await Database.open(database_url)
    try:
        seeded = await seed(database, utc_now())
    finally:
        await database.close()
    env = {"EXPO_SECRET": SECRET, "EXPO_DATABASE_URL": database_url}
    settings = Settings.from_env({"EXPO_DATA_DIR": str(folder / "data")})
    async with running_server(folder / "data", workers=2, env=env) as server:
        yield House(server, seeded, (private_socket(settings, 0), private_socket(settings, 1)), database_url)
