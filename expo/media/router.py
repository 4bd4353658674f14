"""A Router: the Feeds of one live room and their fan-out to viewers' lanes."""

from __future__ import annotations

import secrets

from expo.errors import Invalid
from expo.media.egress import Egress
from expo.media.fanout import Fanout
from expo.media.feed import Feed
from expo.media.lane import Lane
from expo.media.publication import Publication
from expo.media.sdp_model import LaneSpec

AUDIO_CLOCK_RATE = 48_000
VIDEO_CLOCK_RATE = 90_000
PICTURE, FLOOR = "picture", "floor"


class Router:
    """Feeds `picture` and `floor` from the start; channels join them by name. `close()` frees the sinks."""

    def __init__(self, egress: Egress) -> None:
        self.feeds = {
            PICTURE: Feed(PICTURE, "video", VIDEO_CLOCK_RATE),
            FLOOR: Feed(FLOOR, "audio", AUDIO_CLOCK_RATE),
        }
        self._fanouts = {name: Fanout(feed, egress) for name, feed in self.feeds.items()}
        self.cname = secrets.token_urlsafe(12)
        # Viewers of a room share ssrcs: their keys differ, and one rendered header serves them all.
        self._ssrcs = {name: (secrets.randbits(32) or 1, secrets.randbits(32) or 1) for name in self.feeds}

    def point(self, *, picture: Publication | None, floor: Publication | None) -> None:
        """Show the first video of one publisher and let the first audio of one be heard; None is nobody.

        A new picture appears with its key frame. Where there is none any more, viewers keep the last.
        """
        for feed, publication in ((self.feeds[PICTURE], picture), (self.feeds[FLOOR], floor)):
            track = publication.first(feed.kind) if publication else None
            if publication is None or track is None:
                feed.point(None)
            else:
                publication.off_air.clear()
                track.show_on(feed)

    def unpoint(self, publication: Publication) -> None:
        """Take this publisher off; viewers keep the last picture until another comes."""
        for track in publication.tracks:
            track.close()

    def lanes(self, names: tuple[str, ...] | None) -> tuple[LaneSpec, ...]:
        """What to offer a viewer, in m-line order per kind. Raises Invalid("whep.unknown_lane")."""
        specs: list[LaneSpec] = []
        for name in names or (PICTURE, FLOOR):
            feed = self.feeds.get(name)
            if feed is None:
                raise Invalid("whep.unknown_lane", "this room has no such lane")
            msid = "stage" if name in (PICTURE, FLOOR) else name  # one msid is played in lip sync
            specs.append(LaneSpec(name, feed.kind, *self._ssrcs[name], self.cname, msid))
        return tuple(specs)

    def attach(self, lane: Lane) -> None:
        """Hang a lane on the Feed that its plan names."""
        self._fanouts[lane.plan.lane or PICTURE].add(lane)

    def detach(self, lane: Lane) -> None:
        if lane.feed is not None:
            self._fanouts[lane.feed.name].remove(lane)

    def repoint(self, lane: Lane, name: str) -> None:
        """Move a lane to another Feed of its kind; nothing is renegotiated and its numbering goes on."""
        if name not in self._fanouts or self.feeds[name].kind != lane.kind:
            raise Invalid("media.unknown_feed", "no feed of this kind has that name")
        self.detach(lane)
        self._fanouts[name].add(lane)

    def close(self) -> None:
        for fanout in self._fanouts.values():
            fanout.close()
