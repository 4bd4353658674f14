"""Recordings as the room kernel sees them: whom it may keep now, and that it has begun."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.exc import IntegrityError

from expo.accounts.rules import participants_of
from expo.archive import queries, rules, service
from expo.archive.programme import Programmes
from expo.archive.tables import Recording
from expo.clock import utc_now
from expo.errors import NotFound
from expo.ids import ParticipantId, RoomId
from expo.store.db import Database


class ArchivePolicy:
    """Consents and beginnings; a room's id is its recording's id."""

    def __init__(
        self,
        database: Database,
        programmes: Programmes,
        now: Callable[[], datetime] = utc_now,
        *,
        on_ended: Callable[[RoomId], None] = lambda _: None,
    ) -> None:
        self._database = database
        self._programmes = programmes
        self._now = now
        self._on_ended = on_ended

    async def consents(self, room: RoomId) -> frozenset[ParticipantId]:
        """Who lets themselves be recorded now, each with their encoder. Unavailable `store.*`."""
        async with self._database.read() as db:
            decisions = service.decisions_of(await queries.consents(db, room))
        allowed = rules.recordable(decisions, self._now())
        return frozenset(participant for person in allowed for participant in participants_of(person))

    async def begun(self, room: RoomId) -> None:
        """A room has something kept, or it is decided what becomes of that; harmless to repeat.

        NotFound `showcase.not_found`; Unavailable `store.*`.
        """
        async with self._database.read() as db:
            if await queries.recording(db, room) is not None:
                return
        show = await self._programmes.programme(room)
        if show is None:
            raise NotFound("showcase.not_found", f"no showcase {room!r}")
        try:
            async with self._database.write() as db:
                if await queries.recording(db, room) is None:
                    db.add(Recording(id=room, agency_id=show.agency_id, begun_at=self._now()))
        except IntegrityError:  # another worker was quicker
            return

    def ended(self, room: RoomId) -> None:
        """All that was kept of a room's show is written."""
        self._on_ended(room)
