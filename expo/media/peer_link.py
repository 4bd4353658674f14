"""A client's path to a server: one UDP socket, ICE as the controlling side, DTLS, SRTP. It knows no media."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Callable

from expo.clock import monotonic_us
from expo.media.aiortc_seam import Certificate, Dtls
from expo.media.ice import Address
from expo.media.peer_ice import IceClient
from expo.media.peer_sdp import Answer
from expo.media.srtp import Srtp, SrtpError

_DRAIN_DATAGRAMS = 64  # per wake-up; then the loop serves others
_EARLY_DATAGRAMS = 64  # media that overtakes the end of our handshake
_SOCKET_BUFFER_BYTES = 1 << 20


class HandshakeFailed(Exception):  # noqa: N818 - a fact, like asyncio.CancelledError
    """No DTLS association came about: timeout, fingerprint mismatch, no common profile, or the peer went away."""


class Link:
    """Opened with its socket, connected once, closed by its owner or by the other side. Belongs to one loop.

    `on_rtp` and `on_rtcp` get decrypted packets with their arrival (monotonic us).
    """

    def __init__(
        self,
        certificate: Certificate,
        bind: str | None,
        on_rtp: Callable[[bytes, int], None],
        on_rtcp: Callable[[bytes, int], None],
    ) -> None:
        self.srtp: Srtp | None = None
        self.closed = asyncio.Event()
        self.reason = ""
        self.reading = True
        self.unsent = 0
        self.undecryptable = 0
        self.on_datagram: Callable[[bytes, Address], None] = lambda _datagram, _source: None
        self._certificate = certificate
        self._bind = bind
        self._on_rtp = on_rtp
        self._on_rtcp = on_rtcp
        self._loop = asyncio.get_running_loop()
        self._dtls: Dtls | None = None
        self._answer: Answer | None = None
        self._early: list[tuple[bytes, int]] = []
        self._next_check_us = 0
        self.ice = IceClient(self.send)
        self.sock = _open_socket(bind)
        self._loop.add_reader(self.sock.fileno(), self._readable)

    async def connect(self, answer: Answer) -> None:
        """Find a path and shake hands; the caller's timeout. Raises HandshakeFailed."""
        self._answer = answer
        ready: asyncio.Future[Srtp] = self._loop.create_future()

        def shaken(srtp: Srtp) -> None:
            if not ready.done():
                ready.set_result(srtp)

        def ended() -> None:
            if ready.done():
                self.end("peer_left")
            else:
                ready.set_exception(HandshakeFailed())

        self._dtls = Dtls(
            self._certificate,
            answer.dtls_role,
            answer.fingerprints,
            send=self.send,
            on_ready=shaken,
            on_ended=ended,
        )
        await self._nominate(answer)
        self._dtls.start()
        self.srtp = await ready
        early, self._early = self._early, []
        for datagram, arrival_us in early:
            self._receive_media(datagram, arrival_us)

    async def rebind(self) -> None:
        """Go on from a new socket and nominate it; the caller's timeout."""
        self._loop.remove_reader(self.sock.fileno())
        self.sock.close()
        self.sock = _open_socket(self._bind)
        self._loop.add_reader(self.sock.fileno(), self._readable)
        if self._answer is not None:
            await self._nominate(self._answer)

    def send(self, datagram: bytes, address: Address | None = None) -> None:
        """Send bytes as they are, to the selected address unless told otherwise."""
        target = address or self.ice.selected
        if target is None or self.closed.is_set():
            return
        try:
            self.sock.sendto(datagram, target)
        except OSError:
            self.unsent += 1  # a full buffer, or an ICMP answer to an earlier datagram

    def keep_consent(self, now_us: int, interval_s: float, timeout_s: float) -> None:
        """Check when it is time (RFC 7675 5.1), and end when nobody has answered for too long."""
        if now_us >= self._next_check_us:
            share = 800_000 + secrets.randbelow(400_000)  # 0.8 to 1.2, so that many clients do not check in step
            self._next_check_us = now_us + round(interval_s * share)
            if self.ice.selected is not None:
                self.ice.check(self.ice.selected, nominate=True)
        if self.reading and now_us - self.ice.heard_us > timeout_s * 1_000_000:
            self.end("consent_expired")

    def stop_reading(self) -> socket.socket:
        """Read no more, for good; the socket is the caller's to read until `end` closes it."""
        self.reading = False
        self._loop.remove_reader(self.sock.fileno())
        return self.sock

    def say_goodbye(self) -> None:
        """Send close_notify."""
        if self._dtls is not None:
            self._dtls.close()

    def end(self, reason: str) -> None:
        """Close the socket. Idempotent; the first reason stays."""
        if self.closed.is_set():
            return
        self.reason = reason
        self._loop.remove_reader(self.sock.fileno())
        self.sock.close()
        self.srtp = None
        self.closed.set()
        self.say_goodbye()  # unheard, but it stops the timers

    async def _nominate(self, answer: Answer) -> None:
        targets: list[Address] = list(answer.candidates)
        if self.sock.family == socket.AF_INET6:
            targets = [(host if ":" in host else f"::ffff:{host}", port, 0, 0) for host, port in answer.candidates]
        else:
            targets = [candidate for candidate in targets if ":" not in candidate[0]]
        await self.ice.nominate(answer.ice_ufrag, answer.ice_pwd, targets)

    def _readable(self) -> None:
        for _ in range(_DRAIN_DATAGRAMS):
            try:
                datagram, source = self.sock.recvfrom(2048)
            except BlockingIOError:
                return
            except OSError:
                continue  # an ICMP error of an earlier datagram
            self.on_datagram(datagram, source)
            if not datagram:
                continue
            first = datagram[0]  # RFC 7983 7
            if first < 4:
                self.ice.take(datagram, source)
            elif 128 <= first < 192:
                self._receive_media(datagram, monotonic_us())
            elif 20 <= first < 64 and self._dtls is not None:
                self._dtls.feed(datagram)
            if self.closed.is_set() or not self.reading:
                return

    def _receive_media(self, datagram: bytes, arrival_us: int) -> None:
        srtp = self.srtp
        if srtp is None:
            if len(self._early) < _EARLY_DATAGRAMS:
                self._early.append((datagram, arrival_us))
            return
        is_rtcp = len(datagram) > 1 and 192 <= datagram[1] <= 223  # RFC 5761 4
        try:
            plain = srtp.unprotect_rtcp(datagram) if is_rtcp else srtp.unprotect(datagram)
        except SrtpError:
            self.undecryptable += 1
            return
        (self._on_rtcp if is_rtcp else self._on_rtp)(plain, arrival_us)


def _open_socket(host: str | None) -> socket.socket:
    """A UDP socket at a free port; dual-stack where the machine has IPv6."""
    if host is None:
        with contextlib.suppress(OSError):
            return _open_socket("::")
        return _open_socket("0.0.0.0")  # noqa: S104 - a client listens where its answers come
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
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
