"""What features tell the kernel about a room, and what it tells them back; `expo.app` wires the two."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from expo.ids import ParticipantId, RoomId

RoomState = Literal["draft", "scheduled", "live", "ended"]

MAX_BPS = 2_500_000
"""What a publisher may send unless the feature says otherwise: 720p that a phone on 4G still takes."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A room as its rows have it. `open_to_all`: watching needs no token; `auto_live`: a publisher puts it on air."""

    room: RoomId
    state: RoomState
    open_to_all: bool
    auto_live: bool
    max_bps: int = MAX_BPS


class RoomPolicy(Protocol):
    """Implemented by the feature whose rows rooms are (showcases, meetings)."""

    async def opening(self, room: RoomId) -> Opening:
        """The room's present rows; NotFound when there is none, Unavailable when the store is away."""
        ...

    async def published(self, room: RoomId) -> None:
        """A publisher has been admitted: go live if that is wanted. Repeating it must be harmless."""
        ...

    async def unpublished(self, room: RoomId) -> None:
        """The publisher has gone. Repeating it must be harmless."""
        ...


class Permit(Protocol):
    """What a verified token says (`accounts.RoomGrant`). `can` holds of "publish", "backstage", "start", "takeover",
    "watch", "preview"."""

    @property
    def room(self) -> RoomId: ...

    @property
    def participant(self) -> ParticipantId: ...

    @property
    def name(self) -> str: ...

    @property
    def can(self) -> frozenset[str]: ...

    @property
    def expires_at(self) -> datetime: ...


class Verify(Protocol):
    """How a bearer token becomes a permit; raises Unauthenticated `token.*` and Forbidden `token.wrong_room`."""

    def __call__(self, token: str | None, now: datetime, *, room: RoomId | None = None) -> Permit: ...
