"""One live room in memory: its Router, who publishes what, what of it viewers see and hear, who watches."""

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
from expo.rooms.model import Picture, Source, State
from expo.rooms.previews import Previews
from expo.rooms.stage import NOBODY, SILENCE, Choice, Floor, Published, choose, follow, spared

HANDOVER_S = 5.0
"""How long the old picture may stand in for a new publisher's: an encoder that ignores requests sends a key frame every
2 to 4 s."""
ON_AIR_US = 3_000_000
"""Without a packet for this long nobody would call it on the air."""
SOUND_ALONE_US = 3_000_000
"""Who has sent no picture for so long after their first packet has none."""

BACKSTAGE_BPS = 400_000
"""What a camera is asked for that nobody sees but the crew, small: 3 MB a minute of a phone's plan."""


@dataclass(frozen=True, slots=True)
class LiveState:
    """What pages show of a room. `key_frame_interval_ms` is None unless the encoder answers no key-frame requests."""

    on_air: bool = False
    viewers: int = 0
    key_frame_interval_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Publisher:
    """A WHIP resource: one source of one participant. `waits`: see `stage.Published`."""

    id: ResourceId
    room: RoomId
    participant: ParticipantId
    seat: ParticipantId
    source: Source
    waits: bool
    media: Publication
    kind: Literal["whip"] = "whip"


@dataclass(frozen=True, slots=True)
class Viewer:
    """A WHEP resource; `participant` is None for one who needed no token, `of` for one who watches the stage."""

    id: ResourceId
    room: RoomId
    participant: ParticipantId | None
    of: str | None
    media: Downlink
    kind: Literal["whep"] = "whep"


@dataclass(slots=True)
class LiveRoom:
    """A publisher counts for the stage from its first packet on, so that one that never connects costs nothing."""

    router: Router
    previews: Previews
    publishers: dict[ResourceId, Publisher] = field(default_factory=dict[ResourceId, Publisher])
    viewers: set[ResourceId] = field(default_factory=set[ResourceId])
    joining: int = 0
    holds: int = 0
    """How many need its Feeds although nobody may be there."""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a publisher is admitted, so that two cannot both find the last place free."""
    _arrived: dict[ResourceId, Published] = field(default_factory=dict[ResourceId, Published])
    _state: State | None = None
    _choice: Choice = NOBODY
    _floor: Floor = SILENCE
    _seen: ResourceId | None = None
    """Whose picture the Feed has: nobody's where the one to show sends none."""

    @property
    def idle(self) -> bool:
        return not (self.publishers or self.viewers or self.previews or self.joining or self.holds)

    @property
    def published(self) -> tuple[Published, ...]:
        """Whatever has arrived, oldest first."""
        return tuple(self._arrived.values())

    @property
    def choice(self) -> Choice:
        """Who is shown and who may be heard."""
        return self._choice

    @property
    def shown(self) -> Picture | None:
        """What the stage shows."""
        picture = self._choice.picture
        return Picture(seat=picture.seat, source=picture.source) if picture else None

    @property
    def unsettled(self) -> bool:
        """Whether time alone may change what is heard or seen: several may speak, or a first picture is to come."""
        picture = self._choice.picture
        if picture is None or len(self._choice.voices) > 1:
            return len(self._choice.voices) > 1
        return picture.id != self._seen or not _has_picture(self.publishers[picture.id])

    def incumbent(self, participant: ParticipantId, source: Source) -> Publisher | None:
        """The newest of this participant's publications of this source."""
        return next(iter(self._same(participant, source)), None)

    def enter(self, publisher: Publisher) -> None:
        """Take an admitted publisher in; one of theirs that has not arrived yet gives way at once."""
        for other in self._same(publisher.participant, publisher.source):
            if other.id not in self._arrived:
                other.media.close("taken_over")
        self.publishers[publisher.id] = publisher

    def arrive(self, publisher: Publisher, now_us: int) -> None:
        """Its media is here."""
        self._arrived[publisher.id] = Published(
            publisher.id, publisher.seat, publisher.source, now_us, waits=publisher.waits
        )

    def leave(self, resource: ResourceId) -> bool:
        """Forget a publisher that has closed; True when nobody is left to publish."""
        self.publishers.pop(resource, None)
        self._arrived.pop(resource, None)
        return not self.publishers

    def direct(self, state: State | None, now_us: int) -> None:
        """Show and hear what the room's state wants; None is not known now, and what was known stays."""
        self._state = state or self._state
        self._choice = choose(self._state, self.published, self._choice.picture)
        self.listen(now_us)
        media = {each.id: self.publishers[each.id].media for each in self.published}
        self.previews.follow(self._state, self.published, media)
        less = spared(self._state, self.published, self._choice)
        for name, publication in media.items():
            publication.spare(BACKSTAGE_BPS if name in less else None)

    def listen(self, now_us: int) -> None:
        """Let whoever speaks have the floor; a few times a second is often enough."""
        picture, voices = self._choice
        levels = {each.id: self.publishers[each.id].media.loudness(now_us) for each in voices}
        known = {name: level for name, level in levels.items() if level is not None}
        self._floor = follow(self._floor, [each.id for each in voices], known, now_us)
        seen = self.publishers[picture.id] if picture else None
        if picture and seen and not _has_picture(seen) and now_us - picture.since_us > SOUND_ALONE_US:
            seen = None
        self._seen = seen.id if seen else None
        heard = self.publishers[self._floor.holder] if self._floor.holder else None
        self.router.point(picture=seen.media if seen else None, floor=heard.media if heard else None)

    async def hand_over(self, publisher: Publisher) -> None:
        """End what this publisher replaces: once its picture is replaced, or at once where nobody sees it."""
        others = self._same(publisher.participant, publisher.source)
        for old in others[others.index(publisher) + 1 :] if publisher in others else ():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HANDOVER_S):
                    if old.media.on_air:
                        await old.media.off_air.wait()
            if not publisher.media.closed:
                old.media.close("taken_over")

    def state(self) -> LiveState:
        """As viewers have it: who waits backstage is not on the air."""
        picture = self._choice.picture
        if picture is None:
            return LiveState(viewers=len(self.viewers))
        publication = self.publishers[picture.id].media
        newest_us = max((track.last_arrival_us for track in publication.tracks), default=0)
        return LiveState(
            on_air=newest_us > 0 and monotonic_us() - newest_us < ON_AIR_US,
            viewers=len(self.viewers),
            key_frame_interval_ms=publication.stats().key_frame_interval_ms,
        )

    def _same(self, participant: ParticipantId, source: Source) -> list[Publisher]:
        """Newest first."""
        found = [each for each in self.publishers.values() if (each.participant, each.source) == (participant, source)]
        return found[::-1]


def _has_picture(publisher: Publisher) -> bool:
    video = publisher.media.first("video")
    return video is not None and video.last_arrival_us > 0
