"""A Fanout: the sink that carries one Feed to all its viewers' lanes, through the egress."""

from __future__ import annotations

from expo.clock import monotonic_us
from expo.media.egress import HOLD_US, Egress
from expo.media.feed import Feed, FeedPacket
from expo.media.lane import Lane


class Fanout:
    """Lanes wait for a key frame (video) and then share every burst. One per Feed, registered as its sink."""

    def __init__(self, feed: Feed, egress: Egress) -> None:
        self.feed = feed
        self._egress = egress
        self._lanes: tuple[Lane, ...] = ()
        self._waiting: list[Lane] = []
        self._burst: list[FeedPacket] = []
        self._hold_until_us = 0
        feed.add_sink(self)

    @property
    def waiting(self) -> bool:
        """Somebody sees nothing yet."""
        return bool(self._waiting)

    def add(self, lane: Lane) -> None:
        """Hang a lane on this Feed. Its first packet is a key frame's first, which is asked for now."""
        lane.feed = self.feed
        self._waiting.append(lane)
        if self.feed.kind == "video":
            self.feed.request_key_frame()

    def remove(self, lane: Lane) -> None:
        if lane in self._waiting:
            self._waiting.remove(lane)
        else:
            self._lanes = tuple(other for other in self._lanes if other is not lane)
        lane.leave()

    def push(self, packet: FeedPacket, arrival_us: int, *, key_frame: bool) -> None:
        if self._waiting and (key_frame or self.feed.kind == "audio"):
            self._hold_until_us = 0
            self._end_burst()  # those who join now must not get what came before
            for lane in self._waiting:
                lane.start(self.feed, packet, arrival_us)
            self._lanes = (*self._lanes, *self._waiting)
            self._waiting = []
        if not self._lanes:
            return
        if not self._burst:
            self._egress.at_end_of_burst(self._end_burst)
            self._hold_until_us = arrival_us + HOLD_US
        self._burst.append(packet)

    def close(self) -> None:
        self.feed.remove_sink(self)

    def _end_burst(self) -> None:
        burst, audio = self._burst, self.feed.kind == "audio"
        if burst and not audio and not burst[-1].marker_bit and monotonic_us() < self._hold_until_us:
            self._egress.hold(self._end_burst)  # the rest of the picture is on its way, and useless without this
            return
        self._burst = []
        if not burst or not self._lanes:
            return
        if not self._egress.send(burst, self._lanes, audio=audio) and not audio:
            self.feed.request_key_frame()
