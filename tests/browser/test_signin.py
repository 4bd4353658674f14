"""Coming in by an invitation and going out again, in a real Chromium."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from expo.accounts.invitations import Wanted
from expo.accounts.rules import DEVICES_PER_LINK
from expo.ids import ShowcaseId
from expo.ops import invitations
from expo.ops.invitations import Made
from expo.settings import Settings
from tests.support.presenter import (
    DESKTOP,
    EXHIBITOR,
    ORGANISER,
    PHONE,
    Expo,
    faults,
    serving_expo,
    visit,
)

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

ELSEWHERE = "http://elsewhere.example/"
MINSU = Wanted("exhibitor", name="김민수", company="dalgu-precision")


@dataclass(frozen=True, slots=True)
class Invited:
    """An expo and its links: one that is never used, one in use on all its devices, one that was withdrawn."""

    expo: Expo
    unused: str
    used_up: str
    withdrawn: str

    def page(self, name: str) -> str:
        return {
            "invitation": self.unused,
            "somebody else": self.unused,
            "used up": self.used_up,
            "withdrawn": self.withdrawn,
        }.get(name, f"{self.expo.base_url}/sign-out")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def invited(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Invited]:
    async with serving_expo(tmp_path_factory.mktemp("signin")) as expo:
        unused, used_up, withdrawn = [await invite(expo) for _ in range(3)]
        for _ in range(DEVICES_PER_LINK):
            await use(used_up.url)
        await invitations.revoke(settings(expo), withdrawn.invitation.id)
        yield Invited(expo, unused.url, used_up.url, withdrawn.url)


def settings(expo: Expo) -> Settings:
    return Settings.from_env({"EXPO_DATA_DIR": str(expo.server.data_dir)})


async def invite(expo: Expo, wanted: Wanted = MINSU) -> Made:
    return await invitations.make(settings(expo), ShowcaseId("daegu"), wanted, expo.base_url)


async def use(link: str) -> None:
    """What a device does that presses the button."""
    async with aiohttp.ClientSession() as http, http.post(link, allow_redirects=False) as answer:
        assert answer.status == 303


async def test_one_button_brings_a_presenter_to_the_studio(invited: Invited, browser: Browser) -> None:
    link = (await invite(invited.expo)).url
    async with visit(browser, invited.expo, language="ko", size=PHONE) as page:
        await page.goto(link)
        await expect(page.get_by_role("heading", level=1)).to_have_text("김민수 님, 초대합니다")
        await expect(page.locator("time")).to_contain_text("하노이")
        await expect(page.locator("time")).to_contain_text("서울")
        await page.get_by_role("button", name="초대 수락하고 들어가기").click()
        await page.wait_for_url(invited.expo.studio("daegu"))
        await page.goto(link)  # from the message once more
        await page.get_by_role("button", name="들어가기").click()
        await page.wait_for_url(invited.expo.studio("daegu"))


async def test_the_keyboard_alone_accepts(invited: Invited, browser: Browser) -> None:
    async with visit(browser, invited.expo) as page:
        await page.goto((await invite(invited.expo)).url)
        await page.get_by_role("button", name="Accept and go in").focus()
        await page.keyboard.press("Enter")
        await page.wait_for_url(invited.expo.studio("daegu"))


async def test_an_invitation_works_without_script(invited: Invited, browser: Browser) -> None:
    context = await browser.new_context(java_script_enabled=False, locale="ko")
    page = await context.new_page()
    await page.goto((await invite(invited.expo)).url)
    await page.locator("form button").click()
    await page.wait_for_url(invited.expo.studio("daegu"))
    await context.close()


async def test_another_site_cannot_sign_a_reader_in(invited: Invited, browser: Browser) -> None:
    link = (await invite(invited.expo)).url
    async with visit(browser, invited.expo) as page:
        trap = f'<form method="post" action="{link}"><button>A prize</button></form>'
        await page.route(ELSEWHERE, lambda route: route.fulfill(content_type="text/html", body=trap))
        await page.goto(ELSEWHERE)
        await page.get_by_role("button", name="A prize").click()
        await page.wait_for_url(link)
        await expect(page.locator("body")).to_contain_text("came from another site")
        assert "expo_login" not in {cookie.get("name") for cookie in await page.context.cookies()}


async def test_signing_out_gives_the_place_to_another_device(invited: Invited, browser: Browser) -> None:
    link = (await invite(invited.expo)).url
    async with visit(browser, invited.expo) as first:
        await first.goto(link)
        await first.locator("form button").click()
        for _ in range(DEVICES_PER_LINK - 1):
            await use(link)
        async with visit(browser, invited.expo, language="vi", size=PHONE) as fourth:
            await fourth.goto(link)
            await expect(fourth.get_by_role("heading", level=1)).to_have_text("Liên kết này đang dùng trên 3 thiết bị")
            await first.goto(link)
            await first.get_by_role("link", name="Sign out").click()
            await first.get_by_role("button", name="Sign out").click()
            await expect(first.get_by_role("heading", level=1)).to_have_text("You are signed out")
            await fourth.reload()
            await fourth.get_by_role("button", name="Nhận lời và vào").click()
            await fourth.wait_for_url(invited.expo.studio("daegu"))


@pytest.mark.parametrize(("language", "size"), [("ko", (360, 660)), ("vi", DESKTOP)], ids=["small phone", "desktop"])
async def test_every_page_fits_and_is_accessible(
    invited: Invited, browser: Browser, language: str, size: tuple[int, int]
) -> None:
    pages = {
        None: ("invitation", "used up", "withdrawn", "signed out"),
        ORGANISER: ("somebody else",),
        EXHIBITOR: ("sign out",),
    }
    for person, names in pages.items():
        async with visit(browser, invited.expo, language=language, size=size, person=person) as page:
            for name in names:
                await page.goto(invited.page(name))
                await page.get_by_role("heading", level=1).wait_for()
                assert await faults(page, [size]) == [], name
