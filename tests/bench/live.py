"""Figures of live rooms: how soon a pin is with everybody, and how soon a command is answered."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import tempfile
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import msgspec

from expo.accounts.service import sign_link
from expo.accounts.tokens import Tokens
from expo.clock import utc_now
from expo.cluster.workers import private_socket
from expo.demo.seed import Seeded, seed
from expo.settings import Settings
from expo.store.db import Database
from tests.bench.beside import Beside, beside
from tests.bench.calm import calmest
from tests.bench.cpu import Meter
from tests.bench.desks import Pressed
from tests.bench.figures import Figure, percentile
from tests.bench.place import SERVER_CORE, pinned, processes_below, show
from tests.support.live import Page, opened_page
from tests.support.server import RunningServer, free_udp_ports, launch

PAUSE_S = 0.25
"""Between pins: each is measured alone."""


@dataclass(frozen=True, slots=True)
class House:
    """A server with two workers; a room belongs to the worker that was asked for it first."""

    server: RunningServer
    seeded: Seeded
    sockets: tuple[Path, Path]
    secret: str

    async def organiser(self) -> dict[str, str]:
        person = next(each for each in self.seeded.people if each.role == "organiser")
        link = sign_link(Tokens(self.secret), person.id, person.role, person.showcase_id, utc_now())
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
            http.get(f"{self.server.base_url}/enter/{link}", allow_redirects=False) as answer,
        ):
            return {name: cookie.value for name, cookie in answer.cookies.items()}


@contextlib.asynccontextmanager
async def house(core: int | None = SERVER_CORE) -> AsyncGenerator[House]:
    """Served from `core`, or None: from wherever."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        udp_port = free_udp_ports(2)
        env = {"EXPO_DATA_DIR": folder, "EXPO_UDP_PORT": str(udp_port), "EXPO_ANNOUNCE": "127.0.0.1"}
        with contextlib.nullcontext() if core is None else pinned(core):
            server = await launch(Path(folder), workers=2, udp_port=udp_port, env=env)
        try:
            settings = Settings.from_env(env)
            database = await Database.open(settings.effective_database_url)
            try:
                seeded = await seed(database, utc_now())
            finally:
                await database.close()
            sockets = private_socket(settings, 0), private_socket(settings, 1)
            yield House(server, seeded, sockets, settings.load_secret())
        finally:
            await server.stop()


async def pin(sockets: int, pins: int, tries: int) -> Figure:
    """From the organiser's send call to a page's own handler; pages are spread over both workers."""
    async with house() as place, contextlib.AsyncExitStack() as opened:
        pages = [
            await opened.enter_async_context(opened_page(place.sockets[number % 2], place.seeded.live))
            for number in range(sockets)
        ]
        cookies = msgspec.json.encode(await place.organiser()).decode()
        desks = await opened.enter_async_context(beside("desks", place.seeded.live, cookies, *map(str, place.sockets)))
        gc.disable()  # a walk through all that these pages hold would stop them for 120 ms, once in a try
        opened.callback(gc.enable)

        async def once() -> tuple[Figure, float]:
            meter = Meter(lambda: processes_below(place.server.pid), SERVER_CORE)
            figure = await _pins(desks, pages, pins)
            return figure, meter.foreign_share(meter.stop().cpu_ns)

        return await calmest(once, tries)


async def _pins(desks: Beside, pages: list[Page], pins: int) -> Figure:
    segments = pages[0].hello["snapshot"]["state"]["segments"]
    products = [product for segment in segments for product in segment["products"]]
    seen_ms: list[float] = []
    answered_ms: dict[int, list[float]] = {0: [], 1: []}
    for number in range(pins):
        by = number % 2
        arrived = asyncio.gather(*(page.next_event_ns("pinned") for page in pages))
        await asyncio.sleep(PAUSE_S)
        await desks.tell(msgspec.json.encode((by, products[number % len(products)])))
        pressed = msgspec.json.decode(await desks.line(), type=Pressed)
        if pressed.refused:
            raise RuntimeError(f"the pin was not taken: {pressed.refused}")
        answered_ms[by].append((pressed.answered_ns - pressed.began_ns) / 1e6)
        async with asyncio.timeout(20):
            seen_ms += [(at_ns - pressed.began_ns) / 1e6 for at_ns in await arrived]
    p50, p99 = (round(percentile(seen_ms, share), 1) for share in (0.5, 0.99))
    own, far = (round(percentile(answered_ms[by], 0.99), 1) for by in (0, 1))
    show(f"pin to {len(pages)} sockets: p50 {p50} ms, p99 {p99} ms")
    show(f"command answered: p99 {own} ms on the owner (target 30), {far} ms through the door (target 60)")
    why = [
        f"{value} ms is over {most} ms {where}"
        for value, most, where in ((own, 30, "on the owner"), (far, 60, "through the door"))
        if value > most
    ]
    return Figure(
        name=f"pin --viewers {len(pages)}",
        what="a pin with every socket, p99",
        value=p99,
        unit="ms",
        target=200,
        viewers=len(pages),
        packets=len(seen_ms),
        details={"p50_ms": p50, "p99_ms": p99, "command_p99_ms": own, "command_far_p99_ms": far},
        why=tuple(why),
    )
