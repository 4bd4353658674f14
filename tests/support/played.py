"""Recorded files in a real Chromium: each picture with its sound through MediaSource, to the end."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web
from playwright.async_api import Page

from tests.support.presenter import chromium

_PLAY = """async ({ files, rate }) => {
  const video = Object.assign(document.createElement("video"), { muted: true, width: 160 });
  document.body.append(video);
  const source = new MediaSource();
  video.src = URL.createObjectURL(source);
  await new Promise((done) => source.addEventListener("sourceopen", done, { once: true }));
  const append = async ({ url, type }, buffer) => {
    const media = await (await fetch(url)).arrayBuffer();
    await new Promise((done, failed) => {
      buffer.addEventListener("updateend", done, { once: true });
      buffer.addEventListener("error", () => failed(new Error(`${url}: ${type} is refused`)), { once: true });
      buffer.appendBuffer(media);
    });
  };
  const buffers = files.map(({ type }) => source.addSourceBuffer(type));
  await Promise.all(files.map((file, index) => append(file, buffers[index])));
  source.endOfStream();
  const first = new Promise((done) => video.requestVideoFrameCallback((_, { mediaTime }) => done(mediaTime)));
  const [from, to] = [video.buffered.start(0), video.buffered.end(video.buffered.length - 1)];
  video.currentTime = from;
  video.playbackRate = rate;
  const over = new Promise((done, failed) => {
    video.addEventListener("ended", () => done(video.currentTime));
    video.addEventListener("error", () => failed(new Error(video.error.message)));
  });
  const found = { from, to, first: await first, last: 0, frames: 0 };
  await video.play();
  found.last = await over;
  found.frames = video.getVideoPlaybackQuality().totalVideoFrames;
  video.remove();
  return found;
}"""


@contextlib.asynccontextmanager
async def files_in_chromium(folder: Path) -> AsyncGenerator[Page]:
    """A page of a server that offers `folder` under `/files`."""
    app = web.Application()
    app.router.add_static("/files", folder)
    app.router.add_get("/", _blank)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with chromium(()) as browser:
            page = await browser.new_page()
            await page.goto(f"http://127.0.0.1:{runner.addresses[0][1]}/")
            yield page
    finally:
        await runner.cleanup()


async def play(page: Page, files: Sequence[tuple[str, str]], rate: float = 2.0) -> dict[str, Any]:
    """Play (path, type) together to their end; seconds of their first and last media, of the first picture, of the end.

    Playwright's Error where Chromium refuses one or cannot decode it.
    """
    named = [{"url": f"/files/{path}", "type": kind} for path, kind in files]
    return await page.evaluate(_PLAY, {"files": named, "rate": rate})


async def _blank(_: web.Request) -> web.Response:
    return web.Response(text="<!doctype html><title>files</title>", content_type="text/html")
