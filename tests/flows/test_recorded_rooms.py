"""A show on two workers, recorded while its presenter agrees; every sound has a number, so that files can tell."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp
import pytest

from expo.media.codecs import packetize_h264
from expo.media.recording.index import Kept, read_recording
from tests.support.encoded import pictures
from tests.support.house import House, open_house
from tests.support.live import Page, cookie_header
from tests.support.room import Source
from tests.support.tape import FLOOR, PICTURE, sound_packet, units_of

pytestmark = [pytest.mark.cluster]

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


def numbers(house: House, found: Kept) -> list[int]:
    """Which of the presenter's sounds were kept."""
    folder = house.server.data_dir / "recordings" / house.room
    return [int.from_bytes(unit[1:5], "big") for unit in units_of(found, folder, FLOOR) if len(unit) > 4]


async def turned(page: Page, *, on: bool, after: int = 0) -> None:
    await page.until(
        lambda: (
            [each["event"]["on"] for each in page.events if each["event"]["type"] == "recording_changed"][after:]
            == [on]
        )
    )


@pytest.fixture
async def house(tmp_path: Path) -> AsyncGenerator[House]:
    async with open_house(tmp_path) as opened:
        yield opened


async def test_a_show_is_kept_while_its_presenter_agrees_whichever_worker_hears_of_it(house: House) -> None:
    exhibitor, organiser = await house.cookies("exhibitor"), await house.cookies("organiser")
    async with house.page(0, exhibitor) as studio, house.page(1) as stranger, house.page(1, organiser) as desk:
        await studio.command("take_seat")
        async with presenting(house, studio) as presenter:
            await presenter.until(50)
            assert stranger.hello["snapshot"]["state"]["recording"] is False

            agreed_at = presenter.sounds
            await consent(house, 1, exhibitor, record=True)
            await turned(stranger, on=True)
            found = await kept(house, least_sounds=100)
            assert min(numbers(house, found)) >= agreed_at  # nothing from before
            assert {each.name for each in found.renditions} == {PICTURE, FLOOR}
            assert found.cast(found.start_us, found.end_us) == {studio.hello["you"]["participant"]}

            await consent(house, 1, exhibitor, record=False)
            withdrawn_at = presenter.sounds
            await turned(stranger, on=False, after=1)
            await presenter.until(withdrawn_at + 60)
            again_at = presenter.sounds
            await consent(house, 0, exhibitor, record=True)
            await turned(stranger, on=True, after=2)
            await presenter.until(again_at + 100)
            sounds = numbers(house, await kept(house, least_sounds=len(numbers(house, found)) + 50))
            assert max(sounds) >= again_at
            assert [n for n in sounds if withdrawn_at <= n < again_at] == []

            await desk.command("pause")
            await turned(stranger, on=False, after=3)
            await desk.command("resume")
            await turned(stranger, on=True, after=4)
            await desk.command("end")
            await turned(stranger, on=False, after=5)
