"""A server with two workers over seeded rows, and how each role comes in."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from expo.accounts.service import sign_link
from expo.accounts.tokens import Tokens
from expo.clock import utc_now
from expo.cluster.workers import private_socket
from expo.demo.seed import Seeded, SeededPerson, seed
from expo.settings import Settings
from expo.store.db import Database
from expo.store.migrate import upgrade
from tests.support.live import Page, opened_page
from tests.support.server import RunningServer, running_server

SECRET = "the cluster's secret, for tests only"


@dataclass
class House:
    """A server with two workers and its seeded showcases; worker 0 owns the rooms."""

    server: RunningServer
    seeded: Seeded
    sockets: tuple[Path, Path]

    @property
    def room(self) -> str:
        return self.seeded.live

    def person(self, role: str) -> SeededPerson:
        people = [each for each in self.seeded.people if each.role == role]
        return next((each for each in people if each.showcase_id == self.room), people[0])

    async def cookies(self, role: str) -> dict[str, str]:
        person = self.person(role)
        link = sign_link(Tokens(SECRET), person.id, person.role, person.showcase_id, utc_now())
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
            http.get(f"{self.server.base_url}/enter/{link}", allow_redirects=False) as answer,
        ):
            return {name: cookie.value for name, cookie in answer.cookies.items()}

    async def guest(self, name: str) -> dict[str, str]:
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
            http.post(f"{self.server.base_url}/api/guests", json={"name": name, "company": "Sao Mai"}) as answer,
        ):
            assert answer.status == 201, await answer.text()
            return {name: cookie.value for name, cookie in answer.cookies.items()}

    def page(self, worker: int, cookies: dict[str, str] | None = None) -> AbstractAsyncContextManager[Page]:
        return opened_page(self.sockets[worker], self.room, cookies=cookies)


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
        yield House(server, seeded, (private_socket(settings, 0), private_socket(settings, 1)))
