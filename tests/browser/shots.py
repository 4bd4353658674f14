"""`make shots`: a demo, a browser, and pictures of the pages that were changed into `shots/`.

Each page is taken on a phone in Korean and on a desk in Vietnamese. Changed is what differs from the last commit, or in
it where nothing does. `make shots ALL=1` takes every page, other states and sizes too, and the README's picture.
`python -m tests.browser.shots NAME ...` takes only the named pictures.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

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
    """One picture. `role` is who is signed in; `script` runs before the page's own.

    `address` may hold `{live}` `{idle}` `{ended}` (ids of showcases), `{invitation}` and `{withdrawn}`.
    """

    name: str
    address: str
    size: tuple[int, int]
    language: str = "en"
    dark: bool = False
    whole: bool = False
    act: Act | None = None
    role: str | None = None
    script: str = ""


@dataclass(frozen=True, slots=True)
class Sight:
    """A page in one state, for two pictures. `parts` are words in the paths of what it is made of."""

    name: str
    parts: str
    address: str
    act: Act | None = None
    role: str | None = None
    script: str = ""
    whole: bool = True

    def shots(self) -> tuple[Shot, Shot]:
        phone = Shot(f"{self.name}-phone", self.address, PHONE, "ko", whole=self.whole, act=self.act or settle,
                     role=self.role, script=self.script)  # fmt: skip
        return phone, replace(phone, name=f"{self.name}-desktop", size=DESK, language="vi")


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
    await page.locator("#viewers .badge").first.wait_for()
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


async def make(page: Page) -> None:
    """A new showcase of the first delegation, with its third company's products open and its second one gone."""
    await page.locator(".new button").click()
    await page.locator(".line details").nth(2).locator("summary").click()
    await page.locator("[data-focus$=':remove']").nth(1).click()
    await settle(page)


async def inviting(page: Page) -> None:
    await page.locator("#people").fill("김민수, 산들식품\nVũ Khánh Linh")
    await page.locator("#new button[type=submit]").click()
    await page.locator("#letters").wait_for()
    await settle(page)


async def kept(page: Page) -> None:
    """The recording's health as the recorder tells it."""
    await page.locator("#recording-figures[data-growing]").wait_for()
    await settle(page)


async def replayed(page: Page) -> None:
    """A company's part, a few seconds in."""
    await page.locator("#cover .play").click()
    await page.locator("#picture[data-picture=moving]").wait_for()
    await page.wait_for_timeout(1500)


async def with_code(page: Page) -> None:
    await page.locator("#copy").click()
    await page.locator("#show").click()
    await page.locator("#digits").wait_for()


async def mistyped(page: Page) -> None:
    await page.locator("#typed").fill("22222222")
    await page.keyboard.press("Enter")
    await page.locator("[role=alert]").wait_for()


IN_APP = "Object.defineProperty(Navigator.prototype, 'mediaDevices', { value: undefined })"
SHARED = re.compile(r"web/(styles/(tokens|components|site)\.css|templates/(base|macros)\.html|vite\.config\.ts)$")
"""What every page is made of."""
SIGHTS = (
    Sight("home", "home", "/"),
    Sight("stage", "stage", "/s/{live}", settled, whole=False),
    Sight("stage-waiting", "stage", "/s/{idle}", whole=False),
    Sight("stage-ended", "stage", "/s/{ended}", whole=False),
    Sight("recording", "archive recording", "/s/{live}/recording", kept, role="organiser"),
    Sight("recording-none", "archive recording", "/s/{ended}/recording", role="organiser"),
    Sight("status", "status", "/status", role="organiser"),
    Sight("consent", "archive consent", "/s/{live}/consent", role="exhibitor"),
    Sight("replay", "replay", "/s/{live}/replay", replayed, whole=False),
    Sight("replay-none", "replay", "/s/{ended}/replay", whole=False),
    Sight("programme", "programme home", "/programme"),
    Sight("delegation", "catalogue delegation", "/delegations/chungbuk"),
    Sight("stand", "catalogue stand", "/stands/gyeol-cosmetics"),
    Sight("product", "catalogue product", "/products/camellia-serum"),
    Sight("studio", "studio", "/studio/{live}", role="exhibitor", whole=False),
    Sight("check", "check", "/check"),
    Sight("run", "run", "/run/{live}", role="organiser", whole=False),
    Sight("make", "make", "/make", role="organiser"),
    Sight("make-new", "make", "/make", make, role="organiser"),
    Sight("invite", "invite people", "/invite/{live}", role="organiser"),
    Sight("invited", "invite people", "/invite/{live}", inviting, "organiser"),
    Sight("after", "after people", "/after/{live}", role="organiser"),
    Sight("after-own", "after people", "/after/{live}", role="exhibitor"),
    Sight("invitation", "accounts invitation", "{invitation}"),
    Sight("invitation-refused", "accounts invitation", "{withdrawn}"),
    Sight("sign-out", "accounts sign", "/sign-out", role="exhibitor"),
    Sight("signed-out", "accounts sign", "/sign-out"),
    Sight("elsewhere", "accounts elsewhere", "/studio/{live}", with_code, "exhibitor", IN_APP),
    Sight("elsewhere-insecure", "accounts elsewhere", "/elsewhere?why=insecure"),
    Sight("code", "accounts code", "/code?next=/studio/{live}"),
    Sight("code-wrong", "accounts code", "/code?next=/studio/{live}", mistyped),
    Sight("refused", "error", "/studio/{live}"),
    Sight("missing", "error", "/nothing-here"),
)
MORE = (
    Shot("readme", "/s/{live}", WIDE, act=settled),
    Shot("home-desktop-dark", "/", WIDE, dark=True, whole=True, act=settle),
    Shot("stage-desktop-quality", "/s/{live}", DESK, "vi", act=quality),
    Shot("stage-desktop-keys", "/s/{live}", DESK, "ko", act=keys),
    Shot("stage-phone-tap", "/s/{live}", SMALL, "ko", act=watch),
    Shot("stage-phone-facts", "/s/{live}", SMALL, act=facts),
    Shot("stage-phone-programme", "/s/{live}", PHONE, "ko", act=programme),
    Shot("stage-phone-quality", "/s/{live}", SMALL, "vi", act=quality),
    Shot("stage-phone-listening", "/s/{live}", PHONE, "ko", act=listening_only),
    Shot("stage-phone-landscape", "/s/{live}", (780, 360), "vi", act=listen),
    Shot("stand-desktop-dark", "/stands/gyeol-cosmetics", DESK, "vi", dark=True, whole=True, act=settle),
    Shot("product-phone-dark", "/products/frozen-lychee", SMALL, "vi", dark=True, whole=True, act=settle),
    Shot("check-phone-dark", "/check", PHONE, "vi", dark=True, act=settle),
)


async def main(arguments: list[str]) -> None:
    every = [shot for sight in SIGHTS for shot in sight.shots()] + list(MORE)
    if "--all" in arguments:
        wanted = every
    elif arguments:
        wanted = [shot for shot in every if shot.name in arguments]
        unknown = set(arguments) - {shot.name for shot in every}
        if unknown:
            sys.exit(
                f"no such picture: {', '.join(sorted(unknown))}; there are {', '.join(shot.name for shot in every)}"
            )
    else:
        sights = changed_sights(changed_paths())
        wanted = [shot for sight in sights for shot in sight.shots()]
        if not wanted:
            sys.exit("no page was changed; ALL=1 takes every one")
    OUT.mkdir(exist_ok=True)
    README_PICTURE.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        process, ready = await start_demo(Path(folder))
        try:
            async with async_playwright() as playwright:
                browser = await chromium(playwright)
                names = {**showcases(ready), **await invitations(browser, ready)}
                for shot in wanted:
                    await take(browser, shot, ready, names)
                await browser.close()
        finally:
            process.terminate()
            await process.wait()


def changed_paths() -> list[str]:
    """What differs from the last commit in `web/`; where nothing does, what the last commit changed."""
    now = git("diff", "--name-only", "HEAD", "--", "web") + git(
        "ls-files", "--others", "--exclude-standard", "--", "web"
    )
    return now or git("diff", "--name-only", "HEAD~1", "HEAD", "--", "web")


def changed_sights(paths: list[str]) -> list[Sight]:
    """The pages that are made of one of these files."""
    if any(SHARED.search(path) for path in paths):
        return list(SIGHTS)
    words = {word for path in paths for word in re.split(r"[/.-]", path)}
    return [sight for sight in SIGHTS if words & set(sight.parts.split())]


def git(*arguments: str) -> list[str]:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")[
        :-1
    ]


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


def showcases(ready: dict[str, Any]) -> dict[str, str]:
    """What stands for `{live}` and its like: a showcase's id by its state."""
    found = {showcase["state"]: showcase["id"] for showcase in reversed(ready["showcases"])}
    idle = next(showcase["id"] for showcase in ready["showcases"] if showcase.get("whip_url"))
    return {**found, "idle": idle}


async def invitations(browser: Browser, ready: dict[str, Any]) -> dict[str, str]:
    """Paths of two invitations, one of which was withdrawn."""
    desk = await browser.new_context()
    await desk.request.get(entrance(ready, "organiser"))
    found: dict[str, str] = {}
    for name in ("invitation", "withdrawn"):
        made = await desk.request.post(
            f"{ready['base_url']}/api/showcases/daegu/invitations",
            data={"role": "exhibitor", "name": "김민수", "company": "dalgu-precision"},
        )
        one = await made.json()
        found[name] = one["url"].removeprefix(ready["base_url"])
    await desk.request.delete(f"{ready['base_url']}/api/invitations/{one['id']}")
    await desk.close()
    return found


def entrance(ready: dict[str, Any], role: str) -> str:
    """The link of the first person in this role."""
    return next(person["url"] for person in ready["people"] if person["role"] == role)


async def take(browser: Browser, shot: Shot, ready: dict[str, Any], names: dict[str, str]) -> None:
    width, height = shot.size
    readers = await context(
        browser,
        shot.size,
        locale=shot.language,
        color_scheme="dark" if shot.dark else "light",
        is_mobile=width < 900,
        permissions=["camera", "microphone"],
    )
    await readers.add_cookies([{"name": "expo_lang", "value": shot.language, "url": ready["base_url"]}])
    await readers.add_init_script(shot.script)
    page = await readers.new_page()
    if shot.role is not None:
        await readers.request.get(entrance(ready, shot.role))
    await page.goto(ready["base_url"] + shot.address.format(**names))
    if shot.act is not None:
        await shot.act(page)
    if shot.whole:
        # Not `full_page`: a page that is as high as its window would be laid out anew while it is taken.
        whole = await page.evaluate("() => document.documentElement.scrollHeight")
        await page.set_viewport_size({"width": width, "height": max(height, whole)})
        await page.wait_for_timeout(500)
    path = OUT / f"{shot.name}.png"
    await page.screenshot(path=path)
    if shot.name == "readme":
        await page.screenshot(path=README_PICTURE)
    await readers.close()
    print(path.relative_to(ROOT))  # noqa: T201 - the command's output


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
