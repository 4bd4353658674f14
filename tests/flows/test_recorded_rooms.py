"""A show on two workers, recorded while its presenter agrees; every sound has a number, so that files can tell."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp
import pytest

from expo.media.recording.index import Kept
from tests.support.house import House, open_house
from tests.support.live import Page, cookie_header
from tests.support.recorded import consent, kept, presenting
from tests.support.stage import eventually
from tests.support.tape import FLOOR, PICTURE, units_of

pytestmark = [pytest.mark.cluster]


async def av_offset_ms(house: House, worker: int, cookies: dict[str, str]) -> int:
    """How its recorder does, as this worker tells its organisers once it does."""
    connector = aiohttp.UnixConnector(path=str(house.sockets[worker]))
    async with aiohttp.ClientSession(connector=connector, headers=cookie_header(cookies)) as http, asyncio.timeout(20):
        while True:
            async with http.get(f"http://expo/api/v1/recordings/{house.room}") as answer:
                found = await answer.json()
                if answer.status == 200 and found["avOffsetMs"] is not None:
                    assert (found["failing"], found["lengthS"] > 0) == (None, True)
                    return found["avOffsetMs"]
            await asyncio.sleep(0.1)  # files are looked at each second


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


def troubles(page: Page) -> list[str | None]:
    return [each["event"]["trouble"] for each in page.events if each["event"]["type"] == "recording_troubled"]


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

            folder = house.server.data_dir / "recordings" / house.room
            folder.parent.mkdir(exist_ok=True)
            folder.write_bytes(b"")  # a disk on which nothing can be opened
            agreed_at, agreed_s = presenter.sounds, time.monotonic()
            await consent(house, 1, exhibitor, record=True)
            await desk.until(lambda: troubles(desk) == ["disk_failed"])
            assert time.monotonic() - agreed_s < 2
            sent = presenter.sounds
            folder.unlink()
            await turned(stranger, on=True)
            assert presenter.sounds > sent  # the show goes on
            await desk.until(lambda: troubles(desk) == ["disk_failed", None])
            assert troubles(stranger) == []
            found = await kept(house, least_sounds=100)
            assert min(numbers(house, found)) >= agreed_at  # nothing from before
            assert {each.name for each in found.renditions} == {PICTURE, FLOOR}
            assert found.cast(found.start_us, found.end_us) == {studio.hello["you"]["participant"]}
            assert [abs(await av_offset_ms(house, worker, organiser)) <= 40 for worker in (0, 1)] == [True, True]

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
            await eventually(lambda: any((folder / "stills").glob("*.jpg")), 30)  # made without being asked for
