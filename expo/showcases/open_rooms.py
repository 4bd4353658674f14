"""Rooms that are open while their rows are changed: how they hear of it, close again, and go with their rows."""

from __future__ import annotations

from expo.cluster.eventlog import EventLog
from expo.cluster.redis import Valkey
from expo.errors import Conflict, ExpoError
from expo.ids import ParticipantId, RoomId, new_row_id
from expo.kit.logging import get_logger
from expo.rooms.commands import Actor, CloseWaitingRoom, OpenWaitingRoom, PassedRequest, SetProgramme
from expo.rooms.gateway import RoomGateway
from expo.rooms.model import State
from expo.rooms.room_owner import RoomOpening, restored

_TOO_LATE = {"rooms.already_live": "showcase.already_live", "rooms.ended": "showcase.already_ended"}

log = get_logger(__name__)


class OpenRooms:
    """What the makers of showcases need of rooms, wherever those are; a room that nobody has opened is left alone."""

    def __init__(self, valkey: Valkey, gateway: RoomGateway, rows: RoomOpening) -> None:
        self._log = EventLog(valkey)
        self._gateway = gateway
        self._rows = rows

    async def exists(self, room: RoomId) -> bool:
        """Whether anybody has opened the room. Unavailable `cluster.away`."""
        return bool((await self._log.load(room)).state)

    async def withdrawn(self, room: RoomId) -> None:
        """Close the waiting room: whoever is in it sees a draft. Do this before the rows say so.

        Conflict `showcase.already_live`, `.already_ended`; Unavailable `cluster.away`, `rooms.*`.
        """
        state = await self._state(room)
        if state is None or state.phase == "draft":
            return
        try:
            await self._do(room, CloseWaitingRoom())
        except ExpoError as error:
            if error.code not in _TOO_LATE:
                raise
            raise Conflict(_TOO_LATE[error.code], error.detail) from error

    async def removed(self, room: RoomId) -> None:
        """Leave nothing of a room whose rows are gone; where that cannot be now, `expo rooms` lists it still."""
        try:
            await self._gateway.remove(room)
        except ExpoError as error:
            log.warning("a room outlives its showcase", room=room, error=error.code)

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

    async def _do(self, room: RoomId, command: OpenWaitingRoom | CloseWaitingRoom | SetProgramme) -> None:
        maker = Actor(
            room=room,
            participant=ParticipantId("server"),
            name="",
            can=frozenset({"run", "kernel"}),
            expires_at_ms=1 << 62,
        )
        await self._gateway.submit(room, maker, PassedRequest(id=new_row_id(), command=command))
