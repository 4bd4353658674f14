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
        every_s: float = EVERY_S,
        ttl_ms: int = PRESENCE_MS,
    ) -> None:
        """`sitting` is who holds a seat by a socket of this worker, `owned` the rooms to tell."""
        self._presence = presence
        self._sitting = sitting
        self._owned = owned
        self._every_s = every_s
        self._ttl_ms = ttl_ms
        self._sure_s: WeakKeyDictionary[Room, float] = WeakKeyDictionary()
        """From when on, by the loop's clock, everybody who is there has had time to be seen."""
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
            await asyncio.sleep(self._every_s)

    async def roll_call(self) -> None:
        """Say who is here and tell the rooms who is anywhere. Raises `Unavailable("cluster.away")`."""
        rooms = {room.lease.room: room for room in self._owned() if room.state.seats and room.state.phase != "ended"}
        try:
            seen = await self._presence.meet(self._sitting(), rooms.keys(), ttl_ms=self._ttl_ms)
        except Unavailable:
            self._sure_s.clear()
            raise
        for name, room in rooms.items():
            here = frozenset(ParticipantId(person) for person in seen[name])
            if not self.sure(room):
                here |= {seat for seat, found in room.state.seats.items() if found.here}
            if _news(room.state, here):
                room.post(ReportPresence(here=here))

    def sure(self, room: Room) -> bool:
        """Whether everybody in the room has had the time to be seen since Valkey was last asked in vain."""
        now_s = asyncio.get_running_loop().time()
        return now_s >= self._sure_s.setdefault(room, now_s + self._ttl_ms / 1000)


def _news(state: State, here: frozenset[ParticipantId]) -> bool:
    """Whether the report may change anything: most rooms are as they were."""
    return any((name in here) != seat.here or (seat.ready and not seat.here) for name, seat in state.seats.items())
