"""A WebRTC client without a browser: publishes prepared frames or watches, precisely and cheaply.

It is the demo's exhibitor, the tests' wire client and the benchmark's load. ICE is the controlling side over one
socket of its own; DTLS-SRTP is the server's own seam. Hooks to misbehave on purpose: `lose_outgoing`, `lose_incoming`,
`send_raw`, `send_rtcp`, `on_datagram`, `rebind`, `detach`.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from expo.clock import monotonic_us
from expo.media.aiortc_seam import Certificate, Dtls, HandshakeFailed
from expo.media.ice import Address
from expo.media.peer_ice import IceClient
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
from expo.media.srtp import Srtp, SrtpError

CONNECT_TIMEOUT_S = 10.0
TICK_S = 0.05
_DRAIN_DATAGRAMS = 64  # per wake-up; then the loop serves others
_EARLY_DATAGRAMS = 64  # media that overtakes the end of our handshake
_SOCKET_BUFFER_BYTES = 1 << 20


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
        self.srtp: Srtp | None = None
        self.answer: Answer | None = None
        self.closed = asyncio.Event()
        self.reason = ""
        """Why it closed: empty while open, else closed, peer_left, consent_expired or failed."""
        self.dropped = 0
        """Datagrams that the kernel refused to send."""
        self.undecryptable = 0
        self.remb_bps: int | None = None
        self.key_frames_asked = 0
        self.reports: list[ReportBlock] = []
        """The other side's latest report blocks."""
        self.on_packet: Callable[[Incoming, RtpPacket], None] = lambda _incoming, _packet: None
        self.on_key_frame_request: Callable[[], None] = lambda: None
        self.on_remb: Callable[[int], None] = lambda _bps: None
        self.on_rtcp: Callable[[RtcpItem], None] = lambda _item: None
        self.on_datagram: Callable[[bytes, Address], None] = lambda _datagram, _source: None
        self.lose_outgoing: Callable[[bytes], bool] = lambda _plain: False
        """Whether a plain RTP packet is numbered and remembered but never sent (retransmissions are not asked)."""
        self.lose_incoming: Callable[[RtpPacket], bool] = lambda _packet: False
        """Whether a decrypted packet counts as lost on the way; retransmissions are asked too."""
        self._loop = asyncio.get_running_loop()
        self._sock = _open_socket(options.bind)
        self._ice = IceClient(self.send_raw)
        self._ssrc = secrets.randbits(32)
        self._certificate = certificate
        self._dtls: Dtls | None = None
        self._early: list[tuple[bytes, int]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._reading = True
        self._next_report_us = 0
        self._next_check_us = 0
        self._by_payload_type: dict[int, Incoming] = {}
        if publishing:
            self.outgoing = {kind: Outgoing(kind, _ssrc(), _ssrc()) for kind in options.kinds}
        bound: tuple[str, int] = self._sock.getsockname()[:2]
        self.offer = write_offer(
            Proposal(
                kinds=options.kinds,
                sources={kind: (source.ssrc, source.rtx_ssrc) for kind, source in self.outgoing.items()},
                ice_ufrag=self._ice.ufrag,
                ice_pwd=self._ice.pwd,
                fingerprint=certificate.fingerprint,
                setup=options.setup,
                candidate=bound if options.bind is not None else None,
                rtx=options.rtx,
                profile_level_id=options.profile_level_id,
            )
        )
        self._loop.add_reader(self._sock.fileno(), self._readable)

    @classmethod
    def publisher(cls, certificate: Certificate | None = None, options: PeerOptions | None = None) -> Peer:
        """A peer that sends; open its socket and write its offer."""
        return cls(certificate or Certificate.generate(), options or PeerOptions(), publishing=True)

    @classmethod
    def viewer(cls, certificate: Certificate | None = None, options: PeerOptions | None = None) -> Peer:
        """A peer that receives; open its socket and write its offer."""
        return cls(certificate or Certificate.generate(), options or PeerOptions(), publishing=False)

    @property
    def connected(self) -> bool:
        return self.srtp is not None and not self.closed.is_set()

    @property
    def local_address(self) -> Address:
        return self._sock.getsockname()

    @property
    def remote_address(self) -> Address | None:
        return self._ice.selected

    @property
    def rtt_us(self) -> int:
        """Smoothed round trip of the connectivity checks."""
        return self._ice.rtt_us

    async def connect(self, answer: str, timeout_s: float = CONNECT_TIMEOUT_S) -> None:
        """Take the answer, find a path, shake hands. Raises PeerFailed, and the peer is closed then."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._connect(read_answer(answer))
        except TimeoutError:
            self._end("failed")
            step = "handshake" if self._ice.selected else "no candidate answered"
            raise PeerFailed(f"timeout: {step}") from None
        except (BadAnswer, HandshakeFailed) as error:
            self._end("failed")
            raise PeerFailed(str(error)) from error

    def send_frame(self, kind: Kind, payloads: Sequence[bytes], at_us: int, level_dbov: int | None = None) -> None:
        """Send one frame, given as RTP payloads, captured at the UTC moment `at_us`; nothing while unconnected."""
        source, srtp = self.outgoing[kind], self.srtp
        if srtp is None:
            return
        packets = source.packets(payloads, at_us, level_dbov)
        for packet, payload, protected in zip(packets, payloads, srtp.protect_all(packets), strict=False):
            source.remember(packet, protected, payload)
            if not self.lose_outgoing(packet):
                self._send(protected)

    def request_key_frame(self) -> None:
        """Ask for a key frame of the picture (PLI)."""
        video = self.incoming.get("video")
        if video is not None and video.ssrc is not None:
            self.send_rtcp([ReceiverReport(self._ssrc), Pli(self._ssrc, video.ssrc)])

    def send_rtcp(self, items: Sequence[RtcpItem]) -> None:
        """Protect and send one RTCP datagram."""
        if self.srtp is not None:
            self._send(self.srtp.protect_rtcp(build_rtcp(items)))

    def send_protected(self, packet: bytes) -> None:
        """Protect and send one plain RTP packet of the caller's own making, however odd."""
        if self.srtp is not None:
            self._send(self.srtp.protect(packet))

    def send_raw(self, datagram: bytes, address: Address | None = None) -> None:
        """Send bytes as they are, to the selected address unless told otherwise."""
        target = address or self._ice.selected
        if target is None or self.closed.is_set():
            return
        try:
            self._sock.sendto(datagram, target)
        except OSError:
            self.dropped += 1  # a full buffer, or an ICMP answer to an earlier datagram

    def send_check(self, *, nominate: bool = True) -> None:
        """Send one connectivity check to the selected address now."""
        if self._ice.selected is not None:
            self._ice.check(self._ice.selected, nominate=nominate)

    async def rebind(self, timeout_s: float = CONNECT_TIMEOUT_S) -> None:
        """Go on from a new socket, as a phone does that changes networks: nominate again, keep DTLS and SRTP."""
        if self.answer is None:
            raise PeerFailed("not connected")
        self._loop.remove_reader(self._sock.fileno())
        self._sock.close()
        self._sock = _open_socket(self.options.bind)
        self._loop.add_reader(self._sock.fileno(), self._readable)
        try:
            async with asyncio.timeout(timeout_s):
                await self._ice.nominate(self.answer.ice_ufrag, self.answer.ice_pwd, self._targets(self.answer))
        except TimeoutError:
            self._end("failed")
            raise PeerFailed("timeout: no candidate answered") from None

    def detach(self) -> socket.socket:
        """Stop reading for good and hand out the socket; reports and consent go on, until `close` closes it."""
        self._reading = False
        self._loop.remove_reader(self._sock.fileno())
        return self._sock

    async def close(self, *, bye: bool = True) -> None:
        """Say goodbye (BYE and close_notify, unless told to vanish) and close the socket. Idempotent."""
        if not self.closed.is_set() and bye and self.srtp is not None:
            sources = tuple(source.ssrc for source in self.outgoing.values()) or (self._ssrc,)
            self.send_rtcp([ReceiverReport(self._ssrc), Bye(sources)])
            if self._dtls is not None:
                self._dtls.close()
        self._end("closed")

    async def _connect(self, answer: Answer) -> None:
        self.answer = answer
        for media in answer.media:
            if self.outgoing:
                self.outgoing[media.kind].agree(media)
                continue
            incoming = Incoming(media, self._hand_on)
            self.incoming[media.kind] = incoming
            self._by_payload_type[media.payload_type] = incoming
            if media.rtx_payload_type is not None:
                self._by_payload_type[media.rtx_payload_type] = incoming
        self._dtls = Dtls(self._certificate, answer.dtls_role, self._send, lambda: self._end("peer_left"))
        await self._ice.nominate(answer.ice_ufrag, answer.ice_pwd, self._targets(answer))
        self.srtp = await self._dtls.connect(answer.fingerprints)
        early, self._early = self._early, []
        for datagram, arrival_us in early:
            self._receive_media(datagram, arrival_us)
        self._tick()

    def _targets(self, answer: Answer) -> list[Address]:
        """Candidates as this socket's family wants them."""
        if self._sock.family == socket.AF_INET:
            return [candidate for candidate in answer.candidates if ":" not in candidate[0]]
        return [(host if ":" in host else f"::ffff:{host}", port, 0, 0) for host, port in answer.candidates]

    def _send(self, datagram: bytes) -> None:
        self.send_raw(datagram)

    def _readable(self) -> None:
        for _ in range(_DRAIN_DATAGRAMS):
            try:
                datagram, source = self._sock.recvfrom(2048)
            except BlockingIOError:
                return
            except OSError:
                continue  # an ICMP error of an earlier datagram
            self.on_datagram(datagram, source)
            if not datagram:
                continue
            first = datagram[0]  # RFC 7983 7
            if first < 4:
                self._ice.take(datagram, source)
            elif 128 <= first < 192:
                self._receive_media(datagram, monotonic_us())
            elif 20 <= first < 64 and self._dtls is not None:
                self._dtls.feed(datagram)
            if self.closed.is_set() or not self._reading:
                return

    def _receive_media(self, datagram: bytes, arrival_us: int) -> None:
        srtp = self.srtp
        if srtp is None:
            if len(self._early) < _EARLY_DATAGRAMS:
                self._early.append((datagram, arrival_us))
            return
        try:
            if len(datagram) > 1 and 192 <= datagram[1] <= 223:
                self._receive_rtcp(srtp.unprotect_rtcp(datagram), arrival_us)
            else:
                self._receive_rtp(parse_rtp(srtp.unprotect(datagram), arrival_us))
        except (SrtpError, Malformed):
            self.undecryptable += 1

    def _receive_rtp(self, packet: RtpPacket) -> None:
        incoming = self._by_payload_type.get(packet.payload_type)
        if incoming is None or self.lose_incoming(packet):
            return
        incoming.take(packet)
        if incoming.reception.has_missing:
            self._ask_again(incoming, packet.arrival_us)

    def _hand_on(self, incoming: Incoming, packet: RtpPacket) -> None:
        self.on_packet(incoming, packet)  # looked up now: the hook may change

    def _receive_rtcp(self, plain: bytes, arrival_us: int) -> None:
        asked = False
        for item in parse_rtcp(plain):
            self.on_rtcp(item)
            match item:
                case Nack():
                    self._answer(item)
                case Pli() | Fir():
                    asked = True
                case Remb():
                    self.remb_bps = item.bitrate_bps
                    self.on_remb(item.bitrate_bps)
                case SenderReport():
                    for incoming in self.incoming.values():
                        if incoming.ssrc == item.ssrc:
                            incoming.hear(item, arrival_us)
                case ReceiverReport() if item.blocks:
                    self.reports = list(item.blocks)
                case _:
                    pass
        if asked:
            self.key_frames_asked += 1
            self.on_key_frame_request()

    def _answer(self, nack: Nack) -> None:
        source = next((source for source in self.outgoing.values() if source.ssrc == nack.media_ssrc), None)
        if source is None or self.srtp is None:
            return
        for sequence in nack.lost:
            again = source.resend(sequence, self.srtp)
            if again is not None:
                self._send(again)

    def _ask_again(self, incoming: Incoming, now_us: int) -> None:
        if not self.options.nack or incoming.kind != "video" or incoming.ssrc is None:
            return
        missing = incoming.reception.missing(now_us, self._ice.rtt_us)
        if missing:
            incoming.nacked += len(missing)
            nack = Nack(self._ssrc, incoming.ssrc, tuple(missing))
            self.send_rtcp([ReceiverReport(self._ssrc), nack])

    def _tick(self) -> None:
        if self.closed.is_set():
            return
        self._timer = self._loop.call_later(TICK_S, self._tick)
        now_us = monotonic_us()
        for incoming in self.incoming.values():
            if incoming.reception.has_missing:
                self._ask_again(incoming, now_us)
        if now_us >= self._next_report_us:
            self._next_report_us = now_us + round(self.options.report_interval_s * 1_000_000)
            self._report(now_us)
        if now_us >= self._next_check_us:
            # RFC 7675 5.1: 0.8 to 1.2 of the interval, so that many clients do not check in step.
            share = 800_000 + secrets.randbelow(400_000)
            self._next_check_us = now_us + round(self.options.consent_interval_s * share)
            self.send_check()
        if self._reading and now_us - self._ice.heard_us > self.options.consent_timeout_s * 1_000_000:
            self._end("consent_expired")

    def _report(self, now_us: int) -> None:
        items: list[RtcpItem] = [report for source in self.outgoing.values() if (report := source.report())]
        if self.incoming:
            blocks = [block for incoming in self.incoming.values() if (block := incoming.report_block(now_us))]
            items.append(ReceiverReport(self._ssrc, tuple(blocks)))
        if items:
            own = next(iter(self.outgoing.values())).ssrc if self.outgoing else self._ssrc
            self.send_rtcp([*items, SourceDescription(own, "peer")])

    def _end(self, reason: str) -> None:
        if self.closed.is_set():
            return
        self.reason = reason
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._sock.fileno())
        self._sock.close()
        self.srtp = None
        self.closed.set()


def _ssrc() -> int:
    return secrets.randbits(32) or 1


def _open_socket(host: str | None) -> socket.socket:
    """A UDP socket at a free port; dual-stack where the machine has IPv6."""
    if host is None:
        try:
            sock = _open_socket("::")
        except OSError:
            sock = _open_socket("0.0.0.0")  # noqa: S104 - a client listens where its answers come
        return sock
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if host == "::":
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SOCKET_BUFFER_BYTES)
        sock.setblocking(False)  # noqa: FBT003 - the socket module takes it by position only
        sock.bind((host, 0))
    except OSError:
        sock.close()
        raise
    return sock
