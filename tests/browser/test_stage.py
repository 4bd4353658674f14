"""The buyer's page on the real path: a browser publishes, Chromium watches, people tap and type."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Route

from tests.support.browser import TONE_HZ, Site, Size, context, heard_hz, loudest_hz, moving, publish, scene

pytestmark = [pytest.mark.browser, pytest.mark.media, pytest.mark.asyncio(loop_scope="session")]


async def open_stage(browser: Browser, site: Site, size: Size = "desktop", **options: Any) -> Page:
    page = await (await context(browser, size, **options)).new_page()
    await page.goto(site.stage())
    return page


@pytest.mark.parametrize("size", ["phone", "desktop"])
async def test_the_picture_moves_muted_without_a_tap_and_one_tap_brings_the_sound(
    browser: Browser, site: Site, size: Size
) -> None:
    publisher = await publish(browser, site)
    page = await open_stage(browser, site, size)

    await moving(page)
    assert await page.locator("#picture").get_attribute("data-picture") == "moving"
    assert await page.evaluate("document.querySelector('video').muted")
    assert await loudest_hz(page) == 0

    await page.get_by_role("button", name="Tap to listen").click()
    await page.wait_for_function("() => Number(document.getElementById('level')?.style.getPropertyValue('--v')) > 0.5")
    assert await heard_hz(page) == pytest.approx(TONE_HZ, abs=15)

    await page.context.close()
    await publisher.stop()


async def test_the_slots_of_a_phone_stand_where_the_design_reserves_them(browser: Browser, site: Site) -> None:
    publisher = await publish(browser, site)
    page = await open_stage(browser, site, "phone")
    await moving(page)

    async def slot(selector: str) -> tuple[float, float]:
        box = await page.locator(selector).bounding_box()
        assert box is not None
        return round(box["y"]), round(box["height"])

    reserved = {"#picture": (48, 202), "#sound": (250, 56), ".pin": (306, 72), "#tabs": (378, 45)}
    found = {selector: await slot(selector) for selector in reserved}
    for selector, (top, height) in reserved.items():
        assert found[selector] == (pytest.approx(top, abs=1), pytest.approx(height, abs=1)), (selector, found)
    await page.get_by_role("button", name="Tap to listen").click()
    await page.get_by_role("slider", name="Volume").wait_for()
    assert {selector: await slot(selector) for selector in reserved} == found

    await page.context.close()
    await publisher.stop()


async def test_the_picture_heals_by_itself_when_the_publisher_returns(browser: Browser, site: Site) -> None:
    publisher = await publish(browser, site)
    page = await open_stage(browser, site)
    await moving(page)

    await publisher.stop()
    await page.locator("#strip .strip").wait_for()
    assert await page.locator("#picture").get_attribute("data-picture") == "frozen"
    assert await page.evaluate(_LAST_FRAME_IS_KEPT)
    box = await page.locator("#strip .strip").bounding_box()
    assert box is not None
    assert box["height"] == 28

    publisher = await publish(browser, site)
    await scene(page, "live")
    await page.evaluate("window.seen.clear()")
    await moving(page)
    assert await page.locator("#strip .strip").count() == 0

    await page.context.close()
    await publisher.stop()


async def test_keys_do_what_the_dialog_says(browser: Browser, site: Site) -> None:
    publisher = await publish(browser, site)
    page = await open_stage(browser, site)
    await moving(page)

    await page.keyboard.press("m")
    await page.wait_for_function("() => !document.querySelector('video').muted")
    await page.keyboard.press("m")
    await page.wait_for_function("() => document.querySelector('video').muted")

    await page.keyboard.press(" ")
    await scene(page, "paused")
    await page.keyboard.press(" ")
    await scene(page, "live")

    await page.keyboard.press("q")
    await page.locator("#quality dl").wait_for()
    assert await page.locator("#quality dd").count() == 5
    await page.wait_for_function(
        "() => document.querySelector('#quality dd:last-child').textContent.includes('640 × 360')"
    )
    await page.keyboard.press("Escape")
    await page.locator("#quality dl").wait_for(state="detached")

    await page.keyboard.press("f")
    await page.wait_for_function("() => document.fullscreenElement?.id === 'picture'")
    await page.keyboard.press("f")
    await page.wait_for_function("() => document.fullscreenElement === null")

    await page.keyboard.press("?")
    await page.get_by_role("dialog", name="Keys").wait_for()
    await page.get_by_role("button", name="Close").click()
    await page.get_by_role("dialog", name="Keys").wait_for(state="hidden")

    await page.keyboard.press("l")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.lang") == "ko"
    await page.keyboard.press("Enter")
    await page.wait_for_function("() => document.documentElement.lang === 'ko'")
    await page.get_by_role("tab", name="제품").wait_for()

    await page.context.close()
    await publisher.stop()


async def test_listening_only_takes_no_picture_and_comes_back(browser: Browser, site: Site) -> None:
    publisher = await publish(browser, site)
    page = await open_stage(browser, site, "phone")
    await moving(page)
    await page.get_by_role("button", name="Tap to listen").click()
    await page.get_by_role("button", name="Listen only").click()

    await page.get_by_text("Listening only.").wait_for()
    await page.wait_for_function(_ONLY_SOUND)
    assert await heard_hz(page) == pytest.approx(TONE_HZ, abs=15)

    await page.get_by_role("button", name="Listen only").click()
    await page.evaluate("window.seen.clear()")
    await moving(page)
    assert await heard_hz(page) == pytest.approx(TONE_HZ, abs=15)

    await page.context.close()
    await publisher.stop()


async def test_a_tap_before_the_picture_is_there_brings_the_sound_with_it(browser: Browser, site: Site) -> None:
    publisher = await publish(browser, site)
    page = await (await context(browser, "phone")).new_page()
    tapped = asyncio.Event()

    async def late(route: Route) -> None:
        await tapped.wait()
        await route.continue_()

    await page.route("**/whep/**", late)
    await page.goto(site.stage())
    await page.get_by_role("button", name="Tap to listen").click()
    tapped.set()
    await moving(page)
    assert await heard_hz(page) == pytest.approx(TONE_HZ, abs=15)
    assert await page.get_by_role("slider", name="Volume").is_visible()

    await page.context.close()
    await publisher.stop()


async def test_the_volume_follows_the_slider(browser: Browser, site: Site) -> None:
    publisher = await publish(browser, site)
    page = await open_stage(browser, site)
    await moving(page)
    await page.get_by_role("button", name="Tap to listen").click()
    slider = page.get_by_role("slider", name="Volume")

    await slider.fill("30")
    assert await page.evaluate("document.querySelector('video').volume") == pytest.approx(0.3)
    await page.get_by_role("button", name="Mute").click()
    assert await page.evaluate("document.querySelector('video').muted")
    await slider.fill("80")
    assert not await page.evaluate("document.querySelector('video').muted")

    await page.context.close()
    await publisher.stop()


async def test_products_open_in_place_and_by_their_address(browser: Browser, site: Site) -> None:
    page = await (await context(browser, "phone")).new_page()
    await page.goto(f"{site.stage()}#product-rice-cream")
    assert await page.locator("#product-rice-cream").get_attribute("open") is not None

    await page.get_by_role("tab", name="About").click()
    assert await page.locator("#products").is_hidden()
    await page.locator(".pin").click()
    await page.locator("#product-camellia-serum[open]").wait_for()
    assert await page.locator("#products").is_visible()
    assert await page.locator("#product-camellia-serum").get_by_text("3304.99").is_visible()

    await page.context.close()


async def test_the_link_is_copied_on_a_desk(browser: Browser, site: Site) -> None:
    readers = await context(browser, permissions=["clipboard-read", "clipboard-write"])
    page = await readers.new_page()
    await page.goto(f"{site.stage()}?from=chat")
    await page.get_by_role("button", name="Share").click()
    await page.locator("#toast").get_by_text("Link copied").wait_for()
    assert await page.evaluate("navigator.clipboard.readText()") == site.stage()

    await readers.close()


_LAST_FRAME_IS_KEPT = """() => {
  const canvas = document.querySelector("#picture canvas");
  const pixel = canvas.getContext("2d").getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data;
  return canvas.width >= 160 && Math.max(pixel[0], pixel[1], pixel[2]) > 60;
}"""

_ONLY_SOUND = """() => {
  const stream = document.querySelector("video").srcObject;
  return stream !== null && stream.getVideoTracks().length === 0 && stream.getAudioTracks().length === 1;
}"""
