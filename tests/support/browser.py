"""Real Chromium on a real server with the sample expo: pages, a publisher made of a canvas and a tone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Browser, BrowserContext, Page, Playwright

from expo.accounts.rules import RoomGrant
from expo.accounts.service import sign_link
from expo.accounts.tokens import Tokens
from expo.clock import utc_now
from expo.demo.seed import Seeded, seed
from expo.ids import ParticipantId, RoomId, ShowcaseId
from expo.settings import Settings
from expo.showcases import service
from expo.store.db import Database
from tests.support.server import RunningServer, running_server

CHROMIUM = "/usr/bin/chromium-headless-shell"
"""Debian's Chromium without the windows' own pages, which cost a third more; `presenter` takes the whole one."""
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream=device-count=3",  # as in `presenter`: the second camera is one of depth
    "--use-fake-ui-for-media-stream",
    "--allow-loopback-in-peer-connection",
)
TONE_HZ = 440
SIZES: Mapping[str, tuple[int, int]] = {"phone": (360, 660), "desktop": (1366, 768)}

Size = Literal["phone", "desktop"]


@dataclass(slots=True)
class Site:
    """A server with the sample expo in its opening state, and ways to change its rows."""

    server: RunningServer
    database: Database
    tokens: Tokens
    seeded: Seeded

    @property
    def url(self) -> str:
        return self.server.base_url

    def stage(self, showcase: ShowcaseId | None = None) -> str:
        return f"{self.url}/s/{showcase or self.seeded.live}"

    def entrance(self, role: str, showcase: ShowcaseId | None = None) -> str:
        """The link of a person in this role, to the showcase that is theirs if it is not said."""
        person = next(
            person
            for person in self.seeded.people
            if person.role == role and (showcase is None or person.showcase_id == showcase)
        )
        link = sign_link(self.tokens, person.id, person.role, person.showcase_id, utc_now())
        return f"{self.url}/enter/{link}"

    def room_token(self, showcase: ShowcaseId) -> str:
        """What an encoder carries: it may publish, and take over."""
        grant = RoomGrant(
            room=RoomId(showcase),
            participant=ParticipantId("test-encoder"),
            name="Test encoder",
            can=frozenset({"publish", "start", "takeover"}),
            expires_at=utc_now() + timedelta(hours=1),
        )
        return self.tokens.sign(grant)

    async def reset(self) -> None:
        """Every showcase back into its opening state."""
        self.seeded = await seed(self.database, utc_now())

    async def go_live(self, showcase: ShowcaseId) -> None:
        async with self.database.write() as db:
            await service.go_live(db, showcase, utc_now())

    async def end(self, showcase: ShowcaseId) -> None:
        async with self.database.write() as db:
            await service.end(db, showcase, utc_now())


@contextlib.asynccontextmanager
async def sample_site(data_dir: Path, env: Mapping[str, str] | None = None) -> AsyncGenerator[Site]:
    """`expo serve` in a folder of its own, with the sample expo written into its database."""
    async with running_server(data_dir, env=env) as server:
        settings = Settings.from_env({"EXPO_DATA_DIR": str(data_dir)})
        database = await Database.open(settings.effective_database_url)
        try:
            yield Site(server, database, Tokens(settings.load_secret()), await seed(database, utc_now()))
        finally:
            await database.close()


async def chromium(playwright: Playwright) -> Browser:
    return await playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS])


async def context(
    browser: Browser, size: Size | tuple[int, int] = "desktop", *, clock_off_s: int = 0, **options: Any
) -> BrowserContext:
    """A reader of their own: no cookies, in Hanoi, reading English unless `locale` says otherwise.

    Their clock is `clock_off_s` ahead.
    """
    width, height = SIZES[size] if isinstance(size, str) else size
    phone = width < 900
    settings: dict[str, Any] = {
        "viewport": {"width": width, "height": height},
        "has_touch": phone,
        "is_mobile": phone,
        "locale": "en",
        "timezone_id": "Asia/Ho_Chi_Minh",
    }
    opened = await browser.new_context(**{**settings, **options})
    if clock_off_s:
        await opened.add_init_script(_CLOCK % (clock_off_s * 1000))
    return opened


@dataclass(slots=True)
class Publisher:
    """A page that publishes a picture whose middle changes its colour every frame, and a tone."""

    page: Page

    async def stop(self) -> None:
        """The tab is closed on the air."""
        await self.page.context.close()


async def publish(browser: Browser, site: Site, showcase: ShowcaseId | None = None) -> Publisher:
    """Publish by WHIP until stopped; returns when the server has answered."""
    room = showcase or site.seeded.live
    page = await (await browser.new_context()).new_page()
    await page.goto(f"{site.url}/healthz")
    status = await page.evaluate(
        _PUBLISH, {"url": f"{site.url}/whip/{room}", "token": site.room_token(room), "tone": TONE_HZ}
    )
    assert status == 201, status
    return Publisher(page)


async def scene(page: Page, kind: str, timeout_s: float = 25.0) -> None:
    """Wait until the stage shows this scene."""
    await page.wait_for_function(
        "kind => document.documentElement.dataset.scene === kind", arg=kind, timeout=timeout_s * 1000
    )


async def moving(page: Page, timeout_s: float = 25.0) -> None:
    """Wait until the pixels in the middle of the picture have changed five times: it moves."""
    await page.wait_for_function(_MOVED, timeout=timeout_s * 1000, polling=100)


async def loudest_hz(page: Page) -> float:
    """The strongest frequency of the sound that the page's video element plays, over about a second."""
    return float(await page.evaluate(_LOUDEST))


async def heard_hz(page: Page) -> float:
    """`loudest_hz` as soon as anything is heard; TimeoutError after 15 s of silence."""
    async with asyncio.timeout(15):
        while not (found := await loudest_hz(page)):
            pass
    return found


_CLOCK = """{
  const real = Date;
  globalThis.Date = class extends real {
    constructor(...given) {
      super(...(given.length === 0 ? [real.now() + %d] : given));
    }
    static now() {
      return new this().getTime();
    }
  };
}"""

_PUBLISH = """async ({ url, token, tone }) => {
  const canvas = document.createElement("canvas");
  canvas.width = 640;
  canvas.height = 360;
  const paint = canvas.getContext("2d");
  let count = 0;
  setInterval(() => {
    count += 1;
    paint.fillStyle = `hsl(${(count * 37) % 360} 80% 50%)`;
    paint.fillRect(0, 0, 640, 360);
    paint.fillStyle = "#fff";
    paint.font = "48px sans-serif";
    paint.fillText(String(count), 24, 64);
  }, 40);
  const sound = new AudioContext();
  const source = new OscillatorNode(sound, { frequency: tone });
  const out = new MediaStreamAudioDestinationNode(sound);
  source.connect(new GainNode(sound, { gain: 0.4 })).connect(out);
  source.start();
  const link = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  window.link = link;
  const video = link.addTransceiver(canvas.captureStream(25).getVideoTracks()[0], { direction: "sendonly" });
  const codecs = RTCRtpSender.getCapabilities("video").codecs;
  video.setCodecPreferences(codecs.filter((codec) => codec.mimeType === "video/H264"));
  link.addTransceiver(out.stream.getAudioTracks()[0], { direction: "sendonly" });
  await link.setLocalDescription();
  const headers = { "Content-Type": "application/sdp", Authorization: `Bearer ${token}` };
  const answer = await fetch(url, { method: "POST", headers, body: link.localDescription.sdp });
  if (answer.ok) await link.setRemoteDescription({ type: "answer", sdp: await answer.text() });
  return answer.status;
}"""

_MOVED = """() => {
  const video = document.querySelector("video");
  if (!video || video.videoWidth === 0) return false;
  const canvas = (window.eye ??= Object.assign(document.createElement("canvas"), { width: 8, height: 8 }));
  const paint = canvas.getContext("2d", { willReadFrequently: true });
  paint.drawImage(video, 0, 0, 8, 8);
  const pixel = [...paint.getImageData(4, 4, 1, 1).data].join();
  const seen = (window.seen ??= new Set());
  seen.add(pixel);
  return seen.size > 5;
}"""

_LOUDEST = """async () => {
  const video = document.querySelector("video");
  if (video.muted || video.paused) return 0;
  const context = new AudioContext();
  await context.resume();
  const analyser = new AnalyserNode(context, { fftSize: 8192, smoothingTimeConstant: 0 });
  context.createMediaStreamSource(video.srcObject).connect(analyser);
  await new Promise((done) => setTimeout(done, 1000));
  const bins = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(bins);
  const top = bins.indexOf(Math.max(...bins));
  await context.close();
  return bins[top] < -70 ? 0 : (top * context.sampleRate) / analyser.fftSize;
}"""
