"""Every page of buyers and visitors: axe without violations, no overflow at any width, no foreign or inline code."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Browser, ConsoleMessage

from expo.ids import ShowcaseId
from tests.support.axe import violations
from tests.support.browser import Site, context, moving, publish, scene

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

WIDTHS = (320, 360, 390, 1366, 1920)
ENDED, FAR = ShowcaseId("daegu-textiles"), ShowcaseId("jeonnam")


def pages(site: Site) -> dict[str, str]:
    """Name to address of the pages that need no media."""
    return {
        "home": f"{site.url}/",
        "waiting": site.stage(site.seeded.idle),
        "far": site.stage(FAR),
        "ended": site.stage(ENDED),
        "check": f"{site.url}/check",
        "programme": f"{site.url}/programme",
        "delegation": f"{site.url}/delegations/chungbuk",
        "stand": f"{site.url}/stands/palgong-textile",
        "product": f"{site.url}/products/camellia-serum",
        "missing": f"{site.url}/nothing-here",
    }


READERS = {
    "ko-phone": {"size": (360, 660), "locale": "ko", "color_scheme": "light"},
    "vi-desktop": {"size": (1366, 768), "locale": "vi", "color_scheme": "dark"},
}


@pytest.mark.parametrize("reader", READERS)
async def test_axe_finds_nothing_on_any_page(browser: Browser, site: Site, reader: str) -> None:
    options: dict[str, Any] = dict(READERS[reader])
    readers = await context(browser, options.pop("size"), **options)
    page = await readers.new_page()
    found: dict[str, list[str]] = {}
    for name, address in pages(site).items():
        await page.goto(address)
        await page.wait_for_load_state("networkidle")
        assert await page.evaluate("() => document.documentElement.lang") == reader[:2]
        found[name] = await violations(page)
    await readers.close()
    assert found == {name: [] for name in found}


@pytest.mark.parametrize("reader", READERS)
async def test_axe_finds_nothing_on_the_stage_with_everything_open(browser: Browser, site: Site, reader: str) -> None:
    publisher = await publish(browser, site)
    options: dict[str, Any] = dict(READERS[reader])
    readers = await context(browser, options.pop("size"), **options)
    page = await readers.new_page()
    await page.goto(site.stage())
    await moving(page)
    found = {"live": await violations(page)}
    await page.locator(".listen").click()
    await page.keyboard.press("q")
    await page.locator("#quality dl").wait_for()
    found["quality"] = await violations(page)
    await page.keyboard.press("q")
    await page.locator("#language summary").click()
    found["languages"] = await violations(page)
    await page.keyboard.press("Escape")
    for tab in ("#tab-questions", "#tab-about"):
        await page.locator(tab).click()
        found[tab] = await violations(page)
    await page.keyboard.press("?")
    await page.locator("#keys[open]").wait_for()
    found["keys"] = await violations(page)
    await page.keyboard.press("Escape")
    await publisher.stop()
    await page.locator("#strip .strip").wait_for()
    found["strip"] = await violations(page)
    await readers.close()
    assert found == {name: [] for name in found}


@pytest.mark.parametrize("language", ["ko", "vi"])
async def test_nothing_overflows_at_any_width(browser: Browser, site: Site, language: str) -> None:
    publisher = await publish(browser, site)
    readers = await context(browser, (1366, 768), locale=language)
    page = await readers.new_page()
    wide: list[tuple[str, int, int]] = []
    for name, address in {**pages(site), "live": site.stage()}.items():
        await page.goto(address)
        if name == "live":
            await scene(page, "live")
            await page.locator(".listen").click()
        for width in WIDTHS:
            await page.set_viewport_size({"width": width, "height": 720})
            over = await page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
            if over > 0:
                wide.append((name, width, over))
    await readers.close()
    await publisher.stop()
    assert wide == []


async def test_words_may_grow_by_sixty_percent(browser: Browser, site: Site) -> None:
    publisher = await publish(browser, site)
    readers = await context(browser, (1366, 768), locale="vi")
    page = await readers.new_page()
    wide: list[tuple[str, int, int]] = []
    for name, address in {**pages(site), "live": site.stage()}.items():
        await page.goto(address)
        if name == "live":
            await scene(page, "live")
            await page.locator(".listen").click()
        await page.evaluate(_GROW)
        for width in (320, 390, 1366):
            await page.set_viewport_size({"width": width, "height": 720})
            over = await page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
            if over > 0:
                wide.append((name, width, over))
    await readers.close()
    await publisher.stop()
    assert wide == []


async def test_pages_keep_their_content_security_policy_and_break_nothing(browser: Browser, site: Site) -> None:
    publisher = await publish(browser, site)
    readers = await context(browser)
    page = await readers.new_page()
    trouble: list[str] = []
    page.on("pageerror", lambda error: trouble.append(str(error)))

    def heard(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            trouble.append(message.text)

    page.on("console", heard)
    foreign: list[str] = []
    page.on("request", lambda request: None if request.url.startswith(site.url) else foreign.append(request.url))
    for name, address in {**pages(site), "live": site.stage()}.items():
        if name == "missing":
            continue
        await page.goto(address)
        await page.wait_for_load_state("networkidle")
    await moving(page)
    await readers.close()
    await publisher.stop()
    assert trouble == []
    assert [address for address in foreign if not address.startswith(("data:", "blob:"))] == []


async def test_touch_targets_are_large_enough(browser: Browser, site: Site) -> None:
    publisher = await publish(browser, site)
    readers = await context(browser, "phone", locale="vi")
    page = await readers.new_page()
    small: dict[str, list[str]] = {}
    for name, address in {**pages(site), "live": site.stage()}.items():
        await page.goto(address)
        if name == "live":
            await scene(page, "live")
            await page.locator(".listen").click()
        small[name] = await page.evaluate(_TOO_SMALL)
    await readers.close()
    await publisher.stop()
    assert small == {name: [] for name in small}


_GROW = """() => {
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode;
    const words = text.data.trim();
    if (words.length < 2 || text.parentElement.closest("script, time, .when, .countdown")) continue;
    text.data = text.data.replace(words, `${words} ${words.slice(0, Math.ceil(words.length * 0.6))}`);
  }
}"""

_TOO_SMALL = """() => {
  const all = document.querySelectorAll("a[href], button, summary, input, select, [role=tab], [role=slider]");
  return [...all]
    .filter((one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
    .map((one) => [one, one.getBoundingClientRect()])
    .filter(([one, box]) => !one.matches(".skip, p a") && box.width > 1 && (box.width < 44 || box.height < 44))
    .filter(([one]) => !(one.matches("input") && one.closest("label")?.getBoundingClientRect().height >= 44))
    .map(([one, box]) => `${one.outerHTML.slice(0, 80)} ${Math.round(box.width)}x${Math.round(box.height)}`);
}"""
