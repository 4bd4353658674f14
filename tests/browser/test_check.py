"""The device check in a real Chromium: four tests, one badge, one sentence, and the way on."""

from __future__ import annotations

import math
import struct
import wave
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.support.presenter import (
    BLOCKED_DEVICES,
    EXHIBITOR,
    FAKE_DEVICES,
    PHONE,
    Expo,
    axe,
    chromium,
    faults,
    serving_expo,
    visit,
)

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
RATE_HZ = 48_000


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def expo(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Expo]:
    async with serving_expo(tmp_path_factory.mktemp("check")) as serving:
        yield serving


def speech(path: Path) -> Path:
    """Two seconds of syllables, five a second with short pauses, at a speaker's level."""
    samples = bytearray()
    for at in range(2 * RATE_HZ):
        voiced = at % (RATE_HZ // 5) < RATE_HZ // 7
        samples += struct.pack("<h", int(6_000 * math.sin(at * 2 * math.pi * 220 / RATE_HZ)) if voiced else 0)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", "NONE"))
        file.writeframes(bytes(samples))
    return path


async def test_all_four_pass_and_lead_on_to_the_studio(expo: Expo, tmp_path: Path) -> None:
    voice = f"--use-file-for-fake-audio-capture={speech(tmp_path / 'speech.wav')}"
    async with chromium((*FAKE_DEVICES, voice)) as browser, visit(browser, expo, person=EXHIBITOR) as page:
        await page.get_by_role("link", name="Check devices and network").click()
        await expect(page.locator("#camera .lamp")).to_have_text("works")
        await expect(page.locator("#microphone .slot > .lamp")).to_have_text("works")
        await page.locator("#play").click()
        await page.locator("#heard").click()
        await expect(page.locator("#network .lamp")).to_have_text("works", timeout=30_000)
        await expect(page.locator("#badge")).to_have_attribute("data-badge", "pass")
        await expect(page.locator("#sentence")).to_have_text("Everything works. You can go on.")
        await page.get_by_role("link", name="Continue").click()
        await page.wait_for_url(expo.studio())


async def test_a_speaker_that_is_not_heard_is_the_sentence(expo: Expo, browser: Browser) -> None:
    async with visit(browser, expo) as page:
        await page.goto(f"{expo.base_url}/check")
        await page.locator("#play").click()
        await page.get_by_role("button", name="No", exact=True).click()
        await expect(page.locator("#badge")).to_have_text("Needs attention")
        await expect(page.locator("#sentence")).to_contain_text("turn the volume up")


@pytest.mark.parametrize(
    "target", ["//evil.example/", "https://evil.example/", "javascript:alert(1)", "/\\evil.example"]
)
async def test_the_way_on_never_leaves_the_site(expo: Expo, browser: Browser, target: str) -> None:
    async with visit(browser, expo) as page:
        await page.goto(f"{expo.base_url}/check?next={target}")
        await page.locator("#badge").wait_for()
        await expect(page.locator("#next")).to_have_count(0)


async def test_a_network_that_is_away_is_said_in_words(expo: Expo, browser: Browser) -> None:
    async with visit(browser, expo, language="vi", size=PHONE) as page:
        await page.route("**/whep/**", lambda route: route.abort())
        await page.goto(f"{expo.base_url}/check")
        await expect(page.locator("#network")).to_contain_text("Máy chủ không phản hồi", timeout=30_000)
        await expect(page.locator("#badge")).to_have_text("Cần xử lý")


@pytest.mark.parametrize("language", ["en", "ko", "vi"])
async def test_it_fits_and_is_accessible(expo: Expo, browser: Browser, language: str) -> None:
    async with visit(browser, expo, language=language) as page:
        await page.goto(f"{expo.base_url}/check?next=/s/{expo.seeded.live}")
        await page.locator("#choose-microphone").wait_for()
        assert await faults(page) == []


async def test_blocked_devices_get_help(expo: Expo) -> None:
    async with chromium(BLOCKED_DEVICES) as browser, visit(browser, expo, language="ko", size=PHONE) as page:
        await page.goto(f"{expo.base_url}/check")
        await page.locator("#begin").click()
        await expect(page.locator(".device-help h2")).to_have_text("카메라와 마이크를 쓸 수 없습니다")
        await expect(page.locator("#badge")).to_have_text("확인 필요")
        assert await axe(page) == []
