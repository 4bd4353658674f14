"""A show that is recorded: a presenter whose every sound has a number, so that files can tell; what was kept."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator

import aiohttp

from expo.media.codecs import packetize_h264
from expo.media.recording.index import Kept
from expo.media.recording.reader import read_recording
from tests.support.encoded import pictures
from tests.support.house import House
from tests.support.live import Page, cookie_header
from tests.support.room import Source
from tests.support.tape import FLOOR, sound_packet, units_of

FRAME_S = 0.04


class Presenter:
    """Pictures that a decoder takes, and numbered sounds; a key frame when one is wanted."""

    def __init__(self, source: Source) -> None:
        self.peer = source.peer
        self.sounds = 0
        self._wanted = False
        self._sent = asyncio.Event()
        self.peer.on_key_frame_request = self._want

    def _want(self) -> None:
        self._wanted = True

    async def run(self) -> None:
        """Until cancelled."""
        units, position = pictures(), 0
        while True:
            if self._wanted:
                self._wanted, position = False, 0
            now_us = time.time_ns() // 1000
            self.peer.send_frame("video", packetize_h264(units[position % len(units)][0]), now_us)
            position += 1
            for half in range(2):
                self.peer.send_frame("audio", [sound_packet(self.sounds)], now_us + half * 20_000)
                self.sounds += 1
            self._sent.set()
            await asyncio.sleep(FRAME_S)

    async def until(self, sounds: int) -> None:
        """Return when so many were sent."""
        while self.sounds < sounds:
            self._sent.clear()
            await self._sent.wait()


@contextlib.asynccontextmanager
async def presenting(house: House, studio: Page) -> AsyncGenerator[Presenter]:
    async with house.on_the_air(studio.hello["you"]["participant"]) as source:
        presenter = Presenter(source)
        sending = asyncio.create_task(presenter.run(), name="presenter")
        try:
            yield presenter
        finally:
            sending.cancel()
            await asyncio.wait({sending})


async def consent(house: House, worker: int, cookies: dict[str, str], *, record: bool) -> None:
    """Decided on a page of this worker; effective when this returns."""
    connector = aiohttp.UnixConnector(path=str(house.sockets[worker]))
    async with aiohttp.ClientSession(connector=connector, headers=cookie_header(cookies)) as http:
        path = f"http://expo/api/v1/showcases/{house.room}/consent"
        async with http.put(path, json={"record": record, "publish": "everyone"}) as answer:
            assert (answer.status, (await answer.json())["told"]) == (200, True), await answer.text()


async def kept(house: House, least_sounds: int = 0) -> Kept:
    """The recording, once it has so many sounds."""
    folder = house.server.data_dir / "recordings" / house.room
    async with asyncio.timeout(20):
        while True:
            found = await asyncio.to_thread(read_recording, folder)
            if found is not None and len(units_of(found, folder, FLOOR)) >= least_sounds:
                return found
            await asyncio.sleep(0.1)  # a file tells nobody that it has grown
