"""A viewer's downlink: its lanes, the reports they get, and what the viewer asks for (NACK, PLI, reports)."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from expo.clock import monotonic_us
from expo.media.lane import Lane
from expo.media.rtcp import (
    Bye,
    Fir,
    Nack,
    Pli,
    ReceiverReport,
    ReportBlock,
    SenderReport,
    SourceDescription,
    build_rtcp,
    ntp_time,
    parse_rtcp,
)
from expo.media.rtp import Malformed
from expo.media.sdp_model import Plan
from expo.media.stats import EngineStats
from expo.media.transport import Transport

REPORT_INTERVAL_US = 2_000_000
_EPOCH_US = time.time_ns() // 1000 - monotonic_us()  # one offset for the process: a stepped wall clock moves no lip


class Downlink:
    """One viewer. `answer` and `etag` go back by WHEP; `detach` takes its lanes off their Feeds."""

    def __init__(
        self,
        plan: Plan,
        transport: Transport,
        *,
        cname: str,
        attach: Callable[[Lane], None],
        detach: Callable[[Lane], None],
        on_closed: Callable[[str], None],
        stats: EngineStats,
    ) -> None:
        self.answer = plan.answer
        self.etag = f'"{secrets.token_urlsafe(9)}"'
        self.transport = transport
        self.lanes = tuple(Lane(transport, media) for media in plan.media)
        self.loss = 0.0
        self.rtt_us: int | None = None
        self._cname = cname
        self._attach = attach
        self._detach = detach
        self._on_closed = on_closed
        self._stats = stats
        self._reported_us = 0
        transport.handler = self

    @property
    def closed(self) -> bool:
        return self.transport.closed

    def close(self, reason: str) -> None:
        self.transport.close(reason)

    def on_connected(self) -> None:
        for lane in self.lanes:
            self._attach(lane)

    def on_rtp(self, packet: memoryview, arrival_us: int) -> None:
        """A viewer has nothing to send; its packets are authenticated and ignored."""

    def on_rtcp(self, packet: bytes, arrival_us: int) -> None:
        try:
            items = parse_rtcp(packet)
        except Malformed:
            self._stats.malformed += 1
            return
        for item in items:
            match item:
                case ReceiverReport() | SenderReport():
                    self._stats.reports_received += 1
                    self._hear(item.blocks, arrival_us)
                case Nack():
                    self._stats.nacks_received += 1
                    self._resend(item, arrival_us)
                case Pli() | Fir():
                    self._stats.key_frame_requests_received += 1
                    for lane in self.lanes:
                        if lane.kind == "video" and lane.feed is not None:
                            lane.feed.request_key_frame()
                case Bye():
                    self.close("peer_left")
                    return
                case _:
                    pass

    def on_ended(self, reason: str) -> None:
        for lane in self.lanes:
            if lane.feed is not None:
                self._detach(lane)
        self._on_closed(reason)

    def report_if_due(self, now_us: int) -> None:
        """Send a sender report for each lane that has sent, every 2 s and as soon as there is something to say."""
        if now_us - self._reported_us < REPORT_INTERVAL_US or self.transport.srtp is None:
            return
        items: list[SenderReport | SourceDescription] = []
        for lane in self.lanes:
            report = _sender_report(lane, now_us)
            if report is not None:
                items.append(report)
        if items:
            items += [SourceDescription(lane.form[1], self._cname) for lane in self.lanes]
            self.transport.send_rtcp(build_rtcp(items))
            self._stats.reports_sent += 1
            self._reported_us = now_us

    def _resend(self, nack: Nack, now_us: int) -> None:
        srtp = self.transport.srtp
        lane = next((lane for lane in self.lanes if lane.form[1] == nack.media_ssrc), None)
        if srtp is None or lane is None:
            return
        for sequence in nack.lost:
            packet = lane.resend(sequence, now_us)
            protected = srtp.protect_all([packet])[0] if packet is not None else b""
            if protected:
                self.transport.send(protected)
                self._stats.retransmissions += 1
            else:
                self._stats.retransmissions_missed += 1

    def _hear(self, blocks: tuple[ReportBlock, ...], now_us: int) -> None:
        for block in blocks:
            self.loss = block.fraction_lost / 256
            if block.lsr:  # RFC 3550 6.4.1: A - LSR - DLSR in 1/65536 s
                now = ntp_time((now_us + _EPOCH_US) / 1_000_000) >> 16 & 0xFFFFFFFF
                rtt = now - block.lsr - block.dlsr & 0xFFFFFFFF
                if rtt < 0x80000000:
                    self.rtt_us = rtt * 1_000_000 >> 16


def _sender_report(lane: Lane, now_us: int) -> SenderReport | None:
    feed = lane.feed
    if feed is None or not lane.packets_sent or (last := feed.last) is None:
        return None
    packet, sample_us = last
    _, ssrc, _, timestamp_offset = lane.form
    ticks = (now_us - sample_us) * feed.clock_rate // 1_000_000
    return SenderReport(
        ssrc,
        ntp_time((now_us + _EPOCH_US) / 1_000_000),
        (packet.timestamp + timestamp_offset + ticks) & 0xFFFFFFFF,
        lane.packets_sent & 0xFFFFFFFF,
        lane.bytes_sent & 0xFFFFFFFF,
        (),
    )
