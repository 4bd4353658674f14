"""The product for browser tests: a seeded server, Chromium with fake devices, a presenter's and a buyer's page."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from expo.accounts.service import sign_link
from expo.accounts.tokens import Tokens
from expo.clock import utc_now
from expo.cluster.workers import private_socket
from expo.demo.seed import Seeded, seed
from expo.settings import Settings
from expo.store.db import Database
from expo.store.migrate import upgrade
from tests.support.server import RunningServer, running_server

CHROMIUM = "/usr/bin/chromium"
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--allow-loopback-in-peer-connection"),
)
# The second of Chromium's fake cameras is a depth camera, which no encoder takes; the third is like the first.
FAKE_DEVICES = ("--use-fake-device-for-media-stream=device-count=3", "--use-fake-ui-for-media-stream")
BLOCKED_DEVICES = ("--use-fake-device-for-media-stream", "--deny-permission-prompts")
DESKTOP = (1366, 640)
PHONE = (390, 844)
SIZES = (DESKTOP, PHONE, (360, 660))
AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
EXHIBITOR = "demo-exhibitor"
ORGANISER = "demo-organiser"
WAIT_MS = 20_000
SOON_MS = 10_000
expect.set_options(timeout=WAIT_MS)

_LOOKER = """
  const video = document.querySelector(selector);
  const canvas = new OffscreenCanvas(64, 36);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const look = () => {
    context.drawImage(video, 0, 0, 64, 36);
    return context.getImageData(0, 0, 64, 36).data;
  };
  const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
"""
_COLOUR = "(selector) => {" + _LOOKER + " return Array.from(look().slice(4 * (18 * 64 + 4), 4 * (18 * 64 + 4) + 3)); }"
_MOVES = (
    "async ({ selector, wanted, forMs }) => {"
    + _LOOKER
    + """
  const differ = (one, other) => {
    let changed = 0;
    for (let at = 0; at < one.length; at += 4) if (Math.abs(one[at + 1] - other[at + 1]) > 40) changed += 1;
    return changed >= 20;
  };
  const until = performance.now() + forMs;
  while (performance.now() < until) {
    const first = look();
    let moved = false;
    for (let step = 0; step < 10 && !moved; step += 1) {
      await rest(100);
      moved = differ(first, look());
    }
    if (moved === wanted) return true;
  }
  return false;
}"""
)
_HEARS = """async ({ wanted, forMs }) => {
  const streams = [...document.querySelectorAll("video, audio")].map((element) => element.srcObject);
  const track = streams.flatMap((stream) => (stream === null ? [] : stream.getAudioTracks()))[0];
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 2048;
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  await context.resume();
  const samples = new Float32Array(analyser.fftSize);
  const until = performance.now() + forMs;
  let quietSince = performance.now();
  let found = false;
  while (!found && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 30));
    analyser.getFloatTimeDomainData(samples);
    const loud = Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / samples.length);
    if (loud > 0.001) quietSince = performance.now();
    found = wanted ? loud > 0.01 : performance.now() - quietSince > 2000;
  }
  await context.close();
  return found;
}"""
_OWN_STATE = """() => {
  if (!["starting", "air", "healing"].includes(document.body?.dataset.mode)) return null;
  return new URL(JSON.parse(document.querySelector("#page-data").textContent).stateUrl, location.href).href;
}"""
_PREVIEW = """async (but) => {
  const shown = () => {
    const stream = document.querySelector("#preview").srcObject;
    return stream === null ? but : stream.getVideoTracks()[0].getSettings().deviceId;
  };
  while (shown() === but) await new Promise((resolve) => setTimeout(resolve, 50));
  return shown();
}"""
_NEXT_FRAME = """() => new Promise((resolve) => {
  document.querySelector("video").requestVideoFrameCallback(() => resolve());
})"""
_AXE_RUN = """() => axe.run(document, { resultTypes: ["violations"] }).then((found) =>
  found.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.target.join(" ")).join(", ")}`))"""


@dataclass(frozen=True, slots=True)
class Expo:
    """A serving, seeded expo and links into it."""

    server: RunningServer
    seeded: Seeded
    tokens: Tokens

    @property
    def base_url(self) -> str:
        return self.server.base_url

    def link(self, person: str) -> str:
        """The role link of one of the seed's people."""
        one = next(one for one in self.seeded.people if one.id == person)
        return f"{self.base_url}/enter/{sign_link(self.tokens, one.id, one.role, one.showcase_id, utc_now())}"

    def studio(self, showcase: str | None = None) -> str:
        return f"{self.base_url}/studio/{showcase or self.seeded.live}"

    def stage(self, showcase: str | None = None) -> str:
        return f"{self.base_url}/s/{showcase or self.seeded.live}"


@contextlib.asynccontextmanager
async def serving_expo(folder: Path, env: Mapping[str, str] | None = None, *, workers: int = 1) -> AsyncGenerator[Expo]:
    """`expo serve` over the demonstration's rows, without its synthetic exhibitor."""
    data_dir = folder / "data"
    data_dir.mkdir(parents=True)
    settings = Settings.from_env({"EXPO_DATA_DIR": str(data_dir)})
    await upgrade(settings.effective_database_url)
    database = await Database.open(settings.effective_database_url)
    seeded = await seed(database, utc_now())
    await database.close()
    tokens = Tokens(settings.load_secret())
    async with running_server(data_dir, env=env, workers=workers) as server:
        yield Expo(server, seeded, tokens)


@contextlib.asynccontextmanager
async def through_worker(expo: Expo, index: int) -> AsyncGenerator[Expo]:
    """The same expo at an address of its own, behind which always this worker answers: the kernel would choose one."""
    path = private_socket(Settings.from_env({"EXPO_DATA_DIR": str(expo.server.data_dir)}), index)

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_unix_connection(path)
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))

    relay = await asyncio.start_server(pass_on, "127.0.0.1", 0)
    try:
        port = relay.sockets[0].getsockname()[1]
        yield replace(expo, server=replace(expo.server, base_url=f"http://127.0.0.1:{port}"))
    finally:
        relay.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while some := await reader.read(65_536):
            writer.write(some)
            await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def chromium(flags: Sequence[str] = FAKE_DEVICES, executable: str | Path = CHROMIUM) -> AsyncGenerator[Browser]:
    """A real, headless Chromium; closed at the end."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, headless=True, args=[*QUIET, *flags])
        try:
            yield browser
        finally:
            await browser.close()


@contextlib.asynccontextmanager
async def visit(
    browser: Browser, expo: Expo, *, language: str = "en", size: tuple[int, int] = DESKTOP, person: str | None = None
) -> AsyncGenerator[Page]:
    """A fresh profile's page, signed in by the person's link if one is named. Script errors fail the block."""
    context = await browser.new_context(viewport={"width": size[0], "height": size[1]}, locale=language)
    context.set_default_timeout(WAIT_MS)
    await context.add_cookies([{"name": "expo_lang", "value": language, "url": expo.base_url}])
    page = await context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    try:
        if person is not None:
            await page.goto(expo.link(person))
        yield page
    finally:
        await _leave(context)
    assert errors == []


async def _leave(context: BrowserContext) -> None:
    """Close as a person does: the page takes its publication with it, and the room is free for the next test."""
    for page in context.pages:
        if page.is_closed():
            continue
        state = await page.evaluate(_OWN_STATE)
        await page.goto("about:blank")
        if state is not None:
            await _until_free(context, state)
    await context.close()


async def _until_free(context: BrowserContext, state_url: str) -> None:
    async with asyncio.timeout(WAIT_MS / 1000):
        while True:
            if not (await (await context.request.get(state_url)).json())["onAir"]:
                return
            await asyncio.sleep(0.1)


async def go_on_air(page: Page) -> None:
    """Press the one big button, and wait for the red bar."""
    await page.locator("#go:enabled").click()
    await on_air(page)


async def on_air(page: Page, timeout_s: float = WAIT_MS / 1000) -> None:
    await mode(page, "air", timeout_s)


async def mode(page: Page, wanted: str, timeout_s: float = WAIT_MS / 1000) -> None:
    """Wait for the studio's mode."""
    await expect(page.locator("body")).to_have_attribute("data-mode", wanted, timeout=timeout_s * 1000)


async def open_stage(page: Page, expo: Expo) -> None:
    """A buyer's page whose picture moves."""
    await page.goto(expo.stage())
    await picture(page, "moving")


async def preview(page: Page, but: str = "") -> str:
    """The device that the studio's preview shows, as soon as it is another one than `but`."""
    return await page.evaluate(_PREVIEW, but)


async def picture(page: Page, wanted: str, timeout_s: float = WAIT_MS / 1000) -> None:
    """Wait for what the stage's frame shows: moving, frozen, poster."""
    await page.locator(f".pic[data-picture={wanted}]").wait_for(timeout=timeout_s * 1000)


async def moves(page: Page) -> bool:
    """Whether at least 20 of 2304 points of the picture change within a second, soon."""
    return await page.evaluate(_MOVES, {"selector": "video", "wanted": True, "forMs": SOON_MS})


async def stands_still(page: Page) -> bool:
    """Whether the picture stays the same for a second, soon."""
    return await page.evaluate(_MOVES, {"selector": "video", "wanted": False, "forMs": SOON_MS})


async def colour(page: Page, selector: str = "video") -> tuple[int, int, int]:
    """Red, green, blue (0..255) at the left edge of the picture, halfway down."""
    red, green, blue = await page.evaluate(_COLOUR, selector)
    return red, green, blue


async def hears(page: Page) -> bool:
    """Whether sound arrives, soon: the fake microphone beeps each second."""
    return await page.evaluate(_HEARS, {"wanted": True, "forMs": SOON_MS})


async def hears_nothing(page: Page) -> bool:
    """Whether two seconds pass without a sound, soon."""
    return await page.evaluate(_HEARS, {"wanted": False, "forMs": SOON_MS})


async def next_frame(page: Page, timeout_s: float) -> None:
    """Return when the stage shows another frame; TimeoutError otherwise."""
    async with asyncio.timeout(timeout_s):
        await page.evaluate(_NEXT_FRAME)


async def axe(page: Page) -> list[str]:
    """What axe-core finds wrong on the page as it is now."""
    if not await page.evaluate("() => 'axe' in window"):
        await page.evaluate(AXE.read_text(encoding="utf-8"))
    return await page.evaluate(_AXE_RUN)


async def faults(page: Page, sizes: Sequence[tuple[int, int]] = SIZES) -> list[str]:
    """What axe-core finds wrong on the page as it is now, and whether it is wider than its window, at each size."""
    found: list[str] = []
    for width, height in sizes:
        await page.set_viewport_size({"width": width, "height": height})
        found += [f"{width}: {one}" for one in await axe(page)]
        if await overflows(page):
            found.append(f"{width}: too wide")
    return found


async def overflows(page: Page) -> bool:
    """Whether the page is wider than its window."""
    return await page.evaluate("() => document.documentElement.scrollWidth > window.innerWidth")
