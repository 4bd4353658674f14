"""Invitations and results in a real Chromium: from the organiser's form to somebody signed in, and out again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.async_api import Browser, Page, expect

from expo.clock import utc_now
from tests.support.aftermath import leave_behind
from tests.support.axe import violations
from tests.support.browser import Site, context

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

OVER = "daegu-textiles"
SMALL, DESK = (360, 660), (1366, 768)


async def sign_in(page: Page, site: Site, language: str) -> None:
    """The organiser, who has chosen a language."""
    await page.context.add_cookies([{"name": "expo_lang", "value": language, "url": site.url}])
    await page.goto(site.entrance("organiser"), wait_until="commit")


async def invite(page: Page, site: Site, people: str, showcase: str = "daegu") -> str:
    """The first link that the form makes for these lines."""
    await page.goto(f"{site.url}/invite/{showcase}")
    await page.locator("#people").fill(people)
    await page.locator("#new button[type=submit]").click()
    link = await page.locator("[data-link]").first.get_attribute("data-link")
    assert link is not None
    return link


async def test_an_invited_presenter_comes_in_by_the_link_and_leaves_when_it_is_withdrawn(
    site: Site, browser: Browser
) -> None:
    desk = await (await context(browser, DESK)).new_page()
    await sign_in(desk, site, "en")
    link = await invite(desk, site, "박서준, 달구정밀\nAlex, Palgong Textile")
    await expect(desk.locator(".letter")).to_have_count(2)
    await expect(desk.locator(".message").first).to_contain_text("박서준 님, 안녕하세요.")
    await desk.locator("[data-copy]").first.click()
    await expect(desk.locator("#toast")).to_contain_text("Copied")

    phone = await (await context(browser, SMALL, locale="ko")).new_page()
    await phone.goto(link)
    await phone.get_by_role("button", name="초대 수락하고 들어가기").click()
    await phone.wait_for_url(f"{site.url}/studio/daegu")

    await desk.goto(f"{site.url}/invite/daegu")
    await expect(desk.locator("[data-link]")).to_have_count(0)
    line = desk.locator(".invitee", has_text="박서준")
    await expect(line).to_contain_text("1 of 3 devices")
    await line.locator("summary", has_text="Withdraw").click()
    await desk.keyboard.press("Escape")
    await expect(line.locator("details[open]")).to_have_count(0)
    await line.locator("summary", has_text="Withdraw").press("Enter")
    await line.get_by_role("button", name="Withdraw").click()
    await expect(desk.locator("main")).to_contain_text("The invitation is withdrawn")
    await phone.goto(link)
    await expect(phone.get_by_role("heading", level=1)).to_have_text("취소된 초대입니다")
    for page in (desk, phone):
        await page.context.close()


async def test_inviting_and_a_new_link_need_no_script(site: Site, browser: Browser) -> None:
    page = await (await context(browser, DESK, java_script_enabled=False)).new_page()
    await sign_in(page, site, "vi")
    first = await invite(page, site, "Trần Gia Bảo")
    line = page.locator(".invitee", has_text="Trần Gia Bảo")
    await line.locator("summary", has_text="Liên kết mới").click()
    await line.get_by_role("button", name="Liên kết mới").click()
    await expect(page.locator(".message")).to_contain_text("Trần Gia Bảo")
    assert await page.locator("[data-link]").get_attribute("data-link") != first
    await page.context.close()


async def test_the_status_page_goes_on_by_itself_and_the_menu_of_ones_name_leads_there(
    site: Site, browser: Browser
) -> None:
    page = await (await context(browser, SMALL)).new_page()
    await sign_in(page, site, "en")
    await page.goto(site.url)
    await page.clock.install()
    await page.get_by_label("your pages").press("Enter")
    await page.get_by_role("link", name="Server status").click()
    await expect(page.locator("#verdict")).to_have_text("Everything works.")
    await page.get_by_role("link", name="Your showcases").focus()
    await page.route("**/status", lambda route: route.abort())
    await page.clock.run_for(2_000)
    await expect(page.locator("#strip")).to_contain_text("The server does not answer")
    await page.unroute("**/status")
    await page.evaluate("() => document.querySelector('#workers-title').remove()")
    await page.clock.run_for(5_000)
    await expect(page.locator("#workers-title")).to_be_visible()
    await expect(page.locator("#strip")).to_be_empty()
    await expect(page.get_by_role("link", name="Your showcases")).to_be_focused()
    await page.context.close()


async def test_the_pages_fit_and_are_accessible(site: Site, browser: Browser) -> None:
    await leave_behind(site.database, OVER, utc_now() - timedelta(hours=3))
    for language, size, scheme in (("ko", SMALL, "light"), ("vi", DESK, "dark")):
        opened = await context(browser, size, color_scheme=scheme)
        page = await opened.new_page()
        await sign_in(page, site, language)
        await invite(page, site, "김하나", OVER)
        await sound(page, "new link")
        await page.locator("#people").fill("김하나\n이두리, 없는 회사")
        await page.locator("#new button[type=submit]").click()
        await expect(page.locator("#people-wrong")).to_be_visible()
        await sound(page, "a bad line")
        await page.goto(f"{site.url}/after/{OVER}")
        await expect(page.locator(".chart svg")).to_be_visible()
        await sound(page, "results")
        await opened.close()


async def sound(page: Page, name: str) -> None:
    """Nothing for axe to find with every detail open, and nothing wider than the window."""
    for summary in await page.locator("main details:not([open]):not(.menu) > summary").all():
        await summary.click()
    assert await violations(page) == [], name
    assert await page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth"), name
