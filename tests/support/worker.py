"""One worker in this process: the whole application of `expo.app`, with its Valkey, seeded SQLite and free ports."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from expo import app as application
from expo.accounts.keys import TOKENS
from expo.accounts.service import sign_link
from expo.clock import utc_now
from expo.cluster.workers import WorkerIdentity
from expo.demo.seed import Seeded, SeededPerson, seed
from expo.settings import Settings
from expo.store.db import Database
from expo.store.migrate import upgrade
from tests.support.server import free_udp_ports
from tests.support.site import Served, serving
from tests.support.valkey import running_valkey


@dataclass(frozen=True, slots=True)
class Worker:
    """A serving worker and the expo in its database."""

    served: Served
    settings: Settings
    seeded: Seeded

    @property
    def url(self) -> str:
        return self.served.url

    @property
    def app(self) -> web.Application:
        return self.served.app

    def person(self, role: str) -> SeededPerson:
        return next(person for person in self.seeded.people if person.role == role)

    def link(self, person: SeededPerson) -> str:
        token = sign_link(self.app[TOKENS], person.id, person.role, person.showcase_id, utc_now())
        return f"{self.url}/enter/{token}"


@contextlib.asynccontextmanager
async def running_worker(folder: Path, *, viewers: int = 250) -> AsyncGenerator[Worker]:
    """A worker for a block."""
    async with running_valkey(folder / "valkey") as redis_url, _running(folder, redis_url, viewers) as worker:
        yield worker


@contextlib.asynccontextmanager
async def _running(folder: Path, redis_url: str, viewers: int) -> AsyncGenerator[Worker]:
    settings = Settings.from_env(
        {
            "EXPO_DATA_DIR": str(folder / "data"),
            "EXPO_RECORDINGS_DIR": str(folder / "recordings"),
            "EXPO_REDIS_URL": redis_url,
            "EXPO_UDP_PORT": str(free_udp_ports()),
            "EXPO_ANNOUNCE": "127.0.0.1",
            "EXPO_VIEWERS_PER_WORKER": str(viewers),
        }
    )
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    await upgrade(settings.effective_database_url)
    database = await Database.open(settings.effective_database_url)
    try:
        seeded = await seed(database, utc_now())
    finally:
        await database.close()
    async with serving(application.build(settings, WorkerIdentity.of(settings, 0))) as served:
        yield Worker(served, settings, seeded)
