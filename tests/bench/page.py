"""What a phone waits for before it reads the stage, and what script it loads: `page`."""

from __future__ import annotations

import os
import tempfile
from functools import partial
from pathlib import Path
from statistics import median

from playwright.async_api import Browser, Request

from tests.bench.calm import calmest
from tests.bench.cpu import Meter
from tests.bench.figures import Figure, percentile
from tests.bench.place import processes_below, show
from tests.support.presenter import PHONE, Expo, chromium, serving_expo, visit

_PAINTED = """() => new Promise((resolve) => {
  const look = (list) => {
    const found = list.getEntriesByName("first-contentful-paint")[0];
    if (found) resolve(found.startTime);
  };
  new PerformanceObserver(look).observe({ type: "paint", buffered: true });
})"""
_WITH_ITS_ROOM = """() => {
  const scripts = performance.getEntriesByType("resource").filter((one) => one.name.includes("stage-room"));
  return scripts.length > 0 && document.readyState === "complete";
}"""
"""The last part of the page's script is fetched once the picture has had its turn."""


async def page(loads: int, tries: int) -> list[Figure]:
    """First contentful paint of the stage of a live showcase in new profiles, and the bytes of its script as sent."""
    scripts: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        async with serving_expo(Path(folder)) as expo, chromium(()) as browser:
            await _load(browser, expo, {})  # Chromium's own start is nobody's wait

            async def once() -> tuple[Figure, float]:
                meter = Meter(partial(processes_below, os.getpid()), None)
                paints = [await _load(browser, expo, scripts) for _ in range(loads)]
                usage = meter.stop()
                p50, p95 = round(median(paints)), round(percentile(paints, 0.95))
                show(f"first contentful paint p50 {p50} ms, p95 {p95} ms")
                figure = Figure(
                    name="page",
                    what=f"first contentful paint of the stage in Chromium, nothing cached, p95 of {loads}",
                    value=p95,
                    unit="ms",
                    target=1000,
                    seconds=usage.seconds,
                    details={"loads": loads, "p50_ms": p50, "p95_ms": p95},
                )
                return figure, meter.foreign_share(usage.cpu_ns)

            paint = await calmest(once, tries)
    for name, size in sorted(scripts.items()):
        show(f"{size:7,} bytes {name}")
    whole = Figure(
        name="page",
        what="script of the stage with its room, as sent (gzip)",
        value=round(sum(scripts.values()) / 1000, 1),
        unit="kB",
        target=120,
        details={"scripts": scripts},
        why=() if len(scripts) > 1 else ("not all of the script was seen",),
    )
    return [paint, whole]


async def _load(browser: Browser, expo: Expo, scripts: dict[str, int]) -> float:
    """Milliseconds from the navigation to the paint; notes what each script weighed."""
    requests: list[Request] = []
    async with visit(browser, expo, size=PHONE) as buyer:
        buyer.on("requestfinished", lambda request: requests.append(request))  # noqa: PLW0108 - no built-in will do
        await buyer.goto(expo.stage())
        painted_ms = float(await buyer.evaluate(_PAINTED))
        await buyer.wait_for_function(_WITH_ITS_ROOM)
        for request in requests:
            response = await request.response()
            if response is not None and "javascript" in response.headers.get("content-type", ""):
                sizes = await request.sizes()
                scripts[request.url.rpartition("/")[2]] = sizes["responseBodySize"]
    return painted_ms
