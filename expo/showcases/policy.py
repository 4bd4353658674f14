"""Showcases as the room kernel sees them: what a room opens with, and what a published picture means for its row."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import datetime

from expo.clock import utc_now
from expo.errors import Conflict, NotFound
from expo.ids import RoomId, ShowcaseId
from expo.rooms.policy import Opening
from expo.showcases import queries, service
from expo.showcases.rules import GoLive
from expo.showcases.tables import Showcase
from expo.store.db import Database


class ShowcaseRooms:
    """`rooms.policy.RoomPolicy` over showcase rows; a room's id is its showcase's id."""

    def __init__(self, database: Database, now: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._now = now

    async def opening(self, room: RoomId) -> Opening:
        """The room as its row has it now. Raises NotFound `showcase.not_found`."""
        row = await self._row(room)
        return Opening(
            room=room,
            state=service.state_of(row),
            open_to_all=row.open_to_all,
            auto_live=row.auto_live,
            max_bps=row.max_bps,
        )

    async def published(self, room: RoomId) -> None:
        """A scheduled showcase goes live; any other stays as it is. Who may do that was decided at admission.

        Where its room goes live too, before or after, the room's time is the one that stays (`projector`).
        """
        # Asked first without the write lock: an encoder that reconnects to a live show needs no disk and no waiting.
        if service.state_of(await self._row(room)) == "scheduled":
            with contextlib.suppress(Conflict):  # somebody ended it in between
                async with self._database.write() as db:
                    await service.change(db, ShowcaseId(room), GoLive(), self._now())

    async def unpublished(self, room: RoomId) -> None:
        """Nothing in the rows: a lost encoder never ends a show; a person does."""

    async def _row(self, room: RoomId) -> Showcase:
        async with self._database.read() as db:
            row = await queries.showcase(db, room)
        if row is None:
            raise NotFound("showcase.not_found", f"no showcase {room!r}")
        return row
