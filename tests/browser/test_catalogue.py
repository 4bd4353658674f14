"""The quiet pages in a real Chromium: ways between them, times of one's own, sharing, paper, and no script at all."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.browser import Site, context

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def opened(browser: Browser, address: str, size: str = "phone", **options: Any) -> Page:
    page = await (await context(browser, "desktop" if size == "desktop" else "phone", **options)).new_page()
    await page.goto(address)
    return page


async def test_a_buyer_goes_from_home_over_the_delegation_and_the_stand_to_a_product_and_its_stage(
    browser: Browser, site: Site
) -> None:
    page = await opened(browser, f"{site.url}/")
    await page.locator(".place", has_text="Chungbuk").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Chungbuk delegation")
    await page.get_by_role("link", name="Gyeol Cosmetics").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Gyeol Cosmetics")
    await page.get_by_role("link", name="Rice sheet masks").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Rice sheet masks, box of 10")
    await page.get_by_role("link", name="Next product").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sunscreen SPF 50+")
    await page.get_by_role("link", name="Watch live").click()
    await page.wait_for_url(site.stage())
    await page.context.close()


async def test_the_stage_leads_to_the_product_and_to_the_stand(browser: Browser, site: Site) -> None:
    page = await opened(browser, site.stage(site.seeded.idle))
    await page.locator(".product summary").first.click()
    await page.get_by_role("link", name="Product page").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Rice-cooker pot 1.8 l")
    await page.go_back()
    await page.locator("#tab-about").click()
    await page.get_by_role("link", name="Visit the stand").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Dalgu Precision")
    await page.context.close()


@pytest.mark.parametrize(
    ("zone", "first", "lines"),
    [("Asia/Ho_Chi_Minh", "Hanoi", 2), ("Asia/Seoul", "Seoul", 2), ("Europe/Berlin", "your time", 3)],
)
async def test_the_programme_has_the_readers_own_time_first(
    browser: Browser, site: Site, zone: str, first: str, lines: int
) -> None:
    page = await opened(browser, f"{site.url}/programme", timezone_id=zone)
    column = page.locator(".programme-page time").first
    # By the hour it is another day there than in Hanoi, whose date stands above; own-times.test.ts knows which.
    await expect(column.locator("b small")).to_have_text(re.compile(rf"^{first}( \([+−]1\))?$"))
    assert await column.locator("b, span").count() == lines
    own = await column.evaluate(
        "one => new Date(one.dateTime).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })"
    )
    await expect(column.locator("b")).to_contain_text(own)
    await page.context.close()


async def test_sharing_from_a_desk_copies_the_clean_address(browser: Browser, site: Site) -> None:
    page = await opened(
        browser,
        f"{site.url}/products/camellia-serum?from=mail",
        "desktop",
        permissions=["clipboard-read", "clipboard-write"],
    )
    await page.get_by_role("button", name="Share").click()
    await expect(page.locator("#toast")).to_have_text("Link copied")
    assert await page.evaluate("() => navigator.clipboard.readText()") == f"{site.url}/products/camellia-serum"
    await page.context.close()


async def test_without_script_everything_is_there_but_the_share_button(browser: Browser, site: Site) -> None:
    page = await opened(browser, f"{site.url}/products/camellia-serum", java_script_enabled=False)
    await expect(page.locator("#customs")).to_be_visible()
    await expect(page.get_by_text("3304.99")).to_be_visible()
    await expect(page.locator("#share")).to_be_hidden()
    await expect(page.locator(".moment time").first).to_contain_text("Hanoi")
    await page.context.close()


async def test_a_product_prints_on_one_sheet_with_its_facts_and_without_the_furniture(
    browser: Browser, site: Site
) -> None:
    page = await opened(browser, f"{site.url}/products/camellia-serum", "desktop", color_scheme="dark")
    await page.emulate_media(media="print")
    for gone in (".menu", ".foot", ".neighbours", ".goods"):
        await expect(page.locator(gone).first).to_be_hidden()
    for kept in ("h1", "#terms", "#customs", ".picture.big img"):
        await expect(page.locator(kept)).to_be_visible()
    assert await page.evaluate("() => getComputedStyle(document.documentElement).colorScheme") == "light"
    paper = await page.pdf(format="A4", print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) == 1, "one sheet"
    await page.context.close()
