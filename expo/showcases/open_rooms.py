"""Rooms that are open while their rows are changed: whether people may wait in one, and how it hears of the change."""

from __future__ import annotations

from expo.cluster.eventlog import EventLog
from expo.cluster.redis import Valkey
from expo.errors import ExpoError
from expo.ids import ParticipantId, RoomId, new_row_id
from expo.kit.logging import get_logger
from expo.rooms.commands import Actor, OpenWaitingRoom, PassedRequest, SetProgramme
from expo.rooms.gateway import RoomGateway
from expo.rooms.model import State
from expo.rooms.room_owner import RoomOpening, restored

log = get_logger(__name__)


class OpenRooms:
    """What the makers of showcases need of rooms, wherever those are; a room that nobody has opened is left alone."""

    def __init__(self, valkey: Valkey, gateway: RoomGateway, rows: RoomOpening) -> None:
        self._log = EventLog(valkey)
        self._gateway = gateway
        self._rows = rows

    async def waiting(self, room: RoomId) -> bool:
        """Whether the waiting room has been opened. Unavailable `cluster.away`, `rooms.log_unreadable`."""
        state = await self._state(room)
        return state is not None and state.phase != "draft"

    async def changed(self, room: RoomId) -> bool:
        """Bring the rows as they are now to the room; False when it cannot be reached, which the next change mends."""
        try:
            state = await self._state(room)
            if state is None:
                return True
            programme = await self._rows.opening_state(room)
            if state.phase == "draft" and programme.phase == "waiting":
                await self._do(room, OpenWaitingRoom())
            await self._do(room, SetProgramme(segments=programme.segments))
        except ExpoError as error:
            log.warning("a room has not heard of its new programme", room=room, error=error.code)
            return False
        return True

    async def _state(self, room: RoomId) -> State | None:
        return restored(await self._log.load(room))

    async def _do(self, room: RoomId, command: OpenWaitingRoom | SetProgramme) -> None:
        maker = Actor(
            room=room,
            participant=ParticipantId("server"),
            name="",
            can=frozenset({"run", "kernel"}),
            expires_at_ms=1 << 62,
        )
        await self._gateway.submit(room, maker, PassedRequest(id=new_row_id(), command=command))
