"""What the demonstration's presenters have agreed to, so that its live show can be seen again from the first minute."""

from __future__ import annotations

import asyncio
import shutil
from datetime import datetime, timedelta
from pathlib import Path

from expo.archive import queries, service
from expo.archive.service import Wish
from expo.archive.tables import Recording
from expo.demo.seed import Seeded
from expo.errors import NotFound
from expo.ids import RoomId
from expo.media.recording.layout import recording_folder
from expo.showcases.archived import ArchivedShows
from expo.store.db import Database

AGREED_FOR = timedelta(minutes=30)
"""A demonstration that is left alone overnight must not fill a disk: half an hour is some 350 MB."""


async def forget_recording(root: Path, seeded: Seeded) -> None:
    """Remove what an earlier demonstration recorded of its live show: this one's begins anew."""
    await asyncio.to_thread(shutil.rmtree, recording_folder(root, seeded.live), ignore_errors=True)


async def agree(database: Database, seeded: Seeded, now: datetime) -> None:
    """Everybody who presents in the live show agrees to be recorded and shown to all for a while from now on."""
    room = RoomId(seeded.live)
    show = await ArchivedShows(database).programme(room)
    if show is None:
        raise NotFound("showcase.not_found", f"no showcase {room!r}")
    company = {part.exhibitor_id for part in show.parts if part.started_at and not part.ended_at}
    async with database.write() as db:
        if await queries.recording(db, room) is None:
            db.add(Recording(id=room, agency_id=show.agency_id, begun_at=now, visibility="everyone"))
        for person in seeded.people:
            if person.role == "exhibitor" and person.showcase_id == seeded.live:
                wish = Wish(record=True, publish="everyone", ends_at=now + AGREED_FOR)
                await service.decide(db, show, person.id, next(iter(company), None), wish, now)
