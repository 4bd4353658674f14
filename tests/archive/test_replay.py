"""Replays over HTTP: what plays for whom, piece by piece, and what no key opens."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import aiohttp
import av
import pytest
import pytest_asyncio
from sqlalchemy import delete
from yarl import URL

from expo.accounts.invitations import Revoked
from expo.accounts.keys import REVOCATIONS, TOKENS
from expo.accounts.tokens import ReplayKey, Tokens
from expo.archive.entrance import reader_of
from expo.archive.keys import LIBRARY, WATCH_COUNTS
from expo.archive.programme import ShowProgramme
from expo.archive.rules import KEY_LIFE
from expo.clock import utc_now
from expo.edge.keys import DATABASE
from expo.edge.principal import Principal
from expo.ids import AgencyId, ExhibitorId, ExpoId, LoginId, PersonId
from expo.showcases.tables import AudienceMinute
from tests.archive.world import FIRST, PART_S, ROOM, SECOND, THIRD, browsing, record
from tests.support.ranges import asks_every_range
from tests.support.worker import Worker, running_worker

pytestmark = [pytest.mark.media, pytest.mark.asyncio(loop_scope="module")]

PAGE, API = f"/s/{ROOM}/replay", f"/api/v1/recordings/{ROOM}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worker(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Worker]:
    async with running_worker(tmp_path_factory.mktemp("worker")) as running:
        yield running


async def key_of(http: aiohttp.ClientSession) -> str:
    """The key on the page, "" where nothing plays."""
    async with http.get(PAGE) as answer:
        assert answer.status == 200
        found = re.search(r"/replay/([^/]+)/master\.m3u8", await answer.text())
        return found[1] if found else ""


async def status(http: aiohttp.ClientSession, path: str, **options: Any) -> tuple[int, str]:
    async with http.get(path, headers={"Accept": "application/json"}, **options) as answer:
        is_problem = answer.content_type == "application/problem+json"
        return answer.status, (await answer.json(content_type=None))["code"] if is_problem else ""


async def chapters(http: aiohttp.ClientSession) -> list[str]:
    """What plays for a reader; nothing where their page has no key."""
    if not (key := await key_of(http)):
        return []
    async with http.get(f"/replay/{key}/chapters.json") as answer:
        return [one["id"] for one in (await answer.json())["chapters"]]


def colours(address: str) -> list[tuple[float, str]]:
    """When which colour begins, played by somebody else's HLS player."""
    seen: list[tuple[float, str]] = []
    with av.open(address) as container:
        for frame in container.decode(container.streams.video[0]):
            colour = "rgb"[int(frame.to_ndarray(format="rgb24")[5, 5].argmax())]
            if not seen or seen[-1][1] != colour:
                seen.append((frame.time or 0.0, colour))
    return seen


async def test_a_show_plays_again_in_a_player_that_nobody_here_wrote(worker: Worker) -> None:
    await record(worker)
    async with browsing(worker, None) as http:
        key = await key_of(http)
        seen = await asyncio.to_thread(colours, f"{worker.url}/replay/{key}/master.m3u8")
        assert [colour for _, colour in seen] == ["r", "g", "b"]
        assert [at - seen[0][0] for at, _ in seen] == [0, PART_S, 2 * PART_S]


async def test_chapters_and_products_are_told_at_their_moments_in_each_language(worker: Worker) -> None:
    began = await record(worker)
    async with browsing(worker, None, "vi") as http:
        key = await key_of(http)
        async with http.get(f"/replay/{key}/chapters.json") as answer:
            told = await answer.json()
        assert [(one["number"], one["startsS"], one["endsS"]) for one in told["chapters"]] == [
            (1, 0, 10), (2, 10, 20), (3, 20, 30),
        ]  # fmt: skip
        third = told["chapters"][2]
        assert third["realFrom"][:19] == f"{began + timedelta(seconds=20):%Y-%m-%dT%H:%M:%S}"
        (product,) = third["products"]
        assert (product["id"], round(product["atS"], 2), product["href"]) == (
            "camellia-serum", 23, "/products/camellia-serum",
        )  # fmt: skip
        assert "USD" in product["price"]
        async with http.get(f"/replay/{key}/chapters.vtt?lang=ko") as answer:
            assert answer.content_type == "text/vtt"
            text = await answer.text()
        cues = re.findall(r"(\d\d:\d\d:\d\d\.\d{3}) --> (\d\d:\d\d:\d\d\.\d{3})\n(.+)\n", text)
        assert text.startswith("WEBVTT\n")
        assert cues[1][:2] == ("00:00:10.000", "00:00:20.000")
        assert re.search("[가-힣]", cues[1][2])
        async with http.get(f"/replay/{key}/products.vtt") as answer:
            assert re.search(r'00:00:23\.\d{3} --> 00:00:30\.000\n\{.*"camellia-serum"', await answer.text())


async def test_while_the_show_is_on_the_list_grows_and_what_is_over_plays(worker: Worker) -> None:
    await record(worker, state="live")
    async with browsing(worker, None) as http:
        key = await key_of(http)
        async with http.get(f"/replay/{key}/picture.m3u8") as answer:
            text, tag = await answer.text(), answer.headers["ETag"]
            assert answer.headers["Content-Encoding"] == "gzip"  # an hour's is 62 kB, and 5 zipped
        assert "#EXT-X-PLAYLIST-TYPE:EVENT" in text
        assert "#EXT-X-ENDLIST" not in text
        assert text.count("#EXTINF") == 14  # the last one may still grow
        async with http.get(f"/replay/{key}/picture.m3u8", headers={"If-None-Match": tag}) as answer:
            assert answer.status == 304


async def test_pieces_come_whole_and_in_ranges(worker: Worker) -> None:
    await record(worker)
    async with browsing(worker, None) as http:
        base = f"/replay/{await key_of(http)}"
        assert (await asks_every_range(http, f"{base}/floor/3.m4s"))[4:8] == b"moof"
        assert (await asks_every_range(http, f"{base}/picture/init-0.mp4"))[4:8] == b"ftyp"


async def test_a_withdrawn_chapter_is_gone_with_any_key(worker: Worker) -> None:
    await record(worker)
    async with browsing(worker, None) as http, browsing(worker, "demo-organiser") as desk:
        old, crew = await key_of(http), await key_of(desk)
        async with desk.patch(f"{API}/chapters/{SECOND}", json={"withdrawn": True}) as answer:
            assert answer.status == 200
        for key in (old, crew):
            assert await status(http, f"/replay/{key}/picture/7.m4s") == (404, "replay.withdrawn")
            assert await status(http, f"/replay/{key}/floor/7.m4s") == (404, "replay.withdrawn")
            assert (await status(http, f"/replay/{key}/picture/2.m4s"))[0] == 200
            assert await status(http, f"/replay/{key}/master.m3u8") == (410, "replay.changed")
        new = await key_of(http)
        seen = await asyncio.to_thread(colours, f"{worker.url}/replay/{new}/master.m3u8")
        assert [colour for _, colour in seen] == ["r", "b"]
        assert await chapters(desk) == [FIRST, THIRD]
        async with desk.patch(f"{API}/chapters/{SECOND}", json={"withdrawn": False}) as answer:
            assert answer.status == 200
        assert await chapters(http) == [FIRST, SECOND, THIRD]


async def test_a_chapter_that_is_withdrawn_while_the_show_is_on_is_gone_from_the_list_that_grows(
    worker: Worker,
) -> None:
    await record(worker, state="live")
    async with browsing(worker, None) as http, browsing(worker, "demo-organiser") as desk:
        old = await key_of(http)
        async with desk.patch(f"{API}/chapters/{FIRST}", json={"withdrawn": True}) as answer:
            assert answer.status == 200
        assert await status(http, f"/replay/{old}/picture.m3u8") == (410, "replay.changed")
        assert await status(http, f"/replay/{old}/chapters.vtt") == (410, "replay.changed")
        assert await status(http, f"/replay/{old}/picture/0.m4s") == (404, "replay.withdrawn")
        async with http.get(f"/replay/{await key_of(http)}/picture.m3u8") as answer:
            text = await answer.text()
        assert "#EXT-X-PLAYLIST-TYPE:EVENT" in text
        assert re.findall(r"picture/(\d+)\.m4s", text) == [str(number) for number in range(5, 14)]
        assert await chapters(http) == [SECOND, THIRD]


async def test_what_is_hidden_trimmed_or_renamed_is_so_for_viewers(worker: Worker) -> None:
    await record(worker)
    async with browsing(worker, None) as http, browsing(worker, "demo-organiser") as desk:
        change = {"titles": {"en": "Teas & oils <now>"}, "trimStartS": 3}
        async with desk.patch(f"{API}/chapters/{THIRD}", json=change) as answer:
            assert answer.status == 200
        async with desk.patch(f"{API}/chapters/{FIRST}", json={"hidden": True}) as answer:
            told = {one["id"]: one["standing"] for one in (await answer.json())["chapters"]}
        assert told == {FIRST: "hidden", SECOND: "shown", THIRD: "shown"}
        assert await chapters(http) == [SECOND, THIRD]
        assert await chapters(desk) == [FIRST, SECOND, THIRD]
        key = await key_of(http)
        async with http.get(f"/replay/{key}/chapters.vtt") as answer:
            assert "Teas &amp; oils &lt;now&gt;" in await answer.text()
        # Of a piece that reaches into what was cut away nothing plays: 20 to 22 s and 22 to 24 s.
        assert await status(http, f"/replay/{key}/picture/11.m4s") == (404, "replay.withdrawn")
        assert (await status(http, f"/replay/{key}/picture/12.m4s"))[0] == 200
        for bad in ({"trimStartS": -1}, {"hidden": "maybe"}, {"titles": {"xx": "?"}}):
            async with desk.patch(f"{API}/chapters/{THIRD}", json=bad) as answer:
                assert answer.status == 422
        async with desk.patch(f"{API}/chapters/bac-giang-1", json={}) as answer:
            assert answer.status == 404


async def test_visibility_and_consent_decide_who_sees_a_chapter(worker: Worker) -> None:
    await record(worker, visibility="nobody")
    async with (
        browsing(worker, None) as http,
        browsing(worker, "demo-buyer") as buyer,
        browsing(worker, "demo-exhibitor") as staff,
        browsing(worker, "demo-organiser") as desk,
    ):
        assert [await chapters(one) for one in (http, buyer, staff)] == [[], [], [THIRD]]
        assert await chapters(desk) == [FIRST, SECOND, THIRD]
        async with desk.patch(API, json={"visibility": "invited"}) as answer:
            assert answer.status == 200
        assert [await chapters(one) for one in (http, buyer)] == [[], [FIRST, SECOND, THIRD]]
        async with desk.patch(API, json={"visibility": "everyone"}) as answer:
            assert answer.status == 200
        old = await key_of(http)
        async with staff.put(f"/api/v1/showcases/{ROOM}/consent", json={"record": True}) as answer:
            assert (await answer.json())["publish"] == "nobody"
        assert [await chapters(one) for one in (http, buyer, staff)] == [
            [FIRST, SECOND], [FIRST, SECOND], [FIRST, SECOND, THIRD],
        ]  # fmt: skip
        assert await status(http, f"/replay/{old}/picture/12.m4s") == (404, "replay.withdrawn")
        assert await chapters(desk) == [FIRST, SECOND, THIRD]


async def test_no_other_key_opens_anything(worker: Worker) -> None:
    await record(worker)
    now, tokens = utc_now(), worker.app[TOKENS]
    key = ReplayKey(ROOM, "crew", None, PersonId("demo-buyer"), 1, now + KEY_LIFE)
    good = tokens.sign_replay(key)
    cases = {
        Tokens("another secret entirely").sign_replay(key): (401, "replay.foreign"),
        good[:-3] + "AAA": (401, "replay.forged"),
        tokens.sign_replay(ReplayKey(ROOM, "crew", None, None, 1, now - timedelta(seconds=1))): (401, "replay.expired"),
        tokens.sign_replay(ReplayKey(ROOM, "crew", None, None, 9, now + KEY_LIFE)): (410, "replay.changed"),
        "x": (401, "replay.malformed"),
    }
    async with browsing(worker, None) as http:
        for bad, told in cases.items():
            assert await status(http, f"/replay/{bad}/master.m3u8") == told
        assert (await status(http, f"/replay/{good}/master.m3u8"))[0] == 200
        worker.app[REVOCATIONS].tell(Revoked(PersonId("demo-buyer"), now + timedelta(seconds=1)))
        assert await status(http, f"/replay/{good}/picture/0.m4s") == (401, "replay.revoked")


@pytest.mark.parametrize(
    "path",
    [
        "picture/../../index-1.jsonl", "..%2f..%2fexpo.db", "picture/..%2findex-1.jsonl", "index-1.jsonl",
        "%2e%2e/0.m4s", "picture/0.m4s%00", "picture/-1.m4s", "picture/99.m4s", "picture/init-7.mp4", "channel-vi.m3u8",
        "picture-1.mp4", "picture/9999999999999999999999.m4s",
    ],
)  # fmt: skip
async def test_no_address_leads_out_of_what_plays(worker: Worker, path: str) -> None:
    worker.app[LIBRARY].forget(ROOM)
    async with browsing(worker, None) as http:
        key = await key_of(http)
        url = URL(f"{worker.url}/replay/{key}/{path}", encoded=True)
        async with http.get(url, headers={"Accept": "application/json"}) as answer:
            assert answer.status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/recordings/..%2f..%2fexpo.db/whole.mp4", "/recordings/%2e%2e/whole.mp4", "/recordings/.films/whole.mp4",
        "/recordings/%252e%252e%252fexpo/whole.mp4", f"/recordings/{ROOM}%00/whole.mp4",
        f"/recordings/{'a' * 500}/whole.mp4",
        f"/recordings/{ROOM}/..%2f..%2f{ROOM}.mp4", f"/recordings/{ROOM}/index-1.jsonl", f"/recordings/{ROOM}/%00.mp4",
        f"/recordings/{ROOM}/picture-1.mp4", f"/s/..%2f{ROOM}/recording", "/s/%00/replay", "/s/%252e%252e/consent",
        "/api/v1/recordings/%252e%252e", "/api/v1/recordings/..%2f..", f"/api/v1/recordings/{ROOM}/films/..%2fwhole",
        f"/api/v1/showcases/{'a' * 65}/consent", f"/replay/{'a' * 4000}/master.m3u8", "/replay/%00/master.m3u8",
    ],
)  # fmt: skip
async def test_no_id_leads_out_of_the_recordings(worker: Worker, path: str) -> None:
    url = URL(worker.url + path, encoded=True)
    async with browsing(worker, "demo-organiser") as desk, desk.get(url, headers={"Accept": "*/*"}) as answer:
        assert answer.status == (401 if path.startswith("/replay") else 404)
        assert answer.content_type in {"application/problem+json", "text/html"}


async def test_who_comes_from_another_agency_or_expo_is_a_stranger() -> None:
    show = ShowProgramme(
        ROOM, AgencyId("a"), ExpoId("x"), {}, {}, "", False, "ended", utc_now(), None, (), (), ()
    )  # fmt: skip
    for role in ("organiser", "exhibitor", "buyer", "operator"):
        for agency, expo in (("b", "x"), ("b", "y"), ("a", "y")):
            whoever = Principal(
                PersonId("p"), role, "P", "en", None, AgencyId(agency), ExpoId(expo), ExhibitorId("e"), LoginId("l")
            )
            assert reader_of(whoever, show).kind == ("crew" if (role, agency) == ("operator", "a") else "all")


async def test_watching_is_summed_without_a_trail(worker: Worker) -> None:
    began = await record(worker)
    async with worker.app[DATABASE].write() as db:
        await db.execute(delete(AudienceMinute))
        at = began.replace(second=0, microsecond=0) - timedelta(minutes=2)
        db.add(
            AudienceMinute(agency_id="hanbit", showcase_id=ROOM, minute=at, most=9, last=7)
        )  # and nobody came or left
    async with browsing(worker, None) as http, browsing(worker, "demo-organiser") as desk:
        for client in (http, http, desk):
            beat = {"chapter": THIRD, "minute": 0, "starts": True}
            async with client.post(f"/replay/{await key_of(client)}/watched", json=beat) as answer:
                assert answer.status == 204
        for bad in ({"chapter": THIRD, "minute": 500}, {"chapter": THIRD, "minute": -1}, {"chapter": THIRD}):
            async with http.post(f"/replay/{await key_of(http)}/watched", json=bad) as answer:
                assert answer.status == 422
        async with http.post(f"/replay/{await key_of(http)}/watched", json={"chapter": "x", "minute": 0}) as answer:
            assert answer.status == 404
        await worker.app[WATCH_COUNTS].flush()
        async with desk.get(API) as answer:
            third = (await answer.json())["chapters"][2]
        assert (third["replayStarts"], third["replayMinutes"]) == (2, 2)  # the agency's own people are not counted
        assert third["liveMost"] == 7
