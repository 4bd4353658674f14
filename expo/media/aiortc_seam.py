"""The one door to aiortc: DTLS-SRTP (RFC 5764) from its ORTC level, with its private names kept in this module.

Pinned to aiortc 1.16; `tests/contract` checks every private name used here. The SRTP sessions are taken out of the
association, so media packets never pass aiortc's receive queue.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any, Literal, cast

from aiortc import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters
from aiortc.rtcdtlstransport import (
    SRTP_AEAD_AES_128_GCM,
    SRTP_AES128_CM_SHA1_80,
    RTCDtlsTransport,
    SRTPProtectionProfile,
)
from OpenSSL import SSL

from expo.media.srtp import Srtp

HANDSHAKE_TIMEOUT_S = 10.0
_QUEUE_DATAGRAMS = 32  # a handshake flight is 1 to 4 datagrams; more at once is a flood and is dropped
_PROFILES = [SRTP_AEAD_AES_128_GCM, SRTP_AES128_CM_SHA1_80]  # GCM costs half of CM + HMAC-SHA1 per packet
_TAG_BYTES = {SRTP_AEAD_AES_128_GCM.openssl_profile: 16, SRTP_AES128_CM_SHA1_80.openssl_profile: 10}


class HandshakeFailed(Exception):  # noqa: N818 - a fact, like asyncio.CancelledError
    """No DTLS association came about: timeout, fingerprint mismatch, no common profile, or the peer went away."""


class Certificate(RTCCertificate):
    """One self-signed P-256 certificate and one SSL context for the whole process (a join costs half as much)."""

    _context: SSL.Context | None = None

    def _create_ssl_context(self, srtp_profiles: list[SRTPProtectionProfile]) -> SSL.Context:
        if self._context is None:
            self._context = super()._create_ssl_context(srtp_profiles)
        return self._context

    @classmethod
    def generate(cls) -> Certificate:
        return cast("Certificate", cls.generateCertificate())

    @property
    def fingerprint(self) -> str:
        """SHA-256, upper-case hexadecimal pairs with colons, as SDP writes it (RFC 8122 5)."""
        return next(f.value for f in self.getFingerprints() if f.algorithm == "sha-256")


class Dtls:
    """One DTLS-SRTP association over any datagram path. The owner feeds it datagrams and awaits `connect` once.

    aiortc shakes hands; afterwards records are read here, synchronously, so an idle association has no task.
    """

    __slots__ = ("_connection", "_inbox", "_on_closed", "_send", "_transport", "srtp")

    def __init__(
        self,
        certificate: Certificate,
        role: Literal["client", "server"],
        send: Callable[[bytes], None],
        on_closed: Callable[[], None],
    ) -> None:
        """`on_closed` is called when an established association ends by the peer's close_notify or a fatal alert."""
        self.srtp: Srtp | None = None
        self._send = send
        self._on_closed = on_closed
        self._inbox: asyncio.Queue[bytes] = asyncio.Queue(_QUEUE_DATAGRAMS)
        self._connection: SSL.Connection | None = None
        self._transport = RTCDtlsTransport(cast("Any", _Pipe(self._inbox, send)), [certificate])
        private = cast("Any", self._transport)
        private._srtp_profiles = _PROFILES
        private._set_role(role)

    def feed(self, datagram: bytes) -> None:
        """Take one datagram of DTLS records (first byte 20..63). During the handshake a flood is dropped."""
        if self._connection is None:
            if not self._inbox.full():
                self._inbox.put_nowait(datagram)
            return
        self._connection.bio_write(datagram)
        try:
            self._connection.recv(1500)  # application data has no meaning here: nothing runs over this but SRTP keys
        except SSL.WantReadError:
            self._flush()  # a repeated last flight is answered
        except SSL.ZeroReturnError:
            self._on_closed()
        except SSL.Error:
            if self._connection.get_shutdown():
                self._on_closed()

    async def connect(self, fingerprints: Sequence[tuple[str, str]]) -> Srtp:
        """Shake hands and check the peer's certificate against `fingerprints` [(algorithm, value)].

        Raises HandshakeFailed. There is a deadline, which aiortc does not have.
        """
        parameters = RTCDtlsParameters([RTCDtlsFingerprint(algorithm, value) for algorithm, value in fingerprints])
        try:
            async with asyncio.timeout(HANDSHAKE_TIMEOUT_S):
                await self._transport.start(parameters)
        except TimeoutError:
            raise HandshakeFailed("timeout") from None
        if self._transport.state != "connected":  # start() reports failure by its state only
            raise HandshakeFailed(self._transport.state)
        private = cast("Any", self._transport)
        pump: asyncio.Task[None] = private._task
        pump.cancel()
        await asyncio.wait({pump})
        private._task = None
        self._connection = cast("SSL.Connection", private._ssl)
        while not self._inbox.empty():
            self.feed(self._inbox.get_nowait())
        self.srtp = Srtp(private._rx_srtp, private._tx_srtp, _TAG_BYTES[private._ssl.get_selected_srtp_profile()])
        return self.srtp

    def close(self) -> None:
        """Send close_notify where there is an association. Idempotent; `on_closed` is not called."""
        if self._connection is None:
            return
        with contextlib.suppress(SSL.Error):
            self._connection.shutdown()
        self._flush()
        self._connection = None

    def _flush(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(SSL.WantReadError):
                self._send(self._connection.bio_read(1500))


class _Pipe:
    """What aiortc needs of an ICE transport."""

    role = "controlled"

    def __init__(self, inbox: asyncio.Queue[bytes], send: Callable[[bytes], None]) -> None:
        self._inbox = inbox
        self._send_now = send

    async def _recv(self) -> bytes:  # pyright: ignore[reportUnusedFunction] - called by aiortc
        return await self._inbox.get()

    async def _send(self, data: bytes) -> None:  # pyright: ignore[reportUnusedFunction] - called by aiortc
        self._send_now(data)
