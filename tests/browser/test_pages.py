"""Every page of buyers and visitors: axe without violations, no overflow at any width, no foreign or inline code."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser, ConsoleMessage, Page

from tests.browser.every_page import PAGES, addresses
from tests.support.axe import violations
from tests.support.browser import Site, context, moving, publish, scene

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

WIDTHS = (320, 360, 390, 1366, 1920)
TABS = 3
"""Pages that are read side by side: while one is waited for, axe looks at another."""


READERS = {
    "ko-phone": {"size": (360, 660), "locale": "ko", "color_scheme": "light"},
    "vi-desktop": {"size": (1366, 768), "locale": "vi", "color_scheme": "dark"},
}


async def test_every_page_of_the_server_is_in_the_register(site: Site) -> None:
    async with aiohttp.ClientSession(site.url) as http, http.get("/openapi.json") as answer:
        paths: dict[str, Any] = (await answer.json())["paths"]
    served = {path for path, item in paths.items() if is_page(item.get("get"))}
    registered = {page.route for page in PAGES if page.name != "missing"}
    assert served - registered == set(), "add a line to PAGES in tests/browser/every_page.py"
    assert registered - served == set()


def is_page(operation: dict[str, Any] | None) -> bool:
    return operation is not None and "text/html" in operation["responses"].get("200", {}).get("content", {})


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("role", dict.fromkeys(page.role for page in PAGES))
async def test_axe_finds_nothing_on_any_page(browser: Browser, site: Site, role: str | None, reader: str) -> None:
    options: dict[str, Any] = dict(READERS[reader])
    readers = await context(browser, options.pop("size"), **options)
    await readers.add_cookies([{"name": "expo_lang", "value": reader[:2], "url": site.url}])
    if role is not None:
        await (await readers.new_page()).goto(site.entrance(role))
    found: dict[str, list[str]] = {}
    told: dict[str, int] = {}

    async def read(pages: Iterator[tuple[str, str]]) -> None:
        page = await readers.new_page()
        for name, address in pages:
            answer = await page.goto(address)
            assert answer is not None
            told[name] = answer.status
            assert await page.evaluate("() => document.documentElement.lang") == reader[:2]
            assert page.url == address, "the reader is led away from the page"
            found[name] = await violations(page)

    pages = iter((await addresses(site, role)).items())
    await asyncio.gather(*(read(pages) for _ in range(TABS)))
    await readers.close()
    assert told == {page.name: page.status for page in PAGES if page.role == role}
    assert found == {name: [] for name in told}


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
async def test_nothing_overflows_at_any_width_nor_with_words_that_are_longer_by_sixty_percent(
    browser: Browser, site: Site, language: str
) -> None:
    publisher = await publish(browser, site)
    readers = await context(browser, (1366, 768), locale=language)
    page = await readers.new_page()
    wide: list[tuple[str, int, int]] = []
    for name, address in {**(await addresses(site)), "live": site.stage()}.items():
        await page.goto(address)
        if name == "live":
            await scene(page, "live")
            await page.locator(".listen").click()
        wide += [(name, *over) for over in await too_wide(page, WIDTHS)]
        await page.evaluate(_GROW)
        wide += [(f"{name} grown", *over) for over in await too_wide(page, (320, 390, 1366))]
    await readers.close()
    await publisher.stop()
    assert wide == []


async def too_wide(page: Page, widths: Sequence[int]) -> list[tuple[int, int]]:
    """The widths at which the page is wider than its window, and by how much."""
    found: list[tuple[int, int]] = []
    for width in widths:
        await page.set_viewport_size({"width": width, "height": 720})
        over = int(await page.evaluate("() => document.documentElement.scrollWidth - innerWidth"))
        if over > 0:
            found.append((width, over))
    return found


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
    for name, address in {**(await addresses(site)), "live": site.stage()}.items():
        if name in {"missing", "withdrawn"}:  # Chromium reports every answer of 400 and more
            continue
        await page.goto(address)
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
    for name, address in {**(await addresses(site)), "live": site.stage()}.items():
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
