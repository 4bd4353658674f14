"""Pick the house codecs from an offer: H.264 with packetization-mode 1 and profile_idc 0x42, and Opus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from expo.errors import Invalid
from expo.media.sdp_model import ABS_SEND_TIME, AUDIO_LEVEL, MID, Codec, LaneSpec, MediaPlan, OfferedMedia

EXTENSIONS: Mapping[str, tuple[str, ...]] = {
    "audio": (MID, ABS_SEND_TIME, AUDIO_LEVEL),
    "video": (MID, ABS_SEND_TIME),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """The codec picked for an m-line, and its retransmission payload type."""

    codec: Codec
    rtx: int | None


def choose(media: OfferedMedia) -> Choice | None:
    if media.kind == "audio":
        return next((Choice(each, None) for each in media.codecs if _is_opus(each)), None)
    candidates = [each for each in media.codecs if _is_house_h264(each)]
    if not candidates:
        return None
    # Constrained baseline is what every decoder has; among equals the offerer's order decides.
    codec = min(candidates, key=lambda each: each.fmtp.get("profile-level-id", "").lower() != "42e01f")
    rtx = (each for each in media.codecs if each.name == "rtx" and each.fmtp.get("apt") == str(codec.payload_type))
    return Choice(codec, next((each.payload_type for each in rtx), None))


def _is_opus(codec: Codec) -> bool:
    return codec.name == "opus" and codec.clock_rate == 48000


def _is_house_h264(codec: Codec) -> bool:
    """packetization-mode 1 and profile_idc 0x42 with any constraint byte; no profile means Baseline (RFC 6184 8.1)."""
    profile = codec.fmtp.get("profile-level-id", "42000a").lower()
    known = len(profile) == 6 and all(each in "0123456789abcdef" for each in profile)
    mode = codec.fmtp.get("packetization-mode")
    return codec.name == "h264" and codec.clock_rate == 90000 and mode == "1" and known and profile.startswith("42")


def no_codec(media: OfferedMedia, *, publishing: bool) -> Invalid:
    offered = sorted({each.name for each in media.codecs} - {"rtx", "red", "ulpfec", "flexfec-03"})
    if media.kind == "video" and not publishing:
        return Invalid("sdp.viewer_needs_h264", "the room is sent as H.264 with packetization-mode=1", status=422)
    if media.kind == "video" and offered == ["vp8"]:
        return Invalid("sdp.vp8_only", "VP8 is not accepted: publish H.264, profile 42e01f, mode 1", status=422)
    house = "H.264 (profile_idc 42, packetization-mode=1)" if media.kind == "video" else "Opus"
    return Invalid("sdp.no_usable_codec", f"{media.kind} needs {house}", status=422)


def plan_media(media: OfferedMedia, choice: Choice, lane: LaneSpec | None) -> MediaPlan:
    agreed = choice.codec.feedback if media.kind == "video" else frozenset[str]()
    extensions = {uri: media.extensions[uri][0] for uri in EXTENSIONS[media.kind] if uri in media.extensions}
    return MediaPlan(
        kind="video" if media.kind == "video" else "audio",
        mid=media.mid or "",
        codec="H264" if media.kind == "video" else "opus",
        payload_type=choice.codec.payload_type,
        clock_rate=choice.codec.clock_rate,
        rtx_payload_type=choice.rtx,
        # Towards a viewer only RTX answers a NACK: the same SRTP index must never be protected twice (facts of GCM).
        nack="nack" in agreed and (lane is None or choice.rtx is not None),
        pli="nack pli" in agreed,
        fir="ccm fir" in agreed,
        remb="goog-remb" in agreed,
        extensions=extensions,
        ssrc=media.ssrc if lane is None else None,
        rtx_ssrc=media.rtx_ssrc if lane is None else None,
        lane=lane.name if lane else None,
        out_ssrc=lane.ssrc if lane else None,
        out_rtx_ssrc=lane.rtx_ssrc if lane and choice.rtx is not None else None,
    )
