"""One live room in memory: its Router, who publishes, who is about to take over, who watches."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Literal

from expo.clock import monotonic_us
from expo.ids import ParticipantId, ResourceId, RoomId
from expo.media.publication import Publication
from expo.media.router import Router
from expo.media.subscriber import Downlink
from expo.rooms.rules import Incumbent

HANDOVER_S = 5.0
"""How long the old picture may stand in for a new publisher's: an encoder that ignores requests sends a key frame every
2 to 4 s."""
ON_AIR_US = 3_000_000
"""Without a packet for this long nobody would call it on the air."""


@dataclass(frozen=True, slots=True)
class LiveState:
    """What pages show of a room. `key_frame_interval_ms` is None unless the encoder answers no key-frame requests."""

    on_air: bool = False
    viewers: int = 0
    key_frame_interval_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Publisher:
    """A WHIP resource."""

    id: ResourceId
    room: RoomId
    participant: ParticipantId
    media: Publication
    kind: Literal["whip"] = "whip"

    def as_incumbent(self) -> Incumbent:
        return Incumbent(self.participant, self.media.last_heard_us)


@dataclass(frozen=True, slots=True)
class Viewer:
    """A WHEP resource; `participant` is None for one who needed no token."""

    id: ResourceId
    room: RoomId
    participant: ParticipantId | None
    media: Downlink
    kind: Literal["whep"] = "whep"


@dataclass(slots=True)
class LiveRoom:
    """`publisher` is on the Feeds; `newcomer` takes over when its media arrives, so that a failed one costs nothing."""

    router: Router
    publisher: Publisher | None = None
    newcomer: Publisher | None = None
    viewers: set[ResourceId] = field(default_factory=set[ResourceId])
    muted: set[ParticipantId] = field(default_factory=set[ParticipantId])
    """Nobody hears these, whatever they send."""
    joining: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a publisher is admitted, so that two cannot both find the room free."""

    @property
    def idle(self) -> bool:
        return not (self.publisher or self.newcomer or self.viewers or self.joining)

    @property
    def holder(self) -> Publisher | None:
        """Whom a further publisher has to replace."""
        return self.newcomer or self.publisher

    def enter(self, publisher: Publisher) -> None:
        """Put an admitted publisher on the Feeds, or in waiting while another is on them."""
        if self.newcomer is not None:
            self.newcomer.media.close("taken_over")
        if self.publisher is None:
            self._show(publisher)
        else:
            self.newcomer = publisher

    def leave(self, resource: ResourceId) -> bool:
        """Forget a publisher that has closed; True when nobody is left to publish."""
        if self.newcomer is not None and self.newcomer.id == resource:
            self.newcomer = None
        elif self.publisher is not None and self.publisher.id == resource:
            self.publisher = None
            if self.newcomer is not None:
                self._show(self.newcomer)
        return self.publisher is None

    async def hand_over(self, publisher: Publisher) -> None:
        """If it is in waiting, put this publisher on the Feeds; the old one leaves when its picture is replaced."""
        if self.newcomer is not publisher:
            return
        old = self.publisher
        self._show(publisher)
        if old is None:
            return
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HANDOVER_S):
                    await old.media.off_air.wait()
        finally:
            old.media.close("taken_over")

    def mute(self, participant: ParticipantId, *, muted: bool) -> None:
        """Take a publisher's sound off the floor, or put it back; at once, and for whatever else they publish here."""
        if muted == (participant in self.muted):
            return
        self.muted ^= {participant}
        if self.publisher is not None and self.publisher.participant == participant:
            self.router.point(self.publisher.media, sound=not muted)

    def state(self) -> LiveState:
        publication = self.publisher.media if self.publisher else None
        if publication is None:
            return LiveState(viewers=len(self.viewers))
        newest_us = max((track.last_arrival_us for track in publication.tracks), default=0)
        return LiveState(
            on_air=newest_us > 0 and monotonic_us() - newest_us < ON_AIR_US,
            viewers=len(self.viewers),
            key_frame_interval_ms=publication.stats().key_frame_interval_ms,
        )

    def _show(self, publisher: Publisher) -> None:
        self.publisher, self.newcomer = publisher, None
        self.router.point(publisher.media, sound=publisher.participant not in self.muted)
