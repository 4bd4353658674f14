"""The one way out for media: `Egress.send(packets, lanes)`.

A burst of packets (what one wake-up of the socket brought for one Feed) goes to every lane of that Feed. Headers are
written once per lane format, not per viewer: viewers of a room share ssrc and numbering, so mostly one rendering serves
all. Per viewer remain protection and sending; packets of equal size leave as one datagram train (UDP_SEGMENT, Linux
4.18), which the kernel cuts again: the wire sees ordinary datagrams.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from collections import deque
from collections.abc import Callable, Sequence

from expo.media.feed import FeedPacket
from expo.media.ice import Address
from expo.media.lane import Lane, LaneFormat
from expo.media.stats import EngineStats

UDP_SEGMENT = 103  # linux/udp.h; not in Python's socket module before 3.14
_MAX_TRAIN = 40  # datagrams: below the kernel's 64, and 40 x 1,250 bytes stay below 64 KiB
_SLICE_PACKETS = 384  # 3 to 4 ms of work at 8 to 11 us each; then the loop may read the socket again
_MAX_BURSTS = 256  # waiting; more means that the machine is too small: newest video is dropped
HOLD_US = 2_000  # how long part of a picture may wait for the rest: one train instead of two or three
_HEADER = struct.Struct("!BBHLL")
# A machine without checksum offload refuses every train (EIO), a path of small packets those that are too long for it.
_REFUSES_TRAINS = frozenset({errno.EIO, errno.EINVAL, errno.EMSGSIZE})

_Train = tuple[int, int, list[tuple[int, int, bytes]]]  # start, end, ancillary data ([] = one datagram)


class _Burst:
    """Packets of one Feed on their way to the lanes that stood there when they came."""

    __slots__ = ("lanes", "next", "packets", "rendered")

    def __init__(self, packets: Sequence[FeedPacket], lanes: Sequence[Lane]) -> None:
        self.packets = packets
        self.lanes = lanes
        self.next = 0
        self.rendered: dict[tuple[LaneFormat, int], tuple[list[bytes], list[_Train], int]] = {}

    def render(self, form: LaneFormat, tag_bytes: int) -> tuple[list[bytes], list[_Train], int]:
        """Plain packets for one lane format, how they travel together, and their payload bytes."""
        payload_type, ssrc, sequence_offset, timestamp_offset = form
        wires = [
            _HEADER.pack(
                0x80,
                payload_type | packet.marker_bit,
                (packet.sequence + sequence_offset) & 0xFFFF,
                (packet.timestamp + timestamp_offset) & 0xFFFFFFFF,
                ssrc,
            )
            + packet.payload
            for packet in self.packets
        ]
        result = wires, trains_of([len(wire) + tag_bytes for wire in wires]), sum(map(len, wires)) - 12 * len(wires)
        self.rendered[form, tag_bytes] = result
        return result


class Egress:
    """Bursts in order, audio before video, in slices of bounded work per loop turn."""

    def __init__(self, sock: socket.socket, loop: asyncio.AbstractEventLoop, stats: EngineStats) -> None:
        self._sock = sock
        self._loop = loop
        self._stats = stats
        self._audio: deque[_Burst] = deque()
        self._video: deque[_Burst] = deque()
        self._collect: list[Callable[[], None]] = []
        self._held: asyncio.TimerHandle | None = None
        self._scheduled = False

    def at_end_of_burst(self, collect: Callable[[], None]) -> None:
        """Have `collect` called once at the next flush: who gathers packets of one wake-up then calls `send`."""
        self._collect.append(collect)

    def hold(self, collect: Callable[[], None]) -> None:
        """Like `at_end_of_burst`, from within `collect`: more is expected soon. Called again after HOLD_US at most."""
        self._collect.append(collect)
        if self._held is None:
            self._held = self._loop.call_later(HOLD_US / 1_000_000, self._release)

    def _release(self) -> None:
        self._held = None
        self.flush()

    def send(self, packets: Sequence[FeedPacket], lanes: Sequence[Lane], *, audio: bool) -> bool:
        """Queue one burst; False when the backlog is full and the burst was dropped."""
        queue = self._audio if audio else self._video
        if len(queue) >= _MAX_BURSTS:
            self._stats.packets_dropped += len(packets) * len(lanes)
            return False
        queue.append(_Burst(packets, lanes))
        return True

    def send_datagram(self, datagram: bytes, address: Address) -> None:
        """One datagram now: STUN, DTLS, RTCP, retransmissions. A full socket drops it."""
        try:
            self._sock.sendto(datagram, address)
        except OSError:
            self._stats.packets_dropped += 1

    def flush(self) -> None:
        """End the burst and do one slice of the waiting work; the next loop turn does the rest."""
        collectors, self._collect = self._collect, []
        for collect in collectors:
            collect()
        if self._held is not None and not self._collect:
            self._held.cancel()
            self._held = None
        budget = _SLICE_PACKETS
        for queue in (self._audio, self._video):
            while queue and budget > 0:
                budget -= self._work(queue[0], budget)
                if queue[0].next >= len(queue[0].lanes):
                    queue.popleft()
        if (self._audio or self._video) and not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._resume)

    def _resume(self) -> None:
        self._scheduled = False
        self.flush()

    def _work(self, burst: _Burst, budget: int) -> int:
        lanes, rendered = burst.lanes, burst.rendered
        count = len(burst.packets)
        start = burst.next
        stop = min(len(lanes), start + max(1, budget // count))
        sent = 0
        for lane in lanes[start:stop]:
            transport = lane.transport
            srtp = transport.srtp
            address = transport.address
            if srtp is None or address is None or lane.paused:
                continue
            form = lane.form
            wires, trains, payload_bytes = rendered.get((form, srtp.tag_bytes)) or burst.render(form, srtp.tag_bytes)
            self._transmit(srtp.protect_all(wires), trains, address)
            lane.packets_sent += count
            lane.bytes_sent += payload_bytes
            sent += count
            self._stats.bytes_forwarded += payload_bytes
        self._stats.packets_forwarded += sent
        burst.next = stop
        return (stop - start) * count

    def _transmit(self, datagrams: list[bytes], trains: list[_Train], address: Address) -> None:
        """Send one lane's share of a burst; trouble on its path is its own."""
        for start, end, ancillary in trains:
            cars = datagrams[start:end]
            if ancillary and self._stats.trains_current and all(cars):
                try:
                    self._sock.sendmsg(cars, ancillary, 0, address)
                    continue
                except OSError as error:
                    if error.errno not in _REFUSES_TRAINS:  # a full socket, an unreachable peer
                        self._stats.packets_dropped += len(cars)
                        continue
                    if error.errno == errno.EIO:
                        self._stats.trains_current = 0
            for datagram in cars:
                if datagram:  # b"": libsrtp refused it, and an empty datagram ends some clients' connections
                    self.send_datagram(datagram, address)


def trains_of(sizes: list[int]) -> list[_Train]:
    """Cut a burst into runs of equal size; the last of a run may be shorter (udp(7), UDP_SEGMENT)."""
    trains: list[_Train] = []
    start, count = 0, len(sizes)
    while start < count:
        size = sizes[start]
        end = start + 1
        while end < count and sizes[end] == size and end - start < _MAX_TRAIN:
            end += 1
        if end < count and sizes[end] < size and end - start < _MAX_TRAIN:
            end += 1
        many = end - start > 1
        trains.append((start, end, [(socket.SOL_UDP, UDP_SEGMENT, struct.pack("=H", size))] if many else []))
        start = end
    return trains
