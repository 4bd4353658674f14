"""The replay of a show that is on, watched on one worker while the other, which owns the room and records it, dies."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import expect

from expo.accounts.tokens import Tokens
from expo.media.peer_http import Refused
from tests.support.house import SECRET, House, open_house
from tests.support.live import cookie_header
from tests.support.presenter import Expo, chromium, picture, through_worker, visit
from tests.support.recorded import Presenter, consent, kept, presenting

pytestmark = [pytest.mark.browser, pytest.mark.cluster]

PLAYED = """(since) => {
  const { currentTime, paused } = document.querySelector("video");
  return window.isTheSame && !paused && currentTime > since;
}"""


async def publish(house: House) -> None:
    """Anybody may see the recording, also while the show is on."""
    headers = cookie_header(await house.cookies("organiser"))
    url = f"{house.server.base_url}/api/v1/recordings/{house.room}"
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.patch(url, json={"visibility": "everyone"}) as answer,
    ):
        assert answer.status == 200, await answer.text()


@contextlib.asynccontextmanager
async def presenting_again(house: House, exhibitor: dict[str, str]) -> AsyncGenerator[Presenter]:
    """On the other worker, once that has the room."""
    async with asyncio.timeout(20):
        while True:
            async with contextlib.AsyncExitStack() as opened:
                try:
                    studio = await opened.enter_async_context(house.page(1, exhibitor))
                    await studio.command("take_seat")
                    presenter = await opened.enter_async_context(presenting(house, studio))
                except (Refused, ConnectionError, TimeoutError):
                    await asyncio.sleep(0.2)
                    continue
                yield presenter
                return


async def test_a_replay_goes_on_when_the_worker_that_records_is_killed(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, chromium(()) as browser:
        exhibitor = await house.cookies("exhibitor")
        expo = Expo(house.server, house.seeded, Tokens(SECRET))
        async with through_worker(expo, 1) as far, visit(browser, far) as page:
            async with house.page(0, exhibitor) as studio:
                await studio.command("take_seat")
                async with presenting(house, studio):
                    await consent(house, 1, exhibitor, record=True)
                    await kept(house, least_sounds=150)
                    await publish(house)
                    await page.goto(f"{far.base_url}/s/{house.room}/replay")
                    await page.locator("#cover .play").click()
                    await page.evaluate("() => { window.isTheSame = true; }")
                    await page.wait_for_function(PLAYED, arg=0.5)
                    before_s = (await kept(house)).end_us / 1e6
                    os.kill(house.server.children()["worker-0"], signal.SIGKILL)
            async with presenting_again(house, exhibitor):
                await page.wait_for_function(PLAYED, arg=before_s + 0.3)
                await expect(page.locator("html")).to_have_attribute("data-phase", "playing")
                await page.locator("#act a.primary").click()
                await picture(page, "moving")
