"""One peer's path: its ICE credentials and address, DTLS association and SRTP sessions, and who hears its packets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from expo.clock import monotonic_us
from expo.media.aiortc_seam import Certificate, Dtls
from expo.media.ice import Address
from expo.media.sdp_model import Remote
from expo.media.srtp import INBOX, Srtp, SrtpError
from expo.media.stats import EngineStats

CONNECT_TIMEOUT_S = 15.0
"""From the SDP answer to the first nominated check; a page that was closed meanwhile frees its place after this."""
CONSENT_TIMEOUT_US = 30_000_000
"""RFC 7675 5.1: without an authenticated packet for 30 s the peer has gone."""

_EARLY_DATAGRAMS = 64  # a key frame of 720p; from an opened address only


class PacketHandler(Protocol):
    """The participant behind a transport."""

    def on_connected(self) -> None: ...

    def on_rtp(self, packet: memoryview, arrival_us: int) -> None:
        """One decrypted RTP packet, valid during the call. Synchronous; may drop, may not wait."""
        ...

    def on_rtcp(self, packet: bytes, arrival_us: int) -> None: ...

    def on_ended(self, reason: str) -> None:
        """Called once, whoever ended it."""
        ...


class Transport:
    """Server side of one ICE-lite + DTLS-SRTP connection. `send` writes one datagram to an address.

    It shakes hands once a check has nominated an address, and closes itself when that does not come or fails.
    """

    def __init__(
        self,
        credentials: tuple[str, str],
        remote: Remote,
        certificate: Certificate,
        send: Callable[[bytes, Address], None],
        stats: EngineStats,
    ) -> None:
        self.ice_ufrag, self.ice_pwd = credentials
        self.remote_ufrag = remote.ice_ufrag
        self.address: Address | None = None
        self.opened: list[Address] = []
        self.srtp: Srtp | None = None
        self.handler: PacketHandler | None = None
        self.closed = False
        self.last_heard_us = monotonic_us()
        self._early: list[tuple[bytes, int]] = []
        self._send = send
        self._stats = stats
        self._dtls = Dtls(
            certificate,
            remote.dtls_role,
            remote.fingerprints,
            send=self.send,
            on_ready=self._ready,
            on_ended=self._dtls_ended,
        )
        self._nominated = False
        self._loop = asyncio.get_running_loop()
        self._deadline = self._loop.call_later(CONNECT_TIMEOUT_S, self._dtls_ended)
        self.release: Callable[[], None] = lambda: None
        """Set by the engine: forget this transport in its tables."""

    def checked(self, *, nominated: bool) -> None:
        self.last_heard_us = monotonic_us()
        if nominated and not self._nominated:
            self._nominated = True
            self._deadline.cancel()
            self._loop.call_soon(self._shake_hands)  # behind the answer to this check

    def send(self, datagram: bytes) -> None:
        if self.address is not None:
            self._send(datagram, self.address)

    def send_rtcp(self, packet: bytes) -> bool:
        """Protect and send one compound RTCP packet; False, and nothing, before the association stands."""
        if self.srtp is None:
            return False
        self.send(self.srtp.protect_rtcp(packet))
        return True

    def receive_dtls(self, datagram: bytes) -> None:
        self._dtls.feed(datagram)

    def receive_media(self, size: int, arrival_us: int) -> None:
        """Take the SRTP or SRTCP datagram in INBOX, from an opened address (RFC 5761 4 tells them apart)."""
        srtp, handler = self.srtp, self.handler
        if srtp is None:
            # The peer may have finished the handshake a moment before us, and its key frame comes only once.
            if len(self._early) < _EARLY_DATAGRAMS:
                self._early.append((bytes(INBOX[:size]), arrival_us))
            return
        if handler is None or size < 12:
            self._stats.srtp_rejected += 1
            return
        try:
            if 192 <= INBOX[1] <= 223:
                report = srtp.unprotect_rtcp(bytes(INBOX[:size]))
                self.last_heard_us = arrival_us
                handler.on_rtcp(report, arrival_us)
            else:
                packet = srtp.unprotect_inbox(size)
                self.last_heard_us = arrival_us
                handler.on_rtp(packet, arrival_us)
        except SrtpError:
            self._stats.srtp_rejected += 1

    def close(self, reason: str) -> None:
        """End the association, free the address, tell the handler once. Idempotent."""
        if self.closed:
            return
        self.closed = True
        self._deadline.cancel()
        self._early.clear()
        self._dtls.close()
        self.srtp = None
        self.release()
        handler, self.handler = self.handler, None
        if handler is not None:
            handler.on_ended(reason)

    def _shake_hands(self) -> None:
        if not self.closed:
            self._dtls.start()

    def _ready(self, srtp: Srtp) -> None:
        self.srtp = srtp
        self._stats.handshakes_completed += 1
        if self.handler is not None:
            self.handler.on_connected()
        early, self._early = self._early, []
        for datagram, arrival_us in early:
            INBOX[: len(datagram)] = datagram
            self.receive_media(len(datagram), arrival_us)

    def _dtls_ended(self) -> None:
        if self.srtp is None:
            self._stats.handshakes_failed += 1
            self.close("never_connected")
        else:
            self.close("peer_left")
