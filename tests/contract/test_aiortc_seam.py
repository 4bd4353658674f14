"""The private names of aiortc and pylibsrtp that `expo.media.aiortc_seam` and `expo.media.srtp` stand on."""

import asyncio
import inspect
from importlib.metadata import version

import pylibsrtp
import pytest
from aiortc import RTCCertificate
from aiortc.rtcdtlstransport import SRTP_AEAD_AES_128_GCM, RTCDtlsTransport

from expo.media.aiortc_seam import Certificate, Dtls, HandshakeFailed
from expo.media.srtp import SrtpError

RTP = bytes.fromhex("8060000100000010000000aa") + b"payload"
RTCP = bytes.fromhex("80c90001000000aa")


class Pair:
    """A server's and a client's association joined in memory; `tap` may swallow or repeat what the client sends."""

    def __init__(self) -> None:
        self.closed: list[str] = []
        self.certificates = Certificate.generate(), Certificate.generate()
        self.server = Dtls(self.certificates[0], "server", self._to_client, lambda: self.closed.append("server"))
        self.client = Dtls(self.certificates[1], "client", self._to_server, lambda: self.closed.append("client"))

    def _to_client(self, datagram: bytes) -> None:
        self.client.feed(datagram)

    def _to_server(self, datagram: bytes) -> None:
        self.server.feed(datagram)

    async def connect(self) -> None:
        server, client = self.certificates
        await asyncio.gather(
            self.server.connect([("sha-256", client.fingerprint)]),
            self.client.connect([("sha-256", server.fingerprint)]),
        )


async def connected() -> Pair:
    pair = Pair()
    await pair.connect()
    return pair


def test_the_pinned_version_is_the_one_the_seam_was_written_for() -> None:
    assert version("aiortc") == "1.16.0"


def test_aiortc_still_has_the_names_the_seam_uses() -> None:
    source = inspect.getsource(RTCDtlsTransport)
    for name in ("_srtp_profiles", "_rx_srtp", "_tx_srtp", "_ssl", "_task", "_set_role"):
        assert f"self.{name}" in source or f"def {name}" in source
    for name in ("transport._recv()", "transport._send(", "_create_ssl_context("):
        assert name in source
    assert list(inspect.signature(RTCCertificate._create_ssl_context).parameters) == ["self", "srtp_profiles"]  # pyright: ignore[reportPrivateUsage]


def test_pylibsrtp_still_gives_its_library_and_its_handle() -> None:
    names = vars(pylibsrtp)
    assert callable(names["lib"].srtp_protect)
    assert names["ffi"].new("int *")[0] == 0


async def test_two_associations_agree_on_gcm_and_carry_rtp_both_ways() -> None:
    pair = await connected()
    server, client = pair.server.srtp, pair.client.srtp
    assert server is not None
    assert client is not None
    assert server.tag_bytes == 16
    assert client.unprotect(server.protect(RTP)) == RTP
    assert server.unprotect(client.protect(RTP)) == RTP
    assert client.unprotect_rtcp(server.protect_rtcp(RTCP)) == RTCP
    assert [client.unprotect(packet) for packet in server.protect_all([RTP[:3] + b"\x02" + RTP[4:]])]


async def test_all_viewers_share_one_ssl_context() -> None:
    certificate = Certificate.generate()
    first = certificate._create_ssl_context([SRTP_AEAD_AES_128_GCM])  # pyright: ignore[reportPrivateUsage]
    assert certificate._create_ssl_context([SRTP_AEAD_AES_128_GCM]) is first  # pyright: ignore[reportPrivateUsage]


async def test_a_forged_packet_is_refused() -> None:
    pair = await connected()
    assert pair.server.srtp is not None
    with pytest.raises(SrtpError):
        pair.server.srtp.unprotect(RTP + bytes(16))


async def test_a_packet_longer_than_any_datagram_of_media_is_refused() -> None:
    pair = await connected()
    assert pair.server.srtp is not None
    with pytest.raises(SrtpError):
        pair.server.srtp.protect(RTP + bytes(2048))


async def test_a_sequence_far_behind_is_left_out_and_the_rest_of_the_burst_goes_on() -> None:
    pair = await connected()
    srtp = pair.server.srtp
    assert srtp is not None

    def packet(sequence: int) -> bytes:
        return RTP[:2] + sequence.to_bytes(2, "big") + RTP[4:]

    assert all(srtp.protect_all([packet(5000), packet(5001)]))
    behind, ahead = srtp.protect_all([packet(5001 - 2000), packet(5002)])
    assert behind == b""
    assert ahead


async def test_a_foreign_certificate_fails_the_handshake() -> None:
    pair = Pair()
    stranger = Certificate.generate()
    server, client = await asyncio.gather(
        pair.server.connect([("sha-256", stranger.fingerprint)]),
        pair.client.connect([("sha-256", pair.certificates[0].fingerprint)]),
        return_exceptions=True,
    )
    assert isinstance(server, HandshakeFailed)
    assert not isinstance(client, HandshakeFailed)  # the client trusts what it was told; it hears of it by silence


async def test_the_peers_goodbye_is_heard_once_and_an_own_one_is_silent() -> None:
    pair = await connected()
    pair.client.close()
    pair.client.close()
    assert pair.closed == ["server"]


async def test_forged_records_do_not_end_an_association() -> None:
    pair = await connected()
    pair.server.feed(bytes.fromhex("15fefd0000000000000000000202") + b"\x28")
    pair.server.feed(bytes.fromhex("15fefd000100000000000900020228"))
    pair.server.feed(bytes([22, 254, 253]) + bytes(40))
    pair.server.feed(bytes([20]))
    assert pair.closed == []
    assert pair.server.srtp is not None
    assert pair.client.srtp is not None
    assert pair.client.srtp.unprotect(pair.server.srtp.protect(RTP)) == RTP


async def test_a_flood_before_the_handshake_is_dropped_and_the_handshake_goes_on() -> None:
    pair = Pair()
    for _ in range(1000):
        pair.server.feed(bytes([22, 254, 253]) + bytes(40))
    await pair.connect()
    assert pair.server.srtp is not None


async def test_no_task_is_left_after_the_handshake() -> None:
    before = asyncio.all_tasks()
    pair = await connected()
    assert asyncio.all_tasks() == before
    pair.server.close()
