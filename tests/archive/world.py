"""A show of the demonstration as if it had been recorded: three companies, ten seconds each, a colour each."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta

import aiohttp
from sqlalchemy import delete, select

from expo.accounts.tables import Person
from expo.archive.keys import FILMS, LIBRARY
from expo.archive.tables import ChapterEdit, Consent, Deletion, Recording, Watched
from expo.clock import unix_ms, utc_now
from expo.edge.keys import DATABASE
from expo.ids import RoomId
from expo.showcases.tables import ProductPin, Segment, Showcase
from tests.support.recordings import BLUE, GREEN, RED, SMALL, Shot, write_recording
from tests.support.worker import Worker

ROOM = RoomId("chungbuk")
FIRST, SECOND, THIRD = "chungbuk-1", "chungbuk-2", "chungbuk-3"
COMPANIES = {"sandeul-foods": "kim", "danyang-garlic": "lee", "gyeol-cosmetics": "demo-exhibitor"}
PART_S = 10


async def record(
    worker: Worker, *, state: str = "ended", visibility: str = "everyone", last: tuple[int, int] = SMALL
) -> datetime:
    """All of it anew, an hour ago (now, if it is live); everybody has agreed to everything. When it began.

    `last` is the size of the last company's pictures.
    """
    began = utc_now() - timedelta(hours=0 if state == "live" else 1, seconds=3 * PART_S)
    tenant = {"agency_id": "hanbit"}
    async with worker.app[DATABASE].write() as db:
        for table in (Watched, Deletion, ChapterEdit, Consent):
            await db.execute(delete(table))
        await db.execute(delete(Recording))
        await db.execute(delete(ProductPin))
        show = await db.get_one(Showcase, ROOM)
        ended_at = began + timedelta(seconds=3 * PART_S)
        show.state, show.went_live_at, show.ended_at = state, began, None if state == "live" else ended_at
        for segment in await db.scalars(select(Segment).where(Segment.showcase_id == ROOM)):
            at = began + timedelta(seconds=(segment.position - 1) * PART_S)
            is_over = segment.position < 3 or (segment.position == 3 and state != "live")
            segment.started_at = at if segment.position <= 3 else None
            segment.ended_at = at + timedelta(seconds=PART_S) if is_over else None
        for company, person in COMPANIES.items():
            if await db.get(Person, person) is None:
                named = {"expo_id": "ket-noi-han-viet", "exhibitor_id": company, "role": "exhibitor"}
                db.add(Person(id=person, name=person, language="ko", **named, **tenant))
        db.add(Recording(id=ROOM, begun_at=began, visibility=visibility, **tenant))
        pinned = {"pinned_from": began + timedelta(seconds=23), "pinned_until": began + timedelta(seconds=27)}
        db.add(ProductPin(showcase_id=ROOM, revision=1, product_id="camellia-serum", **pinned, **tenant))
        await db.flush()
        for company, person in COMPANIES.items():
            said = {"record": True, "publish": "everyone", "decided_at": began, "number": 1}
            db.add(Consent(showcase_id=ROOM, person_id=person, exhibitor_id=company, **said, **tenant))
    folder = worker.settings.recordings_dir / ROOM
    shots = [Shot(0, PART_S, RED), Shot(PART_S, PART_S, GREEN), Shot(2 * PART_S, PART_S, BLUE, last)]
    write_recording(folder, shots, epoch_ms=unix_ms(began), recording=ROOM, closed=state != "live")
    worker.app[LIBRARY].forget(ROOM)
    await worker.app[FILMS].drop(ROOM)
    return began


@contextlib.asynccontextmanager
async def browsing(worker: Worker, person: str | None, language: str = "en") -> AsyncGenerator[aiohttp.ClientSession]:
    """A browser that came by the person's link, or a stranger's."""
    headers = {"Accept-Language": language, "Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(worker.url, cookie_jar=jar, headers=headers) as http:
        if person is not None:
            found = next(one for one in worker.seeded.people if one.id == person)
            await http.get(worker.link(found), allow_redirects=False)
            http.cookie_jar.clear(lambda cookie: cookie.key == "expo_lang")
        yield http
