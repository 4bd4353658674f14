"""The replay page in Chromium, which plays HLS with Opus only by hls.js: parts, products, keys, links, coming back."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable

import av
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.archive.world import FIRST, PART_S, ROOM, SECOND, THIRD, browsing, record
from tests.support.axe import violations
from tests.support.browser import context
from tests.support.recordings import LARGE, SMALL
from tests.support.worker import Worker, running_worker

pytestmark = [pytest.mark.browser, pytest.mark.media, pytest.mark.asyncio(loop_scope="session")]

PINNED_S = 23
SERUM = "Camellia serum"
PAUSE_AT = """name => {
  const card = document.querySelector("#card");
  const pause = () => card.textContent.includes(name) && document.querySelector("video").pause();
  new MutationObserver(pause).observe(card, { childList: true });
}"""
"""Stop as soon as this product's card is there."""
PRESS_BOTH = """() => {
  document.querySelector("#cover .play").click();
  document.querySelector(".chapter").click();
}"""
IN_THE_FIRST = """(lengthS) => {
  const { currentTime, seeking, paused } = document.querySelector("video");
  return !paused && !seeking && currentTime > 0.1 && currentTime < lengthS;
}"""
FILM = """async ([url, fromS]) => {
  const video = Object.assign(document.createElement("video"), { muted: true, src: url });
  const sizes = [];
  video.addEventListener("resize", () => sizes.push([video.videoWidth, video.videoHeight]));
  const next = (name) => new Promise((done, failed) => {
    video.addEventListener(name, done, { once: true });
    video.addEventListener("error", () => failed(new Error(video.error.message)));
  });
  await next("loadeddata");
  const sought = next("seeked");
  video.currentTime = fromS;
  await sought;
  const over = next("ended");
  video.playbackRate = 8;
  await video.play();
  await over;
  return { sizes, lengthS: video.duration };
}"""
"""Play a film from there to its end; the sizes of its pictures."""
ASKED = "() => performance.getEntriesByType('resource').map(({ name }) => name.split('/').at(-1))"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def worker(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Worker]:
    async with running_worker(tmp_path_factory.mktemp("worker")) as running:
        await record(running, last=LARGE)
        yield running


async def opened(browser: Browser, worker: Worker, query: str = "") -> Page:
    reader = await context(browser, "desktop", permissions=["clipboard-read", "clipboard-write"])
    page = await reader.new_page()
    await page.goto(f"{worker.url}/s/{ROOM}/replay{query}")
    return page


async def playing(page: Page, since: float) -> None:
    """Wait until the picture has moved on from there."""
    await page.wait_for_function(
        "since => { const { currentTime, paused, ended } = document.querySelector('video');"
        " return (!paused || ended) && currentTime > since + 0.1; }",
        arg=since,
    )


async def phase(page: Page, name: str) -> None:
    await expect(page.locator("html")).to_have_attribute("data-phase", name, timeout=20_000)


async def colour(page: Page) -> str:
    """Which of red, green and blue the picture is now."""
    return str(
        await page.evaluate(
            """() => {
              const paint = document.createElement("canvas").getContext("2d");
              paint.drawImage(document.querySelector("video"), 0, 0, 8, 8);
              const [r, g, b] = paint.getImageData(4, 4, 1, 1).data;
              return r > g && r > b ? "red" : g > b ? "green" : "blue";
            }"""
        )
    )


async def lands(page: Page, act: Awaitable[None]) -> float:
    """Where a jump ends."""
    landed = await page.evaluate_handle(
        """() => {
          const video = document.querySelector("video");
          const landed = (done) => video.addEventListener("seeked", () => done(video.currentTime), { once: true });
          return { at: new Promise(landed) };
        }"""
    )
    await act
    return float(await landed.evaluate("async ({ at }) => await at"))


async def test_a_show_is_watched_again_by_its_parts(browser: Browser, worker: Worker) -> None:
    page = await opened(browser, worker)
    await expect(page.locator(".chapter")).to_have_count(3)
    await page.wait_for_load_state("networkidle")
    asked = await page.evaluate(ASKED)
    assert {"master.m3u8", "picture.m3u8", "floor.m3u8"} <= set(asked)
    assert [each for each in asked if each.endswith((".m4s", ".mp4"))] == []  # who does not play pays for no media
    await page.locator("#cover .play").click()
    await playing(page, 0)
    await page.keyboard.press(" ")
    await phase(page, "paused")
    assert await colour(page) == "red"
    for key, to_s, shown in (
        ("]", PART_S, "green"),
        ("]", 2 * PART_S, "blue"),
        ("[", PART_S, "green"),
        ("ArrowLeft", 0, "red"),
    ):
        assert abs(await lands(page, page.keyboard.press(key)) - to_s) < 0.5, key
        assert await colour(page) == shown
    await page.keyboard.press("m")
    await page.keyboard.press(">")
    assert await page.evaluate("() => document.querySelector('video').muted")
    assert await page.evaluate("() => document.querySelector('video').playbackRate") == 1.25
    await page.keyboard.press("ArrowDown")
    assert round(await page.evaluate("() => document.querySelector('video').volume"), 2) == 0.9
    await page.keyboard.press("?")
    await expect(page.locator("#keys")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("#keys")).not_to_be_visible()
    await page.locator("#speed summary").click()
    assert await page.locator("#speed button").all_inner_texts() == ["0.75×", "1×", "1.25×", "1.5×", "2×"]
    await page.locator("#speed button").last.click()
    assert await page.evaluate("() => document.querySelector('video').playbackRate") == 2

    third = page.locator(f'[data-chapter="{THIRD}"]')
    assert abs(await lands(page, third.click()) - 2 * PART_S) < 0.5
    await playing(page, 2 * PART_S)
    await expect(third).to_have_attribute("aria-current", "true")
    assert await violations(page) == []
    await page.context.close()


async def test_a_link_leads_to_its_moment_and_who_comes_back_goes_on_there(browser: Browser, worker: Worker) -> None:
    page = await opened(browser, worker, f"?t=0m{PINNED_S - 1}s")
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    await expect(page.locator("#card")).not_to_contain_text(SERUM)
    await page.evaluate(PAUSE_AT, SERUM)
    await page.locator("#cover .play").click()
    await phase(page, "paused")
    left = float(await page.evaluate("() => document.querySelector('video').currentTime"))
    assert PINNED_S - 0.1 < left < PINNED_S + 1
    await page.locator("#act button").first.click()
    await expect(page.locator("#status")).to_contain_text("copied")
    assert await page.evaluate("() => navigator.clipboard.readText()") == f"{worker.url}/s/{ROOM}/replay?t={int(left)}s"

    await page.locator("#interested").click()  # of a stranger, who is asked for a name first
    for name, text in (("name", "Trần Thu Hà"), ("company", "Minh Châu Beauty")):
        await page.locator(f"#guest [name={name}]").fill(text)
    await page.locator("#guest [type=submit]").click()
    await expect(page.locator("#interested")).to_have_attribute("aria-pressed", "true")
    assert [text for text in said if "status of 4" in text] == []

    await page.goto(f"{worker.url}/s/{ROOM}/replay")
    await expect(page.locator("#cover")).to_contain_text("Start from the beginning")
    await page.locator("#cover .play").click()
    await playing(page, left - 0.2)

    await page.reload()
    await expect(page.locator("#cover")).to_contain_text("Start from the beginning")
    await page.evaluate(PRESS_BOTH)  # the second while the first has brought nothing yet
    await page.wait_for_function(IN_THE_FIRST, arg=PART_S)
    await page.context.close()


async def test_an_organiser_edits_a_chapter_and_keeps_the_show_as_a_film(browser: Browser, worker: Worker) -> None:
    desk = await context(browser, "phone", locale="ko")
    await desk.add_cookies([{"name": "expo_lang", "value": "ko", "url": worker.url}])
    page = await desk.new_page()
    await page.goto(worker.link(worker.person("organiser")))
    await page.goto(f"{worker.url}/s/{ROOM}/recording")
    line = page.locator(".chapter-line").first
    await line.locator("summary").first.click()
    assert await violations(page) == []
    await line.get_by_label("한국어").fill("건강한 산들")
    await line.get_by_role("button", name="저장").click()
    await expect(page.locator(".chapter-line").first).to_contain_text("건강한 산들")
    await page.locator("#film-state button").click()
    async with page.expect_download() as told:
        await page.locator("#film-state a.primary").click()  # which the page shows once it is made
    film = await (await told.value).path()
    with av.open(film) as found:
        assert next(each["metadata"]["title"] for each in found.chapters()) == "건강한 산들"
    address = await page.locator("#film-state a.primary").get_attribute("href")
    played = await page.evaluate(FILM, [address, PART_S * 1.5])
    assert played["sizes"] == [[*SMALL], [*LARGE]]  # another presenter's camera, in one track
    assert abs(played["lengthS"] - 3 * PART_S) < 0.1
    assert await page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    await desk.close()


async def test_a_part_that_is_withdrawn_while_somebody_watches_it_is_left_for_the_next(
    browser: Browser, worker: Worker
) -> None:
    await record(worker, state="live")
    reader = await context(browser, "phone")
    page = await reader.new_page()
    await page.goto(f"{worker.url}/s/{ROOM}/replay")
    await page.locator("#cover .play").click()
    await playing(page, 0)
    assert await colour(page) == "red"
    async with (
        browsing(worker, "demo-organiser") as desk,
        desk.patch(f"/api/v1/recordings/{ROOM}/chapters/{FIRST}", json={"withdrawn": True}) as answer,
    ):
        assert answer.status == 200
    await expect(page.locator(".chapter")).to_have_count(2, timeout=20_000)
    await expect(page.locator(f'[data-chapter="{SECOND}"]')).to_have_attribute("aria-current", "true")
    await playing(page, 0)
    assert await colour(page) == "green"
    await expect(page.locator("#act a.primary")).to_have_attribute("href", f"{worker.url}/s/{ROOM}")
    await page.locator(f'[data-chapter="{THIRD}"]').click()
    await page.evaluate("() => { document.querySelector('video').currentTime += 3; }")
    await expect(page.locator("#interested")).to_contain_text(SERUM)  # beside the way back to live
    await expect(page.locator("#act a.primary")).to_have_attribute("href", f"{worker.url}/s/{ROOM}")
    await reader.close()
