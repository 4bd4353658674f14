"""Offers of real clients get the answers that they need."""

from __future__ import annotations

import re

import pytest
from aiortc.sdp import SessionDescription

from expo.errors import Invalid
from expo.media.sdp import ABS_SEND_TIME, AUDIO_LEVEL, MID, LaneSpec, Plan, answer_publish, answer_watch, parse_offer
from expo.media.sdp_model import MediaPlan
from tests.support.offers import (
    FLOOR,
    H264,
    LANES,
    LOCAL,
    OPUS,
    PICTURE,
    PUBLISHERS,
    VIEWERS,
    VP8,
    minimal_offer,
    offer,
)


def published(text: str) -> Plan:
    return answer_publish(parse_offer(text), LOCAL, start_bps=1_500_000)


def watched(text: str, lanes: tuple[LaneSpec, ...] = LANES) -> Plan:
    return answer_watch(parse_offer(text), LOCAL, lanes)


def media(plan: Plan, kind: str) -> MediaPlan:
    return next(each for each in plan.media if each.kind == kind)


def m_lines(sdp: str) -> list[str]:
    """The m-line blocks of a description."""
    return re.split(r"\r\n(?=m=)", sdp.removesuffix("\r\n"))[1:]


def refusal(text: str) -> str:
    with pytest.raises(Invalid) as caught:
        published(text)
    return caught.value.code


def without(text: str, *starts: str) -> str:
    return "\r\n".join(line for line in text.split("\r\n") if not line.startswith(starts))


@pytest.mark.parametrize("name", PUBLISHERS)
def test_every_real_publisher_gets_h264_and_opus(name: str) -> None:
    plan = published(offer(name))
    assert sorted(each.codec for each in plan.media) == ["H264", "opus"]
    assert plan.answer.count("a=recvonly") == 2


@pytest.mark.parametrize("name", VIEWERS)
def test_every_real_viewer_gets_picture_and_floor(name: str) -> None:
    plan = watched(offer(name))
    assert {each.kind: each.lane for each in plan.media} == {"video": "picture", "audio": "floor"}
    assert plan.answer.count("a=sendonly") == 2


@pytest.mark.parametrize("name", [*PUBLISHERS, *VIEWERS])
def test_an_answer_mirrors_the_order_and_the_mids_of_its_offer(name: str) -> None:
    offered, answered = offer(name), (watched if name in VIEWERS else published)(offer(name)).answer
    assert re.findall(r"a=mid:(\S+)", answered) == re.findall(r"a=mid:(\S+)", offered)
    assert re.findall(r"m=(\w+)", answered) == re.findall(r"m=(\w+)", offered)
    assert re.findall(r"a=group:BUNDLE .*", answered) == re.findall(r"a=group:BUNDLE .*", offered)


@pytest.mark.parametrize("name", [*PUBLISHERS, *VIEWERS])
def test_every_m_line_of_an_answer_carries_the_whole_transport(name: str) -> None:
    answered = (watched if name in VIEWERS else published)(offer(name)).answer
    assert "\r\na=ice-lite\r\n" in answered.split("m=", 1)[0]
    for block in m_lines(answered):
        assert "a=rtcp-mux\r\n" in block
        assert "a=ice-ufrag:Zt9+" in block
        assert "a=end-of-candidates" in block
        assert re.findall(r"a=candidate:\d+ 1 udp \d+ (\S+) 40000 typ host generation 0", block) == [
            "192.0.2.9",
            "127.0.0.1",
            "fd00::1",
        ]


@pytest.mark.parametrize("name", [*PUBLISHERS, *VIEWERS])
def test_aiortc_reads_every_answer_as_we_meant_it(name: str) -> None:
    plan = (watched if name in VIEWERS else published)(offer(name))
    read = SessionDescription.parse(plan.answer)
    assert [each.rtp.codecs[0].payloadType for each in read.media] == [each.payload_type for each in plan.media]
    assert all(len(each.ice_candidates) == 3 and each.ice_candidates_complete for each in read.media)
    assert all(each.ice is not None and each.ice.iceLite for each in read.media)


def test_candidates_fall_in_priority_and_ipv4_comes_first() -> None:
    block = m_lines(published(offer("chromium-publish")).answer)[0]
    priorities = [int(each) for each in re.findall(r" udp (\d+) ", block)]
    assert priorities == sorted(priorities, reverse=True)
    assert max(priorities) < 1 << 31
    assert "m=audio 40000 " in block
    assert "c=IN IP4 192.0.2.9" in block


def test_ffmpeg_listens_for_dtls_so_we_are_its_client() -> None:
    plan = published(offer("ffmpeg8-publish"))
    assert plan.remote.dtls_role == "client"
    assert plan.answer.count("a=setup:active") == 2


def test_everybody_else_connects_to_us() -> None:
    plan = published(offer("chromium-publish"))
    assert plan.remote.dtls_role == "server"
    assert plan.answer.count("a=setup:passive") == 2


def test_ffmpegs_video_has_neither_feedback_nor_retransmission() -> None:
    video = media(published(offer("ffmpeg8-publish")), "video")
    assert (video.nack, video.pli, video.fir, video.remb, video.rtx_payload_type) == (False, False, False, False, None)
    assert video.ssrc == 2185982850


def test_chromiums_video_has_all_feedback_retransmission_and_extensions() -> None:
    plan = published(offer("chromium-publish"))
    video, audio = media(plan, "video"), media(plan, "audio")
    assert (video.nack, video.pli, video.fir, video.remb) == (True, True, True, True)
    assert video.rtx_payload_type is not None
    assert video.rtx_ssrc is not None
    assert set(video.extensions) == {MID, ABS_SEND_TIME}
    assert set(audio.extensions) == {MID, ABS_SEND_TIME, AUDIO_LEVEL}
    assert "transport-cc" not in plan.answer


def test_constrained_baseline_is_preferred_among_chromiums_profiles() -> None:
    plan = published(offer("chromium-publish"))
    number = media(plan, "video").payload_type
    assert f"a=fmtp:{number} level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f" in plan.answer


def test_the_first_h264_that_fits_is_taken_when_no_candidate_is_constrained_baseline() -> None:
    lines = (
        "a=rtpmap:100 H264/90000\na=fmtp:100 packetization-mode=0;profile-level-id=42e01f\n"
        "a=rtpmap:101 H264/90000\na=fmtp:101 packetization-mode=1;profile-level-id=640c1f\n"
        "a=rtpmap:102 H264/90000\na=fmtp:102 packetization-mode=1;profile-level-id=42C015\n"
        "a=rtpmap:103 H264/90000\na=fmtp:103 packetization-mode=1;profile-level-id=42001f"
    )
    plan = published(minimal_offer(("video 9 UDP/TLS/RTP/SAVPF 100 101 102 103", lines)))
    assert plan.media[0].payload_type == 102
    assert "profile-level-id=42C015" in plan.answer  # as offered, letter for letter


def test_h264_without_a_profile_is_baseline() -> None:
    lines = "a=rtpmap:102 H264/90000\na=fmtp:102 packetization-mode=1"
    plan = published(minimal_offer(("video 9 UDP/TLS/RTP/SAVPF 102", lines)))
    assert "profile-level-id" not in plan.answer


def test_a_publisher_is_told_how_to_encode() -> None:
    answered = published(offer("chromium-publish")).answer
    assert "x-google-start-bitrate=1500" in answered
    assert "a=fmtp:111 minptime=10;maxaveragebitrate=64000;useinbandfec=1;usedtx=0" in answered


def test_simulcast_is_declined_by_silence() -> None:
    plan = published(offer("chromium-simulcast"))
    assert "simulcast" not in plan.answer
    assert "a=rid" not in plan.answer
    assert media(plan, "video").ssrc is None


def test_a_viewer_learns_sources_names_and_the_shared_stream() -> None:
    plan = watched(offer("chromium-watch"))
    assert "a=ssrc-group:FID 1001 1002" in plan.answer
    assert "a=ssrc:1001 cname:cname" in plan.answer
    assert plan.answer.count("a=msid:stage ") == 2
    assert media(plan, "video").out_rtx_ssrc == 1002
    assert media(plan, "audio").out_rtx_ssrc is None
    assert "1004" not in plan.answer
    assert "x-google" not in plan.answer


def test_a_viewer_without_retransmission_is_promised_no_nack() -> None:
    lines = "a=rtpmap:102 H264/90000\na=fmtp:102 packetization-mode=1\na=rtcp-fb:102 nack\na=rtcp-fb:102 nack pli"
    plan = watched(minimal_offer(("video 9 UDP/TLS/RTP/SAVPF 102", lines), direction="recvonly"))
    assert not plan.media[0].nack
    assert "a=rtcp-fb:102 nack\r\n" not in plan.answer
    assert "a=rtcp-fb:102 nack pli\r\n" in plan.answer


def test_lanes_go_to_the_m_lines_of_their_kind_in_order() -> None:
    channel = LaneSpec("channel-vi", "audio", 7, 8, "cname", "channel-vi")
    plan = watched(minimal_offer(OPUS, H264, OPUS, OPUS, direction="recvonly"), (PICTURE, FLOOR, channel))
    assert [each.lane for each in plan.media] == ["floor", "picture", "channel-vi"]
    assert "a=inactive" in m_lines(plan.answer)[3]
    assert m_lines(plan.answer)[3].startswith("m=audio 40000 ")


def test_an_audio_only_viewer_hears_the_floor() -> None:
    plan = watched(minimal_offer(OPUS, direction="recvonly"))
    assert [each.lane for each in plan.media] == ["floor"]


def test_a_second_camera_is_left_inactive() -> None:
    second = (H264[0].replace("102 103", "104 105"), H264[1].replace("102", "104").replace("103", "105"))
    plan = published(minimal_offer(H264, OPUS, second))
    assert [each.mid for each in plan.media] == ["0", "1"]
    assert "a=inactive" in m_lines(plan.answer)[2]
    assert "a=group:BUNDLE 0 1 2" in plan.answer


def test_an_m_line_that_nobody_can_use_is_refused_and_leaves_the_bundle() -> None:
    plan = published(minimal_offer(H264, OPUS, VP8))
    assert m_lines(plan.answer)[2].startswith("m=video 0 ")
    assert "a=group:BUNDLE 0 1\r\n" in plan.answer


def test_a_disabled_m_line_stays_disabled() -> None:
    disabled = ("application 0 UDP/DTLS/SCTP webrtc-datachannel", "")
    plan = published(minimal_offer(OPUS, disabled).replace("BUNDLE 0 1", "BUNDLE 0"))
    assert "m=application 0 UDP/DTLS/SCTP webrtc-datachannel" in plan.answer
    assert "a=group:BUNDLE 0\r\n" in plan.answer


def test_an_m_line_that_lives_only_in_the_bundle_is_served() -> None:
    plan = published(offer("gstreamer-like"))
    assert "a=bundle-only" in offer("gstreamer-like")
    assert [each.mid for each in plan.media] == ["video0", "audio1"]
    assert "m=audio 40000 " in plan.answer


def test_an_extension_offered_in_one_direction_is_answered_in_the_other() -> None:
    text = minimal_offer((OPUS[0], f"{OPUS[1]}\na=extmap:3/sendonly {MID}\na=extmap:15 {AUDIO_LEVEL}"))
    plan = published(text)
    assert f"a=extmap:3/recvonly {MID}" in plan.answer
    assert plan.media[0].extensions == {MID: 3}  # ids above 14 need the two-byte form, which nobody asked for


def test_a_single_m_line_needs_neither_bundle_nor_mid() -> None:
    plan = published(without(minimal_offer(OPUS), "a=group", "a=mid"))
    assert "a=group" not in plan.answer
    assert "a=mid" not in plan.answer


def test_host_names_in_candidates_are_ignored() -> None:
    names = "\na=candidate:1 1 udp 2113937151 4e6a7ad0-1f3b.local 54321 typ host\na=candidate:x y z"
    plan = published(minimal_offer((OPUS[0], OPUS[1] + names)))
    assert ".local" not in plan.answer


def test_a_publisher_with_vp8_alone_is_told_so() -> None:
    assert refusal(offer("firefox-like-vp8-publish")) == "sdp.vp8_only"


def test_a_publisher_without_any_codec_of_ours_is_told_so() -> None:
    vp9 = ("video 9 UDP/TLS/RTP/SAVPF 98", "a=rtpmap:98 VP9/90000")
    high = (
        "video 9 UDP/TLS/RTP/SAVPF 98",
        "a=rtpmap:98 H264/90000\na=fmtp:98 packetization-mode=1;profile-level-id=640c1f",
    )
    telephone = ("audio 9 UDP/TLS/RTP/SAVPF 0", "a=rtpmap:0 PCMU/8000")
    nothing = ("video 9 UDP/TLS/RTP/SAVPF 98", "")
    assert {refusal(minimal_offer(each)) for each in (vp9, high, telephone, nothing)} == {"sdp.no_usable_codec"}


def test_a_viewer_without_h264_is_told_so() -> None:
    with pytest.raises(Invalid) as caught:
        watched(offer("firefox-like-watch-without-h264"))
    assert (caught.value.code, caught.value.status) == ("sdp.viewer_needs_h264", 422)


def test_a_data_channel_is_refused() -> None:
    assert refusal(offer("chromium-datachannel")) == "sdp.data_channel"


def test_an_offer_that_sends_nothing_cannot_publish() -> None:
    assert refusal(offer("chromium-watch")) == "sdp.nothing_to_publish"


def test_an_offer_that_receives_nothing_cannot_watch() -> None:
    with pytest.raises(Invalid, match=r"sdp\.nothing_to_watch"):
        watched(offer("chromium-publish"))


def test_64_kib_are_too_much_and_a_byte_less_is_not() -> None:
    text = minimal_offer(OPUS)
    padding = "a=x-pad:" + "x" * (65536 - len(text) - 10)
    assert len(text + padding + "\r\n") == 65536
    assert refusal(text + padding + "\r\n") == "sdp.too_large"
    assert published(text + padding[:-1] + "\r\n").media


def test_1000_lines_are_too_many_and_one_less_is_not() -> None:
    text = minimal_offer(OPUS)
    filling = "a=x\r\n" * (1000 - text.count("\n"))
    assert refusal(text + filling) == "sdp.too_many_lines"
    assert published(text + filling.removesuffix("a=x\r\n")).media


def test_100_m_lines_are_too_many_and_16_are_not() -> None:
    hundred = "v=0\r\n" + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n" * 100
    assert refusal(hundred) == "sdp.too_many_media"
    assert published(minimal_offer(*[OPUS] * 16)).media


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("sdp.malformed", "hello"),
        ("sdp.malformed", "v=1\r\n"),
        ("sdp.malformed", "v=0\r\n\x00=1\r\n"),
        ("sdp.malformed", ""),
        ("sdp.malformed", "s=-\r\nv=0\r\n"),
        ("sdp.no_media", "v=0\r\n"),
        ("sdp.no_media", minimal_offer(("audio 9 RTP/AVP 0", ""))),
        ("sdp.no_media", minimal_offer(("audio 0 UDP/TLS/RTP/SAVPF 111", ""))),
        ("sdp.no_media", minimal_offer(("text 9 UDP/TLS/RTP/SAVPF 111", ""))),
        ("sdp.malformed", minimal_offer(("audio x UDP/TLS/RTP/SAVPF 111", ""))),
        ("sdp.no_ice", without(minimal_offer(OPUS), "a=ice-ufrag")),
        ("sdp.no_ice", without(minimal_offer(OPUS), "a=ice-pwd")),
        ("sdp.malformed", minimal_offer(OPUS).replace("a=ice-ufrag:abcd", "a=ice-ufrag:abc")),
        ("sdp.no_fingerprint", without(minimal_offer(OPUS), "a=fingerprint")),
        ("sdp.no_fingerprint", minimal_offer(OPUS).replace("sha-256", "sha-1")),
        ("sdp.malformed", minimal_offer(OPUS).replace("sha-256", "sha-512")),
        ("sdp.malformed", minimal_offer(OPUS).replace("a=fingerprint:", "a=fingerprint:x")[:-30]),
        ("sdp.malformed", minimal_offer(OPUS, setup="holdconn")),
        ("sdp.ice_lite", minimal_offer(OPUS, session="a=ice-lite")),
        ("sdp.no_rtcp_mux", without(minimal_offer(OPUS), "a=rtcp-mux")),
        ("sdp.not_bundled", without(minimal_offer(OPUS, H264), "a=group")),
        ("sdp.not_bundled", minimal_offer(OPUS, H264).replace("BUNDLE 0 1", "BUNDLE 0\r\na=group:BUNDLE 1")),
        ("sdp.malformed", minimal_offer(OPUS, H264).replace("a=mid:1", "a=mid:0")),
        ("sdp.malformed", minimal_offer(OPUS, H264).replace("BUNDLE 0 1", "BUNDLE 0 1 2")),
        ("sdp.malformed", minimal_offer(OPUS).replace("a=mid:0", "a=mid:0 0")),
        ("sdp.malformed", minimal_offer(OPUS, (H264[0].replace("102", "111"), H264[1].replace("102", "111")))),
        ("sdp.malformed", minimal_offer((OPUS[0], f"{OPUS[1]}\na=ssrc:5 x"), (H264[0], f"{H264[1]}\na=ssrc:5 x"))),
    ],
)
def test_what_is_wrong_with_an_offer_has_a_name(code: str, text: str) -> None:
    assert refusal(text) == code
