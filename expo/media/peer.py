"""A WebRTC client without a browser: publishes prepared frames or watches, precisely and cheaply.

It is the demo's exhibitor, the tests' wire client and the benchmark's load. Hooks to misbehave on purpose:
`lose_outgoing`, `lose_incoming`, `send_raw`, `send_protected`, `send_rtcp`, `on_datagram`, `rebind`, `detach`,
`close(bye=False)`.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from expo.clock import monotonic_us
from expo.media.aiortc_seam import Certificate
from expo.media.ice import Address
from expo.media.peer_link import HandshakeFailed, Link
from expo.media.peer_sdp import Answer, BadAnswer, Kind, Proposal, Setup, read_answer, write_offer
from expo.media.peer_streams import Incoming, Outgoing
from expo.media.rtcp import (
    Bye,
    Fir,
    Nack,
    Pli,
    ReceiverReport,
    Remb,
    ReportBlock,
    RtcpItem,
    SenderReport,
    SourceDescription,
    build_rtcp,
    parse_rtcp,
)
from expo.media.rtp import Malformed, RtpPacket, parse_rtp

CONNECT_TIMEOUT_S = 10.0
TICK_S = 0.05


class PeerFailed(Exception):  # noqa: N818 - says what happened
    """No connection came about; the message says at which step."""


@dataclass(frozen=True, slots=True)
class PeerOptions:
    """How a peer behaves. Consent is RFC 7675's by default; a client that must notice a dead server fast sets less."""

    kinds: tuple[Kind, ...] = ("video", "audio")
    bind: str | None = None  # None: every address of both families; else this one, which is then offered as candidate
    setup: Setup = "actpass"
    rtx: bool = True
    nack: bool = True
    pli: bool = True  # offered; else key frames are asked for by FIR
    profile_level_id: str = "42e01f"
    report_interval_s: float = 1.0
    consent_interval_s: float = 5.0
    consent_timeout_s: float = 30.0


class Peer:
    """One connection, to be opened, connected once and closed. All methods belong to the loop that opened it."""

    def __init__(self, certificate: Certificate, options: PeerOptions, *, publishing: bool) -> None:
        """Prefer `Peer.publisher` and `Peer.viewer`."""
        self.options = options
        self.outgoing: dict[Kind, Outgoing] = {}
        self.incoming: dict[Kind, Incoming] = {}
        self.answer: Answer | None = None
        self.remb_bps: int | None = None
        self.key_frames_asked = 0
        self.malformed = 0
        self.reports: list[ReportBlock] = []
        """The other side's latest report blocks."""
        self.on_packet: Callable[[Incoming, RtpPacket], None] = lambda _incoming, _packet: None
        self.on_key_frame_request: Callable[[], None] = lambda: None
        self.on_rtcp: Callable[[RtcpItem], None] = lambda _item: None
        self.lose_outgoing: Callable[[bytes], bool] = lambda _plain: False
        """Whether a plain RTP packet is numbered and remembered but never sent; retransmissions are not asked."""
        self.lose_incoming: Callable[[RtpPacket], bool] = lambda _packet: False
        """Whether a decrypted packet counts as lost on the way; retransmissions are asked too."""
        self.link = Link(certificate, options.bind, self._receive_rtp, self._receive_rtcp)
        self.ssrc = secrets.randbits(32)
        """Our name as a receiver in RTCP."""
        self._timer: asyncio.TimerHandle | None = None
        self._next_report_us = 0
        self._by_payload_type: dict[int, Incoming] = {}
        if publishing:
            self.outgoing = {
                kind: Outgoing(kind, secrets.randbits(32) | 1, secrets.randbits(32) | 1) for kind in options.kinds
            }
        self.offer = write_offer(
            Proposal(
                kinds=options.kinds,
                sources={kind: (source.ssrc, source.rtx_ssrc) for kind, source in self.outgoing.items()},
                ice_ufrag=self.link.ice.ufrag,
                ice_pwd=self.link.ice.pwd,
                fingerprint=certificate.fingerprint,
                setup=options.setup,
                candidate=self.local_address if options.bind is not None else None,
                rtx=options.rtx,
                pli=options.pli,
                profile_level_id=options.profile_level_id,
            )
        )

    @classmethod
    def publisher(cls, certificate: Certificate | None = None, options: PeerOptions | None = None) -> Peer:
        """A peer that sends; its socket is open and its offer written."""
        return cls(certificate or Certificate.generate(), options or PeerOptions(), publishing=True)

    @classmethod
    def viewer(cls, certificate: Certificate | None = None, options: PeerOptions | None = None) -> Peer:
        """A peer that receives; its socket is open and its offer written."""
        return cls(certificate or Certificate.generate(), options or PeerOptions(), publishing=False)

    @property
    def connected(self) -> bool:
        return self.link.srtp is not None

    @property
    def closed(self) -> asyncio.Event:
        """Set once the connection has ended, whoever ended it."""
        return self.link.closed

    @property
    def reason(self) -> str:
        """Why it closed: empty while open, else closed, peer_left, consent_expired or failed."""
        return self.link.reason

    @property
    def local_address(self) -> tuple[str, int]:
        host, port = self.link.sock.getsockname()[:2]
        return host, port

    async def connect(self, answer: str, timeout_s: float = CONNECT_TIMEOUT_S) -> None:
        """Take the answer, find a path, shake hands. Raises PeerFailed, and the peer is closed then."""
        try:
            self.answer = read_answer(answer)
            self._agree(self.answer)
            async with asyncio.timeout(timeout_s):
                await self.link.connect(self.answer)
        except TimeoutError:
            step = "handshake" if self.link.ice.selected else "no candidate answered"
            self._end("failed")
            raise PeerFailed(f"timeout: {step}") from None
        except (BadAnswer, HandshakeFailed) as error:
            self._end("failed")
            raise PeerFailed(str(error)) from error
        self._tick()

    def send_frame(self, kind: Kind, payloads: Sequence[bytes], at_us: int, level_dbov: int | None = None) -> None:
        """Send one frame, given as RTP payloads, captured at the UTC moment `at_us`; nothing while unconnected."""
        source = self.outgoing[kind]
        srtp = self.link.srtp
        if srtp is None:
            return
        packets = source.packets(payloads, at_us, level_dbov)
        for packet, payload, protected in zip(packets, payloads, srtp.protect_all(packets), strict=False):
            source.remember(packet, protected, payload)
            if protected and not self.lose_outgoing(packet):
                self.link.send(protected)

    def request_key_frame(self) -> None:
        """Ask for a key frame of the picture (PLI)."""
        video = self.incoming.get("video")
        if video is not None and video.ssrc is not None:
            self.send_rtcp([ReceiverReport(self.ssrc), Pli(self.ssrc, video.ssrc)])

    def send_rtcp(self, items: Sequence[RtcpItem]) -> None:
        """Protect and send one RTCP datagram."""
        if self.link.srtp is not None:
            self.link.send(self.link.srtp.protect_rtcp(build_rtcp(items)))

    def send_protected(self, packet: bytes) -> None:
        """Protect and send one plain RTP packet of the caller's own making, however odd."""
        if self.link.srtp is not None:
            self.link.send(self.link.srtp.protect(packet))

    def send_raw(self, datagram: bytes, address: Address | None = None) -> None:
        """Send bytes as they are, to the selected address unless told otherwise."""
        self.link.send(datagram, address)

    async def rebind(self, timeout_s: float = CONNECT_TIMEOUT_S) -> None:
        """Go on from a new socket, as a phone does that changes networks; DTLS and SRTP stay. Raises PeerFailed."""
        try:
            async with asyncio.timeout(timeout_s):
                await self.link.rebind()
        except TimeoutError:
            self._end("failed")
            raise PeerFailed("timeout: no candidate answered") from None

    def detach(self) -> socket.socket:
        """Stop reading for good and hand out the socket; reports and consent go on, until `close` closes it."""
        return self.link.stop_reading()

    async def close(self, *, bye: bool = True) -> None:
        """Say goodbye (BYE and close_notify, unless told to vanish) and close the socket. Idempotent."""
        if bye and self.connected:
            sources = tuple(source.ssrc for source in self.outgoing.values()) or (self.ssrc,)
            self.send_rtcp([ReceiverReport(self.ssrc), Bye(sources)])
            self.link.say_goodbye()
        self._end("closed")

    def _agree(self, answer: Answer) -> None:
        for media in answer.media:
            if self.outgoing:
                self.outgoing[media.kind].agree(media)
                continue
            incoming = Incoming(media, self._hand_on)
            self.incoming[media.kind] = incoming
            self._by_payload_type[media.payload_type] = incoming
            if media.rtx_payload_type is not None:
                self._by_payload_type[media.rtx_payload_type] = incoming

    def _hand_on(self, incoming: Incoming, packet: RtpPacket) -> None:
        self.on_packet(incoming, packet)  # looked up now: the hook may change

    def _receive_rtp(self, plain: bytes, arrival_us: int) -> None:
        try:
            packet = parse_rtp(plain, arrival_us)
        except Malformed:
            self.malformed += 1
            return
        incoming = self._by_payload_type.get(packet.payload_type)
        if incoming is None or self.lose_incoming(packet):
            return
        incoming.take(packet)
        if incoming.reception.holes:
            self._ask_again(incoming, arrival_us)

    def _receive_rtcp(self, plain: bytes, arrival_us: int) -> None:
        try:
            items = parse_rtcp(plain)
        except Malformed:
            self.malformed += 1
            return
        for item in items:
            self.on_rtcp(item)
            self._hear(item, arrival_us)
        if any(isinstance(item, Pli | Fir) for item in items):
            self.key_frames_asked += 1
            self.on_key_frame_request()

    def _hear(self, item: RtcpItem, arrival_us: int) -> None:
        match item:
            case Nack():
                self._answer(item)
            case Remb():
                self.remb_bps = item.bitrate_bps
            case SenderReport():
                for incoming in self.incoming.values():
                    if incoming.ssrc == item.ssrc:
                        incoming.hear(item, arrival_us)
            case ReceiverReport() if item.blocks:
                self.reports = list(item.blocks)
            case _:
                pass

    def _answer(self, nack: Nack) -> None:
        source = next((source for source in self.outgoing.values() if source.ssrc == nack.media_ssrc), None)
        if source is None or self.link.srtp is None:
            return
        for sequence in nack.lost:
            again = source.resend(sequence, self.link.srtp)
            if again is not None:
                self.link.send(again)

    def _ask_again(self, incoming: Incoming, now_us: int) -> None:
        if not self.options.nack or incoming.kind != "video" or incoming.ssrc is None:
            return
        missing = incoming.reception.missing(now_us, self.link.ice.rtt_us)
        if missing:
            incoming.nacked += len(missing)
            self.send_rtcp([ReceiverReport(self.ssrc), Nack(self.ssrc, incoming.ssrc, tuple(missing))])

    def _tick(self) -> None:
        if self.closed.is_set():
            return
        self._timer = asyncio.get_running_loop().call_later(TICK_S, self._tick)
        now_us = monotonic_us()
        for incoming in self.incoming.values():
            if incoming.reception.holes:
                self._ask_again(incoming, now_us)
        if now_us >= self._next_report_us:
            self._next_report_us = now_us + round(self.options.report_interval_s * 1_000_000)
            self._report(now_us)
        self.link.keep_consent(now_us, self.options.consent_interval_s, self.options.consent_timeout_s)

    def _report(self, now_us: int) -> None:
        items: list[RtcpItem] = [report for source in self.outgoing.values() if (report := source.report())]
        if self.incoming:
            blocks = [block for incoming in self.incoming.values() if (block := incoming.report_block(now_us))]
            items.append(ReceiverReport(self.ssrc, tuple(blocks)))
        if items:
            own = next(iter(self.outgoing.values())).ssrc if self.outgoing else self.ssrc
            self.send_rtcp([*items, SourceDescription(own, "peer")])

    def _end(self, reason: str) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self.link.end(reason)
