"""Keeps a room's live state and its media in step, in the worker that has both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from weakref import WeakKeyDictionary

from expo.errors import ExpoError
from expo.ids import ParticipantId, RoomId
from expo.kit.logging import get_logger
from expo.kit.tasks import Nursery
from expo.rooms.commands import Actor, CountAudience, GoLive, ReportMedia, ReportShown
from expo.rooms.events import CrowdEvent, Ended, Entry, SeatRemoved, SeatTaken, WaitingRoomClosed
from expo.rooms.host import RoomHost
from expo.rooms.machine import require_welcome
from expo.rooms.model import Picture, State
from expo.rooms.recording import Recordings
from expo.rooms.room import Room
from expo.rooms.room_owner import RoomOwner
from expo.rooms.room_sharer import moved

COUNT_EVERY_S = 1.0
"""Viewers come and go without a name; the room hears their number this often."""

log = get_logger(__name__)


class Backstage:
    """The `Director` of the host. `open` starts counting, `close` ends it. `attend` every room that is taken over."""

    def __init__(
        self,
        owner: RoomOwner,
        host: RoomHost,
        recordings: Recordings,
        seat_of: Callable[[ParticipantId], ParticipantId],
    ) -> None:
        """`seat_of` knows whose encoder a publishing participant is."""
        self._owner = owner
        self._host = host
        self._recordings = recordings
        self._seat_of = seat_of
        self._attended: WeakKeyDictionary[Room, bool] = WeakKeyDictionary()
        self._told: WeakKeyDictionary[Room, Picture | None] = WeakKeyDictionary()
        self._nursery = Nursery("backstage")
        host.director = self

    def open(self) -> None:
        self._nursery.keep("count", self._count)

    async def close(self) -> None:
        """Idempotent."""
        await self._nursery.close()

    def attend(self, room: Room) -> None:
        """Have the media follow this room. Harmless to repeat."""
        if room not in self._attended:
            self._attended[room] = True
            room.listen(lambda _before, entry: self._hear(room, entry))
            if room.state.phase == "ended":
                self._host.end(room.lease.room)
            for seat in (*room.state.seats, *room.state.removed):
                self._report(room, seat)
            self._direct(room)
            self._recordings.attend(room)
            if self._host.live_state(room.lease.room).on_air:
                self.went_live(room.lease.room)

    def seat_of(self, participant: ParticipantId) -> ParticipantId:
        return self._seat_of(participant)

    def require_here(self, room: RoomId) -> None:
        if self._owner.room(room) is None:
            raise moved()

    def require_welcome(self, room: RoomId, seat: ParticipantId) -> None:
        found = self._owner.room(room)
        if found is not None:
            require_welcome(found.state, seat)

    def directed(self, room: RoomId) -> None:
        self._recordings.directed(room)

    def state(self, room: RoomId) -> State | None:
        found = self._owner.room(room)
        return found.state if found else None

    def media_changed(self, room: RoomId, seat: ParticipantId) -> None:
        found = self._owner.room(room)
        if found is not None:
            self._report(found, seat)
            self._report_shown(found)

    def _hear(self, room: Room, entry: Entry) -> None:
        match entry.event:
            case Ended():
                self._host.end(room.lease.room)
            case WaitingRoomClosed():
                self._host.shut(room.lease.room, "withdrawn")
            case SeatTaken(seat) | SeatRemoved(seat):
                self._report(room, seat)
            case _:
                pass
        if not isinstance(entry.event, CrowdEvent):
            self._direct(room)

    def _direct(self, room: Room) -> None:
        self._host.direct(room.lease.room)
        self._report_shown(room)

    def _report(self, room: Room, seat: ParticipantId) -> None:
        """Tell the room what this seat publishes, and have nothing of it where the room has removed it."""
        name, state = room.lease.room, room.state
        if seat in state.removed:
            self._host.dismiss(name, seat)
        elif seat in state.seats:
            sources = {each.source for each in self._host.published(name) if each.seat == seat}
            room.post(ReportMedia(seat=seat, camera="camera" in sources, screen="screen" in sources))

    def _report_shown(self, room: Room) -> None:
        shown = self._host.shown(room.lease.room)
        if shown is not None and shown.seat not in room.state.seats:
            shown = None
        if shown != room.state.shown or shown != self._told.get(room):
            self._told[room] = shown
            room.post(ReportShown(picture=shown))

    def went_live(self, room: RoomId) -> None:
        """Rows have gone live with an encoder: so does the room, if somebody looks at it."""
        found = self._owner.room(room)
        if found is not None and found.state.phase == "waiting":
            self._nursery.start("go_live", self._go_live(found))

    async def _go_live(self, room: Room) -> None:
        try:
            await room.submit(_self(room.state), GoLive())
        except ExpoError as error:
            log.info("the room did not follow its encoder", room=room.lease.room, error=error.code)

    async def _count(self) -> None:
        while True:
            await asyncio.sleep(COUNT_EVERY_S)
            for room in self._owner.rooms:
                viewers = self._host.live_state(room.lease.room).viewers
                if viewers != room.state.viewers:
                    room.post(CountAudience(viewers=viewers))


def _self(state: State) -> Actor:
    """The server itself, where it does what an organiser would."""
    return Actor(
        room=state.room,
        participant=ParticipantId("server"),
        name="",
        can=frozenset({"run"}),
        expires_at_ms=1 << 62,
    )
