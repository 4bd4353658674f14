"""Strangers and broken peers: each with a canary viewer on the same port that must not miss a packet."""

import asyncio
import random
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import pytest

from expo.media.aiortc_seam import Certificate, Dtls
from expo.media.peer import Peer
from expo.media.rtcp import Nack, ReceiverReport
from expo.media.rtp import build_rtp
from expo.media.stun import build_request
from tests.support.room import LOOPBACK, OPTIONS, Room, Source, Viewer, open_room

pytestmark = pytest.mark.media

MANY = 10_000
CHUNK = 100
NO_WAY_THERE = ("255.255.255.255", 9)
"""To everybody: the kernel refuses that to a socket that did not ask for it."""


@asynccontextmanager
async def canary() -> AsyncGenerator[tuple[Room, Source, Viewer]]:
    """A room on air with a viewer that, at the end, must hold every packet sent since it joined.

    Nothing may have been raised into the event loop either: a packet path that throws is one packet from silence.
    """
    raised: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: raised.append(context))
    async with open_room() as room:
        source, _ = await room.publish()
        viewer = await room.watch()
        await source.run(3)
        await viewer.until(lambda seen: bool(seen.video))
        yield room, source, viewer
        await source.run(10)
        await viewer.until(lambda seen: len(source.sent) - 1 in seen.video)
        await viewer.until(lambda seen: not seen.missed(source))
        assert room.ended == []
        assert room.engine.viewers >= 1
    assert raised == []


@asynccontextmanager
async def stranger(room: Room) -> AsyncGenerator[tuple[Callable[[bytes], None], Callable[[], list[bytes]]]]:
    """A socket that the server has never heard of: how to send, and what came back."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((LOOPBACK, 0))
        sock.setblocking(False)
        server = (LOOPBACK, room.engine.udp_port)

        def received() -> list[bytes]:
            answers: list[bytes] = []
            while True:
                try:
                    answers.append(sock.recv(2048))
                except BlockingIOError:
                    return answers

        yield lambda datagram: void(sock.sendto(datagram, server)), received


def void(_result: object) -> None:
    """For a callback whose answer nobody needs."""


def mutated(rng: random.Random, seed: bytes) -> bytes:
    """A datagram like `seed` with a few things wrong."""
    data = bytearray(seed)
    for _ in range(rng.randint(1, 6)):
        match rng.randrange(4):
            case 0 if data:
                data[rng.randrange(len(data))] = rng.randrange(256)
            case 1 if len(data) > 1:
                del data[rng.randrange(1, len(data)) :]
            case 2:
                data += rng.randbytes(rng.randrange(40))
            case _ if len(data) > 4:
                at = rng.randrange(len(data) - 2)
                data[at : at + 2] = b"\xff\xff"
            case _:
                pass
    return bytes(data)


async def test_empty_datagrams_from_anyone_disturb_nobody() -> None:
    async with canary() as (room, source, viewer), stranger(room) as (send, received):
        for _ in range(50):
            send(b"")
            viewer.peer.send_raw(b"")
            source.peer.send_raw(b"")
        await source.run(20)
        assert received() == []
        stats = room.engine.stats
        assert (stats.stun_refused, stats.srtp_rejected, stats.datagrams_refused) == (0, 0, 0)  # nobody looked at one


async def test_a_foreign_client_hello_before_the_real_one_is_not_heard() -> None:
    async with canary() as (room, source, _), stranger(room) as (send, received):
        hello = await client_hello()
        await join_amid(room, source, lambda: [send(hello) for _ in range(40)])
        assert received() == []


async def test_a_foreign_client_hello_after_the_real_one_changes_nothing() -> None:
    async with canary() as (room, source, viewer), stranger(room) as (send, received):
        hello = await client_hello()
        for _ in range(40):
            send(hello)
            viewer.peer.send_raw(hello)
            source.peer.send_raw(hello)
        await source.run(20)
        assert received() == []


async def test_forged_alerts_end_no_connection_and_prevent_none() -> None:
    alerts = [
        bytes.fromhex(f"15fefd{epoch}0000000000{number:02x}0002{body}")
        for epoch in ("0000", "0001")
        for number in range(5)
        for body in ("0100", "0228", "0250")  # close_notify, handshake_failure, internal_error
    ]
    async with canary() as (room, source, viewer), stranger(room) as (send, _):
        await join_amid(room, source, lambda: [send(alert) for alert in alerts])
        for alert in alerts:
            send(alert)
            viewer.peer.send_raw(alert)
            source.peer.send_raw(alert)
        await source.run(20)


async def test_unauthenticated_stun_is_not_answered_at_all() -> None:
    async with canary() as (room, source, viewer), stranger(room) as (send, received):
        answer = viewer.peer.answer
        assert answer is not None
        username = f"{answer.ice_ufrag}:{viewer.peer.link.ice.ufrag}"
        send(bytes.fromhex("000100002112a442") + bytes(12))
        send(build_request(bytes(12), username, "x" * 24, priority=1, controlling=1, use_candidate=True))
        send(build_request(bytes(12), "nobody:here", "x" * 24, priority=1, controlling=1))
        await source.run(20)
        assert received() == []
        assert room.engine.stats.stun_refused == 3


async def test_media_from_an_address_that_proved_nothing_is_dropped() -> None:
    async with canary() as (room, source, _), stranger(room) as (send, received):
        refused = room.engine.stats.datagrams_refused
        for _ in range(100):
            send(build_rtp(96, False, 1, 1, 1, bytes(100)))
        await source.run(20)
        assert room.engine.stats.datagrams_refused == refused + 100
        assert received() == []


@pytest.mark.parametrize("first_byte", [0, 22, 128], ids=["stun", "dtls", "srtp"])
async def test_ten_thousand_malformed_datagrams_from_strangers_and_from_a_peer(first_byte: int) -> None:
    rng = random.Random(first_byte)
    seeds = [
        build_request(bytes(12), "a:b", "x" * 24, priority=1),
        await client_hello(),
        build_rtp(96, False, 1, 2, 3, bytes(50)),
    ]
    async with canary() as (room, source, _), stranger(room) as (send, _):
        victim = await room.watch()
        for _ in range(MANY // CHUNK):
            for _ in range(CHUNK // 2):
                datagram = mutated(rng, rng.choice(seeds))
                datagram = bytes([first_byte + rng.randrange(2)]) + datagram[1:] if rng.random() < 0.9 else datagram
                send(datagram)
                victim.peer.send_raw(datagram)
            source.send()
            await asyncio.sleep(0)
        await source.run(5)


async def test_ten_thousand_malformed_rtp_packets_inside_srtp() -> None:
    rng = random.Random(7)
    async with canary() as (room, source, _):
        track = room.router.feeds["picture"].source
        assert track is not None
        bad, _ = await room.publish()
        room.router.feeds["picture"].point(track)
        room.router.feeds["floor"].point(None)
        for _ in range(MANY // CHUNK):
            for _ in range(CHUNK):
                seed = build_rtp(
                    rng.choice([96, 97, 102, 103, 111]), True, rng.randrange(65536), 1, 2, bytes(30), [(1, b"0")]
                )
                packet = bytes([0x80 | rng.randrange(64)]) + mutated(rng, seed)[1:]
                if len(packet) >= 12 and not 192 <= packet[1] <= 223:
                    send_if_libsrtp_takes_it(bad.peer, packet)
            source.send()
            await asyncio.sleep(0)
        assert room.engine.stats.malformed > 0


async def test_ten_thousand_malformed_rtcp_packets_inside_srtcp() -> None:
    rng = random.Random(8)
    async with canary() as (room, source, _):
        bad = await room.watch()
        srtp = bad.peer.link.srtp
        assert srtp is not None
        for _ in range(MANY // CHUNK):
            for _ in range(CHUNK):
                kind = rng.choice([200, 201, 202, 204, 205, 206, 207])
                body = rng.randbytes(4 * rng.randrange(1, 20))
                length = rng.choice([len(body) // 4, rng.randrange(65536), 0])
                packet = bytes([0x80 | rng.randrange(64), kind]) + length.to_bytes(2, "big") + body
                bad.peer.send_raw(srtp.protect_rtcp(packet))
            source.send()
            await asyncio.sleep(0)
        assert room.engine.stats.malformed > 0


async def test_a_viewer_whom_no_packet_can_reach_any_more_costs_only_itself() -> None:
    async with canary() as (room, source, _):
        lost = await room.watch()
        await source.run(100)
        await lost.until(lambda seen: bool(seen.video))
        lost.downlink.transport.address = NO_WAY_THERE
        await source.run(60)
        assert room.engine.stats.packets_dropped > 60
        assert room.engine.stats.trains_current


async def test_a_viewer_that_stops_reading_costs_only_itself() -> None:
    async with canary() as (room, source, _):
        stalled = await room.watch()
        stalled.peer.detach()
        await source.run(300, gap_s=0.001)
        assert room.engine.stats.packets_forwarded > 0


async def test_a_flood_of_retransmission_requests_is_bounded() -> None:
    async with canary() as (room, source, _):
        greedy = await room.watch()
        await source.run(120)
        await greedy.until(lambda seen: len(seen.sequences) > 10)
        ssrc = greedy.peer.incoming["video"].ssrc
        assert ssrc is not None
        before = room.engine.stats.retransmissions
        for _ in range(200):
            greedy.peer.send_rtcp([ReceiverReport(1), Nack(1, ssrc, tuple(greedy.sequences[-10:]))])
        await source.run(20)
        assert 200 <= room.engine.stats.retransmissions - before < 500
        assert room.engine.stats.retransmissions_missed > 1000


async def join_amid(room: Room, source: Source, nuisance: Callable[[], object]) -> None:
    """A viewer joins, and gets the picture, though somebody else talks to the port before it does."""
    peer = Peer.viewer(room.certificate, OPTIONS)
    room.peers.append(peer)
    downlink = await room.engine.watch(peer.offer, room.router, lanes=None, on_closed=room.leave)
    nuisance()
    await source.run(5)
    late = Viewer(peer, downlink)
    await peer.connect(downlink.answer)
    source.peer.on_key_frame_request()
    await source.run(20)
    await late.until(lambda seen: bool(seen.video))


async def client_hello() -> bytes:
    """A real ClientHello of somebody else."""
    said: list[bytes] = []
    client = Dtls(
        Certificate.generate(),
        "client",
        [("sha-256", "00")],
        send=said.append,
        on_ready=lambda _srtp: None,
        on_ended=lambda: None,
    )
    client.start()
    client.close()
    return said[0]


def send_if_libsrtp_takes_it(peer: Peer, packet: bytes) -> None:
    srtp = peer.link.srtp
    assert srtp is not None
    protected = srtp.protect_all([packet])[0]
    if protected:
        peer.send_raw(protected)
