"""What a client sends and receives, one object for each m-line: numbering, reports, repair."""

from __future__ import annotations

import secrets
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from expo.media.cache import PacketCache
from expo.media.loss import DUPLICATE, Reception
from expo.media.peer_sdp import CLOCK_RATES, Answered, Kind
from expo.media.rtcp import ReportBlock, SenderReport, ntp_time
from expo.media.rtp import Malformed, RtpPacket, build_rtp, unwrap_rtx, wrap_rtx
from expo.media.sdp_model import ABS_SEND_TIME, AUDIO_LEVEL, MID
from expo.media.srtp import Srtp

_ABS_SEND_TIME = struct.Struct("!I")


@dataclass(frozen=True, slots=True)
class _Sent:
    """What a retransmission needs; `protected` is resent as it is when there is no RTX (identical bytes are safe)."""

    marker: bool
    timestamp: int
    payload: bytes
    protected: bytes


class Outgoing:
    """One source. `send` protects and sends a frame's packets; `resend` answers a NACK."""

    def __init__(self, kind: Kind, ssrc: int, rtx_ssrc: int) -> None:
        self.kind: Kind = kind
        self.ssrc = ssrc
        self.rtx_ssrc = rtx_ssrc
        self.clock_rate = CLOCK_RATES[kind]
        self.sequence = secrets.randbits(15)  # the next one; RFC 3550 5.1 wants it random, libsrtp not near the wrap
        self.packets_sent = 0
        self.octets_sent = 0
        self.resent = 0
        self.resend_missed = 0
        self._rtx_sequence = secrets.randbits(15)
        self._timestamp_offset = secrets.randbits(32)
        self._cache: PacketCache[_Sent] = PacketCache()
        self._plan: Answered | None = None

    def agree(self, plan: Answered) -> None:
        """Take payload types and extension ids from the answer."""
        self._plan = plan

    def timestamp(self, at_us: int) -> int:
        """The RTP timestamp of the UTC moment `at_us`."""
        return (at_us * self.clock_rate // 1_000_000 + self._timestamp_offset) & 0xFFFFFFFF

    def packets(self, payloads: Sequence[bytes], at_us: int, level_dbov: int | None) -> list[bytes]:
        """One frame as plain RTP packets, numbered, the last one marked (video) and none for sound."""
        plan = self._plan
        if plan is None:
            return []
        timestamp = self.timestamp(at_us)
        extensions = self._extensions(plan, level_dbov)
        packets: list[bytes] = []
        for index, payload in enumerate(payloads):
            marker = self.kind == "video" and index == len(payloads) - 1
            packets.append(
                build_rtp(plan.payload_type, marker, self.sequence, timestamp, self.ssrc, payload, extensions)
            )
            self.sequence = (self.sequence + 1) & 0xFFFF
        return packets

    def remember(self, packet: bytes, protected: bytes, payload: bytes) -> None:
        """Count a packet and keep it for retransmission; its sequence number is in its own header."""
        self.packets_sent += 1
        self.octets_sent += len(payload)
        sent = _Sent(packet[1] > 127, int.from_bytes(packet[4:8], "big"), payload, protected)
        self._cache.put(packet[2] << 8 | packet[3], sent)

    def resend(self, sequence: int, srtp: Srtp) -> bytes | None:
        """The protected answer to a NACK for `sequence`, by RTX if agreed; None when it is no longer kept."""
        sent, plan = self._cache.get(sequence), self._plan
        if sent is None or plan is None:
            self.resend_missed += 1
            return None
        self.resent += 1
        if plan.rtx_payload_type is None:
            return sent.protected
        packet = build_rtp(
            plan.rtx_payload_type,
            sent.marker,
            self._rtx_sequence,
            sent.timestamp,
            self.rtx_ssrc,
            wrap_rtx(sequence, sent.payload),
            self._extensions(plan, None),
        )
        self._rtx_sequence = (self._rtx_sequence + 1) & 0xFFFF
        return srtp.protect(packet)

    def report(self) -> SenderReport | None:
        """A sender report (RFC 3550 6.4.1) once something was sent."""
        if not self.packets_sent:
            return None
        now_us = time.time_ns() // 1000
        return SenderReport(
            self.ssrc,
            ntp_time(now_us / 1_000_000),
            self.timestamp(now_us),
            self.packets_sent & 0xFFFFFFFF,
            self.octets_sent & 0xFFFFFFFF,
        )

    def _extensions(self, plan: Answered, level_dbov: int | None) -> list[tuple[int, bytes]]:
        extensions: list[tuple[int, bytes]] = []
        if MID in plan.extensions:
            extensions.append((plan.extensions[MID], plan.mid.encode()))
        if ABS_SEND_TIME in plan.extensions:  # 24 bits: 6 of seconds, 18 of fraction
            now = ntp_time(time.time()) >> 14 & 0xFFFFFF
            extensions.append((plan.extensions[ABS_SEND_TIME], _ABS_SEND_TIME.pack(now)[1:]))
        if level_dbov is not None and AUDIO_LEVEL in plan.extensions:
            voice = 0x80 if level_dbov < 60 else 0  # RFC 6464 3
            extensions.append((plan.extensions[AUDIO_LEVEL], bytes((voice | level_dbov,))))
        return extensions


class Incoming:
    """One m-line that receives: its source is learnt from the first packet, retransmissions are unwrapped."""

    def __init__(self, plan: Answered, on_packet: Callable[[Incoming, RtpPacket], None]) -> None:
        self.kind: Kind = plan.kind
        self.plan = plan
        self.ssrc: int | None = plan.sources[0] if plan.sources else None
        self.reception = Reception(CLOCK_RATES[plan.kind])
        self.packets = 0
        self.recovered = 0
        self.duplicates = 0
        self.nacked = 0
        self._on_packet = on_packet
        self._sender: tuple[int, int] | None = None

    def take(self, packet: RtpPacket) -> None:
        """One decrypted packet of this m-line, in any order."""
        recovered = packet.payload_type == self.plan.rtx_payload_type
        if recovered:
            if self.ssrc is None:
                return
            try:
                packet = unwrap_rtx(packet, self.plan.payload_type, self.ssrc)
            except Malformed:
                return  # padding that probes bandwidth
            self.recovered += 1
        elif self.ssrc != packet.ssrc:
            self.ssrc = packet.ssrc
            self.reception = Reception(CLOCK_RATES[self.kind])
        arrival = self.reception.receive(packet.sequence, packet.timestamp, packet.arrival_us, recovered=recovered)
        if arrival is DUPLICATE:
            self.duplicates += 1
            return
        self.packets += 1
        self._on_packet(self, packet)

    def hear(self, report: SenderReport, arrival_us: int) -> None:
        """Remember a sender report for the next receiver report."""
        self._sender = (report.ntp >> 16 & 0xFFFFFFFF, arrival_us)

    def report_block(self, now_us: int) -> ReportBlock | None:
        """What to say of this source in the next report; None before its first packet."""
        if self.ssrc is None or not self.packets:
            return None
        return self.reception.report_block(self.ssrc, now_us, self._sender)
