"""The stage when there is no picture: before, after, full, by invitation, without H.264, offline, without script."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser, Page, expect

from expo.ids import ShowcaseId
from tests.support.browser import TONE_HZ, Site, context, heard_hz, moving, publish, sample_site, scene

pytestmark = [pytest.mark.browser, pytest.mark.media, pytest.mark.asyncio(loop_scope="session")]

ENDED = ShowcaseId("daegu-textiles")
INVITED = ShowcaseId("jeonnam")
CLOCK = re.compile(r"^(\d+:)?\d{1,2}:\d{2}$")


async def opened(browser: Browser, address: str, **options: Any) -> Page:
    page = await (await context(browser, "phone", **options)).new_page()
    await page.goto(address)
    return page


async def left_s(page: Page) -> float:
    """What the countdown says."""
    said = 0.0
    for part in (await page.locator("#cover .countdown").inner_text()).split(":"):
        said = said * 60 + int(part)
    return said


async def starts_in_s(site: Site, showcase: ShowcaseId) -> float:
    async with aiohttp.ClientSession() as http, http.get(f"{site.url}/api/showcases/{showcase}") as answer:
        told = await answer.json()
    return (datetime.fromisoformat(told["startsAt"]) - datetime.fromisoformat(told["serverTime"])).total_seconds()


async def test_a_waiting_room_counts_down_in_both_cities_and_starts_by_itself(browser: Browser, site: Site) -> None:
    page = await opened(browser, site.stage(site.seeded.idle), clock_off_s=-3600)
    await scene(page, "scheduled")
    cover = page.locator("#cover")
    await expect(cover).to_contain_text("Starts soon")
    await expect(cover.locator(".countdown")).to_have_text(CLOCK)
    assert await page.evaluate("Date.now()") / 1000 < datetime.now(UTC).timestamp() - 3000
    assert abs(await left_s(page) - await starts_in_s(site, site.seeded.idle)) < 60  # whatever the reader's clock says
    await expect(cover.locator(".times")).to_contain_text("Hanoi")
    await expect(cover.locator(".times")).to_contain_text("Seoul")
    assert await page.locator("#air").inner_text() == "Starts soon"

    publisher = await publish(browser, site, site.seeded.idle)
    await scene(page, "live")
    await moving(page)
    assert await page.locator("#air").inner_text() == "Live"

    await page.context.close()
    await publisher.stop()


async def test_a_reader_elsewhere_sees_the_own_time_first(browser: Browser, site: Site) -> None:
    page = await opened(browser, site.stage(site.seeded.idle), timezone_id="Europe/Berlin")
    times = page.locator("#cover .times span")
    await expect(times).to_have_count(4)
    await expect(times.nth(1)).to_contain_text("your time")
    await page.context.close()


async def test_a_show_on_the_air_without_a_presenter_says_that_it_is_about_to_start(
    browser: Browser, site: Site
) -> None:
    page = await opened(browser, site.stage())
    await scene(page, "starting")
    await expect(page.locator("#cover")).to_contain_text("About to start")
    publisher = await publish(browser, site)
    await moving(page)
    await page.context.close()
    await publisher.stop()


async def test_the_end_is_told_while_people_watch(browser: Browser, site: Site) -> None:
    publisher = await publish(browser, site)
    page = await opened(browser, site.stage())
    await moving(page)
    await site.end(site.seeded.live)
    await scene(page, "ended")
    await expect(page.locator("#cover")).to_contain_text("This showcase has ended")
    assert await page.locator("#picture").get_attribute("data-picture") == "frozen"
    assert await page.evaluate("() => document.querySelector('video').srcObject === null")
    assert await page.get_by_role("button", name="Tap to listen").count() == 0
    await page.context.close()
    await publisher.stop()


async def test_an_ended_show_keeps_its_products(browser: Browser, site: Site) -> None:
    page = await opened(browser, site.stage(ENDED))
    await scene(page, "ended")
    product = page.locator(".product").locator("visible=true").first
    await product.locator("summary").click()
    await expect(product.locator(".facts").first).to_be_visible()
    await page.context.close()


async def test_a_full_house_counts_down_and_lets_in_when_somebody_leaves(browser: Browser, tmp_path: Path) -> None:
    async with sample_site(tmp_path / "data", env={"EXPO_VIEWERS_PER_WORKER": "1"}) as site:
        publisher = await publish(browser, site)
        first = await opened(browser, site.stage())
        await moving(first)
        second = await opened(browser, site.stage())
        await scene(second, "full")
        await expect(second.locator("#cover")).to_contain_text("Next try in")
        await first.goto(site.url)
        await second.get_by_role("button", name="Try again now").click()
        await moving(second)
        await first.context.close()
        await second.context.close()
        await publisher.stop()


async def test_a_show_for_invited_guests_asks_for_the_invitation(browser: Browser, site: Site) -> None:
    await site.go_live(INVITED)
    stranger = await opened(browser, site.stage(INVITED))
    await scene(stranger, "invited")
    await expect(stranger.locator("#cover")).to_contain_text("for invited guests")
    await stranger.context.close()

    publisher = await publish(browser, site, INVITED)
    guest = await opened(browser, site.entrance("buyer"))
    await guest.goto(site.stage(INVITED))
    await moving(guest)
    await guest.context.close()
    await publisher.stop()


async def test_a_browser_without_h264_is_told_and_can_listen(browser: Browser, site: Site) -> None:
    publisher = await publish(browser, site)
    readers = await context(browser, "phone")
    await readers.add_init_script(_WITHOUT_H264)
    page = await readers.new_page()
    await page.goto(site.stage())
    await scene(page, "codec")
    await expect(page.locator("#cover")).to_contain_text("H.264")
    await page.get_by_role("button", name="Listen only (saves data)").click()
    await scene(page, "live")
    await page.get_by_role("button", name="Tap to listen").click()
    assert await heard_hz(page) == pytest.approx(TONE_HZ, abs=15)
    await readers.close()
    await publisher.stop()


async def test_no_network_is_said_and_healed(browser: Browser, site: Site) -> None:
    page = await opened(browser, site.stage(site.seeded.idle))
    await scene(page, "scheduled")
    await page.context.set_offline(True)
    await scene(page, "offline")
    await expect(page.locator("#cover")).to_contain_text("No network")
    await page.context.set_offline(False)
    await scene(page, "scheduled")
    await page.context.close()


async def test_saving_data_opens_without_the_picture(browser: Browser, site: Site) -> None:
    publisher = await publish(browser, site)
    readers = await context(browser, "phone")
    await readers.add_init_script("Object.defineProperty(navigator, 'connection', { value: { saveData: true } })")
    page = await readers.new_page()
    await page.goto(site.stage())
    await scene(page, "live")
    await expect(page.locator("#cover")).to_contain_text("Listening only")
    assert await page.evaluate("() => document.querySelector('video').srcObject.getVideoTracks().length") == 0
    await readers.close()
    await publisher.stop()


async def test_without_script_products_programme_and_company_are_read(browser: Browser, site: Site) -> None:
    page = await opened(browser, site.stage(), java_script_enabled=False)
    # Playwright's text engine looks past <noscript>.
    await expect(page.locator("noscript p")).to_be_visible()
    await expect(page.locator("noscript p")).to_contain_text("please switch on JavaScript")
    for text in ("Camellia serum 50 ml", "Sobaek Medi"):
        await expect(page.get_by_text(text).locator("visible=true").first).to_be_visible()
    await expect(page.locator("#about .about").locator("visible=true")).to_have_count(1)
    product = page.locator(".product").locator("visible=true").first
    await product.locator("summary").click()
    await expect(product.locator(".facts").first).to_be_visible()
    await page.context.close()


_WITHOUT_H264 = """
const all = RTCRtpReceiver.getCapabilities.bind(RTCRtpReceiver);
RTCRtpReceiver.getCapabilities = (kind) => {
  const found = all(kind);
  return found && { ...found, codecs: found.codecs.filter((codec) => codec.mimeType !== "video/H264") };
};
"""
