"""The studio in its room: the seat that a reload keeps, readiness, the device check, and products on show."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from tests.support.presenter import (
    EXHIBITOR,
    ORGANISER,
    Expo,
    axe,
    faults,
    serving_expo,
    visit,
)
from tests.support.run import FIRST, SHOWCASE, join, run_page

pytestmark = [pytest.mark.browser, pytest.mark.media, pytest.mark.asyncio(loop_scope="session")]
LIVE = "chungbuk"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def expo(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Expo]:
    async with serving_expo(tmp_path_factory.mktemp("live")) as serving:
        yield serving


def product(page: Page, name: str) -> Locator:
    return page.locator(f"[data-product={name}]")


async def test_a_reload_keeps_the_seat_and_that_it_is_ready(expo: Expo, browser: Browser) -> None:
    async with (
        visit(browser, expo, person=FIRST) as studio,
        visit(browser, expo, person=ORGANISER) as desk,
    ):
        await run_page(desk, expo)
        await join(studio, expo, ready=True)
        person = desk.locator(".person", has_text="서도현")
        await expect(person).to_contain_text("Ready")
        await studio.reload()
        await expect(studio.locator("#ready")).to_have_attribute("aria-pressed", "true")
        await expect(studio.locator("#part")).to_contain_text("You are next")
        await expect(person).to_have_count(1)
        await studio.locator("#ready").click()
        await expect(person).not_to_contain_text("Ready")


async def test_the_device_checks_verdict_reaches_the_organiser(expo: Expo, browser: Browser) -> None:
    async with (
        visit(browser, expo, person=FIRST) as studio,
        visit(browser, expo, person=ORGANISER) as desk,
    ):
        await run_page(desk, expo)
        await studio.goto(f"{expo.base_url}/check?next=/studio/{SHOWCASE}")
        await studio.locator("#play").click()
        await studio.get_by_role("button", name="No", exact=True).click()
        await expect(studio.locator("#badge")).to_have_attribute("data-badge", "fail")
        await studio.locator("#next").click()
        await studio.locator("#ready").wait_for()
        need = desk.locator(".needs li", has_text="The device check failed")
        await expect(need).to_contain_text("서도현, Dalgu Precision: the speakers")
        await expect(desk.locator(".line", has_text="Dalgu")).to_contain_text("Check")


async def test_a_product_is_shown_hidden_and_undone_by_one_tap_each(expo: Expo, browser: Browser) -> None:
    async with (
        visit(browser, expo, person=EXHIBITOR) as studio,
        visit(browser, expo, person=ORGANISER) as desk,
    ):
        await run_page(desk, expo, LIVE)
        await studio.goto(expo.studio())
        await expect(product(studio, "camellia-serum")).to_contain_text("Showing")
        await studio.get_by_role("button", name="Show Jincheon").click()
        await expect(product(studio, "rice-cream")).to_contain_text("Showing 0:0")
        await expect(desk.locator("#time")).to_contain_text("Jincheon")
        await studio.locator("#undo-pin").click()
        await expect(product(studio, "camellia-serum")).to_contain_text("Showing")
        await studio.get_by_role("button", name="Hide Camellia").click()
        await expect(studio.locator("#goods .is-shown")).to_have_count(0)
        await expect(desk.locator("#time")).to_contain_text("No product is shown")


@pytest.mark.parametrize("language", ["en", "ko", "vi"])
async def test_the_waiting_room_fits_and_is_accessible(expo: Expo, browser: Browser, language: str) -> None:
    async with visit(browser, expo, person=FIRST, language=language) as studio:
        await join(studio, expo, ready=False)
        assert await faults(studio) == []


async def test_who_is_removed_is_told_goes_off_air_and_may_watch(expo: Expo, browser: Browser) -> None:
    async with (
        visit(browser, expo, person=FIRST) as studio,
        visit(browser, expo, person=ORGANISER) as desk,
    ):
        await run_page(desk, expo)
        await join(studio, expo, ready=False)
        await desk.locator(".person", has_text="서도현").get_by_role("button", name="Remove").click()
        await desk.get_by_role("dialog").get_by_role("button", name="Remove").click()
        await expect(studio.locator("body")).to_have_attribute("data-mode", "away")
        await expect(studio.locator("#cover")).to_contain_text("Your part here has ended")
        await expect(studio.locator("#go")).to_be_disabled()
        await studio.wait_for_function("document.querySelector('#preview').srcObject === null")
        assert await axe(studio) == []
        await studio.reload()
        await expect(studio.locator("body")).to_have_attribute("data-mode", "away")
        await studio.get_by_role("link", name="Watch the show").click()
        await studio.wait_for_url(f"**/s/{SHOWCASE}")
