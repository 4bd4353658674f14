"""What a room's live state says about its media; `backstage` knows it where a room is open."""

from __future__ import annotations

from typing import Protocol

from expo.ids import ParticipantId, RoomId
from expo.rooms.model import State


class Director(Protocol):
    """Asked and told by the media host of the same worker."""

    def seat_of(self, participant: ParticipantId) -> ParticipantId:
        """Whose seat this is: an encoder sits on its person's."""
        ...

    def require_here(self, room: RoomId) -> None:
        """Unavailable rooms.moved where another worker has the room by now; asked before somebody joins."""
        ...

    def require_welcome(self, room: RoomId, seat: ParticipantId) -> None:
        """Raise what keeps this seat from publishing."""
        ...

    def state(self, room: RoomId) -> State | None:
        """The room as it is now; None where it is not open in this worker."""
        ...

    def media_changed(self, room: RoomId, seat: ParticipantId) -> None:
        """This seat begins or ceases to publish; what the stage shows may have changed with it."""
        ...

    def directed(self, room: RoomId) -> None:
        """Who is shown, or who may be heard, may have changed. Called before the next packet."""
        ...

    def went_live(self, room: RoomId) -> None:
        """The rows have taken that the room is published."""
        ...


class Undirected:
    """Nobody has opened a room: whoever publishes has it to themselves."""

    def seat_of(self, participant: ParticipantId) -> ParticipantId:
        return participant

    def require_here(self, room: RoomId) -> None:
        pass

    def require_welcome(self, room: RoomId, seat: ParticipantId) -> None:
        pass

    def state(self, room: RoomId) -> State | None:
        return None

    def media_changed(self, room: RoomId, seat: ParticipantId) -> None:
        pass

    def directed(self, room: RoomId) -> None:
        pass

    def went_live(self, room: RoomId) -> None:
        pass
