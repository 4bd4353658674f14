"""A Lane: one fixed m-line of a viewer's downlink, hung on a Feed; moved between Feeds without renegotiation."""

from __future__ import annotations

import struct
from typing import Literal

from expo.media.feed import Feed, FeedPacket
from expo.media.rtp import build_rtp, wrap_rtx
from expo.media.sdp_model import MediaPlan
from expo.media.transport import Transport

LaneFormat = tuple[int, int, int, int]
"""Payload type, ssrc, sequence offset, timestamp offset (ticks): what may differ between lanes of one Feed."""

_RESEND_PER_S = 400
_RESEND_BURST = 200  # packets: a second of 720p; a viewer that asks for more is better served by a key frame
_HEADER = struct.Struct("!BBHLL")


class Lane:
    """Counters are RTP's own (RFC 3550 6.4.1): packets and payload octets, retransmissions apart."""

    __slots__ = (
        "_allowance",
        "_allowance_at_us",
        "_first_sequence",
        "_left_at",
        "_rtx_sequence",
        "bytes_sent",
        "feed",
        "form",
        "kind",
        "packets_sent",
        "paused",
        "plan",
        "transport",
    )

    def __init__(self, transport: Transport, plan: MediaPlan) -> None:
        self.transport = transport
        self.plan = plan
        self.kind: Literal["audio", "video"] = plan.kind
        self.feed: Feed | None = None
        self.form: LaneFormat = (plan.payload_type, plan.out_ssrc or 0, 0, 0)
        self.paused = False
        self.packets_sent = 0
        self.bytes_sent = 0
        self._rtx_sequence = 0
        self._first_sequence: int | None = None
        self._left_at: tuple[int, int, int] | None = None
        self._allowance = float(_RESEND_BURST)
        self._allowance_at_us = 0

    def leave(self) -> None:
        """Remember where this lane's numbering stands, so that the next Feed continues it."""
        feed, self.feed = self.feed, None
        if feed is not None and (last := feed.last) is not None and self._first_sequence is not None:
            packet, at_us = last
            _, _, sequence_offset, timestamp_offset = self.form
            self._left_at = packet.sequence + sequence_offset, packet.timestamp + timestamp_offset, at_us

    def start(self, feed: Feed, packet: FeedPacket, at_us: int) -> None:
        """The next packet this lane gets is `packet` of `feed`. Time on the lane goes on by elapsed server time."""
        payload_type, ssrc, sequence_offset, timestamp_offset = self.form
        if self._left_at is not None:
            sequence, timestamp, left_us = self._left_at
            elapsed_ticks = max(1, (at_us - left_us) * feed.clock_rate // 1_000_000)
            sequence_offset = (sequence + 1 - packet.sequence) & 0xFFFF
            timestamp_offset = (timestamp + elapsed_ticks - packet.timestamp) & 0xFFFFFFFF
            self._left_at = None
            self.form = payload_type, ssrc, sequence_offset, timestamp_offset
        self._first_sequence = (packet.sequence + sequence_offset) & 0xFFFF

    def resend(self, sequence: int, now_us: int) -> bytes | None:
        """The packet a viewer asks for again, as RTX (RFC 4588) or, without RTX, the identical bytes; plain.

        None when it is older than the cache or this lane's present Feed, or over the viewer's allowance.
        """
        feed, first, srtp = self.feed, self._first_sequence, self.transport.srtp
        if feed is None or first is None or srtp is None or not self._allowed(now_us):
            return None
        if (sequence - first) & 0xFFFF >= 0x8000:
            return None
        payload_type, ssrc, sequence_offset, timestamp_offset = self.form
        packet = feed.cache.get((sequence - sequence_offset) & 0xFFFF)
        if packet is None:
            return None
        timestamp = (packet.timestamp + timestamp_offset) & 0xFFFFFFFF
        if self.plan.rtx_payload_type is None or self.plan.out_rtx_ssrc is None:
            return _HEADER.pack(0x80, payload_type | packet.marker_bit, sequence, timestamp, ssrc) + packet.payload
        self._rtx_sequence = (self._rtx_sequence + 1) & 0xFFFF
        return build_rtp(
            self.plan.rtx_payload_type,
            bool(packet.marker_bit),
            self._rtx_sequence,
            timestamp,
            self.plan.out_rtx_ssrc,
            wrap_rtx(sequence, packet.payload),
        )

    def _allowed(self, now_us: int) -> bool:
        """A token bucket: a forged or broken receiver must not multiply our traffic."""
        refill = (now_us - self._allowance_at_us) * _RESEND_PER_S / 1_000_000
        self._allowance = min(float(_RESEND_BURST), self._allowance + refill)
        self._allowance_at_us = now_us
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True
