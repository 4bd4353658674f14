"""The one door to aiortc: DTLS-SRTP (RFC 5764) from its ORTC level, with its private names kept in this module.

Pinned to aiortc 1.16; `tests/contract` checks every private name used here. aiortc brings the certificate, the SSL
context, the check of the peer's identity and the SRTP sessions. The handshake is driven here, straight from the socket:
aiortc's task, timer and queue for each datagram cost as much as the cryptography (decision 0009).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Literal, cast

from aiortc import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters
from aiortc.rtcdtlstransport import SRTP_AEAD_AES_128_GCM, SRTP_AES128_CM_SHA1_80, RTCDtlsTransport
from OpenSSL import SSL

from expo.media.srtp import Srtp

HANDSHAKE_TIMEOUT_S = 10.0
_EARLY_DATAGRAMS = 32  # a handshake flight is 1 to 4 datagrams; more before the start is a flood and is dropped
_PROFILES = [SRTP_AEAD_AES_128_GCM, SRTP_AES128_CM_SHA1_80]  # GCM costs half of CM + HMAC-SHA1 per packet
_TAG_BYTES = {SRTP_AEAD_AES_128_GCM.openssl_profile: 16, SRTP_AES128_CM_SHA1_80.openssl_profile: 10}
_MTU_BYTES = 1500


class Certificate(RTCCertificate):
    """One self-signed P-256 certificate and one SSL context for the whole process (a join costs half as much)."""

    @classmethod
    def generate(cls) -> Certificate:
        return cast("Certificate", cls.generateCertificate())

    @cached_property
    def context(self) -> SSL.Context:
        return self._create_ssl_context(_PROFILES)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256, upper-case hexadecimal pairs with colons, as SDP writes it (RFC 8122 5)."""
        return next(f.value for f in self.getFingerprints() if f.algorithm == "sha-256")


class Dtls:
    """One DTLS-SRTP association over any datagram path: the owner feeds it datagrams. All of it is synchronous.

    `on_ready` gets the SRTP sessions, once. `on_ended` is called once, too: before `on_ready` for a handshake that
    failed or took longer than HANDSHAKE_TIMEOUT_S, after it for the peer's close_notify or fatal alert. An own `close`
    calls nothing.
    """

    __slots__ = (
        "_certificate",
        "_connection",
        "_deadline",
        "_early",
        "_established",
        "_fingerprints",
        "_on_ended",
        "_on_ready",
        "_retry",
        "_role",
        "_send",
    )

    def __init__(
        self,
        certificate: Certificate,
        role: Literal["client", "server"],
        fingerprints: Sequence[tuple[str, str]],
        *,
        send: Callable[[bytes], None],
        on_ready: Callable[[Srtp], None],
        on_ended: Callable[[], None],
    ) -> None:
        """The peer's certificate must have all of `fingerprints`, (algorithm, value) as in its SDP."""
        self._certificate = certificate
        self._role = role
        self._fingerprints = fingerprints
        self._send = send
        self._on_ready = on_ready
        self._on_ended = on_ended
        self._early: list[bytes] = []
        self._connection: SSL.Connection | None = None
        self._established = False
        self._deadline: asyncio.TimerHandle | None = None
        self._retry: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Shake hands, beginning with what came before. The client speaks first."""
        connection = self._connection = SSL.Connection(self._certificate.context)
        if self._role == "server":
            connection.set_accept_state()
        else:
            connection.set_connect_state()
        self._deadline = asyncio.get_running_loop().call_later(HANDSHAKE_TIMEOUT_S, self._end)
        self._shake()
        early, self._early = self._early, []
        for datagram in early:
            self.feed(datagram)

    def feed(self, datagram: bytes) -> None:
        """Take one datagram of DTLS records (first byte 20..63)."""
        connection = self._connection
        if connection is None:
            if len(self._early) < _EARLY_DATAGRAMS:
                self._early.append(datagram)
            return
        connection.bio_write(datagram)
        if not self._established:
            self._shake()
            return
        try:
            connection.recv(_MTU_BYTES)  # application data has no meaning here: nothing runs over this but SRTP keys
        except SSL.WantReadError:
            self._flush(connection)  # a repeated last flight is answered
        except SSL.ZeroReturnError:
            self._end()
        except SSL.Error:
            if connection.get_shutdown():
                self._end()

    def close(self) -> None:
        """Send close_notify where there is an association. Idempotent."""
        connection = self._forget()
        if connection is not None and self._established:
            with contextlib.suppress(SSL.Error):
                connection.shutdown()
            self._flush(connection)

    def _shake(self) -> None:
        connection = self._connection
        if connection is None:
            return
        try:
            connection.do_handshake()
        except SSL.WantReadError:
            self._await_flight(connection)
            self._flush(connection)
        except SSL.Error:
            self._flush(connection)  # the alert that says why
            self._end()
        else:
            self._established = True
            self._stop_timers()
            self._flush(connection)
            srtp = _keys(connection, self._role, self._certificate, self._fingerprints)
            if srtp is not None:
                self._on_ready(srtp)
            else:
                self.close()
                self._on_ended()

    def _await_flight(self, connection: SSL.Connection) -> None:
        """Send our last flight again when the peer's next one does not come (RFC 6347 4.2.4)."""
        if self._retry is not None:
            self._retry.cancel()
        after_s = connection.DTLSv1_get_timeout()
        loop = asyncio.get_running_loop()
        self._retry = None if after_s is None else loop.call_later(after_s, self._repeat_flight)

    def _repeat_flight(self) -> None:
        connection = self._connection
        if connection is not None:
            with contextlib.suppress(SSL.Error):
                connection.DTLSv1_handle_timeout()
            self._await_flight(connection)
            self._flush(connection)

    def _flush(self, connection: SSL.Connection) -> None:
        with contextlib.suppress(SSL.WantReadError):
            while True:
                self._send(connection.bio_read(_MTU_BYTES))

    def _end(self) -> None:
        if self._forget() is not None:
            self._on_ended()

    def _forget(self) -> SSL.Connection | None:
        connection, self._connection = self._connection, None
        self._stop_timers()
        return connection

    def _stop_timers(self) -> None:
        for timer in (self._deadline, self._retry):
            if timer is not None:
                timer.cancel()
        self._deadline = self._retry = None


def _keys(
    connection: SSL.Connection, role: str, certificate: Certificate, fingerprints: Sequence[tuple[str, str]]
) -> Srtp | None:
    """The SRTP sessions of a finished handshake (RFC 5764 4.2); None when the peer is not who it said it was."""
    transport = cast("Any", RTCDtlsTransport(cast("Any", None), [certificate]))
    transport._set_role(role)
    transport._srtp_profiles = _PROFILES
    transport._ssl = connection
    transport._validate_peer_identity(
        RTCDtlsParameters([RTCDtlsFingerprint(algorithm, value) for algorithm, value in fingerprints])
    )
    if transport.state == "failed":  # both report failure by the state only
        return None
    transport._setup_srtp()
    if transport.state == "failed":
        return None
    return Srtp(transport._rx_srtp, transport._tx_srtp, _TAG_BYTES[connection.get_selected_srtp_profile()])
