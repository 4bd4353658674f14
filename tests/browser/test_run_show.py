"""A whole show, run from its page: an organiser, two companies with their studios, two buyers; two workers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from tests.support.presenter import (
    FAKE_DEVICES,
    ORGANISER,
    PHONE,
    Expo,
    chromium,
    colour,
    mode,
    moves,
    on_air,
    picture,
    serving_expo,
    through_worker,
    visit,
)
from tests.support.run import FIRST, SECOND, SHOWCASE, join, run_page, with_second_exhibitor

pytestmark = [pytest.mark.browser, pytest.mark.media, pytest.mark.asyncio(loop_scope="module")]

PIN_MS = 1_000
COMING = "#coming video"
FACE = f"[data-seat={SECOND}] video"
_PRESS = """(selector) => {
  const at = Date.now();
  document.querySelector(selector).click();
  return at;
}"""
_PIN_SEEN = """(word) => new Promise((resolve) => {
  const pin = document.querySelector("#pin");
  const look = () => pin.textContent.includes(word) && resolve(Date.now());
  new MutationObserver(look).observe(pin, { childList: true, subtree: true, characterData: true });
  window.watchesPin = true;
})"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def expo(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Expo]:
    async with serving_expo(tmp_path_factory.mktemp("run"), workers=2) as serving:
        yield await with_second_exhibitor(serving)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncGenerator[Browser]:
    async with chromium(FAKE_DEVICES) as running:
        yield running


def line(desk: Page, company: str) -> Locator:
    return desk.locator(".line", has_text=company)


async def test_two_companies_are_presented_from_the_waiting_room_to_the_end(expo: Expo, browser: Browser) -> None:
    async with (
        through_worker(expo, 0) as near,
        through_worker(expo, 1) as far,
        visit(browser, near, person=ORGANISER, size=(1440, 760)) as desk,
        visit(browser, near, person=FIRST) as first,
        visit(browser, far, person=SECOND) as second,
        visit(browser, near) as buyer,
    ):
        await run_page(desk, near)
        await expect(desk.locator("#needs")).to_contain_text("The next company is not ready")
        await asyncio.gather(join(first, near, ready=True), join(second, far, ready=True))
        await expect(line(desk, "Dalgu")).to_contain_text("Ready")
        await expect(desk.locator("#needs")).not_to_contain_text("The next company is not ready")

        await expect(desk.locator("#listen")).to_be_visible()
        assert (await colour(desk, COMING))[1] > 80  # before the show: Dalgu backstage
        await expect(desk.locator(FACE)).to_have_js_property("videoWidth", 1280)
        await second.keyboard.press("v")
        await expect(desk.locator("#coming-badge")).to_contain_text("Next")
        assert await desk.locator(COMING).evaluate("video => video.muted")

        await desk.locator("#go-live").click()
        await expect(desk.locator("#phase")).to_contain_text("On air")
        await desk.keyboard.press("n")
        await expect(desk.locator("#counting")).to_be_visible()
        await expect(first.locator(".signal")).to_contain_text("On air in")
        await desk.keyboard.press("Escape")
        await expect(desk.locator("#counting")).to_have_count(0)
        await expect(first.locator(".signal")).to_have_count(0)
        await mode(first, "backstage")

        await desk.keyboard.press("n")
        await on_air(first)
        await expect(line(desk, "Dalgu")).to_have_attribute("aria-current", "step")
        await buyer.goto(near.stage(SHOWCASE))
        await picture(buyer, "moving")

        await expect(desk.locator("#listen")).to_be_visible()
        assert max(await colour(desk, COMING)) < 40  # Palgong, whose camera is off
        await second.keyboard.press("v")
        await desk.keyboard.press("l")
        await expect(desk.locator("#listen")).to_have_attribute("aria-pressed", "true")

        await desk.locator("#next-company").click()
        await expect(first.locator(".signal")).to_contain_text("Next: Palgong")
        await expect(second.locator(".signal")).to_contain_text("On air in")
        await on_air(second)
        await mode(first, "backstage")
        assert await moves(buyer)
        await expect(desk.locator("#coming")).to_be_hidden()
        assert await desk.locator(COMING).evaluate("video => video.muted")

        await desk.keyboard.press("u")
        await on_air(first)
        await expect(line(desk, "Dalgu")).to_have_attribute("aria-current", "step")
        await expect(line(desk, "Palgong")).to_contain_text("Ready")

        async with visit(browser, far, language="vi", size=PHONE) as hoa:
            named = await hoa.request.post(f"{far.base_url}/api/guests", data={"name": "Hoà", "company": "Sao Mai"})
            assert named.status == 201
            await hoa.goto(far.stage(SHOWCASE))
            await picture(hoa, "moving")
            seen = buyer.evaluate(_PIN_SEEN, "pot")
            watching = asyncio.create_task(seen, name="pin")
            await buyer.wait_for_function("() => window.watchesPin")
            pressed_ms = await first.evaluate(_PRESS, "[data-product=cooker-pot] button")
            assert await watching - pressed_ms < PIN_MS
            await expect(first.locator("[data-product=cooker-pot]")).to_contain_text("Showing 0:0")
            await expect(desk.locator("#time")).to_contain_text("Viewers see")
            await expect(hoa.locator("#pin [data-pin=cooker-pot]")).to_be_visible()

            await hoa.locator("#tab-questions").click()
            await hoa.locator(".composer input").fill("Giá bao nhiêu?")
            await hoa.locator(".composer input").press("Enter")
            await desk.locator(".needs li", has_text="Giá bao nhiêu?").get_by_role("button").click()
            await expect(buyer.locator("li.said .lamp")).to_have_text("Answered")
            await expect(hoa.locator("li.said .lamp")).to_have_text("Đã trả lời")
            await expect(desk.locator("#viewers .sr")).to_have_text(re.compile("[2-9]"))

        await desk.locator("#pause").click()
        await expect(first.locator(".signal")).to_contain_text("The show pauses")
        await desk.locator("#resume").click()
        await expect(desk.locator("#phase")).to_contain_text("On air")
        await desk.locator("#end").focus()
        await desk.keyboard.press("Enter")
        await desk.locator("#agree").click()
        await expect(desk.locator("#phase")).to_contain_text("Ended")
        await expect(first.locator("#part")).to_contain_text("Your part is over")
        await mode(first, "over")
        await expect(first.locator("#results")).to_be_visible()
        assert await first.locator("#preview").evaluate("video => video.srcObject === null")
