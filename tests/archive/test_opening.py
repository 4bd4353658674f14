"""What a server does by itself with its recordings, on both databases."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from sqlalchemy import select

from expo.archive.keys import KEEPING
from expo.archive.opening import archive
from expo.archive.tables import Deletion, Recording
from expo.clock import unix_ms, utc_now
from expo.demo.seed import seed
from expo.edge.keys import DATABASE
from expo.media.recording.repair import verify
from expo.showcases.archived import ArchivedShows
from expo.showcases.tables import Showcase
from expo.store.db import Database
from tests.support.recordings import Shot, write_recording

OVER, EMPTY, KEPT = "daegu-textiles", "chungbuk", "daegu"


@pytest.mark.parametrize("sweeps", [True, False])
async def test_one_worker_deletes_by_itself_what_is_over(database: Database, tmp_path: Path, sweeps: bool) -> None:
    ended = utc_now() - timedelta(days=30)
    await seed(database, utc_now())
    async with database.write() as db:
        for room, days in ((OVER, 29), (EMPTY, 29), (KEPT, 31)):
            show = await db.get_one(Showcase, room)
            show.state, show.went_live_at, show.ended_at = "ended", ended - timedelta(hours=1), ended
            db.add(Recording(id=room, agency_id=show.agency_id, begun_at=ended, keep_days=days))
    for room in (OVER, KEPT):
        write_recording(tmp_path / room, [Shot(0, 2)], epoch_ms=unix_ms(ended), recording=room, closed=False)
        (tmp_path / ".films" / room).mkdir(parents=True)
        (tmp_path / ".films" / room / "a.part").write_bytes(b"half a film")
    app = web.Application()
    app[DATABASE] = database
    async with archive(app, ArchivedShows(database), tmp_path, sweeps=sweeps):
        if sweeps:
            async with asyncio.timeout(20):
                while True:
                    if not (tmp_path / OVER).exists():
                        break
                    await asyncio.sleep(0.02)  # files tell nobody that they have gone
        await app[KEEPING].close()
    assert bool(verify(tmp_path / KEPT)) is not sweeps  # its server was killed; the next start mends it
    left = [room for room in (OVER, KEPT) if (tmp_path / room).exists()]
    assert left == ([KEPT] if sweeps else [OVER, KEPT])
    assert sorted(path.name for path in (tmp_path / ".films").iterdir()) == ([KEPT] if sweeps else [KEPT, OVER])
    async with database.read() as db:
        told = [(one.recording_id, one.cause, one.person_id, one.files) for one in await db.scalars(select(Deletion))]
        empty = await db.get_one(Recording, EMPTY)
    assert told == ([(OVER, "retention", None, 3)] if sweeps else [])
    assert empty.deleted_at is None  # of it nothing was ever kept
