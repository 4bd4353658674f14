"""A showcase made by keyboard and by hand, from nothing to announced, and by two people at once on a phone."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.support.presenter import ORGANISER, Expo, axe, overflows, serving_expo, visit

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
DESK, PHONE = (1366, 768), (360, 660)
FIRST, SECOND, THIRD, *REST, LAST = (
    "Sandeul Foods", "Danyang Garlic", "Gyeol Cosmetics", "Sobaek Medi", "Cheongpung Tea", "Okcheon Steel",
    "Hansol Farm", "Jecheon Herbs",
)  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def expo(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Expo]:
    async with serving_expo(tmp_path_factory.mktemp("make")) as serving:
        yield serving


async def order(page: Page, *wanted: str) -> None:
    """Wait until the companies stand in this order."""
    await expect(page.locator("[data-segment] > b")).to_have_text(list(wanted))


async def saved(page: Page) -> None:
    """Wait until all is saved that was changed."""
    await expect(page.locator("#saved")).to_contain_text("Saved at")


async def test_a_showcase_is_made_by_keyboard_and_drag_announced_and_changed_while_its_room_is_open(
    expo: Expo, browser: Browser
) -> None:
    async with (
        visit(browser, expo, person=ORGANISER, size=DESK) as desk,
        visit(browser, expo, person=ORGANISER, size=DESK) as show,
    ):
        await desk.get_by_role("link", name="All showcases").click()
        assert await axe(desk) == []
        await desk.get_by_label("Delegation").focus()
        await desk.keyboard.press("Tab")
        await desk.keyboard.press("Enter")
        await order(desk, FIRST, SECOND, THIRD, *REST, LAST)
        await desk.get_by_label("Title in English").fill("Chungbuk at lunch")

        await desk.get_by_role("button", name=f"Move down: {FIRST}").focus()
        await desk.keyboard.press("Enter")
        await desk.keyboard.press("Alt+ArrowDown")
        await order(desk, SECOND, THIRD, FIRST, *REST, LAST)
        await expect(desk.get_by_role("button", name=f"Move down: {FIRST}")).to_be_focused()
        grip = await desk.locator("[data-movable] .grip").first.bounding_box()
        third = await desk.locator("[data-movable]").nth(2).bounding_box()
        assert grip is not None
        assert third is not None
        await desk.mouse.move(grip["x"] + 8, grip["y"] + 8)
        await desk.mouse.down()
        await desk.mouse.move(grip["x"] + 8, third["y"] + third["height"], steps=5)
        await desk.mouse.up()
        await order(desk, THIRD, FIRST, SECOND, *REST, LAST)

        await desk.get_by_role("button", name=f"Remove: {FIRST}").focus()
        await desk.keyboard.press("Enter")
        await order(desk, THIRD, SECOND, *REST, LAST)
        await expect(desk.get_by_role("button", name=f"Remove: {SECOND}")).to_be_focused()
        await desk.get_by_role("button", name="Undo").press("Enter")
        await order(desk, THIRD, FIRST, SECOND, *REST, LAST)
        await desk.get_by_label(f"Minutes for {THIRD}").fill("25")
        await expect(desk.locator("#total")).to_contain_text("95 of 80 planned minutes · 15 min more")
        await saved(desk)
        assert await axe(desk) == []
        await desk.locator("#announce").press("Enter")
        await expect(desk.locator("#saved")).to_contain_text("It stands in the programme now")
        await expect(desk.locator(".state")).to_have_text("Announced")

        await show.goto(desk.url.partition("?")[0].replace("/make/", "/run/"))
        await order(show, THIRD, FIRST, SECOND, *REST, LAST)
        await expect(show.locator("h1")).to_have_text("Chungbuk at lunch")
        await desk.get_by_role("button", name=f"Move up: {FIRST}").press("Enter")
        await expect(desk.locator("#saved")).to_have_text("Not saved yet")
        await desk.locator("#save").press("Enter")
        await saved(desk)
        await order(show, FIRST, THIRD, SECOND, *REST, LAST)


async def test_two_who_change_the_same_draft_lose_nothing_on_a_small_phone(expo: Expo, browser: Browser) -> None:
    async with (
        visit(browser, expo, person=ORGANISER, size=PHONE, language="ko") as phone,
        visit(browser, expo, person=ORGANISER) as other,
    ):
        for page in (phone, other):
            await page.goto(f"{expo.base_url}/make/chungbuk-encore")
            await page.locator("[data-movable]").first.wait_for()
        await other.locator("[name=title-en]").fill("Theirs")
        await saved(other)
        await phone.locator("[name=title-en]").fill("Mine")
        await phone.locator("#mine").wait_for()
        assert await axe(phone) == []
        assert not await overflows(phone)
        await phone.locator("#mine").click()
        await expect(phone.locator("#strip .strip")).to_have_count(0)
        await other.reload()
        await expect(other.locator("[name=title-en]")).to_have_value("Mine")
        await phone.goto(f"{expo.base_url}/make")
        assert await axe(phone) == []
        assert not await overflows(phone)
