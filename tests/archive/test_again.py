"""Replays are found from every page that tells of a show, by whoever may see them, each with a picture of it."""

from __future__ import annotations

import asyncio
import io
import shutil
from collections.abc import AsyncGenerator

import aiohttp
import av
import numpy as np
import pytest
import pytest_asyncio

from expo.archive.keys import KEEPING, LIBRARY, POSTERS
from expo.archive.library import STILLS
from tests.archive.world import FIRST, ROOM, SECOND, THIRD, browsing, record
from tests.support.worker import Worker, running_worker

pytestmark = [pytest.mark.media, pytest.mark.asyncio(loop_scope="module")]

REPLAY = f"/s/{ROOM}/replay"
ENDED = (f"/s/{ROOM}", "/", "/programme", "/delegations/chungbuk")
STAND, PRODUCT = "/stands/gyeol-cosmetics", "/products/camellia-serum"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worker(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Worker]:
    async with running_worker(tmp_path_factory.mktemp("worker")) as running:
        yield running


async def text_of(http: aiohttp.ClientSession, path: str) -> str:
    async with http.get(path) as answer:
        assert answer.status == 200
        return await answer.text()


async def change(worker: Worker, path: str, body: object) -> None:
    async with (
        browsing(worker, "demo-organiser") as http,
        http.patch(f"/api/v1/recordings/{ROOM}{path}", json=body) as answer,
    ):
        assert answer.status == 200


def poster(segment: str) -> str:
    return f"/s/{ROOM}/posters/{segment}.jpg"


async def picture_of(http: aiohttp.ClientSession, segment: str) -> bytes:
    """A chapter's picture, as soon as there is one: each request waits for it for a moment."""
    async with asyncio.timeout(60):
        while True:
            async with http.get(poster(segment), allow_redirects=False) as answer:
                if answer.status == 200:
                    assert answer.content_type == "image/jpeg"
                    return await answer.read()
                assert answer.status == 302


async def test_every_page_that_tells_of_a_show_leads_to_what_plays_again(worker: Worker) -> None:
    await record(worker)
    async with browsing(worker, None) as http:
        for path in ENDED:
            assert f'href="{REPLAY}"' in await text_of(http, path), path
        for path in (STAND, PRODUCT, "/programme"):
            assert f'href="{REPLAY}?part={THIRD}"' in await text_of(http, path), path
        assert f'src="{poster(FIRST)}"' in await text_of(http, "/")
        assert '<video controls playsinline preload="none"' in (page := await text_of(http, f"{REPLAY}?part={THIRD}"))
        assert "master.m3u8#t=20" in page
        async with http.get(f"/api/showcases/{ROOM}") as answer:
            told = await answer.json()
            assert (told["replay"], told["again"]) == (True, [FIRST, SECOND, THIRD])
        async with http.get("/api/showcases") as answer:
            every = (await answer.json())["showcases"]
            assert [each["id"] for each in every if each["replay"]] == [ROOM]


async def test_who_watches_a_show_is_told_what_plays_again_for_them(worker: Worker) -> None:
    await record(worker, state="live", visibility="invited")
    told: list[object] = []
    for person in (None, "demo-buyer", "demo-exhibitor"):
        async with browsing(worker, person) as http, http.get(f"/api/showcases/{ROOM}") as answer:
            told.append((await answer.json())["again"])
    assert told == [[], [FIRST, SECOND, THIRD], [FIRST, SECOND, THIRD]]
    async with browsing(worker, "demo-buyer") as buyer:
        page = await text_of(buyer, f"/s/{ROOM}")
        assert [page.count(f'href="{REPLAY}?part={part}"') for part in (FIRST, SECOND, THIRD)] == [2, 2, 0]


async def test_nobody_is_led_to_what_does_not_play_for_them(worker: Worker) -> None:
    await record(worker)
    await change(worker, f"/chapters/{THIRD}", {"withdrawn": True})
    async with browsing(worker, None) as http:
        assert f"?part={THIRD}" not in await text_of(http, STAND)
        assert f"?part={SECOND}" in await text_of(http, "/programme")
    await record(worker, visibility="nobody")
    async with browsing(worker, None) as http:
        for path in (*ENDED, STAND):
            assert REPLAY not in await text_of(http, path), path
    async with browsing(worker, "demo-exhibitor") as http:
        assert f"?part={THIRD}" in (own := await text_of(http, "/programme"))
        assert f"?part={FIRST}" not in own


async def test_a_chapter_has_a_picture_of_its_own_from_the_recording(worker: Worker) -> None:
    await record(worker)
    async with browsing(worker, None) as http:
        for segment, colour in ((FIRST, 0), (SECOND, 1), (THIRD, 2)):
            picture = await picture_of(http, segment)
            with av.open(io.BytesIO(picture), "r") as container:
                seen = next(container.decode(container.streams.video[0])).to_ndarray(format="rgb24")
            assert int(np.argmax(seen[40, 80])) == colour
    folder = worker.app[LIBRARY].folder(ROOM)
    assert len(list((folder / STILLS).iterdir())) == 3
    await worker.app[KEEPING].delete(ROOM, None, "organiser")
    assert not folder.exists()


async def test_pictures_are_there_before_anybody_asks_for_them(worker: Worker) -> None:
    await record(worker)
    folder = worker.app[LIBRARY].folder(ROOM)
    shutil.rmtree(folder / STILLS, ignore_errors=True)
    worker.app[POSTERS].prepare(ROOM)
    async with asyncio.timeout(60):
        while True:
            if len([*(folder / STILLS).glob("*.jpg")]) == 3:
                break
            await asyncio.sleep(0.05)  # a folder tells nobody


async def test_a_picture_goes_with_its_chapter(worker: Worker) -> None:
    await record(worker)
    await change(worker, f"/chapters/{FIRST}", {"withdrawn": True})
    await change(worker, f"/chapters/{SECOND}", {"hidden": True})
    async with browsing(worker, None) as http:
        for segment, status in ((FIRST, 404), (SECOND, 404), (THIRD, 200), ("other", 404)):
            async with http.get(poster(segment)) as answer:
                assert answer.status == status, segment
    async with browsing(worker, "demo-organiser") as http, http.get(poster(SECOND)) as answer:
        assert answer.status == 200


async def test_without_a_picture_the_company_has_its_own(worker: Worker) -> None:
    await record(worker)
    folder = worker.app[LIBRARY].folder(ROOM)
    shutil.rmtree(folder / STILLS, ignore_errors=True)
    for path in folder.glob("picture-*.mp4"):
        path.write_bytes(b"\x00" * path.stat().st_size)
    async with browsing(worker, None) as http, http.get(poster(THIRD), allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (302, "/static/img/products/camellia-serum.svg")
