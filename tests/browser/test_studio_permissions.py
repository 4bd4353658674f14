"""Help when camera or microphone cannot be had, in a real Chromium that refuses them."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.support.presenter import (
    BLOCKED_DEVICES,
    DESKTOP,
    EXHIBITOR,
    PHONE,
    Expo,
    axe,
    chromium,
    faults,
    serving_expo,
    visit,
)

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def expo(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Expo]:
    async with serving_expo(tmp_path_factory.mktemp("permissions")) as serving:
        yield serving


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncGenerator[Browser]:
    async with chromium(BLOCKED_DEVICES) as running:
        yield running


@pytest.mark.parametrize(
    ("language", "size", "title", "again"),
    [
        ("en", DESKTOP, "Camera and microphone cannot be used", "I have allowed it, check again"),
        ("ko", PHONE, "카메라와 마이크를 쓸 수 없습니다", "허용했습니다, 다시 확인"),
        ("vi", (360, 660), "Không dùng được camera và micro", "Đã cho phép, kiểm tra lại"),
    ],
)
async def test_blocked_devices_are_explained_in_words_and_healed_by_one_button(
    expo: Expo, browser: Browser, language: str, size: tuple[int, int], title: str, again: str
) -> None:
    async with visit(browser, expo, person=EXHIBITOR, language=language, size=size) as studio:
        assert await studio.locator("#go").is_disabled()
        await studio.locator("#cover .btn").click()
        await expect(studio.locator(".device-help h2")).to_have_text(title)
        assert await faults(studio, [size]) == []
        assert await studio.locator("#go").is_disabled()
        await studio.context.grant_permissions(["camera", "microphone"])
        await studio.get_by_role("button", name=again).click()
        await studio.locator("#go:enabled").wait_for()
        await expect(studio.locator(".device-help")).to_have_count(0)


async def test_a_blocked_camera_does_not_cost_the_microphone(expo: Expo, browser: Browser) -> None:
    async with visit(browser, expo, person=EXHIBITOR) as studio:
        await studio.context.grant_permissions(["microphone"])
        await studio.reload()
        await expect(studio.locator("#cover")).to_contain_text("No camera: viewers hear you")
        await expect(studio.locator(".attention")).to_contain_text("The camera cannot be used")
        assert await studio.locator("#go").is_enabled()
        assert await axe(studio) == []
        await studio.context.grant_permissions(["camera", "microphone"])
        await studio.get_by_role("button", name="Check again").click()
        await expect(studio.locator(".attention")).to_be_empty()


async def test_who_stays_in_a_browser_without_devices_sees_why_and_the_way_to_another(
    expo: Expo, browser: Browser
) -> None:
    async with visit(browser, expo, size=PHONE, language="ko") as studio:
        await studio.add_init_script("Object.defineProperty(navigator, 'mediaDevices', { value: undefined })")
        await studio.goto(expo.link(EXHIBITOR))
        await studio.get_by_role("link", name="카메라와 마이크 없이 여기에서").click()
        await studio.locator("#cover .btn").click()
        await expect(studio.locator(".device-help")).to_contain_text("Chrome이나 Safari에서 열어 주세요")
        await studio.get_by_role("link", name="다른 브라우저로 여는 방법").click()
        await expect(studio.get_by_role("button", name="링크 복사")).to_be_visible()


@pytest.mark.parametrize(
    ("name", "words"), [("NotFoundError", "No device was found"), ("NotReadableError", "Another program is using")]
)
async def test_a_missing_and_a_busy_device_are_told_apart(expo: Expo, browser: Browser, name: str, words: str) -> None:
    async with visit(browser, expo) as studio:
        await studio.add_init_script(
            "if (navigator.mediaDevices)"
            f" navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', '{name}'))"
        )
        await studio.goto(expo.link(EXHIBITOR))
        await studio.locator("#cover .btn").click()
        await expect(studio.locator(".device-help")).to_contain_text(words)
