"""A Feed: the server-side output that every viewer of the picture, the floor or a channel hangs on.

It switches between Tracks and numbers its packets once, so changing speaker re-points one object for everybody, and the
packets that viewers ask for again are found under the numbers that viewers know (decision 0003).
"""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from expo.media.cache import PacketCache
from expo.media.munger import Munger
from expo.media.rtp import RtpPacket


class FeedPacket(msgspec.Struct, gc=False, eq=False):
    """One packet in the Feed's own numbering; its payload is shared by all lanes. `marker_bit` is 0 or 0x80."""

    sequence: int
    timestamp: int
    marker_bit: int
    payload: bytes


class Source(Protocol):
    """What a Feed knows of the Track it shows."""

    clock_rate: int

    def request_key_frame(self) -> None: ...

    def hidden(self, feed: Feed) -> None:
        """`feed` shows another Track from now on."""
        ...

    def server_us(self, timestamp: int) -> int:
        """Server time (monotonic, us) at which the sample with this RTP timestamp was captured, as far as known."""
        ...


class Sink(Protocol):
    """Whatever hangs on a Feed: the lanes of its viewers (a Fanout), a recorder, a packager, a pipe."""

    def push(self, packet: FeedPacket, arrival_us: int, *, key_frame: bool) -> None:
        """Synchronous; may drop, may not wait."""
        ...


class Feed:
    """One output in one numbering. Exactly one Track feeds it at a time."""

    def __init__(self, name: str, kind: Literal["audio", "video"], clock_rate: int) -> None:
        self.name = name
        self.kind: Literal["audio", "video"] = kind
        self.clock_rate = clock_rate
        self.cache: PacketCache[FeedPacket] = PacketCache()
        self.source: Source | None = None
        self.sinks: tuple[Sink, ...] = ()
        self._newest: FeedPacket | None = None
        self._newest_of: Source | None = None
        self._newest_timestamp = 0
        self._next: Source | None = None
        self._munger = Munger()

    @property
    def last(self) -> tuple[FeedPacket, int] | None:
        """The newest packet, with the server time (us) of its sample: what sender reports are made of."""
        if self._newest is None or self._newest_of is None:
            return None
        return self._newest, self._newest_of.server_us(self._newest_timestamp)

    def server_us(self, timestamp: int) -> int:
        """Server time (monotonic, us) of the sample with this timestamp of ours, near the newest packet's.

        Raises LookupError before the first packet.
        """
        if self._newest is None or self._newest_of is None:
            raise LookupError("nothing was shown yet")
        ahead = timestamp - self._newest.timestamp
        return self._newest_of.server_us((self._newest_timestamp + ahead) & 0xFFFFFFFF)

    def point(self, source: Source | None) -> None:
        """Show another Track. Sound changes at once; a picture holds the old Track until the new one's key frame."""
        if source is self.source:
            self._expect(None)
        elif source is None or self.kind == "audio":
            self._expect(None)
            self._show(source)
        elif source is not self._next:
            self._expect(source)
            source.request_key_frame()

    def leave(self, source: Source) -> None:
        """The Track has ended. The last picture stays with the viewers until another Track comes."""
        if self._next is source:
            self._next = None
        if self.source is source:
            following = self._next
            self._show(None)
            self._next = following  # it still has to bring its key frame
            if following is not None:
                following.request_key_frame()

    def restart(self, source: Source) -> None:
        """The Track's numbering jumped (an encoder restarted): continue ours without a gap."""
        if self.source is source:
            self._munger.restart()

    def push(self, source: Source, packet: RtpPacket, *, key_frame: bool) -> None:
        """Number one packet and hand it to every sink. `key_frame`: a decoder can start here."""
        if source is not self.source:
            if source is not self._next or not key_frame:
                return
            self._show(source)
        numbers = self._munger.map(packet.sequence, packet.timestamp, packet.arrival_us, self.clock_rate)
        if numbers is None:
            return
        sequence, timestamp = numbers
        out = FeedPacket(sequence, timestamp, 0x80 if packet.marker else 0, packet.payload)
        self.cache.put(sequence, out)
        newest = self._newest
        if newest is None or (timestamp - newest.timestamp) & 0x80000000 == 0:
            self._newest, self._newest_of, self._newest_timestamp = out, source, packet.timestamp
        for sink in self.sinks:
            sink.push(out, packet.arrival_us, key_frame=key_frame)

    def request_key_frame(self) -> None:
        if self.source is not None:
            self.source.request_key_frame()

    def _expect(self, source: Source | None) -> None:
        """Wait for this Track's key frame, and for no other's."""
        late, self._next = self._next, source
        if late is not None:
            late.hidden(self)

    def _show(self, source: Source | None) -> None:
        old, self.source, self._next = self.source, source, None
        self._munger.switch()
        if old is not None:
            old.hidden(self)

    def add_sink(self, sink: Sink) -> None:
        self.sinks = (*self.sinks, sink)

    def remove_sink(self, sink: Sink) -> None:
        self.sinks = tuple(other for other in self.sinks if other is not sink)
