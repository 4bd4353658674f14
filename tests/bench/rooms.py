"""Figures of the rooms themselves: `takeover` of one with a long log, and what `idle` ones cost."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import aiohttp
import msgspec

from expo.cluster.eventlog import APPEND_AT_ONCE
from expo.cluster.lease import release
from expo.ids import ProductId, SegmentId
from expo.rooms import commands as do
from expo.rooms.commands import Actor, Command
from expo.rooms.events import Entry, write_entry
from expo.rooms.machine import decide, record, reduce
from expo.rooms.model import State
from tests.bench.calm import calmest
from tests.bench.cpu import Meter
from tests.bench.figures import Figure, Spread
from tests.bench.ours import OurServer, our_server
from tests.bench.place import LOAD_CORE, SERVER_CORE, processes_below, show
from tests.support.live import Page
from tests.support.rooms import Place, Worker, fresh_valkey
from tests.support.shows import HOA, KERNEL, KIM, LAN, MAI, NOON_MS, ROOM, draft

TAKES = 5
"""Takeovers in one try; the slowest counts."""
_SETTLE_S = 8.0
"""Longer than people's presence is waited for."""


async def takeover(events: int, tries: int) -> Figure:
    """From asking for the lease to the answer to a first command, shared; all events are replayed.

    The owner is in this process, which has a worker's modules loaded. A room keeps a snapshot of every 500th event, so
    that its replay is a tenth of this.
    """
    state, entries = show_of(events)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        async with fresh_valkey(Path(folder)) as place:

            async def once() -> tuple[Figure, float]:
                meter = Meter(partial(processes_below, os.getpid()), LOAD_CORE)
                taken = [await _take_over(place, state, entries) for _ in range(TAKES)]
                foreign = meter.foreign_share(meter.stop().cpu_ns)
                spread = Spread.of(taken)
                show(f"{len(entries)} events taken over in {spread} ms")
                figure = Figure(
                    name="takeover",
                    what=f"taking over a room with {len(entries):,} events to replay, the slowest of {TAKES}",
                    value=round(spread.high, 1),
                    unit="ms",
                    target=300,
                    details={"events": len(entries), "median_ms": round(spread.middle, 1)},
                )
                return figure, foreign

            return await calmest(once, tries)


def show_of(events: int) -> tuple[State, list[Entry]]:
    """A show in which buyers talk, ask and are interested, and a company shows its products."""
    state, entries = draft(), list[Entry]()
    opening: list[tuple[Actor, Command]] = [
        (MAI, do.OpenWaitingRoom()),
        (MAI, do.TakeSeat()),
        (KIM, do.TakeSeat()),
        (KIM, do.SetReady(ready=True)),
        (MAI, do.GoLive()),
        (MAI, do.ArmNext(segment=SegmentId("s1"))),
        (KERNEL, do.Advance()),
    ]
    for number, (actor, command) in enumerate(itertools.chain(opening, _talk())):
        at_ms = NOON_MS + number * 3_000
        done = record(state, decide(state, command, actor, at_ms), at_ms, f"{actor.participant}/k3-{number}")
        for entry in done:
            state = reduce(state, entry)
            entries.append(entry)
            if len(entries) == events:
                return state, entries
    raise AssertionError("the talk never ends")


def _talk() -> Iterator[tuple[Actor, Command]]:
    for number in itertools.count():
        yield HOA, do.Say(text=f"Giá cho 500 chai là bao nhiêu? ({number})")
        yield LAN, do.Say(text=f"얼마예요? {number}")
        yield LAN, do.Ask(text=f"How long does it take to Haiphong? {number}", product=ProductId("p1"))
        yield KIM, do.Pin(product=ProductId("p1" if number % 2 else "p1b"))
        yield KERNEL, do.CountAudience(viewers=number)


async def _take_over(place: Place, state: State, entries: Sequence[Entry]) -> float:
    """Milliseconds."""
    await place.command("FLUSHALL")
    before = await place.taken("before")
    await place.log.save(before, 0, msgspec.json.encode(draft()).decode())
    lines = [write_entry(entry) for entry in entries]
    for first in range(0, len(lines), APPEND_AT_ONCE):
        await place.log.append(before, 0, first + 1, lines[first : first + APPEND_AT_ONCE])
    await place.log.advance(ROOM, "rows", len(lines))
    await release(place.valkey, before)
    worker = Worker(place, "fresh")
    try:
        began_ns = time.monotonic_ns()
        room = await worker.room()
        ack = await room.submit(MAI, do.Unpin(), "first")
        taken_ms = (time.monotonic_ns() - began_ns) / 1e6
    finally:
        await worker.owner.close()
    if not ack.shared or room.state.messages != state.messages or ack.revision <= state.revision:
        raise RuntimeError(f"not the room as it was: revision {ack.revision}, shared {ack.shared}")
    return taken_ms


async def idle(rooms: int, seconds: float, tries: int) -> Figure:
    """What rooms cost in which nothing happens: each with an owner, and a page of an organiser who has taken a seat.

    CPU of all processes of a server with two workers, less that of the same server before it had a room.
    """
    async with contextlib.AsyncExitStack() as opened:
        folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
        server = await opened.enter_async_context(our_server(Path(folder) / "ours", stages=rooms, workers=2))
        await asyncio.sleep(_SETTLE_S)
        without = [await _share(server, seconds) for _ in range(2)]
        pages = await _staff(server, opened)
        await asyncio.sleep(_SETTLE_S)

        async def once() -> tuple[Figure, float]:
            used, foreign = await _share(server, seconds)
            before = min(each for each, _ in without)
            empty = [page for page in pages if not await _staffed(page)]
            show(f"{used:.2f} % of a core with {rooms} rooms, {before:.2f} % without")
            figure = Figure(
                name="idle",
                what=f"{rooms} idle rooms on two workers",
                value=round(used - before, 2),
                unit="% of a core",
                target=2,
                seconds=seconds,
                details={"with_percent": round(used, 2), "without_percent": round(before, 2)},
                why=(f"{len(empty)} rooms have lost their organiser",) if empty else (),
            )
            return figure, foreign

        return await calmest(once, tries)


async def _share(server: OurServer, seconds: float) -> tuple[float, float]:
    """Percent of a core that the server's processes use, and the foreign load meanwhile."""
    meter = Meter(partial(processes_below, server.server.pid), SERVER_CORE)
    await asyncio.sleep(seconds)
    usage = meter.stop()
    return usage.cpu_ns / 1e7 / usage.seconds, meter.foreign_share(usage.cpu_ns)


async def _staff(server: OurServer, opened: contextlib.AsyncExitStack) -> list[Page]:
    """An organiser in every room."""
    pages: list[Page] = []
    link = next(person.url for person in server.people if person.role == "organiser")
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
        http.get(link, allow_redirects=False) as answer,
    ):
        cookies = {name: cookie.value for name, cookie in answer.cookies.items()}
    for stage in server.stages:
        http = await opened.enter_async_context(aiohttp.ClientSession(cookies=cookies))
        page = Page(http)
        await page.connect(server.server.base_url, stage.id)
        opened.push_async_callback(page.close)
        taken = await page.command("take_seat")
        if taken.get("error"):
            raise RuntimeError(f"no seat: {taken}")
        pages.append(page)
    return pages


async def _staffed(page: Page) -> bool:
    """Whether the page is still connected, and the room knows."""
    seats = (await page.ask("snapshot"))["state"]["seats"]
    return seats[page.hello["you"]["participant"]]["here"]
