"""The private names of aiortc and pylibsrtp that `expo.media.aiortc_seam` and `expo.media.srtp` stand on."""

import asyncio
import inspect
from importlib.metadata import version
from typing import Literal

import pylibsrtp
import pytest
from aiortc import RTCCertificate
from aiortc.rtcdtlstransport import RTCDtlsTransport

from expo.media import aiortc_seam
from expo.media.aiortc_seam import Certificate, Dtls
from expo.media.srtp import Srtp, SrtpError

RTP = bytes.fromhex("8060000100000010000000aa") + b"payload"
RTCP = bytes.fromhex("80c90001000000aa")


class Side:
    """One association, what it said and how it went."""

    def __init__(self, role: Literal["client", "server"], certificate: Certificate, fingerprint: str) -> None:
        self.srtp: Srtp | None = None
        self.ended = 0
        self.other: Side | None = None
        self.settled = asyncio.Event()
        self.dtls = Dtls(
            certificate,
            role,
            [("sha-256", fingerprint)],
            send=self._send,
            on_ready=self._ready,
            on_ended=self._end,
        )

    def _send(self, datagram: bytes) -> None:
        if self.other is not None:
            self.other.dtls.feed(datagram)

    def _ready(self, srtp: Srtp) -> None:
        self.srtp = srtp
        self.settled.set()

    def _end(self) -> None:
        self.ended += 1
        self.settled.set()


class Pair:
    """A server's and a client's association joined in memory."""

    def __init__(self, *, trusted: str | None = None) -> None:
        """The server trusts the client, or `trusted` instead."""
        server, client = Certificate.generate(), Certificate.generate()
        self.server = Side("server", server, trusted or client.fingerprint)
        self.client = Side("client", client, server.fingerprint)
        self.server.other, self.client.other = self.client, self.server

    def start(self) -> None:
        self.server.dtls.start()
        self.client.dtls.start()


def connected() -> Pair:
    pair = Pair()
    pair.start()
    return pair


def test_the_pinned_version_is_the_one_the_seam_was_written_for() -> None:
    assert version("aiortc") == "1.16.0"


def test_aiortc_still_has_the_names_the_seam_uses() -> None:
    source = inspect.getsource(RTCDtlsTransport)
    for name in ("_srtp_profiles", "_rx_srtp", "_tx_srtp", "_ssl", "_set_role"):
        assert f"self.{name}" in source or f"def {name}" in source
    for name in ("_validate_peer_identity", "_setup_srtp"):
        assert not inspect.iscoroutinefunction(getattr(RTCDtlsTransport, name))
    assert list(inspect.signature(RTCCertificate._create_ssl_context).parameters) == ["self", "srtp_profiles"]  # pyright: ignore[reportPrivateUsage]


def test_pylibsrtp_still_gives_its_library_and_its_handle() -> None:
    names = vars(pylibsrtp)
    assert callable(names["lib"].srtp_protect)
    assert names["ffi"].new("int *")[0] == 0


async def test_two_associations_agree_on_gcm_and_carry_rtp_both_ways() -> None:
    pair = connected()
    server, client = pair.server.srtp, pair.client.srtp
    assert server is not None
    assert client is not None
    assert server.tag_bytes == 16
    assert client.unprotect(server.protect(RTP)) == RTP
    assert server.unprotect(client.protect(RTP)) == RTP
    assert client.unprotect_rtcp(server.protect_rtcp(RTCP)) == RTCP
    assert [client.unprotect(packet) for packet in server.protect_all([RTP[:3] + b"\x02" + RTP[4:]])]


async def test_a_forged_packet_is_refused() -> None:
    pair = connected()
    assert pair.server.srtp is not None
    with pytest.raises(SrtpError):
        pair.server.srtp.unprotect(RTP + bytes(16))


async def test_a_packet_longer_than_any_datagram_of_media_is_refused() -> None:
    pair = connected()
    assert pair.server.srtp is not None
    with pytest.raises(SrtpError):
        pair.server.srtp.protect(RTP + bytes(2048))


async def test_a_sequence_far_behind_is_left_out_and_the_rest_of_the_burst_goes_on() -> None:
    pair = connected()
    srtp = pair.server.srtp
    assert srtp is not None

    def packet(sequence: int) -> bytes:
        return RTP[:2] + sequence.to_bytes(2, "big") + RTP[4:]

    assert all(srtp.protect_all([packet(5000), packet(5001)]))
    behind, ahead = srtp.protect_all([packet(5001 - 2000), packet(5002)])
    assert behind == b""
    assert ahead


async def test_a_foreign_certificate_fails_the_handshake_and_the_peer_hears_it() -> None:
    pair = Pair(trusted=Certificate.generate().fingerprint)
    pair.start()
    assert pair.server.srtp is None
    assert (pair.server.ended, pair.client.ended) == (1, 1)


async def test_the_peers_goodbye_is_heard_once_and_an_own_one_is_silent() -> None:
    pair = connected()
    pair.client.dtls.close()
    pair.client.dtls.close()
    assert (pair.server.ended, pair.client.ended) == (1, 0)


async def test_forged_records_do_not_end_an_association() -> None:
    pair = connected()
    pair.server.dtls.feed(bytes.fromhex("15fefd0000000000000000000202") + b"\x28")
    pair.server.dtls.feed(bytes.fromhex("15fefd000100000000000900020228"))
    pair.server.dtls.feed(bytes([22, 254, 253]) + bytes(40))
    pair.server.dtls.feed(bytes([20]))
    assert pair.server.ended == 0
    assert pair.server.srtp is not None
    assert pair.client.srtp is not None
    assert pair.client.srtp.unprotect(pair.server.srtp.protect(RTP)) == RTP


async def test_a_flood_before_the_handshake_is_dropped_and_the_handshake_goes_on() -> None:
    pair = Pair()
    for _ in range(1000):
        pair.server.dtls.feed(bytes([22, 254, 253]) + bytes(40))
    pair.start()
    assert pair.server.srtp is not None
    assert pair.client.srtp is not None


async def test_a_flight_that_was_lost_is_sent_again() -> None:
    pair = Pair()
    pair.client.other = None  # what the client says first gets lost
    pair.start()
    assert pair.client.srtp is None
    pair.client.other = pair.server
    async with asyncio.timeout(10):
        await pair.client.settled.wait()
    assert pair.server.srtp is not None


async def test_a_handshake_that_takes_too_long_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aiortc_seam, "HANDSHAKE_TIMEOUT_S", 0.01)
    side = Side("server", Certificate.generate(), "00")
    side.dtls.start()
    async with asyncio.timeout(10):
        await side.settled.wait()
    assert (side.srtp, side.ended) == (None, 1)
