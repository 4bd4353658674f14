"""A Track: one published RTP source on its way in (loss, clock, loudness, key frames) and the Feeds that show it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from expo.clock import monotonic_us
from expo.media.clock_model import ClockModel
from expo.media.codecs import h264_starts_key_frame
from expo.media.feed import Feed
from expo.media.levels import Loudness, parse_level
from expo.media.loss import DUPLICATE, RESET, Reception
from expo.media.rtp import RtpPacket, extension
from expo.media.sdp_model import AUDIO_LEVEL, MediaPlan
from expo.media.stats import EngineStats

_KEY_FRAME_THROTTLE_US = 300_000  # several viewers that join together share one key frame
_OTHER_SSRC_AFTER_US = 200_000  # an encoder that starts again has been silent for longer than its pacing


class Track:
    """`ask_key_frame` sends one PLI or FIR (False: not yet possible), the Track decides when.

    `on_hidden` is called when no Feed shows it any more.
    """

    def __init__(
        self,
        plan: MediaPlan,
        clock: ClockModel,
        ask_key_frame: Callable[[Track], bool],
        on_hidden: Callable[[], None],
        stats: EngineStats,
    ) -> None:
        self.plan = plan
        self.kind: Literal["audio", "video"] = plan.kind
        self.clock_rate = plan.clock_rate
        self.ssrc = plan.ssrc
        self.reception = Reception(plan.clock_rate)
        self.loudness = Loudness()
        self.feeds: tuple[Feed, ...] = ()
        self.last_arrival_us = 0
        self.bytes_received = 0
        self.key_frame_at_us = 0
        self.key_frame_interval_us: int | None = None
        self._clocked_timestamp = -1
        self._key_frame_timestamp: int | None = None
        self._key_frame_wanted = False
        self._key_frame_asked_us = 0
        self._given_up = 0
        self._clock = clock
        self._ask_key_frame = ask_key_frame
        self._on_hidden = on_hidden
        self._stats = stats
        self._level_id = plan.extensions.get(AUDIO_LEVEL) if plan.kind == "audio" else None

    @property
    def tells_loudness(self) -> bool:
        return self._level_id is not None

    def show_on(self, feed: Feed) -> None:
        """Have this Track on a Feed; see `Feed.point` for when it appears."""
        if feed not in self.feeds:
            self.feeds = (*self.feeds, feed)
        feed.point(self)

    def ingest(self, packet: RtpPacket, *, recovered: bool = False) -> None:
        """Take one packet as it came, or as RTX brought it back, and hand it to the Feeds. Synchronous."""
        now_us = packet.arrival_us
        if packet.ssrc != self.ssrc and not self._adopt(packet.ssrc, now_us):
            return
        arrival = self.reception.receive(packet.sequence, packet.timestamp, now_us, recovered=recovered)
        if arrival is DUPLICATE:
            return
        if arrival is RESET:
            for feed in self.feeds:
                feed.restart(self)
        self._stats.packets_received += 1
        self.last_arrival_us = now_us
        self.bytes_received += len(packet.payload)
        if packet.timestamp != self._clocked_timestamp:
            self._clocked_timestamp = packet.timestamp
            self._clock.on_packet(self.kind, self.clock_rate, packet.timestamp, now_us)
        key_frame = self.kind == "video" and h264_starts_key_frame(packet.payload)
        if key_frame:
            self._count_key_frame(packet.timestamp, now_us)
        elif self._level_id is not None:
            level = extension(packet, self._level_id)
            if level:
                self.loudness.hear(parse_level(level)[1], now_us)
        for feed in self.feeds:
            feed.push(self, packet, key_frame=key_frame)

    def request_key_frame(self) -> None:
        """Wanted now; asked at once or when the throttle allows, and again until one comes."""
        if self.kind == "video":
            self._key_frame_wanted = True
            self.tick(monotonic_us())

    def hidden(self, feed: Feed) -> None:
        self.feeds = tuple(other for other in self.feeds if other is not feed)
        if not self.feeds:
            self._on_hidden()

    def tick(self, now_us: int) -> None:
        """Ask for a wanted key frame if the last request is old enough."""
        due = self._key_frame_wanted and now_us - self._key_frame_asked_us >= _KEY_FRAME_THROTTLE_US
        if due and self._ask_key_frame(self):
            self._key_frame_asked_us = now_us

    def newly_given_up(self) -> int:
        """Packets that nobody will bring back, since the last call; a picture with such a hole needs a key frame."""
        lost = self.reception.given_up - self._given_up
        self._given_up = self.reception.given_up
        if lost > 0:
            self.request_key_frame()
        return max(0, lost)

    def server_us(self, timestamp: int) -> int:
        return self._clock.server_us(self.kind, timestamp)

    def close(self) -> None:
        for feed in self.feeds:
            feed.leave(self)
        self.feeds = ()

    def _adopt(self, ssrc: int, now_us: int) -> bool:
        """Take another ssrc as this Track's: the first one seen, or an encoder that started again."""
        if self.last_arrival_us:
            if now_us - self.last_arrival_us < _OTHER_SSRC_AFTER_US:
                return False
            self.reception = Reception(self.clock_rate)
            self._given_up = 0
            for feed in self.feeds:
                feed.restart(self)
        self.ssrc = ssrc
        return True

    def _count_key_frame(self, timestamp: int, now_us: int) -> None:
        if timestamp == self._key_frame_timestamp:
            return  # SPS, PPS and the slices of one key frame are one
        if self.key_frame_at_us:
            self.key_frame_interval_us = now_us - self.key_frame_at_us
        self._key_frame_timestamp = timestamp
        self.key_frame_at_us = now_us
        self._key_frame_wanted = False
