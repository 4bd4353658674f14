"""The wire client itself: it must be precise, or every test and figure that stands on it is worth nothing."""

import asyncio
import contextlib
import dataclasses
import socket
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expo.media.peer import Peer, PeerFailed
from expo.media.peer_sdp import BadAnswer, Setup, read_answer
from expo.media.rtcp import Nack, ReceiverReport, RtcpItem, SenderReport, build_rtcp
from expo.media.sdp import parse_offer
from expo.media.sdp_model import ABS_SEND_TIME, AUDIO_LEVEL, MID
from tests.support.room import OPTIONS, Viewer, open_room

media = pytest.mark.media
ANSWER = """v=0
o=- 1 1 IN IP4 0.0.0.0
s=-
t=0 0
a=group:BUNDLE 0
a=ice-lite
m=video 4000 UDP/TLS/RTP/SAVPF 102
c=IN IP4 127.0.0.1
a=mid:0
a=rtcp-mux
a=candidate:1 1 udp 2130706431 127.0.0.1 {port} typ host
a=ice-ufrag:abcd
a=ice-pwd:0123456789012345678901
a=fingerprint:sha-256 00:11
a=setup:passive
a=recvonly
a=rtpmap:102 H264/90000
"""


async def test_its_offer_names_the_house_codecs_feedback_and_sources() -> None:
    peer = Peer.publisher(options=OPTIONS)
    offer = parse_offer(peer.offer)
    video, audio = offer.media
    assert (video.kind, audio.kind) == ("video", "audio")
    assert video.sends
    assert not video.receives
    assert (video.ssrc, video.rtx_ssrc) == (peer.outgoing["video"].ssrc, peer.outgoing["video"].rtx_ssrc)
    assert audio.ssrc == peer.outgoing["audio"].ssrc
    h264 = video.codecs[0]
    assert h264.fmtp["profile-level-id"] == "42e01f"
    assert h264.fmtp["packetization-mode"] == "1"
    assert {"nack", "nack pli", "ccm fir", "goog-remb"} <= h264.feedback
    assert set(audio.extensions) == {MID, ABS_SEND_TIME, AUDIO_LEVEL}
    await peer.close()


async def test_a_viewer_offers_to_receive_and_names_no_source() -> None:
    peer = Peer.viewer(options=dataclasses.replace(OPTIONS, rtx=False, kinds=("audio", "video")))
    audio, video = parse_offer(peer.offer).media
    assert (audio.kind, video.kind) == ("audio", "video")
    assert video.receives
    assert not video.sends
    assert video.ssrc is None
    assert [codec.name for codec in video.codecs] == ["h264"]
    await peer.close()


@given(st.text(max_size=400))
def test_no_answer_makes_it_raise_anything_but_bad_answer(text: str) -> None:
    with pytest.raises(BadAnswer):
        read_answer(text)


@given(st.lists(st.sampled_from(ANSWER.format(port=9).splitlines()), max_size=30), st.text(max_size=20))
def test_shuffled_answers_are_read_or_refused(lines: list[str], more: str) -> None:
    with contextlib.suppress(BadAnswer):
        assert read_answer("\n".join([*lines, more])).media


@media
@pytest.mark.parametrize("setup", ["actpass", "passive", "active"])
async def test_it_can_take_either_side_of_the_dtls_handshake(setup: Setup) -> None:
    async with open_room() as room:
        source, _ = await room.publish(dataclasses.replace(OPTIONS, setup=setup))
        viewer = await room.watch(dataclasses.replace(OPTIONS, setup=setup))
        sending = asyncio.ensure_future(source.run(400))
        await viewer.until(lambda seen: len(seen.video) >= 30)
        sending.cancel()
        answer = source.peer.answer
        assert answer is not None
        assert answer.dtls_role == ("server" if setup == "passive" else "client")


@media
async def test_packets_it_loses_on_purpose_come_back_by_rtx() -> None:
    async with open_room() as room:
        source, _ = await room.publish()
        viewer = await room.watch()
        count = 0

        def every_ninth(_packet: object) -> bool:
            nonlocal count
            count += 1
            return count % 9 == 0

        viewer.peer.lose_incoming = every_ninth
        await source.run(60)
        viewer.peer.lose_incoming = lambda _packet: False
        await source.run(3)
        await viewer.until(lambda seen: not seen.missed(source) and len(source.sent) - 1 in seen.video)
        picture = viewer.peer.incoming["video"]
        assert picture.recovered > 0
        assert picture.nacked >= picture.recovered
        assert picture.reception.given_up == 0


@media
async def test_a_nack_is_answered_on_the_rtx_source_with_the_same_payload() -> None:
    async with open_room() as room:
        source, publication = await room.publish()
        await source.run(5)
        picture = source.peer.outgoing["video"]
        track = next(track for track in publication.tracks if track.kind == "video")
        newest = (picture.sequence - 1) & 0xFFFF
        before = room.engine.stats.packets_recovered
        publication.transport.send_rtcp(_nack(picture.ssrc, newest))
        await _until(lambda: room.engine.stats.packets_recovered > before)
        assert picture.resent == 1
        assert track.ssrc == picture.ssrc


@media
async def test_asking_for_a_key_frame_reaches_the_publisher() -> None:
    async with open_room() as room:
        source, _ = await room.publish()
        viewer = await room.watch()
        await source.run(40)
        await viewer.until(lambda seen: bool(seen.video))
        asked = source.peer.key_frames_asked
        viewer.peer.request_key_frame()
        await _until(lambda: source.peer.key_frames_asked > asked)


@media
async def test_it_hears_the_rate_and_reports_and_sends_its_own() -> None:
    async with open_room() as room:
        source, _ = await room.publish(dataclasses.replace(OPTIONS, report_interval_s=0.1))
        viewer = await room.watch(dataclasses.replace(OPTIONS, report_interval_s=0.1))
        heard: list[RtcpItem] = []
        viewer.peer.on_rtcp = heard.append
        await source.run(40)
        await _until(lambda: source.peer.remb_bps is not None and bool(source.peer.reports))
        await _until(lambda: any(isinstance(item, SenderReport) for item in heard))
        reports = room.engine.stats.reports_received
        await _until(lambda: room.engine.stats.reports_received > reports + 2)
        assert {block.ssrc for block in source.peer.reports} == {
            outgoing.ssrc for outgoing in source.peer.outgoing.values()
        }


@media
async def test_media_goes_on_after_a_change_of_network() -> None:
    async with open_room() as room:
        source, _ = await room.publish()
        viewer = await room.watch()
        await source.run(5)
        await viewer.until(lambda seen: bool(seen.video))
        old = viewer.peer.local_address
        await viewer.peer.rebind()
        assert viewer.peer.local_address != old
        newest = len(source.sent)
        await source.run(10)
        await viewer.until(lambda seen: max(seen.video) >= newest + 29)
        old = source.peer.local_address
        await source.peer.rebind()
        assert source.peer.local_address != old
        newest = len(source.sent)
        await source.run(10)
        await viewer.until(lambda seen: max(seen.video) >= newest + 29)


@media
async def test_a_detached_socket_gets_the_datagrams_and_consent_goes_on() -> None:
    async with open_room() as room:
        source, _ = await room.publish()
        viewer = await room.watch(dataclasses.replace(OPTIONS, consent_interval_s=0.05, consent_timeout_s=0.2))
        await source.run(3)
        await viewer.until(lambda seen: bool(seen.video))
        sock = viewer.peer.detach()
        seen = len(viewer.video)
        heard_us = viewer.downlink.transport.last_heard_us
        await source.run(80)
        kinds = {datagram[0] >> 6 for datagram in _drain(sock)}
        assert kinds == {0, 2}  # answers to checks, and media
        assert len(viewer.video) == seen
        assert viewer.downlink.transport.last_heard_us > heard_us
        assert viewer.peer.connected


@media
async def test_a_dead_server_is_noticed_by_missing_consent() -> None:
    async with open_room() as room:
        options = dataclasses.replace(OPTIONS, consent_interval_s=0.1, consent_timeout_s=0.4)
        viewer = await room.watch(options)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
            deaf.bind(("127.0.0.1", 0))
            viewer.peer.link.ice.selected = deaf.getsockname()
            async with asyncio.timeout(5):
                await viewer.peer.closed.wait()
        assert viewer.peer.reason == "consent_expired"


@media
async def test_a_server_that_stops_says_so_at_once() -> None:
    async with open_room() as room:
        viewer = await room.watch()
        viewer.downlink.close("kicked")
        async with asyncio.timeout(2):
            await viewer.peer.closed.wait()
        assert viewer.peer.reason == "peer_left"


@media
async def test_a_bye_frees_the_place_at_once_and_vanishing_does_not() -> None:
    async with open_room() as room:
        polite, rude = await room.watch(), await room.watch()
        await rude.peer.close(bye=False)
        await polite.peer.close()
        await _until(lambda: room.engine.viewers == 1)
        assert polite.downlink.closed
        assert not rude.downlink.closed


@media
async def test_a_path_that_does_not_answer_fails_with_words_and_leaves_nothing() -> None:
    before = asyncio.all_tasks()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        peer = Peer.publisher(options=OPTIONS)
        with pytest.raises(PeerFailed, match="no candidate answered"):
            await peer.connect(ANSWER.format(port=deaf.getsockname()[1]), timeout_s=0.2)
    assert peer.closed.is_set()
    assert peer.link.sock.fileno() == -1
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
    await peer.close()
    assert peer.reason == "failed"


@media
async def test_many_peers_share_a_certificate_and_open_a_socket_each() -> None:
    async with open_room() as room:
        source, _ = await room.publish()
        viewers: list[Viewer] = [await room.watch() for _ in range(20)]
        await source.run(10)
        for viewer in viewers:
            await viewer.until(lambda seen: len(seen.video) >= 3)
        assert len({viewer.peer.local_address for viewer in viewers}) == 20


def _nack(ssrc: int, sequence: int) -> bytes:
    return build_rtcp([ReceiverReport(1), Nack(1, ssrc, (sequence,))])


def _drain(sock: socket.socket) -> list[bytes]:
    datagrams: list[bytes] = []
    while True:
        try:
            datagrams.append(sock.recv(2048))
        except BlockingIOError:
            return datagrams


async def _until(condition: Callable[[], bool], timeout_s: float = 5) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - counters have no event
            await asyncio.sleep(0.01)
