"""The studio in a real Chromium against a real server: on air, seen and heard, and healing by itself."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.support.presenter import (
    EXHIBITOR,
    FAKE_DEVICES,
    ORGANISER,
    PHONE,
    SIZES,
    Expo,
    chromium,
    colour,
    faults,
    go_on_air,
    hears,
    hears_nothing,
    mode,
    moves,
    on_air,
    open_stage,
    picture,
    preview,
    serving_expo,
    stands_still,
    visit,
)
from tests.support.ready_line import pasted
from tests.support.run import run_page

pytestmark = [pytest.mark.browser, pytest.mark.media, pytest.mark.asyncio(loop_scope="module")]
SOUND = ("--autoplay-policy=no-user-gesture-required",)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def expo(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Expo]:
    async with serving_expo(tmp_path_factory.mktemp("studio")) as serving:
        yield serving


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncGenerator[Browser]:
    async with chromium((*FAKE_DEVICES, *SOUND)) as running:
        yield running


async def test_a_second_page_sees_moving_pixels_and_hears_the_tone(expo: Expo, browser: Browser) -> None:
    async with (
        visit(browser, expo, person=EXHIBITOR) as studio,
        visit(browser, expo) as buyer,
    ):
        await go_on_air(studio)
        await open_stage(buyer, expo)
        assert await moves(buyer)
        red, green, blue = await colour(buyer)
        assert green > 80 + max(red, blue), "the fake camera is green"
        assert await hears(buyer)
        await expect(studio.locator("#viewers")).to_have_text("1 watching")
        await expect(studio.locator(".network")).to_contain_text("The connection is steady")


async def test_on_a_phone_a_reload_on_air_goes_on_air_again_by_itself(expo: Expo, browser: Browser) -> None:
    async with (
        visit(browser, expo, person=EXHIBITOR, size=PHONE) as studio,
        visit(browser, expo, size=PHONE) as buyer,
    ):
        await go_on_air(studio)
        await open_stage(buyer, expo)
        await studio.reload()
        await on_air(studio, timeout_s=5)
        await picture(buyer, "moving", timeout_s=3)
        assert await moves(buyer)
        await studio.locator("#finish").click(delay=1_500)
        await mode(studio, "waiting")


async def test_another_camera_goes_out_without_a_break_and_is_remembered(expo: Expo, browser: Browser) -> None:
    async with visit(browser, expo, person=EXHIBITOR) as studio, visit(browser, expo) as buyer:
        await go_on_air(studio)
        await open_stage(buyer, expo)
        before = await preview(studio)
        await studio.locator("#choose-camera").select_option(index=2)
        chosen = await preview(studio, but=before)
        await on_air(studio)
        await picture(buyer, "moving")
        assert await moves(buyer)
        await studio.reload()
        await on_air(studio)
        assert await preview(studio) == chosen


async def test_a_camera_that_is_unplugged_on_air_is_replaced(expo: Expo, browser: Browser) -> None:
    async with visit(browser, expo, person=EXHIBITOR) as studio, visit(browser, expo) as buyer:
        await go_on_air(studio)
        await open_stage(buyer, expo)
        lost = await studio.evaluate(
            """() => {
              const track = document.querySelector("#preview").srcObject.getVideoTracks()[0];
              track.stop();
              track.dispatchEvent(new Event("ended"));
              return track.id;
            }"""
        )
        await expect(studio.locator("#preview")).not_to_have_js_property("srcObject.id", lost)
        await picture(buyer, "moving")
        assert await moves(buyer)


async def test_buyers_are_told_when_the_presenter_closes_the_tab(expo: Expo, browser: Browser) -> None:
    async with visit(browser, expo) as buyer:
        async with visit(browser, expo, person=EXHIBITOR) as studio:
            await go_on_air(studio)
            await open_stage(buyer, expo)
            await studio.close(run_before_unload=True)
            await picture(buyer, "frozen", timeout_s=5)
        async with visit(browser, expo, person=EXHIBITOR) as studio:
            await go_on_air(studio)
            await picture(buyer, "moving", timeout_s=5)


async def test_finishing_is_held_by_pointer_and_confirmed_by_keyboard(expo: Expo, browser: Browser) -> None:
    async with visit(browser, expo, person=EXHIBITOR) as studio:
        await go_on_air(studio)
        finish = studio.locator("#finish")
        await finish.click()
        await expect(studio.locator("#hold-hint")).to_have_text("Hold for 1 second to finish")
        await on_air(studio)
        await finish.focus()
        await studio.keyboard.press("Enter")
        await studio.get_by_role("button", name="Stay on air").click()
        await on_air(studio)
        await finish.click(delay=1_500)
        await mode(studio, "waiting")
        await go_on_air(studio)
        await finish.focus()
        await studio.keyboard.press("Enter")
        await studio.locator("#agree").click()
        await mode(studio, "waiting")


async def test_a_second_device_of_a_presenter_is_told_and_may_take_over(expo: Expo, browser: Browser) -> None:
    async with (
        visit(browser, expo, person=EXHIBITOR) as first,
        visit(browser, expo, person=EXHIBITOR) as second,
        visit(browser, expo) as buyer,
    ):
        await go_on_air(first)
        await open_stage(buyer, expo)
        await second.goto(expo.studio())
        await mode(second, "elsewhere")
        await second.locator("#go:enabled").click()
        await mode(second, "taken")
        await on_air(first)
        await second.get_by_role("button", name="Hold to take over").click(delay=1_500)
        await on_air(second)
        await mode(first, "taken")
        await picture(buyer, "moving")
        await first.get_by_role("button", name="Back to the waiting room").click()
        await mode(first, "elsewhere")


async def test_who_comes_while_somebody_is_on_waits_backstage_until_the_organiser_shows_them(
    expo: Expo, browser: Browser
) -> None:
    async with (
        visit(browser, expo, person=EXHIBITOR) as first,
        visit(browser, expo, person=ORGANISER) as second,
        visit(browser, expo, person=ORGANISER) as desk,
    ):
        await go_on_air(first)
        await second.goto(expo.studio())
        await second.locator("#go:enabled", has_text="Go backstage").click()
        await mode(second, "backstage")
        await on_air(first)
        await run_page(desk, expo, expo.seeded.live)
        host = desk.locator(".person", has=desk.locator("[aria-label^='Show the camera']"))
        await host.get_by_role("button", name="Show the camera").focus()
        await desk.keyboard.press("Enter")
        await on_air(second)
        await expect(desk.locator(".person", has_text="camera on the stage")).to_have_count(1)
        await host.get_by_role("button", name="Show the camera").click()
        await mode(second, "backstage")
        await second.locator("#leave").click()
        await mode(second, "waiting")


async def test_a_shared_screen_is_shown_and_taken_back_by_one_tap_and_ends_with_the_browsers_own_button(
    expo: Expo, browser: Browser
) -> None:
    async with visit(browser, expo, person=EXHIBITOR) as studio, visit(browser, expo) as buyer:
        await go_on_air(studio)
        await open_stage(buyer, expo)
        sharing = studio.locator("#sharing")
        await studio.locator("#screen").click()
        await expect(sharing).to_contain_text("Viewers see your screen")
        await expect(studio.locator("#screen-preview")).to_be_visible()
        assert await moves(buyer)
        await sharing.get_by_role("button", name="Show camera").click()
        await expect(sharing).to_contain_text("Viewers see another picture")
        await sharing.get_by_role("button", name="Show screen").click()
        await expect(sharing).to_contain_text("Viewers see your screen")
        await studio.evaluate(
            """() => {
              const track = document.querySelector("#screen-preview").srcObject.getVideoTracks()[0];
              track.stop();
              track.dispatchEvent(new Event("ended"));
            }"""
        )
        await expect(sharing).to_have_count(0)
        await expect(studio.locator("#screen-preview")).to_be_hidden()
        await on_air(studio)
        assert await moves(buyer)


async def test_the_token_is_masked_until_asked_for_and_copied_whole(expo: Expo, browser: Browser) -> None:
    async with visit(browser, expo, person=EXHIBITOR) as studio:
        await studio.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await studio.locator("#more-button").click()
        token = studio.locator("#whip-token")
        assert set(await token.input_value()) == {"•"}
        await studio.locator("summary", has_text="FFmpeg").click()
        line = studio.get_by_role("region", name="FFmpeg 8+")
        assert "•" in await line.inner_text()
        await studio.locator(".with-copy", has=token).get_by_role("button", name="Copy").click()
        copied = await studio.evaluate("() => navigator.clipboard.readText()")
        assert copied.count(".") == 2
        await studio.locator("#more").get_by_role("button", name="Show").click()
        assert await token.input_value() == copied
        assert copied in await line.inner_text()
        await studio.keyboard.press("Escape")
        await studio.locator("#more-button").click()
        assert set(await token.input_value()) == {"•"}, "a closed panel hides it again"


async def ready_line(page: Page) -> str:
    """The FFmpeg line of the panel, with the token in clear."""
    await page.locator("#more-button").click()
    await page.locator("#more").get_by_role("button", name="Show").click()
    await page.locator("summary", has_text="FFmpeg").click()
    return await page.get_by_role("region", name="FFmpeg 8+").inner_text()


async def test_the_ready_made_line_goes_on_air(expo: Expo, browser: Browser) -> None:
    async with visit(browser, expo, person=EXHIBITOR) as studio, visit(browser, expo) as buyer:
        async with pasted(await ready_line(studio)):
            await mode(studio, "elsewhere")
            await open_stage(buyer, expo)
            assert await moves(buyer)
            await expect(studio.locator(".note-need")).to_have_count(0)
        await mode(studio, "waiting")


async def test_an_encoder_with_rare_key_frames_earns_a_warning(expo: Expo, browser: Browser) -> None:
    async with (
        visit(browser, expo, person=EXHIBITOR) as studio,
        pasted(await ready_line(studio), key_frame_every=90),
    ):
        await expect(studio.locator("#more .note-need")).to_contain_text(
            re.compile(r"key frame every (2\.[5-9]|3\.[0-5]) s"), timeout=30_000
        )
        await studio.keyboard.press("Escape")
        await expect(studio.locator(".attention")).to_contain_text("Please set 1 s")


async def test_a_killed_worker_costs_a_moment(expo: Expo, browser: Browser) -> None:
    async with visit(browser, expo, person=EXHIBITOR) as studio, visit(browser, expo) as buyer:
        await go_on_air(studio)
        await open_stage(buyer, expo)
        os.kill(expo.server.children()["worker-0"], signal.SIGKILL)
        await picture(buyer, "frozen")
        await on_air(studio)
        await picture(buyer, "moving")
        assert await moves(buyer)


async def test_muting_reaches_the_listeners(expo: Expo, browser: Browser) -> None:
    async with visit(browser, expo, person=EXHIBITOR) as studio, visit(browser, expo) as buyer:
        await go_on_air(studio)
        await open_stage(buyer, expo)
        await studio.keyboard.press("m")
        await expect(studio.locator(".level-word")).to_have_text("Microphone is off")
        await studio.keyboard.press("v")
        await expect(studio.locator("#cover")).to_contain_text("viewers see a dark picture")
        assert await hears_nothing(buyer)
        assert await stands_still(buyer)
        await studio.keyboard.press("m")
        await studio.keyboard.press("v")
        assert await hears(buyer)


@pytest.mark.parametrize("language", ["en", "ko", "vi"])
async def test_every_state_fits_and_is_accessible(expo: Expo, browser: Browser, language: str) -> None:
    async with visit(browser, expo, person=EXHIBITOR, language=language) as studio:
        await studio.locator("#go:enabled").wait_for()
        assert await faults(studio) == []
        for size in SIZES:
            await studio.set_viewport_size({"width": size[0], "height": size[1]})
            await studio.locator("#more-button:visible, #more-phone:visible").click()
            assert await faults(studio, [size]) == []
            await studio.keyboard.press("Escape")
        await go_on_air(studio)
        assert await faults(studio) == []


async def test_strangers_and_buyers_do_not_get_in(expo: Expo, browser: Browser) -> None:
    async with visit(browser, expo) as page:
        assert await status(page, expo) == 401
    async with visit(browser, expo, person="demo-buyer") as page:
        assert await status(page, expo) == 403
    async with visit(browser, expo, person="demo-exhibitor-daegu") as page:
        assert await status(page, expo) == 403, "an exhibitor without a part here only watches"


async def status(page: Page, expo: Expo) -> int:
    answer = await page.goto(expo.studio())
    assert answer is not None
    return answer.status
