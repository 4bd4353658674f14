"""Publishers and viewers over real UDP, ICE, DTLS and SRTP: everything arrives, once, as it was sent."""

import asyncio
import dataclasses
import socket
from collections import Counter

import pytest

from expo.errors import Invalid, Unavailable
from expo.media import engine as engine_module
from expo.media.engine import EngineConfig, MediaEngine
from expo.media.peer import Peer
from expo.media.rtcp import Fir, Nack, Pli, ReceiverReport
from expo.media.rtp import build_rtp
from tests.support.room import LOOPBACK, OPTIONS, Source, Viewer, open_room

pytestmark = pytest.mark.media


async def caught_up(viewer: Viewer, source: Source) -> None:
    await viewer.until(lambda seen: len(source.sent) - 1 in seen.video)
    await viewer.until(lambda seen: not seen.missed(source))


async def test_a_viewer_gets_every_packet_byte_for_byte() -> None:
    async with open_room() as room:
        source, _ = await room.publish()
        viewers = [await room.watch() for _ in range(3)]
        await source.run(100)
        for viewer in viewers:
            await caught_up(viewer, source)
            assert viewer.audio == sorted(set(viewer.audio))
            assert viewer.audio[-1] == source.frames - 1
        assert room.engine.stats.packets_forwarded > 3 * 300
        assert room.engine.stats.srtp_rejected == 0


async def test_a_viewer_starts_with_a_key_frame_that_it_caused() -> None:
    async with open_room() as room:
        source, _ = await room.publish()
        await source.run(5)
        asked = source.peer.key_frames_asked
        viewer = await room.watch()
        await source.run(100)
        await caught_up(viewer, source)
        assert source.peer.key_frames_asked == asked + 1
        assert source.sent[min(viewer.video)][0] == 0x65


async def test_a_key_frame_sent_the_moment_the_publisher_is_ready_is_not_lost() -> None:
    """As DTLS client we finish last: what came meanwhile is kept (FFmpeg offers setup:passive and ignores PLI)."""
    async with open_room() as room:
        viewer = await room.watch()
        source, _ = await room.publish(dataclasses.replace(OPTIONS, setup="passive"))
        source.peer.on_key_frame_request = lambda: None
        await source.run(20)
        await viewer.until(lambda seen: 0 in seen.video)
        await caught_up(viewer, source)


async def test_an_encoder_that_knows_fir_alone_is_asked_by_fir_also_when_a_viewer_asks_so() -> None:
    async with open_room() as room:
        source, _ = await room.publish(dataclasses.replace(OPTIONS, pli=False))
        viewer = await room.watch()
        await source.run(5)
        await viewer.until(lambda seen: bool(seen.video))
        asked: asyncio.Queue[Fir | Pli] = asyncio.Queue()
        source.peer.on_rtcp = lambda item: asked.put_nowait(item) if isinstance(item, Fir | Pli) else None
        ssrc = viewer.peer.incoming["video"].ssrc
        assert ssrc is not None
        told: list[int] = []
        for number in (1, 2):
            viewer.peer.send_rtcp([ReceiverReport(viewer.peer.ssrc), Fir(viewer.peer.ssrc, ssrc, number)])
            async with asyncio.timeout(5):
                item = await asked.get()
            assert isinstance(item, Fir)
            told.append(item.sequence)
            source.send()
        assert told[1] == (told[0] + 1) & 0xFF  # a request of its own, not the same one again (RFC 5104 4.3.1.1)


async def test_one_port_serves_ipv4_and_ipv6() -> None:
    async with open_room(bind="::", announced=(LOOPBACK, "::1")) as room:
        source, _ = await room.publish()
        viewers = [await room.watch(), await room.watch(dataclasses.replace(OPTIONS, bind="::1"))]
        await source.run(20)
        for viewer in viewers:
            await caught_up(viewer, source)
        assert {viewer.downlink.transport.address[0] for viewer in viewers if viewer.downlink.transport.address} == {
            "::ffff:127.0.0.1",
            "::1",
        }


async def test_many_viewers_that_join_together_share_a_key_frame() -> None:
    async with open_room() as room:
        source, _ = await room.publish()
        sending = asyncio.ensure_future(source.run(200))
        await asyncio.gather(*(room.watch() for _ in range(10)))
        await sending
        assert source.peer.key_frames_asked <= 4


async def test_what_the_publisher_loses_is_asked_for_and_comes_back() -> None:
    async with open_room() as room:
        source, publication = await room.publish()
        viewer = await room.watch()
        await source.run(3)
        await viewer.until(lambda seen: bool(seen.video))
        sent = 0

        def every_seventh(_packet: bytes) -> bool:
            nonlocal sent
            sent += 1
            return sent % 7 == 0

        source.peer.lose_outgoing = every_seventh
        await source.run(100)
        source.peer.lose_outgoing = lambda _packet: False
        await source.run(2)
        await caught_up(viewer, source)
        assert room.engine.stats.nacks_sent > 0
        assert room.engine.stats.packets_recovered > 0
        assert publication.stats().loss >= 0


async def test_what_a_viewer_loses_is_sent_again() -> None:
    async with open_room() as room:
        source, _ = await room.publish()
        viewer, other = await room.watch(), await room.watch()
        count = 0

        def every_fifth(_packet: object) -> bool:
            nonlocal count
            count += 1
            return count % 5 == 0

        viewer.peer.lose_incoming = every_fifth
        await source.run(100)
        viewer.peer.lose_incoming = lambda _packet: False
        await source.run(2)
        await caught_up(viewer, source)
        await caught_up(other, source)
        assert room.engine.stats.retransmissions > 20
        assert room.engine.stats.nacks_received > 0
        assert room.engine.stats.srtp_rejected == 0


async def test_without_rtx_the_very_same_bytes_are_sent_again() -> None:
    """Other bytes under the same ssrc and index would repeat a GCM nonce (RFC 7714 8.1)."""
    async with open_room() as room:
        source, _ = await room.publish()
        viewer = await room.watch(dataclasses.replace(OPTIONS, rtx=False))
        datagrams: Counter[bytes] = Counter()
        again: asyncio.Queue[bytes] = asyncio.Queue()

        def note(datagram: bytes, _source: object) -> None:
            datagrams[datagram] += 1
            if datagrams[datagram] > 1:
                again.put_nowait(datagram)

        viewer.peer.link.on_datagram = note
        await source.run(20)
        await caught_up(viewer, source)
        asked = viewer.sequences[-3:]
        ssrc = viewer.peer.incoming["video"].ssrc
        assert ssrc is not None
        viewer.peer.send_rtcp([ReceiverReport(viewer.peer.ssrc), Nack(viewer.peer.ssrc, ssrc, tuple(asked))])
        async with asyncio.timeout(5):
            assert len({await again.get() for _ in asked}) == 3


async def test_another_publisher_continues_the_picture_without_a_gap() -> None:
    async with open_room() as room:
        first, one = await room.publish()
        viewer = await room.watch()
        await first.run(30)
        await caught_up(viewer, first)
        seen = len(viewer.sequences)
        second, _ = await room.publish()
        await second.run(3)
        async with asyncio.timeout(5):
            await one.off_air.wait()
        one.close("replaced")
        await second.run(30)
        await viewer.until(lambda v: len(v.sequences) >= seen + 60)
        steps = {(b - a) & 0xFFFF for a, b in zip(viewer.sequences, viewer.sequences[1:], strict=False)}
        assert steps == {1}
        assert all(
            0 <= (b - a) & 0xFFFFFFFF < 90_000 for a, b in zip(viewer.timestamps, viewer.timestamps[1:], strict=False)
        )
        assert "publisher replaced" in room.ended


async def test_a_publisher_that_leaves_early_makes_room_for_the_one_that_waits_for_its_key_frame() -> None:
    async with open_room() as room:
        first, one = await room.publish()
        viewer = await room.watch()
        await first.run(30)
        await caught_up(viewer, first)
        seen = len(viewer.sequences)
        second, two = await room.publish()
        second.key_frame_due = False
        second.peer.on_key_frame_request = lambda: None
        await second.run(2)
        assert two.flowing.is_set()
        one.close("left")
        assert one.off_air.is_set()
        await second.run(2)
        assert len(viewer.sequences) == seen
        second.key_frame_due = True
        await second.run(20)
        await viewer.until(lambda v: len(v.sequences) >= seen + 60)


async def test_an_encoder_that_starts_again_with_another_ssrc_goes_on_for_viewers() -> None:
    async with open_room() as room:
        source, publication = await room.publish()
        viewer = await room.watch()
        await source.run(20)
        await caught_up(viewer, source)
        seen = len(viewer.sequences)
        await asyncio.sleep(0.25)  # an encoder's restart takes this long at least; packets of two sources never mix
        track = publication.tracks[0]
        for sequence in range(40_000, 40_010):
            payload = bytes([0x65, 0x80]) + (9_000_000 + sequence).to_bytes(4, "big") + bytes(100)
            source.peer.send_protected(
                build_rtp(track.plan.payload_type, True, sequence, sequence * 3000, 0xABCDEF, payload)
            )
        await viewer.until(lambda v: len(v.sequences) >= seen + 10)
        assert viewer.sequences == sorted(viewer.sequences)


async def test_a_lane_moves_to_another_feed_and_its_numbers_go_on() -> None:
    async with open_room() as room:
        source, _ = await room.publish()
        viewer = await room.watch()
        await source.run(20)
        await caught_up(viewer, source)
        lane = next(lane for lane in viewer.downlink.lanes if lane.kind == "video")
        room.router.repoint(lane, "picture")
        await source.run(120)
        await viewer.until(lambda v: len(v.sequences) > 100)
        steps = {(b - a) & 0xFFFF for a, b in zip(viewer.sequences, viewer.sequences[1:], strict=False)}
        assert steps == {1}
        with pytest.raises(Invalid) as refused:
            room.router.repoint(lane, "floor")
        assert refused.value.code == "media.unknown_feed"


async def test_a_viewer_over_the_budget_is_told_when_to_come_back() -> None:
    async with open_room(budget=1) as room:
        viewer = await room.watch()
        with pytest.raises(Unavailable) as full:
            await room.watch()
        assert full.value.code == "media.full"
        assert full.value.retry_after_s
        await viewer.peer.close()
        await room.until_ended()
        await room.watch()


async def test_a_viewer_that_moves_to_another_network_keeps_its_picture() -> None:
    async with open_room() as room:
        source, _ = await room.publish()
        viewer = await room.watch()
        await source.run(20)
        await viewer.peer.rebind()
        await source.run(20)
        await caught_up(viewer, source)
        assert room.engine.stats.handshakes_completed == 2


async def test_goodbyes_are_heard_and_free_the_place() -> None:
    async with open_room() as room:
        source, _ = await room.publish()
        viewer = await room.watch()
        await viewer.peer.close()
        await source.peer.close()
        await room.until_ended(2)
        assert sorted(room.ended) == ["publisher peer_left", "viewer peer_left"]
        assert room.engine.viewers == 0


async def test_a_peer_that_vanished_is_let_go_when_its_consent_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "CONSENT_TIMEOUT_US", 300_000)
    async with open_room() as room:
        viewer = await room.watch()
        await viewer.peer.close(bye=False)
        await room.until_ended()
        assert room.ended == ["viewer consent_expired"]


async def test_a_page_that_never_connects_frees_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("expo.media.transport.CONNECT_TIMEOUT_S", 0.1)
    async with open_room() as room:
        peer = Peer.viewer(room.certificate, OPTIONS)
        room.peers.append(peer)
        await room.engine.watch(peer.offer, room.router, lanes=None, on_closed=room.leave)
        await room.until_ended()
        assert room.ended == ["never_connected"]
        assert room.engine.viewers == 0


async def test_the_publisher_is_told_its_rate() -> None:
    async with open_room() as room:
        source, publication = await room.publish()
        await source.run(150)
        assert source.peer.remb_bps is not None
        assert 1_400_000 <= source.peer.remb_bps <= 2_500_000
        assert source.peer.reports
        assert publication.stats().bitrate_bps > 100_000


async def test_viewers_get_sender_reports_of_both_lanes_and_our_round_trip_is_measured() -> None:
    async with open_room() as room:
        source, _ = await room.publish()
        viewer = await room.watch(dataclasses.replace(OPTIONS, report_interval_s=0.1))
        await source.run(100)
        async with asyncio.timeout(5):
            while viewer.downlink.rtt_us is None:
                await source.run(5)
        assert 0 <= viewer.downlink.rtt_us < 1_000_000


async def test_a_port_that_is_taken_is_said_so() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((LOOPBACK, 0))
        with pytest.raises(Unavailable) as refused:
            await MediaEngine.open(EngineConfig(LOOPBACK, taken.getsockname()[1], (LOOPBACK,)))
        assert refused.value.code == "media.port_taken"


async def test_closing_the_engine_leaves_no_task_and_no_socket() -> None:
    before = asyncio.all_tasks()
    async with open_room() as room:
        source, _ = await room.publish()
        await room.watch()
        await source.run(5)
        port = room.engine.udp_port
        await room.engine.close()
        await room.engine.close()
    assert asyncio.all_tasks() == before
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind((LOOPBACK, port))
