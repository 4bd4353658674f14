"""The run of show as its organisers use it: order, confirmations, two desks, moderation, keys, and how it looks."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from expo.cluster.workers import private_socket
from expo.settings import Settings
from tests.support.live import opened_page
from tests.support.presenter import (
    EXHIBITOR,
    ORGANISER,
    SIZES,
    Expo,
    faults,
    overflows,
    serving_expo,
    visit,
)
from tests.support.run import run_page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
LIVE = "chungbuk"
MODERATOR = "demo-moderator"
DESK = (1440, 760)
COMING = ["Sobaek Medi", "Cheongpung Tea", "Okcheon Steel", "Hansol Farm", "Jecheon Herbs"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def expo(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Expo]:
    async with serving_expo(tmp_path_factory.mktemp("run")) as serving:
        yield serving


async def coming(page: Page, *wanted: str) -> None:
    """Wait until the companies to come stand in this order."""
    await expect(page.locator("[data-movable] > b")).to_have_text(list(wanted))


async def focused(page: Page) -> str:
    return await page.evaluate("() => document.activeElement.getAttribute('aria-label') ?? ''")


async def test_the_part_that_is_on_gets_minutes_more_or_less(expo: Expo, browser: Browser) -> None:
    async with (
        visit(browser, expo, person=ORGANISER, size=DESK) as desk,
        visit(browser, expo, person=MODERATOR, size=DESK) as other,
    ):
        await run_page(desk, expo, LIVE)
        await run_page(other, expo, LIVE)
        on = other.locator(".line.is-on")
        await expect(on).to_contain_text("of 15:00")
        await desk.get_by_role("button", name="+1 min for Gyeol").dblclick()
        await expect(on).to_contain_text("of 17:00")
        await desk.keyboard.press("-")
        await expect(on).to_contain_text("of 16:00")
        await desk.locator("#take-back").click()
        await expect(on).to_contain_text("of 17:00")


async def test_the_order_is_changed_by_keyboard_and_by_drag_and_another_desk_sees_it(
    expo: Expo, browser: Browser
) -> None:
    async with (
        visit(browser, expo, person=ORGANISER, size=DESK) as desk,
        visit(browser, expo, person=MODERATOR, size=DESK) as other,
    ):
        await run_page(desk, expo, LIVE)
        await run_page(other, expo, LIVE)
        await coming(desk, *COMING)
        first, second, *rest = COMING
        down = desk.get_by_role("button", name=f"Move down: {first}")
        await down.focus()
        await desk.keyboard.press("Enter")
        await coming(other, second, first, *rest)
        await coming(desk, second, first, *rest)
        assert await focused(desk) == f"Move down: {first}", "the focus goes along"
        await desk.keyboard.press("Alt+ArrowUp")
        await coming(other, first, second, *rest)
        await coming(desk, first, second, *rest)
        assert await focused(desk) == f"Move down: {first}"

        grip = await desk.locator("[data-movable] .grip").first.bounding_box()
        last = await desk.locator("[data-movable]").last.bounding_box()
        assert grip is not None
        assert last is not None
        await desk.mouse.move(grip["x"] + 8, grip["y"] + 8)
        await desk.mouse.down()
        await desk.mouse.move(grip["x"] + 8, last["y"] + last["height"], steps=5)
        await desk.mouse.up()
        await coming(other, second, *rest, first)
        await coming(desk, second, *rest, first)
        await desk.locator("#take-back").click()
        await coming(other, first, second, *rest)
        await coming(desk, first, second, *rest)
        await expect(desk.locator("#take-back")).to_have_count(0)
        for way, order in (("down", (second, *rest, first)), ("up", (first, second, *rest))):
            await desk.evaluate(
                """([label, presses]) => {
                    for (let press = 0; press < presses; press += 1)
                        document.querySelector(`[aria-label="${label}"]`).click();
                }""",
                [f"Move {way}: {first}", len(rest) + 1],
            )
            await coming(other, *order)  # pressed faster than the room answers
            await coming(desk, *order)


async def test_a_company_that_is_not_ready_begins_only_when_that_is_confirmed(expo: Expo, browser: Browser) -> None:
    async with (
        visit(browser, expo, person=ORGANISER, size=DESK) as desk,
        visit(browser, expo, person=MODERATOR, size=DESK) as other,
    ):
        await run_page(desk, expo, LIVE)
        await run_page(other, expo, LIVE)
        await desk.keyboard.press("n")
        await expect(desk.locator("#ask")).to_contain_text("Nobody of Sobaek Medi")
        await desk.keyboard.press("Escape")
        await expect(desk.locator("#ask")).to_be_hidden()
        await expect(desk.locator("#counting")).to_have_count(0)
        await desk.keyboard.press("n")
        await desk.locator("#agree").click()
        await expect(desk.locator("#counting")).to_be_visible()
        await expect(other.locator("#counting")).to_be_visible(timeout=1_000)
        await other.keyboard.press("Escape")
        await expect(desk.locator("#counting")).to_have_count(0)
        await expect(desk.locator("[aria-current=step]")).to_contain_text("Gyeol Cosmetics")


async def test_a_muted_presenter_is_told_and_heard_again_from_the_list(expo: Expo, browser: Browser) -> None:
    async with (
        visit(browser, expo, person=ORGANISER, size=DESK) as desk,
        visit(browser, expo, person=EXHIBITOR) as studio,
    ):
        await run_page(desk, expo, LIVE)
        await studio.goto(expo.studio())
        await studio.locator("#go:enabled").wait_for()
        await desk.get_by_role("button", name="Mute 정하윤").click()
        await expect(studio.locator(".signal")).to_contain_text("muted your microphone")
        await studio.keyboard.press("m")
        await expect(studio.locator("#dock .toggle").first).to_have_attribute("aria-pressed", "true")
        need = desk.locator(".needs li", has_text="Muted on air")
        await need.get_by_role("button", name="Unmute").click()
        await expect(studio.locator(".signal", has_text="muted")).to_have_count(0)
        await expect(need).to_contain_text("done")
        await desk.locator("#next-company").focus()
        await expect(need).to_have_count(0)


STRANGE = (
    "<img src=x onerror=alert(1)><script>alert(2)</script><b>bold</b> {{7*7}} ${alert(3)}",
    "\u202eكم السعر؟ \u2067abc 5.000",
    "👩‍👩‍👧‍👦🇻🇳🙂" * 20,
    "W" * 500,
)
STRANGE_NAME = "<i onclick=alert(4)>\u202e" + "ﷺ🙂" * 8 + "M" * 42
_BEYOND = """() => [...document.querySelectorAll("bdi")].map((one) => one.getBoundingClientRect())
  .filter(({ left, right }) => left < 0 || right > innerWidth).map(({ left, right }) => [left, right])"""


async def test_strange_words_are_only_words_to_organisers_and_presenters(expo: Expo, browser: Browser) -> None:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        guests = f"{expo.base_url}/api/guests"
        async with http.post(guests, json={"name": "x" * 10_000, "company": "y"}) as answer:
            assert (answer.status, (await answer.json())["code"]) == (400, "text.too_long")
        async with http.post(guests, json={"name": STRANGE_NAME, "company": STRANGE_NAME}) as answer:
            cookies = {name: cookie.value for name, cookie in answer.cookies.items()}
    socket = private_socket(Settings.from_env({"EXPO_DATA_DIR": str(expo.server.data_dir)}), 0)
    async with (
        opened_page(socket, LIVE, cookies=cookies) as guest,
        visit(browser, expo, person=ORGANISER, size=DESK) as desk,
        visit(browser, expo, person=EXHIBITOR) as studio,
    ):
        trouble: list[str] = []
        for page in (desk, studio):
            page.on("dialog", lambda dialog: trouble.append(dialog.message))
            page.on("console", lambda told: trouble.append(told.text) if told.type == "error" else None)
        await run_page(desk, expo, LIVE)
        await studio.goto(expo.studio())
        for text in STRANGE:
            for kind in ("ask", "say"):
                assert (await guest.command(kind, text=text)).get("error") is None
        assert (await guest.command("say", text="x" * 10_000))["error"]["code"] == "text.too_long"

        for page, words in (
            (desk, "#questions .text bdi"),
            (desk, ".needs b bdi"),
            (desk, "#chat .text bdi"),
            (studio, ".question .grow > bdi"),
        ):
            await expect(page.locator(words, has_text="W" * 500)).to_have_count(1)
            assert set(STRANGE) <= set(await page.locator(words).all_text_contents()), words
        for by in (desk.locator("#questions .by bdi"), desk.locator(".needs .dim bdi bdi")):
            assert set(await by.all_text_contents()) == {STRANGE_NAME}, "each isolated from the next"
        for page in (desk, studio):
            assert await page.locator(":is(.message, .needs, .question) :is(img, script, i, b b)").count() == 0
            for width, height in SIZES:
                await page.set_viewport_size({"width": width, "height": height})
                assert (await overflows(page), await page.evaluate(_BEYOND)) == (False, []), width
        await desk.locator("#tab-chat").click()
        await desk.locator("#chat .message").last.get_by_role("button", name="Hide").click()
        await expect(desk.locator("#chat .message").last).to_contain_text("hidden from viewers")
        assert (await guest.event("message_hidden"))["event"]["message"]
        await desk.locator("#chat .message").last.get_by_role("button", name="Show again").click()
        assert (await guest.event("message_shown"))["event"]["text"] == STRANGE[-1]
        assert trouble == []


@pytest.mark.parametrize("language", ["en", "ko", "vi"])
async def test_the_page_fits_and_is_accessible(expo: Expo, browser: Browser, language: str) -> None:
    async with (
        visit(browser, expo, person=EXHIBITOR) as studio,
        visit(browser, expo, person=ORGANISER, language=language, size=DESK) as desk,
    ):
        await studio.goto(expo.studio())
        await run_page(desk, expo, LIVE)
        await desk.locator(".person").first.wait_for()
        assert await faults(desk, [DESK, *SIZES]) == []


async def test_strangers_exhibitors_and_other_pages_do_not_get_in(expo: Expo, browser: Browser) -> None:
    for person, status in ((None, 401), (EXHIBITOR, 403), ("demo-buyer", 403)):
        async with visit(browser, expo, person=person) as page:
            answer = await page.goto(f"{expo.base_url}/run/{LIVE}")
            assert answer is not None
            assert answer.status == status


async def test_a_reader_without_script_sees_the_companies_in_their_order(expo: Expo, browser: Browser) -> None:
    context = await browser.new_context(java_script_enabled=False, locale="en")
    page = await context.new_page()
    await page.goto(expo.link(ORGANISER))
    await expect(page.locator(".line > b").nth(3)).to_have_text("Sobaek Medi")
    await context.close()
