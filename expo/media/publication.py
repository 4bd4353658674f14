"""A publisher's transport at work: demultiplexing into Tracks, and the feedback that keeps its encoder honest."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from expo.media.bandwidth import PublisherRate
from expo.media.clock_model import ClockModel
from expo.media.rtcp import Bye, Fir, Nack, Pli, ReceiverReport, Remb, SenderReport, build_rtcp, parse_rtcp
from expo.media.rtp import Malformed, parse_rtp, unwrap_rtx
from expo.media.sdp_model import Plan
from expo.media.stats import EngineStats
from expo.media.track import Track
from expo.media.transport import Transport

REPORT_INTERVAL_US = 500_000  # Chromium follows REMB only while it keeps coming
_RTT_US = 100_000  # for retransmission timers until a retransmission has been timed


@dataclass(frozen=True, slots=True)
class PublisherStats:
    """How a publisher is doing. `key_frame_interval_ms` is None for one that answers PLI: there it says nothing."""

    bitrate_bps: int
    loss: float
    key_frame_interval_ms: int | None
    answers_pli: bool


class Publication:
    """One publisher. `answer` and `etag` go back by WHIP; `on_closed` hears the reason once.

    `flowing` is set by its first packet and `off_air` when no Feed shows its Tracks any more; both when it has closed.
    """

    def __init__(
        self,
        plan: Plan,
        transport: Transport,
        *,
        max_bps: int,
        on_closed: Callable[[str], None],
        stats: EngineStats,
    ) -> None:
        self.answer = plan.answer
        self.etag = f'"{secrets.token_urlsafe(9)}"'
        self.transport = transport
        self._on_closed = on_closed
        self._stats = stats
        self._ssrc = secrets.randbits(32)
        self._fir_sequence = 0
        self._senders: dict[int, tuple[int, int]] = {}  # ssrc -> middle 32 bits of its last report's NTP, arrival (us)
        self._reported_us = 0
        self._measured = (0, 0)
        self._bitrate_bps = 0
        self._rtt_us = _RTT_US
        self._nacked: dict[int, int] = {}
        clock = ClockModel()
        self.tracks = tuple(Track(media, clock, self._ask_key_frame, self._track_hidden, stats) for media in plan.media)
        self.flowing = asyncio.Event()
        self.off_air = asyncio.Event()
        self._silent = True
        self._clock = clock
        self._by_payload_type = {track.plan.payload_type: track for track in self.tracks}
        self._by_rtx = {
            track.plan.rtx_payload_type: track for track in self.tracks if track.plan.rtx_payload_type is not None
        }
        self._rate = PublisherRate(max_bps)
        transport.handler = self

    @property
    def closed(self) -> bool:
        return self.transport.closed

    @property
    def last_heard_us(self) -> int:
        """Arrival (monotonic, us) of the last authenticated packet of any kind."""
        return self.transport.last_heard_us

    @property
    def on_air(self) -> bool:
        """Whether a Feed shows one of its Tracks, or waits for its key frame."""
        return any(track.feeds for track in self.tracks)

    def loudness(self, now_us: int) -> float | None:
        """How loud it is, 0 to 1; None where its sender does not tell (RFC 6464)."""
        sound = self.first("audio")
        return sound.loudness.value(now_us) if sound is not None and sound.tells_loudness else None

    def first(self, kind: Literal["audio", "video"]) -> Track | None:
        """Its first Track of this kind."""
        return next((track for track in self.tracks if track.kind == kind), None)

    def stats(self) -> PublisherStats:
        video = self.first("video")
        answers_pli = video is None or video.plan.pli or video.plan.fir
        interval_us = None if video is None or answers_pli else video.key_frame_interval_us
        loss = max((track.reception.fraction_lost for track in self.tracks), default=0.0)
        return PublisherStats(
            self._bitrate_bps, loss, None if interval_us is None else interval_us // 1000, answers_pli
        )

    def spare(self, bps: int | None) -> None:
        """Ask its encoder for no more than `bps` until told otherwise (None)."""
        self._rate.spare_bps = bps

    def close(self, reason: str) -> None:
        self.transport.close(reason)

    def on_connected(self) -> None:
        for track in self.tracks:
            if track.feeds:
                track.request_key_frame()

    def on_rtp(self, packet: memoryview, arrival_us: int) -> None:
        try:
            rtp = parse_rtp(packet, arrival_us)
            track = self._by_payload_type.get(rtp.payload_type)
            recovered = track is None
            if track is None:
                track = self._by_rtx.get(rtp.payload_type)
                if track is None or track.ssrc is None or not rtp.payload:
                    return  # probing with padding comes on the RTX ssrc
                rtp = unwrap_rtx(rtp, track.plan.payload_type, track.ssrc)
                self._stats.packets_recovered += 1
                asked_us = self._nacked.pop(rtp.sequence, None)
                if asked_us is not None:
                    self._rtt_us += (arrival_us - asked_us - self._rtt_us) // 8
        except Malformed:
            self._stats.malformed += 1
            return
        track.ingest(rtp, recovered=recovered)
        if self._silent:
            self._silent = False
            self.flowing.set()
        if track.reception.holes and track.plan.nack:
            self._nack(track, arrival_us)

    def on_rtcp(self, packet: bytes, arrival_us: int) -> None:
        try:
            items = parse_rtcp(packet)
        except Malformed:
            self._stats.malformed += 1
            return
        for item in items:
            if isinstance(item, SenderReport):
                self._stats.reports_received += 1
                track = next((track for track in self.tracks if track.ssrc == item.ssrc), None)
                if track is not None:
                    self._clock.on_sender_report(track.kind, item.ntp, item.rtp_timestamp)
                    self._senders[item.ssrc] = (item.ntp >> 16) & 0xFFFFFFFF, arrival_us
            elif isinstance(item, Bye) and any(track.ssrc in item.ssrcs for track in self.tracks):
                self.close("peer_left")
                return

    def on_ended(self, reason: str) -> None:
        for track in self.tracks:
            track.close()
        self.flowing.set()
        self.off_air.set()
        self._on_closed(reason)

    def tick(self, now_us: int) -> None:
        """Repeat what is due: NACKs, key-frame requests, reports with the rate we can take."""
        if self.transport.srtp is None:
            return
        for track in self.tracks:
            track.tick(now_us)
            self._stats.packets_lost += track.newly_given_up()
            if track.reception.holes and track.plan.nack:
                self._nack(track, now_us)
        if now_us - self._reported_us >= REPORT_INTERVAL_US:
            self._report(now_us)

    def _track_hidden(self) -> None:
        if not any(track.feeds for track in self.tracks):
            self.off_air.set()

    def _report(self, now_us: int) -> None:
        blocks = [
            track.reception.report_block(track.ssrc, now_us, self._senders.get(track.ssrc))
            for track in self.tracks
            if track.ssrc is not None and track.last_arrival_us
        ]
        video = [track for track in self.tracks if track.kind == "video" and track.ssrc is not None]
        # Sound alone is too few packets to judge a path by: 3 of 25 would look like congestion.
        if video and video[0].last_arrival_us:
            self._rate.on_loss(video[0].reception.fraction_lost, now_us)
        items: list[ReceiverReport | Remb] = [ReceiverReport(self._ssrc, tuple(blocks))]
        if video and video[0].plan.remb:
            items.append(
                Remb(self._ssrc, self._rate.asked_bps, tuple(track.ssrc for track in video if track.ssrc is not None))
            )
        self.transport.send_rtcp(build_rtcp(items))
        self._stats.reports_sent += 1
        received = sum(track.bytes_received for track in self.tracks)
        then_us, before = self._measured
        self._bitrate_bps = (received - before) * 8_000_000 // max(1, now_us - then_us) if then_us else 0
        self._measured = now_us, received
        self._reported_us = now_us

    def _nack(self, track: Track, now_us: int) -> None:
        missing = track.reception.missing(now_us, self._rtt_us)
        if not missing or track.ssrc is None:
            return
        if len(self._nacked) > 1024:
            self._nacked.clear()
        for sequence in missing:
            self._nacked.setdefault(sequence, now_us)
        self._send_feedback(Nack(self._ssrc, track.ssrc, tuple(missing)))
        self._stats.nacks_sent += 1

    def _ask_key_frame(self, track: Track) -> bool:
        if track.ssrc is None or not (track.plan.pli or track.plan.fir):
            return False
        if track.plan.pli:
            sent = self._send_feedback(Pli(self._ssrc, track.ssrc))
        else:
            self._fir_sequence = (self._fir_sequence + 1) & 0xFF
            sent = self._send_feedback(Fir(self._ssrc, track.ssrc, self._fir_sequence))
        self._stats.key_frame_requests_sent += sent
        return sent

    def _send_feedback(self, item: Nack | Pli | Fir) -> bool:
        # Compound by RFC 3550 6.1: a report first, empty when it is not due.
        return self.transport.send_rtcp(build_rtcp([ReceiverReport(self._ssrc, ()), item]))
