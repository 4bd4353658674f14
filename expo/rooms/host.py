"""The live rooms of this worker, and the WHIP and WHEP resources in them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from expo.clock import monotonic_us
from expo.errors import NotFound, Unavailable
from expo.ids import ParticipantId, ResourceId, RoomId, new_resource_id
from expo.kit.logging import get_logger
from expo.kit.tasks import Nursery
from expo.media.engine import MediaEngine
from expo.media.feed import Feed
from expo.media.router import FLOOR, PICTURE
from expo.media.track import Track
from expo.rooms.director import Director, Undirected
from expo.rooms.facts import Facts
from expo.rooms.live import LiveRoom, LiveState, Publisher, Viewer
from expo.rooms.model import Picture, Source
from expo.rooms.policy import Opening, Permit, RoomPolicy
from expo.rooms.previews import Previews
from expo.rooms.rules import SILENT_AFTER_US, admit_publisher, admit_viewer, waits
from expo.rooms.stage import NOBODY, Choice, Published

ENDING_US = 30_000_000
"""How long rows may take to say that a room has ended."""
FRESH_US = 1_000_000
"""For so long a room's rows serve viewers who come after another: when a show begins, a hall joins at once."""
MAX_RECENT = 256
POLICY_S = 8.0
"""How long the rows of a room may take; longer than SQLite's busy timeout."""
BUSY_RETRY_S = 5
LISTEN_S = 0.1
"""Where several may speak, the floor follows within this."""

log = get_logger(__name__)


class RoomHost:
    """Opens a room with its first participant and closes it behind its last. The engine outlives it."""

    def __init__(self, engine: MediaEngine, policy: RoomPolicy) -> None:
        self._engine = engine
        self._policy = policy
        self._rooms: dict[RoomId, LiveRoom] = {}
        self._publishers: dict[ResourceId, Publisher] = {}
        self._viewers: dict[ResourceId, Viewer] = {}
        self._recent: dict[RoomId, tuple[int, Opening]] = {}
        self._ended: dict[RoomId, int] = {}
        self.director: Director = Undirected()
        """Whoever takes it over knows the rooms' state."""
        self._facts = Facts(policy, self._told)
        self._nursery = Nursery("rooms")
        self._closed = False

    def open(self) -> None:
        """Start the tasks; `close` ends them."""
        self._nursery.keep("facts", self._facts.run)
        self._nursery.keep("floors", self._listen)

    async def close(self) -> None:
        """Disconnect everybody, then end the tasks. Idempotent."""
        self._closed = True
        for participant in (*self._publishers.values(), *self._viewers.values()):
            participant.media.close("server_stopping")
        await self._nursery.close()

    async def publish(self, room: RoomId, permit: Permit, offer: str, *, source: Source = "camera") -> Publisher:
        """Admit a publisher; one that takes over appears when its media arrives.

        Raises what the policy, `admit_publisher` and the SDP answer raise; then whoever was on the air stays there.
        """
        opening = await self._opening(room)
        seat = self.director.seat_of(permit.participant)
        self.director.require_welcome(room, seat)
        with self._joining(room) as live:
            async with live.turn:
                old, now_us = live.incumbent(permit.participant, source), monotonic_us()
                heard_us = old.media.last_heard_us if old else None
                admit_publisher(opening, permit, heard_us, len(live.publishers), now_us)
                resource = new_resource_id()
                publication = await self._engine.publish(
                    offer,
                    live.router,
                    max_bps=opening.max_bps,
                    on_closed=lambda reason: self._publisher_left(room, resource, reason),
                )
                if old is not None and now_us - old.media.last_heard_us > SILENT_AFTER_US:
                    old.media.close("replaced")
                publisher = Publisher(
                    resource, room, permit.participant, seat, source, waits(permit, source), publication
                )
                self._publishers[resource] = publisher
                live.enter(publisher)
                self.director.media_changed(room, seat)
                self._nursery.start("arrival", self._arrive(live, publisher))
        log.info("publisher admitted", room=room, participant=permit.participant, source=source, replaces=bool(old))
        return publisher

    async def watch(
        self, room: RoomId, permit: Permit | None, offer: str, lanes: tuple[str, ...] | None, *, of: str | None = None
    ) -> Viewer:
        """Admit a viewer of the stage, or of somebody backstage; it waits where nobody publishes yet.

        Raises like `publish`, and Unavailable media.full.
        """
        admit_viewer(await self._recent_opening(room), permit, of)
        with self._joining(room) as live:
            resource = new_resource_id()
            router = live.router if of is None else live.previews.look(of)
            try:
                downlink = await self._engine.watch(
                    offer, router, lanes=lanes, on_closed=lambda reason: self._viewer_left(room, resource, reason)
                )
            except BaseException:
                if of is not None:
                    live.previews.leave(of)
                raise
            viewer = Viewer(resource, room, permit.participant if permit else None, of, downlink)
            self._viewers[resource] = viewer
            if of is None:
                live.viewers.add(resource)
            else:
                self.direct(room)
        return viewer

    def publisher(self, room: RoomId, resource: ResourceId) -> Publisher:
        """NotFound rooms.no_resource when it never was or has ended."""
        found = self._publishers.get(resource)
        if found is None or found.room != room:
            raise _no_resource()
        return found

    def viewer(self, room: RoomId, resource: ResourceId) -> Viewer:
        """NotFound rooms.no_resource when it never was or has ended."""
        found = self._viewers.get(resource)
        if found is None or found.room != room:
            raise _no_resource()
        return found

    def expel(self, participant: ParticipantId) -> int:
        """Close everything that a participant publishes and watches here; how much it was."""
        theirs = [
            one for one in (*self._publishers.values(), *self._viewers.values()) if one.participant == participant
        ]
        for one in theirs:
            one.media.close("revoked")
        return len(theirs)

    def direct(self, room: RoomId) -> None:
        """Have the stage show what the room's state wants."""
        live = self._rooms.get(room)
        if live is not None:
            live.direct(self.director.state(room), monotonic_us())
            self.director.directed(room)

    def dismiss(self, room: RoomId, seat: ParticipantId) -> None:
        """End what a seat publishes into this room; its person may go on watching."""
        for publisher in tuple(self._publishers.values()):
            if (publisher.room, publisher.seat) == (room, seat):
                publisher.media.close("removed")

    def choice(self, room: RoomId) -> Choice:
        """Who is shown and who may be heard in the room."""
        live = self._rooms.get(room)
        return live.choice if live else NOBODY

    def tracks_of(self, room: RoomId, seats: Collection[ParticipantId]) -> frozenset[Track]:
        """Whatever comes from these seats."""
        live = self._rooms.get(room)
        publishers = live.publishers.values() if live else ()
        return frozenset(track for each in publishers if each.seat in seats for track in each.media.tracks)

    def hold(self, room: RoomId) -> Mapping[str, Feed]:
        """What viewers see and hear, which lasts until `release` also while nobody is there. Raises like `publish`."""
        with self._joining(room) as live:
            live.holds += 1
            return {name: live.router.feeds[name] for name in (PICTURE, FLOOR)}

    def release(self, room: RoomId) -> None:
        """Take back one `hold`."""
        self._rooms[room].holds -= 1
        self._close_if_idle(room)

    def published(self, room: RoomId) -> tuple[Published, ...]:
        """What is published into the room now, oldest first."""
        live = self._rooms.get(room)
        return live.published if live else ()

    def shown(self, room: RoomId) -> Picture | None:
        """What the room's stage shows."""
        live = self._rooms.get(room)
        return live.shown if live else None

    def end(self, room: RoomId) -> None:
        """Send everybody away and let nobody in before the rows say that the room has ended."""
        self._ended[room] = monotonic_us()
        self.shut(room, "ended")

    def shut(self, room: RoomId, reason: str) -> None:
        """Send everybody away; they may come back, here or where the room is now."""
        self._recent.pop(room, None)
        for participant in (*self._publishers.values(), *self._viewers.values()):
            if participant.room == room:
                participant.media.close(reason)

    async def require_known(self, room: RoomId) -> None:
        """NotFound where no rows describe this room; asked at most once a second."""
        await self._recent_opening(room)

    def live_state(self, room: RoomId) -> LiveState:
        """Of a room that is not live: nothing on air, no viewers."""
        live = self._rooms.get(room)
        return live.state() if live else LiveState()

    @property
    def rooms(self) -> int:
        """How many rooms are live here."""
        return len(self._rooms)

    @contextmanager
    def _joining(self, room: RoomId) -> Generator[LiveRoom]:
        """The live room, opened if needed, and kept open while somebody is about to join."""
        if self._closed:
            raise Unavailable("rooms.stopping", "this server is stopping", retry_after_s=BUSY_RETRY_S)
        self.director.require_here(room)
        live = self._rooms.get(room)
        if live is None:
            live = self._rooms[room] = LiveRoom(self._engine.router(), Previews(self._engine.router))
        live.joining += 1
        try:
            yield live
        finally:
            live.joining -= 1
            self._close_if_idle(room)

    async def _recent_opening(self, room: RoomId) -> Opening:
        at_us, opening = self._recent.get(room, (0, None))
        return opening if opening and monotonic_us() - at_us < FRESH_US else await self._opening(room)

    async def _opening(self, room: RoomId) -> Opening:
        try:
            async with asyncio.timeout(POLICY_S):
                opening = await self._policy.opening(room)
        except TimeoutError:
            raise Unavailable(
                "rooms.policy_slow", "the room's rows took too long", retry_after_s=BUSY_RETRY_S
            ) from None
        self._recent.pop(room, None)
        if monotonic_us() - self._ended.get(room, -ENDING_US) < ENDING_US:
            return replace(opening, state="ended")
        self._ended.pop(room, None)
        if opening.state in ("scheduled", "live"):  # a refusal is looked up each time
            self._recent[room] = monotonic_us(), opening
        if len(self._recent) > MAX_RECENT:
            del self._recent[next(iter(self._recent))]
        return opening

    async def _arrive(self, live: LiveRoom, publisher: Publisher) -> None:
        await publisher.media.flowing.wait()
        if publisher.media.closed:
            return
        live.arrive(publisher, monotonic_us())
        if not publisher.waits:
            self._facts.tell(publisher.room, published=True)
        self.direct(publisher.room)
        self.director.media_changed(publisher.room, publisher.seat)
        await live.hand_over(publisher)

    def _told(self, room: RoomId) -> None:
        self.director.went_live(room)

    async def _listen(self) -> None:
        while True:
            await asyncio.sleep(LISTEN_S)
            now_us = monotonic_us()
            for live in self._rooms.values():
                if live.unsettled:
                    live.listen(now_us)

    def _publisher_left(self, room: RoomId, resource: ResourceId, reason: str) -> None:
        left = self._publishers.pop(resource, None)
        live = self._rooms.get(room)
        if live is not None and live.leave(resource):
            self._facts.tell(room, published=False)
        self.direct(room)
        self._close_if_idle(room)
        if left is not None:
            self.director.media_changed(room, left.seat)
        log.info("publisher left", room=room, reason=reason)

    def _viewer_left(self, room: RoomId, resource: ResourceId, reason: str) -> None:
        left = self._viewers.pop(resource, None)
        live = self._rooms.get(room)
        if live is not None:
            live.viewers.discard(resource)
            if left is not None and left.of is not None:
                live.previews.leave(left.of)
        self._close_if_idle(room)
        log.debug("viewer left", room=room, reason=reason)

    def _close_if_idle(self, room: RoomId) -> None:
        live = self._rooms.get(room)
        if live is not None and live.idle:
            del self._rooms[room]
            live.router.close()


def _no_resource() -> NotFound:
    return NotFound("rooms.no_resource", "this resource does not exist or has ended")
