"""What shakes a live room on two workers and must not hurt it: Valkey away, slow or wiped, crowds, two at once."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from socketio.exceptions import ConnectionError as Refused
from sqlalchemy import select

from expo.cluster.eventlog import EventLog
from expo.cluster.redis import Valkey
from expo.edge.keys import LIMITER
from expo.showcases.tables import Message
from expo.store.db import Database
from tests.support.house import House, open_house
from tests.support.live import Page, Told
from tests.support.rooms import Place, until
from tests.support.worker import running_worker

pytestmark = [pytest.mark.cluster, pytest.mark.media, pytest.mark.asyncio(loop_scope="module")]

AWAY_S = 10.0
"""Longer than a lease lives and than any call to Valkey waits."""
CROWD = 500


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[House]:
    async with open_house(tmp_path_factory.mktemp("house")) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def valkey(house: House) -> AsyncGenerator[Place]:
    client = Valkey(house.valkey_url)
    yield Place(house.valkey_url, client, EventLog(client))
    await client.close()


async def test_two_organisers_who_press_next_together_bring_one_company(house: House) -> None:
    linh = await house.cookies("organiser")
    _, minh = await house.invited(linh, role="organiser")
    async with house.page(0, linh) as desk, house.page(1, minh) as other:
        segments = desk.hello["snapshot"]["state"]["segments"]
        coming = next(each["id"] for each in segments if each["startedMs"] is None)
        acks = await asyncio.gather(*(page.command("arm_next", segment=coming, anyway=True) for page in (desk, other)))
        assert acks[0]["revision"] == acks[1]["revision"]
        await other.command("cancel_next")
        for page in (desk, other):
            await page.event("next_cancelled")
            assert [kind for kind in kinds(page) if kind.startswith("next_")] == ["next_armed", "next_cancelled"]


async def test_ten_seconds_without_valkey_cost_the_picture_nothing_and_everything_is_shared_once(house: House) -> None:
    organiser, guest = await house.cookies("organiser"), await house.guest("Lan")
    async with (
        house.page(0, organiser) as desk,
        house.page(0) as near,
        house.page(1) as far,
        house.page(1, guest) as buyer,
        house.on_the_air("studio") as source,
        house.watching() as viewer,
    ):
        product = desk.hello["snapshot"]["state"]["segments"][0]["products"][0]
        await source.run(20)
        await viewer.until(lambda seen: bool(seen.video))
        clock = asyncio.get_running_loop().time
        sending = asyncio.create_task(source.run(100_000, gap_s=0.02), name="source")
        with stopped(house.server.children()["valkey"]):
            back_s = clock() + AWAY_S
            acks = [
                await desk.command("pin", product=product),
                await buyer.command("say", "c1", text="meanwhile"),
                await buyer.command("say", "c1", text="meanwhile"),
            ]
            assert [ack["shared"] for ack in acks] == [False] * 3
            assert acks[1]["revision"] == acks[2]["revision"]
            await near.event("said")
            await viewer.until(lambda seen: clock() > back_s and len(source.sent) - 1 in seen.video, 4 * AWAY_S)
            assert "said" not in kinds(far)
        sending.cancel()
        await source.run(5)
        await viewer.until(lambda seen: len(source.sent) - 1 in seen.video)
        assert viewer.missed(source) == []

        await far.event("said")
        assert (await shared(desk, "unpin"))["shared"] is True
        for page in (near, far):
            await page.event("unpinned")
        assert happened(far) == happened(near)
        assert kinds(far).count("pinned") == kinds(far).count("said") == 1
    async with opened_rows(house) as rows:
        assert await until(lambda: texts(rows), 30) == ["meanwhile"]


async def test_a_slow_valkey_and_a_wiped_one_lose_nothing(house: House, valkey: Place) -> None:
    organiser = await house.cookies("organiser")
    async with house.page(0, organiser) as desk, house.page(1) as far:
        await valkey.pause(1500)
        said = [await desk.command("say", text=f"slow {number}") for number in range(3)]
        await far.until(lambda: kinds(far).count("said") == 3)
        assert [each["revision"] for each in far.events if each["event"]["type"] == "said"] == [
            ack["revision"] for ack in said
        ]
        await valkey.command("FLUSHALL")
        assert (await shared(desk, "say", text="after the wipe"))["shared"] is True

        async def caught_up() -> bool:
            here, there = [(await page.ask("snapshot"))["state"] for page in (desk, far)]
            return here["messages"] == there["messages"] and here["messages"][-1]["text"] == "after the wipe"

        await until(caught_up, 30, every_s=0.3)  # a socket may ask five times a second


async def test_five_hundred_sockets_that_join_at_once_are_all_let_in_and_hear_the_next_pin(house: House) -> None:
    organiser = await house.cookies("organiser")
    async with contextlib.AsyncExitStack() as opened, house.page(0, organiser) as desk:
        product = desk.hello["snapshot"]["state"]["segments"][0]["products"][0]
        homes = [aiohttp.TCPConnector(limit=0, local_addr=(f"127.0.1.{number}", 0)) for number in range(1, 11)]
        readers = [await opened.enter_async_context(aiohttp.ClientSession(connector=home)) for home in homes]
        crowd = [asyncio.create_task(joined(readers[number % 10], house), name="join") for number in range(CROWD)]
        assert (await desk.command("say", text="while they come")).get("error") is None
        lines = await asyncio.gather(*crowd)
        assert (await desk.command("pin", product=product)).get("error") is None
        async with asyncio.timeout(60):
            await asyncio.gather(*(told(line, '"pinned"') for line in lines))


async def test_sockets_over_the_rate_of_one_address_are_told_to_wait(tmp_path: Path) -> None:
    async with running_worker(tmp_path) as worker, aiohttp.ClientSession() as http:
        limiter = worker.app[LIMITER]
        limiter.burst, limiter.per_second = 2, 0.01
        pages = [Page(http) for _ in range(3)]
        for page in pages[:2]:
            await page.connect(worker.url, worker.seeded.live)
        with pytest.raises(Refused) as refused:
            await pages[2].connect(worker.url, worker.seeded.live)
        assert refused.value.args[-1]["data"]["code"] == "request.too_many"
        for page in pages[:2]:
            assert (await page.ask("snapshot"))["reader"] == "all"
            await page.close()


@contextlib.contextmanager
def stopped(pid: int) -> Generator[None]:
    """A process that does not run for the block."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextlib.asynccontextmanager
async def opened_rows(house: House) -> AsyncGenerator[Database]:
    rows = await Database.open(house.database_url)
    try:
        yield rows
    finally:
        await rows.close()


async def texts(rows: Database) -> list[str]:
    async with rows.read() as db:
        return list(await db.scalars(select(Message.text).where(Message.text == "meanwhile")))


async def shared(page: Page, command: str, **members: object) -> Told:
    """The answer to a command, asked again until it is shared; a socket may ask five times a second."""
    async with asyncio.timeout(30):
        while not (answer := await page.command(command, f"{command}-1", **members)).get("shared"):  # noqa: ASYNC110
            await asyncio.sleep(0.3)
        return answer


def kinds(page: Page) -> list[str]:
    return [each["event"]["type"] for each in page.events]


def happened(page: Page) -> list[tuple[int, str]]:
    """What everybody is told, without what depends on when somebody came."""
    wanted = {"pinned", "said", "unpinned"}
    return [(each["revision"], each["event"]["type"]) for each in page.events if each["event"]["type"] in wanted]


async def joined(http: aiohttp.ClientSession, house: House) -> aiohttp.ClientWebSocketResponse:
    """A reader of the room that speaks Socket.IO by hand, so that hundreds fit into one process."""
    line = await http.ws_connect(f"{house.server.base_url}/socket.io/?EIO=4&transport=websocket")
    await line.send_str("40" + json.dumps({"v": 1, "room": house.room}))
    await told(line, '"hello"')
    return line


async def told(line: aiohttp.ClientWebSocketResponse, word: str) -> None:
    """Return when a message with this word has come. Refusals and closed lines are failures."""
    while True:
        message = await line.receive_str()
        assert not message.startswith("44"), message
        if message == "2":
            await line.send_str("3")
        if word in message:
            return
