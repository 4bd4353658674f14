"""Whose seats are kept by a connection: every worker says whom it sees, and a room's owner tells the room.

While Valkey is away nobody has gone, and a room that was just taken over gives everybody time to be seen again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from weakref import WeakKeyDictionary

from expo.cluster.presence import Presence
from expo.errors import Unavailable
from expo.ids import ParticipantId, RoomId
from expo.kit.logging import get_logger
from expo.kit.tasks import Nursery
from expo.rooms.commands import ReportPresence
from expo.rooms.model import PRESENCE_MS, State
from expo.rooms.room import Room

EVERY_S = 1.0

log = get_logger(__name__)


class Attendance:
    """`open` starts it, `close` ends it."""

    def __init__(
        self,
        presence: Presence,
        sitting: Callable[[], Mapping[RoomId, frozenset[ParticipantId]]],
        owned: Callable[[], Iterable[Room]],
        *,
        patience_s: float = PRESENCE_MS / 1000,
    ) -> None:
        """`sitting` is who holds a seat by a socket of this worker, `owned` the rooms to tell."""
        self._presence = presence
        self._sitting = sitting
        self._owned = owned
        self._patience_s = patience_s
        self._seen_s: WeakKeyDictionary[Room, dict[ParticipantId, float]] = WeakKeyDictionary()
        """When each seat's person was seen, by the loop's clock, or was missed for the first time."""
        self._nursery = Nursery("attendance")

    def open(self) -> None:
        self._nursery.keep("roll_call", self._run)

    async def close(self) -> None:
        """Idempotent."""
        await self._nursery.close()

    async def _run(self) -> None:
        while True:
            try:
                await self.roll_call()
            except Unavailable as error:
                log.debug("nobody is known to come or go", error=error.code)
            await asyncio.sleep(EVERY_S)

    async def roll_call(self) -> None:
        """Say who is here and tell the rooms who is anywhere. Raises `Unavailable("cluster.away")`."""
        try:
            await self._presence.tell(self._sitting())
            rooms = [room for room in self._owned() if room.state.seats and room.state.phase != "ended"]
            seen = await self._presence.seen() if rooms else {}
        except Unavailable:
            self._seen_s.clear()
            raise
        for room in rooms:
            here = self._here(room, seen.get(room.lease.room, frozenset()))
            if _news(room.state, here):
                room.post(ReportPresence(here=here))

    def _here(self, room: Room, present: frozenset[str]) -> frozenset[ParticipantId]:
        """Who is present, or has been missed for a moment only."""
        now_s = asyncio.get_running_loop().time()
        before = self._seen_s.get(room, {})
        seats = room.state.seats
        seen_s = {seat: now_s if seat in present else before.get(seat, now_s) for seat in seats}
        self._seen_s[room] = seen_s
        return frozenset(
            seat
            for seat, found in seats.items()
            if seat in present or (found.here and now_s - seen_s[seat] < self._patience_s)
        )


def _news(state: State, here: frozenset[ParticipantId]) -> bool:
    """Whether the report may change anything: most rooms are as they were."""
    return any((name in here) != seat.here or (seat.ready and not seat.here) for name, seat in state.seats.items())
