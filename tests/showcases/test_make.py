"""The pages on which a showcase is made, from a whole worker and without script: every button is a form's."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from html.parser import HTMLParser

import aiohttp
import pytest
import pytest_asyncio
from yarl import URL

from expo.app import OWNER
from expo.catalogue.tables import Exhibitor
from expo.edge.keys import DATABASE
from expo.ids import ParticipantId, RoomId
from expo.rooms.commands import Actor, GoLive
from expo.rooms.room import Room
from tests.support.worker import Worker, running_worker

pytestmark = [pytest.mark.media, pytest.mark.cluster, pytest.mark.asyncio(loop_scope="module")]
Fields = list[tuple[str, str]]


class _Form(HTMLParser):
    """The fields of the form `plan` as a browser would send them, and the companies' names in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: Fields = []
        self._select = ""
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = found.get("id") == "plan"
        if not self._inside or "form" in found:
            return
        kind = found.get("type", "text")
        if tag == "input" and (kind not in ("checkbox", "radio") or "checked" in found):
            self.fields.append((found["name"], found["value"]))
        elif tag == "select":
            self._select = found["name"]
        elif tag == "option" and self._select:
            self.fields.append((self._select, found["value"]))
            self._select = ""


@dataclass
class Reader:
    """An organiser's browser without script, on one page."""

    http: aiohttp.ClientSession
    url: str
    page: str = ""
    status: int = 0
    path: str = ""

    async def open(self, path: str, data: Fields | None = None) -> None:
        method = "GET" if data is None else "POST"
        headers = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
        async with self.http.request(method, self.url + path, headers=headers, data=data) as answer:
            self.page, self.status, self.path = await answer.text(), answer.status, answer.url.path

    @property
    def fields(self) -> Fields:
        form = _Form()
        form.feed(self.page)
        return form.fields

    @property
    def companies(self) -> list[str]:
        return [value for name, value in self.fields if name == "company"]

    async def press(self, button: str, **changes: str) -> None:
        """Send the form with a button; `changes` are typed before."""
        names = {key.replace("_", "-"): value for key, value in changes.items()}
        fields = [(name, names.get(name, value)) for name, value in self.fields]
        await self.open(self.path, [*fields, ("do", button)])

    def told(self) -> str:
        found = re.search(r'class="strip">.*?<span>(.*?)</span>', self.page, re.DOTALL)
        return found[1] if found else ""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worker(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Worker]:
    async with running_worker(tmp_path_factory.mktemp("worker")) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def reader(worker: Worker) -> AsyncGenerator[Reader]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        found = next(one for one in worker.seeded.people if one.id == "demo-organiser")
        async with http.get(worker.link(found), allow_redirects=False) as response:
            assert response.status == 303
        http.cookie_jar.update_cookies({"expo_lang": "en"}, URL(worker.url))
        yield Reader(http, worker.url)


async def test_a_showcase_is_made_announced_taken_back_and_deleted_without_script(reader: Reader) -> None:
    await reader.open("/make", [("delegation", "bac-giang")])
    first, second = reader.companies
    await reader.press(f"down:{first}")
    assert reader.companies == [second, first]
    await reader.press(f"remove:{second}")
    assert reader.companies == [first]
    await reader.press("add")
    assert reader.companies == [first, second]
    product = next(value for name, value in reader.fields if name == f"shown:{second}")
    fields = [each for each in reader.fields if each != (f"shown:{second}", product)]
    await reader.open(reader.path, [*fields, ("do", "save")])
    assert (f"shown:{second}", product) not in reader.fields
    assert (f"known:{second}", product) in reader.fields

    await reader.press("announce", title_en="Moonrise & noodles", starts="2020-01-01T10:00")
    assert (reader.status, "Something is still missing" in reader.told()) == (409, True)
    assert ("title-en", "Moonrise & noodles") in reader.fields, "what was written is still there"
    await reader.press("announce", starts="2090-01-01T10:00")
    assert (reader.status, "Moonrise &amp; noodles" in reader.page) == (200, True)
    assert 'value="announce"' not in reader.page
    await reader.press("save", minutes="45")
    assert ("minutes", "45") in reader.fields
    page = reader.path
    await reader.open(page, [("do", "withdraw")])
    assert 'value="announce"' in reader.page
    await reader.open(page, [("do", "delete")])
    assert (reader.path, "Moonrise" in reader.page) == ("/make", False)
    await reader.open(page)
    assert reader.status == 404


async def test_what_somebody_else_saved_is_told_and_saving_once_more_counts(reader: Reader) -> None:
    await reader.open("/make/daegu")
    stale = reader.fields
    await reader.press("save", title_en="Theirs")
    await reader.open(
        reader.path, [*((name, value) for name, value in stale if name != "title-en"), ("title-en", "Mine")]
    )
    assert (reader.status, reader.told().startswith("Somebody else has changed")) == (409, True)
    assert ("title-en", "Mine") in reader.fields
    await reader.press("save")
    assert reader.status == 200
    await reader.open("/make/daegu")
    assert ("title-en", "Mine") in reader.fields


async def test_an_announcement_is_taken_back_also_from_an_open_room_until_that_is_live(
    worker: Worker, reader: Reader
) -> None:
    room = await worker.app[OWNER].own(RoomId("jeonnam"))
    assert isinstance(room, Room)
    assert room.state.phase == "waiting"
    await reader.open("/make/jeonnam", [("do", "withdraw")])
    assert (reader.status, 'value="announce"' in reader.page, room.state.phase) == (200, True, "draft")
    await reader.press("announce")
    assert room.state.phase == "waiting"

    crew = Actor(
        room=RoomId("jeonnam"),
        participant=ParticipantId("mai"),
        name="Mai",
        can=frozenset({"run"}),
        expires_at_ms=1 << 62,
    )
    await room.submit(crew, GoLive())
    await reader.open("/make/jeonnam", [("do", "withdraw")])
    assert (reader.status, room.state.phase) == (409, "live")
    await reader.open("/make/jeonnam", [("do", "copy")])
    assert (reader.path != "/make/jeonnam", 'value="announce"' in reader.page) == (True, True)


async def test_a_room_that_is_open_hears_of_the_announcement_and_of_every_change(
    worker: Worker, reader: Reader
) -> None:
    await reader.open("/make", [("delegation", "bac-giang")])
    room = await worker.app[OWNER].own(RoomId(reader.path.rpartition("/")[2]))
    assert isinstance(room, Room)
    assert room.state.phase == "draft"
    first, second = reader.companies
    await reader.press("announce")
    assert room.state.phase == "waiting"
    before: dict[str, str] = {segment.exhibitor: segment.id for segment in room.state.segments}
    await reader.press(f"up:{second}")
    assert [segment.exhibitor for segment in room.state.segments] == [second, first]
    await reader.press(f"remove:{first}")
    assert [(segment.exhibitor, segment.id) for segment in room.state.segments] == [(second, before[second])]


async def test_a_long_name_with_markup_breaks_nothing_and_strange_fields_are_refused(
    worker: Worker, reader: Reader
) -> None:
    name = "<script>alert(1)</script>" + "가" * 90
    async with worker.app[DATABASE].write() as db:
        for exhibitor in ("dalgu-precision", "palgong-textile"):
            (await db.get_one(Exhibitor, exhibitor)).name = {"ko": name}
    await reader.open("/make/daegu")
    assert "<script>alert" not in reader.page
    for strange in ([("hat", "1")], [("length", "5")], [("do", "fly")], [("minutes", "1e9")], [("version", "x")]):
        await reader.open("/make/daegu", [*reader.fields, *strange])
        assert reader.status == 422, strange
        await reader.open("/make/daegu")
    await reader.open("/make/daegu?delegation=nowhere")
    assert reader.status == 404
