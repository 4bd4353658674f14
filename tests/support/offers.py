"""Offers as real clients write them (`tests/media/offers`), and what is needed to answer them."""

from __future__ import annotations

from pathlib import Path

from expo.media.sdp import LaneSpec, Local

FOLDER = Path(__file__).parents[1] / "media" / "offers"

PUBLISHERS = (
    "aiortc-publish",
    "chromium-publish",
    "chromium-simulcast",
    "ffmpeg8-publish",
    "gstreamer-like",
    "obs-like",
)
VIEWERS = ("aiortc-watch", "chromium-watch", "werift-watch")

LOCAL = Local(
    ice_ufrag="Zt9+",
    ice_pwd="abcdefghijklmnopqrstuvwx",
    fingerprint=":".join(["5A"] * 32),
    candidates=(("fd00::1", 40000), ("192.0.2.9", 40000), ("127.0.0.1", 40000)),
    origin_id=4611686018427387904,
)
PICTURE = LaneSpec("picture", "video", 1001, 1002, "cname", "stage")
FLOOR = LaneSpec("floor", "audio", 1003, 1004, "cname", "stage")
LANES = (PICTURE, FLOOR)


def offer(name: str) -> str:
    """One stored offer, byte for byte."""
    return (FOLDER / f"{name}.sdp").read_bytes().decode()


def minimal_offer(
    *media: tuple[str, str], session: str = "", direction: str = "sendonly", setup: str = "actpass"
) -> str:
    """An offer of (kind, attribute lines) m-lines with mids 0, 1, ... and everything a transport needs."""
    mids = " ".join(str(index) for index in range(len(media)))
    lines = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", f"a=group:BUNDLE {mids}", *session.split("\n")]
    for index, (head, attributes) in enumerate(media):
        lines += [f"m={head}", "c=IN IP4 0.0.0.0", f"a=mid:{index}", f"a={direction}", "a=rtcp-mux"]
        lines += ["a=ice-ufrag:abcd", f"a=ice-pwd:{'p' * 22}", f"a=setup:{setup}"]
        lines += [f"a=fingerprint:sha-256 {':'.join(['AB'] * 32)}", *attributes.split("\n")]
    return "\r\n".join(line for line in lines if line) + "\r\n"


OPUS = ("audio 9 UDP/TLS/RTP/SAVPF 111", "a=rtpmap:111 opus/48000/2")
H264 = (
    "video 9 UDP/TLS/RTP/SAVPF 102 103",
    "a=rtpmap:102 H264/90000\na=fmtp:102 packetization-mode=1;profile-level-id=42e01f\n"
    "a=rtcp-fb:102 nack\na=rtcp-fb:102 nack pli\na=rtpmap:103 rtx/90000\na=fmtp:103 apt=102",
)
VP8 = ("video 9 UDP/TLS/RTP/SAVPF 96", "a=rtpmap:96 VP8/90000")
