"""Frames out of a Feed's packets, in the packet path: put in order, waited for, and whole or reported missing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from typing import Literal

import msgspec

from expo.media.codecs import FU_A, STAP_A, stap_units
from expo.media.feed import Feed, FeedPacket, Source

# A retransmission that comes later is for viewers only; the Feed's own cache reaches back as far (PacketCache).
REORDER_US = 300_000
REORDER_PACKETS = 512
SEGMENT_US = 2_000_000
# An encoder with a fixed distance of 2 s between key frames may be a little early.
SEGMENT_LEAST_US = SEGMENT_US - 100_000
# A retransmission that takes longer is likely lost too, and a key frame needs its time.
_DOUBTFUL_US = 150_000
_ASK_AGAIN_US = 500_000

Missing = Literal["", "lost", "queue"]


class Frame(msgspec.Struct, gc=False, eq=False):
    """One H.264 access unit as RTP payloads (RFC 6184) or one Opus packet.

    `captured_us` is server time (monotonic). `key`: a decoder may start here. `missing`: why something before it is.
    Without payloads: pictures come, but for lack of a key frame they are nothing to be handed on.
    """

    rendition: str
    captured_us: int
    payloads: list[bytes]
    key: bool
    missing: Missing


class FrameSink(ABC):
    """Puts one Feed's packets in order and hands on frames; what was given up is never waited for again.

    `hand` takes a frame or says False: no room, which loses it. Nothing is remembered from before `start`, and nothing
    is taken but from the sources it names: a Feed that is pointed elsewhere holds the old Track for a moment.
    """

    def __init__(self, feed: Feed, hand: Callable[[Frame], bool]) -> None:
        self.feed = feed
        self._hand = hand
        self._sources: Collection[Source] = ()
        self._next = -1
        self._from_us = 0
        self._held: dict[int, tuple[FeedPacket, int, bool]] = {}
        self._missing: Missing = ""

    def start(self, now_us: int) -> None:
        """Begin with the next packet of `take_from` that was captured from now on."""
        self._from_us = now_us
        self.feed.add_sink(self)

    def take_from(self, sources: Collection[Source]) -> None:
        """Take what comes from these, and from now on nothing else."""
        self._sources = sources

    def stop(self) -> None:
        """Take no more, and forget what is not a whole frame yet."""
        self.feed.remove_sink(self)
        self._forget()

    def _forget(self) -> None:
        self._next = -1
        self._held.clear()
        self._missing = ""

    def push(self, packet: FeedPacket, arrival_us: int, *, key_frame: bool) -> None:
        if self.feed.source not in self._sources:
            self._forget()
        elif packet.sequence == self._next and not self._held:
            self._next = (packet.sequence + 1) & 0xFFFF
            self._take(packet, arrival_us, key_frame)
        else:
            self._push_odd(packet, arrival_us, key_frame)

    @abstractmethod
    def _take(self, packet: FeedPacket, arrival_us: int, key_frame: bool) -> None:  # noqa: FBT001 - packet path
        """The next packet in order."""

    def _lose(self, arrival_us: int) -> None:
        """A hole before the next packet will not be filled."""
        self._missing = self._missing or "lost"

    def _doubt(self, arrival_us: int) -> None:  # noqa: B027 - for sound it means nothing
        """A hole is old."""

    def _push_odd(self, packet: FeedPacket, arrival_us: int, key_frame: bool) -> None:  # noqa: FBT001 - packet path
        if self._next < 0:
            if self.feed.server_us(packet.timestamp) < self._from_us:
                return
            self._next = packet.sequence
        if (packet.sequence - self._next) & 0xFFFF >= 0x8000:
            return  # twice, or after it was given up
        held = self._held
        held.setdefault(packet.sequence, (packet, arrival_us, key_frame))
        self._drain()
        while held:
            age_us = arrival_us - next(iter(held.values()))[1]
            if len(held) <= REORDER_PACKETS and age_us <= REORDER_US:
                if age_us > _DOUBTFUL_US:
                    self._doubt(arrival_us)
                return
            self._next = min(held, key=lambda sequence: (sequence - self._next) & 0xFFFF)
            self._lose(arrival_us)
            self._drain()

    def _drain(self) -> None:
        while (entry := self._held.pop(self._next, None)) is not None:
            self._next = (self._next + 1) & 0xFFFF
            self._take(*entry)


class PictureSink(FrameSink):
    """Access units, from a key frame on and again from the next one when something was lost.

    Asks for a key frame whenever a segment should begin.
    """

    def __init__(self, feed: Feed, hand: Callable[[Frame], bool]) -> None:
        super().__init__(feed, hand)
        self._payloads: list[bytes] = []
        self._timestamp = -1
        self._captured_us = 0
        self._key = False
        self._waiting = True
        self._asked_us = 0
        self._segment_us = 0

    def start(self, now_us: int) -> None:
        super().start(now_us)
        self.feed.request_key_frame()

    def _forget(self) -> None:
        super()._forget()
        self._payloads = []
        self._waiting = True

    def _take(self, packet: FeedPacket, arrival_us: int, key_frame: bool) -> None:  # noqa: FBT001 - packet path
        payloads = self._payloads
        if not payloads or packet.timestamp != self._timestamp:
            if payloads:
                self._end(arrival_us)  # its sender sets no marker
            if self._waiting:
                if not key_frame:
                    if self._ask(arrival_us):
                        self._hand(Frame(self.feed.name, arrival_us, [], key=False, missing=""))
                    return
                self._waiting = False
            self._payloads = payloads = []
            self._timestamp = packet.timestamp
            self._captured_us = self.feed.server_us(packet.timestamp)
            self._key = False
        payloads.append(packet.payload)
        if key_frame:
            self._key = True
        if packet.marker_bit:
            self._end(arrival_us)

    def _lose(self, arrival_us: int) -> None:
        super()._lose(arrival_us)
        self._payloads = []
        self._waiting = True
        self._doubt(arrival_us)

    def _doubt(self, arrival_us: int) -> None:
        if not any(key_frame for _, _, key_frame in self._held.values()):
            self._ask(arrival_us)

    def _end(self, arrival_us: int) -> None:
        captured_us = self._captured_us
        frame = Frame(self.feed.name, captured_us, self._payloads, self._key, self._missing)
        self._payloads = []
        self._missing = ""
        if not self._hand(frame):
            self._missing = "queue"
            self._waiting = True
        elif self._key:
            if captured_us - self._segment_us >= SEGMENT_LEAST_US:
                self._segment_us = captured_us
        elif captured_us - self._segment_us >= SEGMENT_US:
            self._ask(arrival_us)

    def _ask(self, arrival_us: int) -> bool:
        """Ask for a key frame, unless it was asked for a moment ago."""
        if arrival_us - self._asked_us < _ASK_AGAIN_US:
            return False
        self._asked_us = arrival_us
        self.feed.request_key_frame()
        return True


class SoundSink(FrameSink):
    """Opus packets."""

    def _take(self, packet: FeedPacket, arrival_us: int, key_frame: bool) -> None:  # noqa: FBT001 - packet path
        captured_us = self.feed.server_us(packet.timestamp)
        frame = Frame(self.feed.name, captured_us, [packet.payload], key=True, missing=self._missing)
        self._missing = "" if self._hand(frame) else "queue"


def nal_units(payloads: list[bytes]) -> list[bytes] | None:
    """The NAL units in the RTP payloads of one access unit (RFC 6184 5.6 to 5.8); None when they are not well-formed.

    Single NAL units, STAP-A and FU-A, which is all that packetization-mode 1 allows.
    """
    units: list[bytes] = []
    pieces: list[bytes] = []
    for payload in payloads:
        if not payload:
            continue
        kind = payload[0] & 31
        if kind == FU_A:
            head = payload[1] if len(payload) > 1 else 0
            if bool(head & 0x80) == bool(pieces):
                return None
            if not pieces:
                pieces.append(bytes((payload[0] & 0xE0 | head & 31,)))
            pieces.append(payload[2:])
            if head & 0x40:
                units.append(b"".join(pieces))
                pieces = []
        elif pieces or kind == 0 or kind > STAP_A:
            return None
        elif kind == STAP_A:
            units += [payload[start:stop] for start, stop in stap_units(payload) if stop > start]
        else:
            units.append(payload)
    return None if pieces or not units else units


def opus_ticks(packet: bytes) -> int | None:
    """How long an Opus packet is, in samples at 48 kHz (RFC 6716 3.1, 3.2.5); None when it is none."""
    if not packet:
        return None
    config, code = packet[0] >> 3, packet[0] & 3
    if config < 12:
        frame = (480, 960, 1920, 2880)[config & 3]
    elif config < 16:
        frame = (480, 960)[config & 1]
    else:
        frame = (120, 240, 480, 960)[config & 3]
    count = (1, 2, 2, packet[1] & 63 if len(packet) > 1 else 0)[code]
    ticks = frame * count
    return ticks if 0 < ticks <= 5760 else None
