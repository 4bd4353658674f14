"""Messengers' own browsers: watching works, presenting is led to another browser, and a code signs in there.

They are played by a Chromium that lacks what they may lack; the apps themselves were not tried.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import quote

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.axe import violations
from tests.support.browser import TONE_HZ, Site, context, heard_hz, moving, publish

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

IN_APP = """for (const name of ["mediaDevices", "clipboard", "share", "wakeLock", "serviceWorker", "permissions"])
  Object.defineProperty(Navigator.prototype, name, { value: undefined, configurable: true });"""
"""What an app's browser may lack; a peer connection it has."""
INSECURE = "Object.defineProperty(window, 'isSecureContext', { value: false })"
KAKAOTALK = "Mozilla/5.0 (Linux; Android 14; Mobile) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156 KAKAOTALK 25.9.0"


@contextlib.asynccontextmanager
async def reading(
    browser: Browser, site: Site, script: str = "", language: str = "en", **options: Any
) -> AsyncGenerator[Page]:
    """A small phone's page that has run `script` before its own; its errors fail the block."""
    readers = await context(browser, options.pop("size", (360, 660)), **options)
    await readers.add_cookies([{"name": "expo_lang", "value": language, "url": site.url}])
    await readers.add_init_script(script)
    page = await readers.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    await readers.close()
    assert errors == []


async def fits(page: Page) -> bool:
    return await page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


async def test_watching_works_with_picture_and_sound(browser: Browser, site: Site) -> None:
    publisher = await publish(browser, site)
    async with reading(browser, site, IN_APP, language="vi") as page:
        await page.goto(site.stage())
        assert await page.evaluate("() => navigator.mediaDevices === undefined && 'RTCPeerConnection' in window")
        await moving(page)
        await page.locator(".listen").click()
        await expect(page.locator(".only")).to_be_visible()
        assert await heard_hz(page) == pytest.approx(TONE_HZ, abs=12)
    await publisher.stop()


async def test_a_code_brings_a_presenter_into_the_studio_of_another_browser(browser: Browser, site: Site) -> None:
    async with reading(browser, site, IN_APP, language="ko") as app, reading(browser, site, language="ko") as phone:
        await app.goto(site.entrance("exhibitor", site.seeded.idle))
        await expect(app.get_by_role("heading", level=1)).to_have_text("다른 브라우저에서 열어 주세요")
        address = f"{site.url}/code?next=/studio/{site.seeded.idle}"
        await expect(app.locator("#address")).to_have_value(address)  # and nothing secret
        assert app.url == address  # what the app's own menu hands on
        await app.locator("#copy").click()
        await expect(app.locator("#copied")).to_contain_text("복사되었습니다")
        await phone.goto(address)
        await app.locator("#show").click()
        code = await app.locator("#digits").inner_text()
        await expect(app.locator("#left")).to_contain_text("초 남았습니다")
        await phone.locator("#typed").fill("22222222")
        await phone.get_by_role("button", name="로그인").click()
        await expect(phone.locator("#typed-hint")).to_contain_text("코드가 맞지 않습니다")
        found = {"app": await violations(app), "phone": await violations(phone)}
        assert found == {"app": [], "phone": []}
        assert await fits(app)
        assert await fits(phone)
        await phone.locator("#typed").fill(code.lower())
        await phone.keyboard.press("Enter")
        await phone.wait_for_url(f"{site.url}/studio/{site.seeded.idle}")
        await expect(phone.locator("#go")).to_be_enabled()


async def test_a_code_that_is_over_says_so_and_makes_room_for_a_new_one(browser: Browser, site: Site) -> None:
    async with reading(browser, site, IN_APP, language="vi", size="desktop") as app:
        await app.clock.install()
        await app.goto(site.entrance("exhibitor"))
        await app.get_by_role("button", name="Hiện mã").click()
        code = await app.locator("#digits").inner_text()
        await app.clock.run_for(30_000)
        await expect(app.locator("#left")).to_have_text("Còn 30 giây")
        await app.clock.run_for(31_000)
        await expect(app.locator(".code .note")).to_have_text("Mã đã hết hạn. Không ai dùng được mã này nữa.")
        assert await violations(app) == []
        await app.get_by_role("button", name="Mã mới").click()
        await expect(app.locator("#digits")).not_to_have_text(code)


async def test_a_stranger_at_the_device_check_gets_the_link_and_may_stay(browser: Browser, site: Site) -> None:
    async with reading(browser, site, IN_APP, user_agent=KAKAOTALK) as page:
        await page.goto(f"{site.url}/check")
        await expect(page.locator("#address")).to_have_value(f"{site.url}/check")
        await expect(page.locator("#code")).to_have_count(0)
        out = page.get_by_role("link", name="Open in the phone's browser")
        await expect(out).to_have_attribute(
            "href", f"kakaotalk://web/openExternal?url={quote(site.url, safe='')}%2Fcheck"
        )
        await page.get_by_role("link", name="Stay here").click()
        await expect(page.locator("#badge")).to_be_visible()
        assert page.url == f"{site.url}/check#here"


async def test_without_https_another_browser_is_no_help_and_the_page_says_what_is(browser: Browser, site: Site) -> None:
    async with reading(browser, site, IN_APP + INSECURE) as page:
        await page.goto(site.entrance("exhibitor"))
        await expect(page.get_by_role("heading", level=1)).to_have_text("Camera and microphone need another address")
        await expect(page.locator(".note")).to_contain_text("the address that begins with https")
        await expect(page.locator("#copy, .qr, #code")).to_have_count(0)


async def test_a_browser_that_has_a_camera_goes_straight_on(browser: Browser, site: Site) -> None:
    async with reading(browser, site) as page:
        await page.goto(f"{site.url}/elsewhere?next=/check")
        await page.wait_for_url(f"{site.url}/check")
