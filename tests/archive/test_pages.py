"""The pages of recordings: decided by forms, films to keep, deleting for good; and a presenter's consent."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import AsyncGenerator, Mapping
from datetime import timedelta

import aiohttp
import av
import msgspec
import pytest
import pytest_asyncio
from sqlalchemy import select, update

from expo.archive.films import FilmState
from expo.archive.keeping import Keeping
from expo.archive.keys import FILMS, KEEPING, LIBRARY, ON_CONSENT, PROGRAMMES, RECORDER
from expo.archive.policy import ArchivePolicy
from expo.archive.tables import Deletion, Recording
from expo.clock import utc_now
from expo.edge.keys import DATABASE
from expo.errors import Unavailable
from expo.ids import RoomId
from expo.media.recording.recorder import RecordingHealth
from tests.archive.world import FIRST, ROOM, SECOND, THIRD, browsing, record
from tests.support.ranges import asks_every_range
from tests.support.recordings import SOUND_LATE_US
from tests.support.worker import Worker, running_worker

pytestmark = [pytest.mark.media, pytest.mark.asyncio(loop_scope="module")]

PAGE, CONSENT, API = f"/s/{ROOM}/recording", f"/s/{ROOM}/consent", f"/api/v1/recordings/{ROOM}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worker(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Worker]:
    async with running_worker(tmp_path_factory.mktemp("worker")) as running:
        yield running


async def text_of(http: aiohttp.ClientSession, path: str = PAGE) -> str:
    async with http.get(path) as answer:
        assert answer.status == 200
        return await answer.text()


async def post(http: aiohttp.ClientSession, form: Mapping[str, str], path: str = PAGE) -> str:
    """Where a form leads to, "" where it stays and says why."""
    async with http.post(path, data=form, allow_redirects=False) as answer:
        return answer.headers.get("Location", "")


async def film(http: aiohttp.ClientSession, what: str) -> bytes:
    """A film, made and downloaded."""
    async with http.post(f"{API}/films/{what}") as answer:
        assert answer.status == 202
    async with asyncio.timeout(20):
        stage = ""
        while stage != "ready":
            async with http.get(f"{API}/films/{what}") as answer:
                stage = (await answer.json())["stage"]
                assert stage in {"waiting", "making", "ready"}
    async with http.get(f"/recordings/{ROOM}/{what}.mp4") as answer:
        assert (answer.status, answer.content_type) == (200, "video/mp4")
        assert "attachment" in answer.headers["Content-Disposition"]
        return await answer.read()


def colours(file: bytes) -> list[str]:
    with av.open(io.BytesIO(file), "r") as container:
        assert container.streams.audio[0].metadata["language"] == "mul"
        shown = ["rgb"[int(one.to_ndarray(format="rgb24")[5, 5].argmax())] for one in container.decode(video=0)]
    return [colour for number, colour in enumerate(shown) if not number or shown[number - 1] != colour]


async def test_an_organiser_decides_by_forms_alone(worker: Worker) -> None:
    await record(worker, visibility="nobody")
    async with browsing(worker, "demo-organiser", "ko") as desk:
        page = await text_of(desk)
        assert page.count('class="chapter-line"') == 3
        assert "30초" in page
        assert await post(desk, {"do": "rights", "visibility": "everyone", "keepDays": "30"}) == f"{PAGE}?said=saved"
        edit = {"titleKo": "마늘 <농장>", "titleVi": "", "titleEn": "", "trimStartS": "2", "trimEndS": "0"}
        assert await post(desk, {"do": "chapter", "chapter": SECOND, **edit}) == f"{PAGE}?said=saved"
        assert await post(desk, {"do": "hide", "chapter": FIRST}) == f"{PAGE}?said=hidden"
        assert await post(desk, {"do": "withdraw", "chapter": THIRD}) == f"{PAGE}?said=withdrawn"
        page = await text_of(desk)
        assert "마늘 &lt;농장&gt;" in page
        assert re.findall(r'class="lamp [a-z]+">([^<]+)<', page) == ["숨김", "공개 중", "철회됨"]
        assert await post(desk, {"do": "restore", "chapter": THIRD}) == f"{PAGE}?said=restored"
        for bad in ({"do": "rights", "keepDays": "0"}, {"do": "burn"}, {"do": "hide", "chapter": SECOND, "x": "1"}):
            async with desk.post(PAGE, data=bad) as answer:
                assert answer.status == 422


async def test_an_exhibitor_reads_and_keeps_the_own_chapter_alone(worker: Worker) -> None:
    await record(worker)
    async with browsing(worker, "demo-exhibitor") as staff, browsing(worker, "demo-organiser") as desk:
        page = await text_of(staff)
        assert (page.count('class="chapter-line"'), "keepDays" in page) == (1, False)
        async with staff.post(PAGE, data={"do": "hide", "chapter": THIRD}) as answer:
            assert answer.status == 403
        assert colours(await film(staff, THIRD)) == ["b"]
        for other in ("whole", FIRST, "nothing"):
            async with staff.post(f"{API}/films/{other}") as answer:
                assert answer.status == 404
            async with staff.get(f"/recordings/{ROOM}/{other}.mp4") as answer:
                assert answer.status == 404
        assert colours(await film(desk, "whole")) == ["r", "g", "b"]
        assert "film-state" in await text_of(desk, f"{PAGE}?film=whole")
        assert (await asks_every_range(desk, f"/recordings/{ROOM}/whole.mp4"))[4:8] == b"ftyp"
        made = max(
            (worker.settings.recordings_dir / ".films" / ROOM).glob("*.mp4"), key=lambda file: file.stat().st_size
        )
        made.with_suffix(".json").write_bytes(msgspec.json.encode(FilmState(stage="making", done=0.4)))
        made.unlink()  # as while a worker makes it
        assert re.search(r'<progress [^>]*value="40"', await text_of(desk, f"{PAGE}?film=whole"))
        async with desk.post(f"{API}/films/whole") as answer:
            told = await answer.json()
            assert (told["stage"], told["done"]) == ("making", 0.4)  # nobody makes it twice
        # Who withdraws a consent takes it out of the films that there are.
        async with staff.put(f"/api/v1/showcases/{ROOM}/consent", json={"record": True}) as answer:
            assert answer.status == 200
        assert [*(worker.settings.recordings_dir / ".films").rglob("*.mp4")] == []
        assert colours(await film(desk, "whole")) == ["r", "g", "b"]
        # Who withdraws a chapter takes it out of the films that there are.
        assert await post(desk, {"do": "withdraw", "chapter": SECOND}) == f"{PAGE}?said=withdrawn"
        async with desk.get(f"/recordings/{ROOM}/whole.mp4") as answer:
            assert answer.status == 404
        assert [*(worker.settings.recordings_dir / ".films").rglob("*.mp4")] == []
        assert colours(await film(desk, "whole")) == ["r", "b"]
        # Who has a chapter withdrawn keeps no way to it either.
        assert colours(await film(staff, THIRD)) == ["b"]
        assert await post(desk, {"do": "withdraw", "chapter": THIRD}) == f"{PAGE}?said=withdrawn"
        async with staff.post(f"{API}/films/{THIRD}") as answer:
            assert answer.status == 404
        async with staff.get(f"/recordings/{ROOM}/{THIRD}.mp4") as answer:
            assert answer.status == 404
        assert f"part={THIRD}" not in await text_of(staff)
        await worker.app[FILMS].drop(ROOM)


async def test_a_recording_is_deleted_for_good_by_a_typed_word(worker: Worker) -> None:
    await record(worker)
    folder = worker.settings.recordings_dir / ROOM
    async with browsing(worker, "demo-organiser", "vi") as desk:
        await film(desk, "whole")
        key = re.search(r"/replay/([^/]+)/master", await text_of(desk, f"/s/{ROOM}/replay"))
        assert key is not None
        async with desk.post(PAGE, data={"do": "delete", "word": "delete"}) as answer:
            assert (answer.status, folder.is_dir()) == (400, True)
        assert await post(desk, {"do": "delete", "word": " XÓA "}) == f"{PAGE}?said=deleted"
        assert not folder.exists()
        assert [*(worker.settings.recordings_dir / ".films").rglob("*.mp4")] == []
        async with desk.get(f"/replay/{key[1]}/picture/0.m4s") as answer:
            assert answer.status == 404
        page = await text_of(desk)
        assert "Ban tổ chức đã xóa" in page
        assert await post(desk, {"do": "delete", "word": "xóa"}) == f"{PAGE}?said=deleted"  # harmless to repeat
        async with desk.patch(API, json={"visibility": "everyone"}) as answer:
            assert answer.status == 409
    async with worker.app[DATABASE].read() as db:
        (deletion,) = (await db.scalars(select(Deletion))).all()
        assert (deletion.cause, deletion.person_id, deletion.files) == ("organiser", "demo-organiser", 3)
        assert deletion.bytes > 10_000


async def test_a_show_that_is_on_is_not_deleted(worker: Worker) -> None:
    await record(worker, state="live")
    async with browsing(worker, "demo-organiser") as desk, desk.delete(API) as answer:
        assert answer.status == 409
    assert (worker.settings.recordings_dir / ROOM).is_dir()


async def test_the_health_of_a_recording_is_told_while_its_recorder_answers(worker: Worker) -> None:
    await record(worker, state="live")
    health: RecordingHealth | None = RecordingHealth(75_000, 12_300_000, 0, 0, -12, 10**9, "recording.disk_full")

    async def recorder(_room: RoomId) -> RecordingHealth:
        if health is None:
            raise Unavailable("rooms.owner_away", "it does not answer")
        return health

    worker.app._state[RECORDER] = recorder  # pyright: ignore[reportPrivateUsage] - frozen; a test answers for a worker
    async with browsing(worker, "demo-organiser", "vi") as desk, browsing(worker, "demo-exhibitor", "vi") as staff:
        page = await text_of(desk)
        for words in ("Lệch tiếng và hình", "12 ms", "tiếng sớm hơn", "1 phút 15 giây", "12,3 MB", "Ổ đĩa đã đầy"):
            assert words in page
        assert "recording-figures" not in await text_of(staff)
        async with desk.get(API) as answer:
            found = await answer.json()
            assert (found["avOffsetMs"], found["failing"], found["lengthS"]) == (-12, "recording.disk_full", 75)
        health = None
        assert "Chưa rõ" in await text_of(desk)
        async with desk.get(API) as answer:
            assert (await answer.json())["avOffsetMs"] is None
        await record(worker)  # after the show its files tell
        page = await text_of(desk)
        assert "Lệch tiếng–hình tối đa" in page
        assert (f"{SOUND_LATE_US // 1000} ms" in page, "tiếng chậm hơn" in page) == (True, True)
        async with desk.get(API) as answer:
            assert (await answer.json())["avOffsetMs"] == SOUND_LATE_US // 1000


async def test_recordings_go_by_themselves_when_their_time_is_over(worker: Worker) -> None:
    began = await record(worker)
    folder, library = worker.settings.recordings_dir / ROOM, worker.app[LIBRARY]
    async with worker.app[DATABASE].write() as db:
        await db.execute(update(Recording).values(keep_days=3))
    for days, is_kept in ((2, True), (4, False), (5, False)):
        await Keeping(library, worker.app[FILMS], lambda days=days: began + timedelta(days=days)).sweep()
        assert folder.exists() == is_kept
    folder.mkdir()  # a server that was killed while it deleted
    await worker.app[KEEPING].sweep()
    assert not folder.exists()
    async with worker.app[DATABASE].read() as db:
        assert [one.cause for one in await db.scalars(select(Deletion))] == ["retention"]


async def test_a_show_without_a_recording_says_what_will_be_there(worker: Worker) -> None:
    async with browsing(worker, "demo-organiser") as desk:
        assert "Nothing recorded yet" in await text_of(desk, "/s/daegu/recording")
        assert "/s/daegu/consent" in await text_of(desk, "/s/daegu/recording")


async def test_who_may_see_it_is_decided_before_the_show(worker: Worker) -> None:
    page = "/s/daegu/recording"
    async with browsing(worker, "demo-organiser") as desk:
        assert (
            await post(desk, {"do": "rights", "visibility": "invited", "keepDays": "9"}, page) == f"{page}?said=saved"
        )
        said = await text_of(desk, page)
        assert re.search(r'value="invited" checked', said)
        assert ("Nothing recorded yet" in said, 'value="9"' in said, 'id="word"' in said) == (True, True, False)
        async with desk.delete("/api/v1/recordings/daegu") as answer:
            assert answer.status == 404  # nothing is there to delete, and the show may still be recorded
    await ArchivePolicy(worker.app[DATABASE], worker.app[PROGRAMMES]).begun(RoomId("daegu"))
    async with worker.app[DATABASE].read() as db:
        row = await db.get_one(Recording, "daegu")
        assert (row.visibility, row.keep_days, row.deleted_at) == ("invited", 9, None)


async def test_consent_is_asked_unticked_and_counts_at_once(worker: Worker) -> None:
    told: list[RoomId] = []

    async def on_consent(room: RoomId) -> None:
        told.append(room)

    worker.app._state[ON_CONSENT] = on_consent  # pyright: ignore[reportPrivateUsage] - frozen; a test hears with it
    async with browsing(worker, "demo-exhibitor-daegu", "ko") as staff:
        asked = await text_of(staff, "/studio/daegu")
        assert ('id="consent-note"' in asked, "checked" in asked.split("consent-form")[1]) == (True, False)
        page = await text_of(staff, "/s/daegu/consent")
        assert "checked" not in page.split("<form")[1]
        assert "동의하지 않으셔도 참여하실 수 있습니다" in page
        path = "/s/daegu/consent"
        assert await post(staff, {"until": ""}, path) == f"{path}?said=saved"  # nothing ticked is a no
        assert "동의하지 않으셨습니다" in await text_of(staff, path)
        assert "consent-note" not in await text_of(staff, "/studio/daegu")
        until = (utc_now() + timedelta(days=3)).date().isoformat()
        yes = {"record": "yes", "publish": "invited", "until": until}
        assert await post(staff, yes, path) == f"{path}?said=saved"
        page = await text_of(staff, path)
        assert page.count("checked") == 2
        assert until in page
        for bad in ({"record": "yes", "until": "2020-01-01"}, {"until": "soon"}, {"publish": "friends"}):
            async with staff.post(path, data=bad) as answer:
                assert answer.status in {400, 422}
        assert told == ["daegu", "daegu"]
        async with staff.get(CONSENT) as answer:
            assert answer.status == 403
