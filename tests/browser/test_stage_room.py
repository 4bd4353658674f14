"""A showcase as an event: buyers on the stage, an organiser's commands, all through the live socket."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, WebSocketRoute, expect

from expo.cluster.workers import private_socket
from expo.settings import Settings
from tests.support.axe import violations
from tests.support.browser import Site, Size, context, moving, publish, sample_site
from tests.support.live import Page as Seat
from tests.support.live import opened_page

pytestmark = [pytest.mark.browser, pytest.mark.media, pytest.mark.asyncio(loop_scope="session")]

MARKUP = "<b>5.000</b> chai? <img src=x onerror=document.title=1> \u202eabc"
TEXT_CSS = "li.said[data-message] .words"


@dataclass
class Show:
    """A server of its own with the sample expo on the air, and its organiser at the socket."""

    site: Site
    crew: Seat

    def product(self, number: int) -> str:
        """Of the company that is on."""
        return self.segment(self.state["current"])["products"][number]

    def segment(self, segment: str) -> dict[str, Any]:
        return next(each for each in self.state["segments"] if each["id"] == segment)

    @property
    def state(self) -> dict[str, Any]:
        """As it was when the organiser came."""
        return self.crew.hello["snapshot"]["state"]

    @property
    def coming(self) -> str:
        """The segment after the one that is on."""
        return next(each["id"] for each in self.state["segments"] if each["startedMs"] is None)

    async def buyer(self, browser: Browser, size: Size | tuple[int, int], **options: Any) -> Page:
        """A reader on the stage, once the room has told its state."""
        page = await (await context(browser, size, **options)).new_page()
        await page.goto(self.site.stage())
        await page.locator("#act button").wait_for()
        return page


@pytest_asyncio.fixture(loop_scope="session")
async def show(tmp_path: Path) -> AsyncGenerator[Show]:
    data_dir = tmp_path / "data"
    async with sample_site(data_dir) as site:
        async with (
            aiohttp.ClientSession() as http,
            http.get(site.entrance("organiser"), allow_redirects=False) as answer,
        ):
            cookies = {name: cookie.value for name, cookie in answer.cookies.items()}
        socket = private_socket(Settings.from_env({"EXPO_DATA_DIR": str(data_dir)}), 0)
        async with opened_page(socket, site.seeded.live, cookies=cookies) as crew:
            yield Show(site, crew)


async def introduce(page: Page, name: str, company: str) -> None:
    """Fill in the sheet that asks once."""
    await page.locator("#guest[open]").wait_for()
    await page.locator("#guest-name").fill(name)
    await page.locator("#guest-company").fill(company)
    await page.locator("#guest [type=submit]").click()


async def write(page: Page, text: str) -> None:
    await page.locator("#tab-questions").click()
    await page.locator(".composer input").fill(text)
    await page.locator(".composer input").press("Enter")


async def test_buyers_see_a_pin_at_once_and_talk_both_ways(browser: Browser, show: Show) -> None:
    hoa = await show.buyer(browser, "phone", locale="vi")
    lan = await show.buyer(browser, "desktop", locale="ko")
    product = show.product(1)

    pressed = time.monotonic()
    await show.crew.command("pin", product=product)
    for page in (hoa, lan):
        await page.locator(f'#pin [data-pin="{product}"]').wait_for()
    assert time.monotonic() - pressed < 1.0
    await expect(lan.locator(f'details[data-product="{product}"]')).to_have_attribute("open", "")

    await write(hoa, MARKUP)
    await introduce(hoa, "Hoà Nguyễn", "Sao Mai Trading")
    for page in (hoa, lan):
        await expect(page.locator(TEXT_CSS)).to_have_text([MARKUP])
        assert await page.locator(f"{TEXT_CSS} > bdi").count() == 1
        assert await page.locator(f"{TEXT_CSS} img, {TEXT_CSS} b").count() == 0
        await expect(page.locator("li.said .by")).to_contain_text("Hoà Nguyễn")
        await expect(page.locator("#questions-open")).to_have_text("· 1")

    await lan.locator("#tab-questions").click()
    await lan.get_by_role("button", name="채팅", exact=True).click()
    await write(lan, "저도 궁금합니다")
    await introduce(lan, "김란", "한빛무역")
    await expect(hoa.locator(TEXT_CSS).last).to_have_text("저도 궁금합니다")
    await write(hoa, "Cảm ơn")  # nobody is asked twice
    await expect(lan.locator(TEXT_CSS).last).to_have_text("Cảm ơn")

    await show.crew.command("answer_question", message=show.crew.events[-3]["revision"])
    await expect(lan.locator("li.said .lamp")).to_have_text("답변 완료")
    await hoa.locator("li.said[data-own] button").first.click()
    for page, gone in ((hoa, "Người viết đã thu hồi tin này"), (lan, "작성자가 취소한 글입니다")):
        await expect(page.locator("li.said.gone")).to_contain_text(gone)
        await expect(page.locator(TEXT_CSS)).to_have_text(["저도 궁금합니다", "Cảm ơn"])
    await show.crew.command("hide_message", message=show.crew.events[-3]["revision"])
    await expect(lan.locator("li.said.gone").last).to_contain_text("주최 측에서 숨긴 글입니다")

    for page in (hoa, lan):
        await page.context.close()


async def test_interest_is_asked_for_a_name_once_noted_and_remembered(browser: Browser, show: Show) -> None:
    page = await show.buyer(browser, "phone")
    product, other = show.product(1), show.product(0)
    await show.crew.command("pin", product=product)
    await page.locator(f'[data-pin="{product}"]').wait_for()

    await page.locator("#interested").click()
    await page.get_by_role("button", name="Not now").click()
    assert await page.locator("#interested").get_attribute("aria-pressed") == "false"
    await page.locator("#interested").click()
    await introduce(page, "Hoa", "Sao Mai Trading")
    await expect(page.locator("#interested")).to_have_attribute("aria-pressed", "true")
    await expect(page.locator("#toast")).to_contain_text("Noted.")
    assert (await show.crew.event("interest_shown"))["event"]["product"] == product

    await page.locator(f'[data-interest="{other}"] button').click()
    await expect(page.locator(f'[data-interest="{other}"] button')).to_have_attribute("aria-pressed", "true")
    await page.locator(f'[data-interest="{other}"] button').click()
    await write(page, "One more thing")
    await expect(page.locator(TEXT_CSS)).to_have_text(["One more thing"])

    await page.reload()
    await expect(page.locator("#interested")).to_have_attribute("aria-pressed", "true")
    await expect(page.locator(f'[data-interest="{other}"] button')).to_have_attribute("aria-pressed", "true")
    await page.locator(f'[data-pin="{product}"]').wait_for()
    await page.locator("#tab-questions").click()
    await expect(page.locator(TEXT_CSS)).to_have_text(["One more thing"])
    await expect(page.locator("li.said[data-own] button")).to_have_count(1)
    shown = [each for each in show.crew.events if each["event"]["type"] == "interest_shown"]
    assert [each["event"]["product"] for each in shown] == [product, other]
    await page.context.close()


async def test_the_next_company_is_counted_down_to_and_takes_over_the_page(browser: Browser, show: Show) -> None:
    page = await show.buyer(browser, "desktop", clock_off_s=3600)
    segment = show.segment(show.coming)
    name = await page.locator(f'#programme [data-segment="{segment["id"]}"]').get_attribute("data-name")
    assert name is not None

    await show.crew.command("arm_next", segment=segment["id"], anyway=True)
    await expect(page.locator(".coming")).to_contain_text(f"Next: {name}")
    await expect(page.locator(".coming b")).to_have_text("2")
    await expect(page.locator(".coming b")).to_have_text("1")
    await expect(page.locator("#company")).to_have_text(name)
    await expect(page.locator(".coming")).to_have_count(0)
    await expect(page.locator("#shows .now b")).to_have_text(name)
    await expect(page.locator("#status")).to_have_text(f"On now: {name}")

    product = segment["products"][0]
    await show.crew.command("pin", product=product)
    await expect(page.locator(f'#pin [data-pin="{product}"]')).to_be_visible(timeout=20_000)
    await expect(page.locator(f'details[data-product="{product}"]')).to_be_visible()
    await expect(page.locator("#products details:visible")).to_have_count(len(segment["products"]))
    await page.locator("#tab-about").click()
    await expect(page.locator("#about .about:visible h2")).to_have_text(name)
    await page.context.close()


async def test_a_lost_socket_never_hides_the_picture_and_comes_back_with_what_was_said(
    browser: Browser, show: Show
) -> None:
    publisher = await publish(browser, show.site)
    page = await (await context(browser)).new_page()
    lines: list[WebSocketRoute] = []

    def passed_on(line: WebSocketRoute) -> None:
        lines.append(line)
        line.connect_to_server()

    await page.route_web_socket("**/socket.io/**", passed_on)
    await page.goto(show.site.stage())
    await moving(page)
    await page.locator("#act button").wait_for()
    await page.locator("#tab-questions").click()
    await page.locator(".composer input").fill("half a sen")

    await lines[0].close()
    await page.locator("#link .strip").wait_for()
    assert await page.locator("#picture").get_attribute("data-picture") == "moving"
    await show.crew.command("pin", product=show.product(1))
    await page.locator("#link .strip").wait_for(state="detached")
    await page.locator(f'[data-pin="{show.product(1)}"]').wait_for()
    assert await page.locator(".composer input").input_value() == "half a sen"
    assert len(lines) == 2
    await page.context.close()
    await publisher.stop()


async def test_a_break_and_the_end_are_seen_at_once(browser: Browser, show: Show) -> None:
    publisher = await publish(browser, show.site)
    page = await show.buyer(browser, "phone")
    await moving(page)
    await show.crew.command("pause")
    await expect(page.locator("#strip .strip")).to_contain_text("Short break")
    await expect(page.locator("#air")).to_have_text("Short break")
    assert await page.locator("#picture").get_attribute("data-picture") == "moving"
    await show.crew.command("resume")
    await expect(page.locator("#strip .strip")).to_have_count(0)
    await show.crew.command("end")
    await expect(page.locator("#cover")).to_contain_text("This showcase has ended")
    await page.locator("#tab-questions").click()
    await expect(page.locator("#questions")).to_contain_text("New messages are closed")
    await page.context.close()
    await publisher.stop()


READERS = {
    "ko-phone": ((360, 660), "ko", "light"),
    "vi-phone": ((320, 568), "vi", "dark"),
    "en-desktop": ((1366, 768), "en", "dark"),
}


@pytest.mark.parametrize("reader", READERS)
async def test_the_talk_is_for_everybody_at_any_width(browser: Browser, show: Show, reader: str) -> None:
    size, locale, scheme = READERS[reader]
    page = await show.buyer(browser, size, locale=locale, color_scheme=scheme)
    await show.crew.command("pin", product=show.product(1))
    await show.crew.command("say", text="x" * 500)
    await show.crew.command("ask", text="여기까지 얼마입니까?", product=show.product(0))
    await page.keyboard.press("Tab")
    await page.locator("#tab-products").focus()
    await page.keyboard.press("ArrowRight")
    await expect(page.locator("#questions")).to_be_visible()
    await expect(page.locator(TEXT_CSS)).to_have_count(2)
    found = {"talk": await violations(page)}
    await page.locator(".composer input").focus()
    await page.keyboard.type("hello")
    found["typing"] = await violations(page)
    await page.keyboard.press("Enter")
    await page.locator("#guest[open]").wait_for()
    found["guest"] = await violations(page)
    await introduce(page, "Hoa", "Sao Mai")
    await expect(page.locator("li.said[data-own] button")).to_have_count(1)
    await page.locator("#tab-about").focus()
    found["about"] = await violations(page)
    await page.emulate_media(reduced_motion="reduce")  # the change itself may come while axe looks
    await show.crew.command("arm_next", segment=show.coming, anyway=True)
    await page.locator(".coming").wait_for()
    found["coming"] = await violations(page)
    assert found == {name: [] for name in found}
    for width in (320, 360, 768, 1366, 1920):
        await page.set_viewport_size({"width": width, "height": 720})
        assert await page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0, width
    await page.context.close()
