"""`make shots`: a demo, a browser, and a picture of every page into `shots/`; one of them is the README's.

`python -m tests.browser.shots [NAME ...]` takes only the named pictures.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from playwright.async_api import Browser, Page, async_playwright

from tests.support.browser import chromium, context, scene

ROOT = Path(__file__).parents[2]
OUT = ROOT / "shots"
README_PICTURE = ROOT / "docs" / "img" / "stage.png"
DESK, WIDE, PHONE, SMALL = (1366, 768), (1440, 900), (390, 844), (360, 660)
START_S = 120.0

Act = Callable[[Page], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture. `address` may hold `{live}` `{idle}` `{invited}` `{ended}` or a role's link, `{exhibitor}`."""

    name: str
    address: str
    size: tuple[int, int]
    language: str = "en"
    dark: bool = False
    whole: bool = False
    act: Act | None = None


async def watch(page: Page) -> None:
    await scene(page, "live")
    await page.wait_for_timeout(1500)


async def listen(page: Page) -> None:
    await watch(page)
    await page.locator(".listen").click()
    await page.wait_for_timeout(2500)


async def settled(page: Page) -> None:
    """Late enough for the presenter's caption to be gone and the number of viewers to be there."""
    await listen(page)
    await page.locator("#picture[data-settled]").wait_for()
    await page.locator("#viewers .badge").wait_for()
    await page.wait_for_timeout(600)


async def quality(page: Page) -> None:
    await listen(page)
    await page.keyboard.press("q")
    await page.wait_for_timeout(1500)


async def listening_only(page: Page) -> None:
    await listen(page)
    await page.locator(".only").click()
    await scene(page, "live")
    await page.wait_for_timeout(1500)


async def programme(page: Page) -> None:
    await watch(page)
    await page.locator("#tab-about").click()
    await page.locator("#programme-title").scroll_into_view_if_needed()


async def facts(page: Page) -> None:
    await watch(page)
    await page.locator(".product summary:visible").nth(1).click()
    await page.wait_for_timeout(300)


async def keys(page: Page) -> None:
    await watch(page)
    await page.keyboard.press("?")
    await page.wait_for_timeout(300)


async def settle(page: Page) -> None:
    await page.wait_for_load_state("networkidle")
    await page.wait_for_timeout(700)


async def makers(page: Page) -> None:
    """The organiser's list of showcases, by the link on the page that their own link leads to."""
    await page.locator("a[href='/make']").click()
    language = await page.evaluate("() => navigator.language")  # the link has chosen its person's own
    await page.goto(page.url.replace("/make", f"/lang/{language}?next=/make"))
    await settle(page)


async def make(page: Page) -> None:
    """A new showcase of the first delegation, with its third company's products open and its second one gone."""
    await makers(page)
    await page.locator(".new button").click()
    await page.locator(".line details").nth(2).locator("summary").click()
    await page.locator("[data-focus$=':remove']").nth(1).click()
    await settle(page)


def at(path: str, language: str, then: Act = settle) -> Act:
    """Go on to a page of the person who came in, in a language of one's own choice."""

    async def act(page: Page) -> None:
        await page.goto(urljoin(page.url, f"/lang/{language}?next={path}"))
        await then(page)

    return act


async def inviting(page: Page) -> None:
    await page.locator("#people").fill("김민수, 산들식품\nVũ Khánh Linh")
    await page.locator("#new button[type=submit]").click()
    await page.locator("#letters").wait_for()
    await settle(page)


SHOTS = (
    Shot("home-desktop", "/", WIDE, "vi", whole=True, act=settle),
    Shot("home-desktop-dark", "/", WIDE, "en", dark=True, act=settle),
    Shot("home-phone", "/", PHONE, "ko", whole=True, act=settle),
    Shot("stage-desktop", "{live}", WIDE, "en", act=settled),
    Shot("stage-desktop-vi", "{live}", DESK, "vi", act=quality),
    Shot("stage-desktop-keys", "{live}", DESK, "ko", act=keys),
    Shot("stage-phone", "{live}", PHONE, "vi", act=listen),
    Shot("stage-phone-tap", "{live}", SMALL, "ko", act=watch),
    Shot("stage-phone-facts", "{live}", SMALL, "en", act=facts),
    Shot("stage-phone-programme", "{live}", PHONE, "ko", act=programme),
    Shot("stage-phone-quality", "{live}", SMALL, "vi", act=quality),
    Shot("stage-phone-listening", "{live}", PHONE, "ko", act=listening_only),
    Shot("stage-phone-landscape", "{live}", (780, 360), "vi", act=listen),
    Shot("programme-desktop", "/programme", DESK, "vi", whole=True, act=settle),
    Shot("programme-phone", "/programme", PHONE, "ko", whole=True, act=settle),
    Shot("delegation-desktop", "/delegations/chungbuk", DESK, "vi", whole=True, act=settle),
    Shot("delegation-phone", "/delegations/chungbuk", PHONE, "ko", whole=True, act=settle),
    Shot("stand-desktop", "/stands/gyeol-cosmetics", DESK, "vi", dark=True, whole=True, act=settle),
    Shot("stand-phone", "/stands/gyeol-cosmetics", PHONE, "ko", whole=True, act=settle),
    Shot("product-desktop", "/products/camellia-serum", DESK, "vi", whole=True, act=settle),
    Shot("product-phone", "/products/camellia-serum", PHONE, "ko", whole=True, act=settle),
    Shot("product-phone-dark", "/products/frozen-lychee", SMALL, "vi", dark=True, whole=True, act=settle),
    Shot("stage-waiting-phone", "{idle}", SMALL, "ko", act=settle),
    Shot("stage-waiting-desktop", "{idle}", DESK, "vi", act=settle),
    Shot("stage-ended-phone", "{ended}", PHONE, "vi", act=settle),
    Shot("studio-desktop", "{exhibitor}", DESK, "ko", act=settle),
    Shot("studio-phone", "{exhibitor}", PHONE, "ko", act=settle),
    Shot("invite-desktop", "{organiser}", DESK, "vi", whole=True, act=at("/invite/chungbuk", "vi", inviting)),
    Shot("invite-phone", "{organiser}", PHONE, "ko", whole=True, act=at("/invite/chungbuk", "ko")),
    Shot("after-desktop", "{organiser}", DESK, "vi", whole=True, act=at("/after/chungbuk", "vi")),
    Shot("after-phone", "{exhibitor}", PHONE, "ko", whole=True, act=at("/after/chungbuk", "ko")),
    Shot("check-desktop", "/check", DESK, "en", act=settle),
    Shot("check-phone", "/check", PHONE, "vi", dark=True, act=settle),
    Shot("make-list-desktop", "{organiser}", DESK, "vi", whole=True, act=makers),
    Shot("make-list-phone", "{organiser}", PHONE, "ko", whole=True, act=makers),
    Shot("make-desktop", "{organiser}", DESK, "vi", whole=True, act=make),
    Shot("make-phone", "{organiser}", PHONE, "ko", whole=True, act=make),
    Shot("missing-phone", "/nothing-here", PHONE, "ko", act=settle),
)


async def main(names: list[str]) -> None:
    wanted = [shot for shot in SHOTS if not names or shot.name in names]
    unknown = set(names) - {shot.name for shot in SHOTS}
    if unknown:
        sys.exit(f"no such picture: {', '.join(sorted(unknown))}; there are {', '.join(shot.name for shot in SHOTS)}")
    OUT.mkdir(exist_ok=True)
    README_PICTURE.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        process, ready = await start_demo(Path(folder))
        try:
            async with async_playwright() as playwright:
                browser = await chromium(playwright)
                for shot in wanted:
                    await take(browser, shot, ready)
                await browser.close()
        finally:
            process.terminate()
            await process.wait()


async def start_demo(folder: Path) -> tuple[asyncio.subprocess.Process, dict[str, Any]]:
    """A demo of our own, once it is on the air."""
    file = folder / "ready.json"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "expo", "demo", "--data-dir", str(folder / "data"), "--ready-file", str(file),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    async with asyncio.timeout(START_S):
        while not file.exists():
            if process.returncode is not None:
                sys.exit(f"the demo ended with {process.returncode}; run `make demo` to see why")
            await asyncio.sleep(0.2)
    return process, json.loads(file.read_text(encoding="utf-8"))


def addresses(ready: dict[str, Any]) -> dict[str, str]:
    """What stands for `{live}` and its like: showcases by their state, people by their role."""
    found = {person["role"]: person["url"] for person in reversed(ready["people"])}
    for showcase in reversed(ready["showcases"]):
        found[showcase["state"]] = showcase["page_url"]
        if showcase.get("whip_url"):
            found["idle"] = showcase["page_url"]
    return found


async def take(browser: Browser, shot: Shot, ready: dict[str, Any]) -> None:
    width, height = shot.size
    readers = await context(
        browser,
        shot.size,
        locale=shot.language,
        color_scheme="dark" if shot.dark else "light",
        is_mobile=width < 900,
        permissions=["camera", "microphone"],
    )
    page = await readers.new_page()
    address = shot.address.format(**addresses(ready))
    await page.goto(address if address.startswith("http") else ready["base_url"] + address)
    if shot.act is not None:
        await shot.act(page)
    if shot.whole:
        # Not `full_page`: a page that is as high as its window would be laid out anew while it is taken.
        whole = await page.evaluate("() => document.documentElement.scrollHeight")
        await page.set_viewport_size({"width": width, "height": max(height, whole)})
        await page.wait_for_timeout(500)
    path = OUT / f"{shot.name}.png"
    await page.screenshot(path=path)
    if shot.name == "stage-desktop":
        await page.screenshot(path=README_PICTURE)
    await readers.close()
    print(path.relative_to(ROOT))  # noqa: T201 - the command's output


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
