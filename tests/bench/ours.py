"""The server under test: the shipped `expo serve` as a real process, with a showcase that goes live by itself."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import re
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp
import msgspec
from sqlalchemy import insert, select

from expo.accounts.tokens import Tokens
from expo.clock import utc_now
from expo.demo.links import Links
from expo.demo.ready import PersonLine, ShowcaseLine
from expo.demo.seed import seed
from expo.ids import RoomId, new_row_id
from expo.media.peer import Peer
from expo.media.peer_http import join
from expo.settings import Settings
from expo.showcases.tables import Showcase
from expo.store.db import Database
from tests.bench.place import HOST, SERVER_CORE, pinned, processes_below
from tests.support.server import RunningServer, free_udp_ports, launch

_SAMPLE = re.compile(r"^(expo_media_\w+)\{[^}]*\} ([0-9.e+]+)$", re.MULTILINE)
COUNTERS = ("nacks_received", "retransmissions", "reports_received", "reports_sent")
"""What a server does that answers its viewers; a benchmark of one that does not is worth nothing."""


class OurServer:
    """A running server and the ways in."""

    def __init__(
        self,
        server: RunningServer,
        http: aiohttp.ClientSession,
        stages: list[ShowcaseLine],
        people: tuple[PersonLine, ...],
    ) -> None:
        self.server = server
        self.http = http
        self.stage = stages[0]
        self.stages = stages
        self.people = people
        self.pids = processes_below(server.pid)
        """Supervisor, worker, Valkey: all that the server costs."""

    @property
    def worker_pid(self) -> int:
        return next(pid for name, pid in self.server.children().items() if name.startswith("worker"))

    async def publish(self, peer: Peer, number: int = 0) -> None:
        """Put the peer on air by WHIP, on the stage of that number."""
        url, token = self.stages[number].whip_url, self.stages[number].whip_token
        assert isinstance(url, str)
        assert isinstance(token, str)
        answer = await join(self.http, url, peer.offer, token)
        await peer.connect(answer.answer)

    async def watch(self, peer: Peer) -> str:
        """The answer to a viewer's offer, by WHEP."""
        return (await join(self.http, self.stage.whep_url, peer.offer, self.stage.whep_token)).answer

    async def counters(self) -> dict[str, float]:
        """The media plane's numbers from `/metrics`, without their common prefix and suffix."""
        async with self.http.get(f"{self.server.base_url}/metrics") as answer:
            text = await answer.text()
        return {
            name.removeprefix("expo_media_").removesuffix("_total"): float(value)
            for name, value in _SAMPLE.findall(text)
        }


@contextlib.asynccontextmanager
async def our_server(
    folder: Path, host: str = HOST, *, core: int | None = SERVER_CORE, stages: int = 1, workers: int = 1
) -> AsyncGenerator[OurServer]:
    """A seeded server in `folder` that announces `host`, on one core unless told otherwise, with idle `stages`."""
    env = {
        "EXPO_ANNOUNCE": host,
        "EXPO_VIEWERS_PER_WORKER": "2000",
        "EXPO_DATA_DIR": str(folder),
        "EXPO_UDP_PORT": str(free_udp_ports(workers)),
    }
    with contextlib.nullcontext() if core is None else pinned(core):
        server = await launch(folder, workers=workers, udp_port=int(env["EXPO_UDP_PORT"]), env=env)
    try:
        settings = Settings.from_env(env)
        database = await Database.open(settings.effective_database_url)
        try:
            seeded = await seed(database, utc_now())
            tokens = Tokens(settings.load_secret())
            ready = await Links(server.base_url, database, tokens, seeded).ready_file([])
            stage = next(showcase for showcase in ready.showcases if showcase.whip_url)
            idle = [stage, *[await _another(database, tokens, stage) for _ in range(stages - 1)]]
        finally:
            await database.close()
        timeout = aiohttp.ClientTimeout(total=30)
        async with aiohttp.ClientSession(timeout=timeout) as http:
            yield OurServer(server, http, idle, ready.people)
    finally:
        async with asyncio.timeout(60):
            await server.stop()


async def _another(database: Database, tokens: Tokens, stage: ShowcaseLine) -> ShowcaseLine:
    """A further showcase like `stage`, with a room of its own."""
    assert isinstance(stage.whip_token, str)
    grant = tokens.verify(stage.whip_token, utc_now())
    room = RoomId(new_row_id())
    table = Showcase.__table__
    async with database.write() as db:
        row = (await db.execute(select(table).where(table.c.id == stage.id))).mappings().one()
        await db.execute(insert(Showcase).values({**row, "id": room}))
    root = stage.whep_url.removesuffix(f"/whep/{stage.id}")
    return msgspec.structs.replace(
        stage,
        id=room,
        whep_url=f"{root}/whep/{room}",
        whip_url=f"{root}/whip/{room}",
        whip_token=tokens.sign(dataclasses.replace(grant, room=room)),
    )


def idle_counters(before: dict[str, float], after: dict[str, float]) -> list[str]:
    """Which of COUNTERS stood still between two looks."""
    return [name for name in COUNTERS if after.get(name, 0) <= before.get(name, 0)]
