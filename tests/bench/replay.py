"""`replay`: how soon a show of an hour plays again after its end, how soon its first picture comes, how soon a part."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp
from playwright.async_api import Browser, Page

from expo.clock import utc_now
from expo.store.db import Database
from tests.bench.calm import calmest
from tests.bench.cpu import Meter
from tests.bench.figures import Figure, percentile
from tests.bench.hour import HOUR_S, PARTS, tone, write_hour, write_rows
from tests.bench.place import processes_below, show
from tests.bench.source import Frame, Publisher, encode_programme
from tests.support.house import House, open_house
from tests.support.live import Page as Socket
from tests.support.presenter import chromium

READY_S, FIRST_MS, SEEK_MS = 10.0, 700, 500
LISTS = 100
"""Playlists asked for, to know what one costs."""
_GIVE_UP_S = 60.0
_KEPT_S = 5.0
"""So much of the last part is kept before the end, as it is when a show ends."""
_AGAIN_S = 0.25

_PRESS = """() => new Promise((resolve, reject) => {
  setTimeout(() => reject(new Error("no picture")), 20_000);
  const press = () => {
    const button = document.querySelector("#cover .play");
    const video = document.querySelector("#picture video");
    if (button === null || video === null) return void setTimeout(press, 5);
    const at = performance.now();
    video.requestVideoFrameCallback((now) => resolve({ press: now - at, arrival: now }));
    button.click();
  };
  press();
})"""
"""Press as soon as there is something to press; ms to the first picture from there and from the navigation."""
_SEEK = """(number) => new Promise((resolve, reject) => {
  setTimeout(() => reject(new Error("no picture")), 20_000);
  const video = document.querySelector("#picture video");
  const part = document.querySelectorAll(".chapter")[number];
  const to = Number(part.dataset.at);
  const look = (now, { mediaTime }) => {
    if (Math.abs(mediaTime - to) < 1) resolve(now - at);
    else video.requestVideoFrameCallback(look);
  };
  const at = performance.now();
  video.requestVideoFrameCallback(look);
  part.click();
})"""
"""Press on a part in the list; ms to its first picture."""


async def replay(visits: int, tries: int) -> list[Figure]:
    """Figures of one show: a real end, then visits of new profiles, each at another moment, and from part to part."""
    pictures, _ = encode_programme()
    sound = tone()
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/var/tmp") as name:
        async with open_house(Path(name)) as house, chromium(()) as browser:
            began = utc_now() - timedelta(seconds=HOUR_S)
            folder = house.server.data_dir / "recordings" / house.room
            await asyncio.to_thread(write_hour, folder, house.room, began, pictures, sound)
            database = await Database.open(house.database_url)
            try:
                await write_rows(database, house.room, began)
            finally:
                await database.close()
            page = Visits(browser, f"{house.server.base_url}/s/{house.room}/replay")
            ready = await _end(house, page, pictures, sound)
            return [ready, *await _visits(house, page, visits, tries)]


class Visits:
    """New profiles that open the replay's page."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        self.url = url

    @contextlib.asynccontextmanager
    async def opened(self, query: str = "") -> AsyncGenerator[Page]:
        context = await self._browser.new_context(viewport={"width": 1366, "height": 768}, locale="en")
        try:
            page = await context.new_page()
            await page.goto(self.url + query, wait_until="commit")
            yield page
        finally:
            await context.close()


async def _end(house: House, visits: Visits, pictures: list[Frame], sound: list[bytes]) -> Figure:
    """A host ends the show while its last company is on the air; how soon a buyer sees it again."""
    exhibitor, organiser = await house.cookies("exhibitor"), await house.cookies("organiser")
    async with house.page(0, exhibitor) as studio, house.page(1, organiser) as desk:
        await studio.command("take_seat")
        async with house.on_the_air(studio.hello["you"]["participant"]) as source:
            publisher = Publisher([source.peer], pictures, sound, decoded_by=source.peer)
            async with publisher.running():
                await _recording(desk)
                await asyncio.sleep(_KEPT_S)
                async with visits.opened() as page:
                    await page.evaluate(_PRESS)  # while it is on
                    meter = _meter()
                    began = time.monotonic()
                    answer = await desk.command("end")
                    if answer.get("error"):
                        raise RuntimeError(f"the show does not end: {answer}")
                    told_s = await _until_ready(page, began)
                    found = await page.evaluate(_PRESS)
                    ready_s = time.monotonic() - began
                    length_s = float(await page.locator("main.replay").get_attribute("data-length") or 0)
                    usage = meter.stop()
    show(f"ready {told_s:.2f} s after the end, first picture {ready_s:.2f} s; {length_s:.0f} s play ({found})")
    return Figure(
        name="replay",
        what="from a host's end of a show of an hour to the first picture of its replay in Chromium",
        value=round(ready_s, 2),
        unit="s",
        target=READY_S,
        viewers=1,
        seconds=usage.seconds,
        details={"told_s": round(told_s, 2), "length_s": length_s, "foreign": meter.foreign_share(usage.cpu_ns)},
        why=() if length_s > HOUR_S else (f"only {length_s:.0f} s play",),
    )


async def _recording(desk: Socket) -> None:
    await desk.until(
        lambda: any(each["event"]["type"] == "recording_changed" and each["event"]["on"] for each in desk.events),
        _GIVE_UP_S,
    )


async def _until_ready(page: Page, began: float) -> float:
    """Ask again until the page offers the whole; seconds since `began`."""
    async with asyncio.timeout(_GIVE_UP_S):
        while True:
            await page.reload()
            if await page.locator("main.replay").get_attribute("data-state") == "ready":
                return time.monotonic() - began
            await asyncio.sleep(_AGAIN_S)


async def _visits(house: House, visits: Visits, count: int, tries: int) -> list[Figure]:
    lists = await _lists(house, visits)
    chance = random.Random(1)

    async def first() -> tuple[Figure, float]:
        found: list[dict[str, float]] = []

        async def one(page: Page) -> None:
            found.append(await page.evaluate(_PRESS))

        seconds, foreign = await _each(visits, [f"?t={chance.randrange(HOUR_S - 60)}" for _ in range(count)], one)
        press, arrival = _marks(each["press"] for each in found), _marks(each["arrival"] for each in found)
        show(f"press to first picture: {press}; navigation to first picture: {arrival}")
        details = {"press": press, "arrival": arrival, **lists}
        what = "press on a replay of an hour to its first picture"
        return _figure(what, press, FIRST_MS, seconds, count, details), foreign

    async def seek() -> tuple[Figure, float]:
        found: list[float] = []

        async def one(page: Page) -> None:
            await page.evaluate(_PRESS)
            parts = chance.sample(range(1, PARTS), PARTS - 1)
            found.extend([float(await page.evaluate(_SEEK, number)) for number in parts])

        seconds, foreign = await _each(visits, [""] * max(1, count // PARTS), one)
        marks = _marks(found)
        show(f"press on a part to its first picture: {marks}")
        what = "press on a part of it to the part's first picture"
        return _figure(what, marks, SEEK_MS, seconds, len(found), {}), foreign

    return [await calmest(first, tries), await calmest(seek, tries)]


async def _each(visits: Visits, queries: list[str], act: Callable[[Page], Awaitable[None]]) -> tuple[float, float]:
    """One visit after the other; their seconds, and the share of others, each counted before its processes end."""
    seconds, foreign = 0.0, 0.0
    for query in queries:
        meter = _meter()
        async with visits.opened(query) as page:
            await act(page)
            usage = meter.stop()
            foreign += meter.foreign_share(usage.cpu_ns) * usage.seconds
            seconds += usage.seconds
    return seconds, foreign / seconds


async def _lists(house: House, visits: Visits) -> dict[str, Any]:
    """What the playlists weigh as a browser gets them, and what one costs the server."""
    async with visits.opened() as page:
        master = str(await page.locator("main.replay").get_attribute("data-master"))
    base = house.server.base_url + master.removesuffix("master.m3u8")
    async with aiohttp.ClientSession(auto_decompress=False, headers={"Accept-Encoding": "gzip, deflate"}) as http:

        async def size(name: str) -> int:
            async with http.get(base + name) as answer:
                answer.raise_for_status()
                return len(await answer.read())

        sizes = {name: await size(name) for name in ("master.m3u8", "picture.m3u8", "floor.m3u8")}
        meter = Meter(lambda: processes_below(house.server.pid), None)
        for _ in range(LISTS):
            await size("picture.m3u8")
        used_ms = meter.stop().cpu_ns / 1e6 / LISTS
    show(f"playlists: {sizes} bytes; {used_ms:.2f} ms of CPU for one of the picture")
    return {"bytes": sizes, "list_cpu_ms": round(used_ms, 2)}


def _figure(
    what: str, marks: dict[str, int], target: int, seconds: float, count: int, details: dict[str, Any]
) -> Figure:
    return Figure(
        name="replay",
        what=f"{what} in Chromium, p95 of {count}",
        value=marks["p95"],
        unit="ms",
        target=target,
        viewers=1,
        seconds=seconds,
        details={**marks, **details},
    )


def _marks(values: Iterable[float]) -> dict[str, int]:
    found = list(values)
    return {"p50": round(median(found)), "p95": round(percentile(found, 0.95)), "max": round(max(found))}


def _meter() -> Meter:
    return Meter(partial(processes_below, os.getpid()), None)
