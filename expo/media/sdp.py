"""Answer SDP offers as an ICE-lite server with one bundled transport (JSEP, RFC 9429 5.3): text in, values out, pure.

Answers are written here and not by aiortc, which drops the Opus parameters, FIR and whatever else it does not know.
House codecs are H.264 with packetization-mode 1 and profile_idc 0x42, and Opus; both are echoed as offered.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from expo.errors import Invalid
from expo.media.sdp_model import (
    ABS_SEND_TIME,
    AUDIO_LEVEL,
    MID,
    Fragment,
    LaneSpec,
    Local,
    MediaPlan,
    Offer,
    OfferedMedia,
    Plan,
    Remote,
)
from expo.media.sdp_offer import MAX_BYTES, MAX_LINES, MAX_MEDIA, parse_fragment, parse_offer
from expo.media.sdp_plan import EXTENSIONS, Choice, choose, no_codec, plan_media

__all__ = [
    "ABS_SEND_TIME",
    "AUDIO_LEVEL",
    "MAX_BYTES",
    "MAX_LINES",
    "MAX_MEDIA",
    "MID",
    "Fragment",
    "LaneSpec",
    "Local",
    "MediaPlan",
    "Offer",
    "Plan",
    "Remote",
    "answer_publish",
    "answer_watch",
    "parse_fragment",
    "parse_offer",
]

OPUS_FMTP = "minptime=10;maxaveragebitrate=64000;useinbandfec=1;usedtx=0"
"""What we ask of a publisher: speech flat to 15 kHz; without it Chromium sends 32 kb/s. No DTX, so that packets never
stop and silence is not taken for loss."""

VIDEO_FEEDBACK = ("nack", "nack pli", "ccm fir", "goog-remb")
"""RFC 4585, RFC 5104 and the REMB draft; transport-cc is not offered back because the rate is governed by REMB."""

_NO_CANDIDATE = ("0.0.0.0", 9)  # noqa: S104  the "not known yet" address of RFC 8840 4.1.1, nothing is bound


def answer_publish(offer: Offer, local: Local, *, start_bps: int) -> Plan:
    """Accept the first video and the first audio that the offerer sends; its other m-lines are inactive or refused.

    `start_bps` is where Chromium's encoder begins. Raises Invalid: sdp.vp8_only, sdp.no_usable_codec,
    sdp.nothing_to_publish, sdp.malformed.
    """
    plans: dict[int, MediaPlan] = {}
    choices = _choices(offer)
    for index, (media, choice) in enumerate(zip(offer.media, choices, strict=True)):
        if not media.sends or any(plan.kind == media.kind for plan in plans.values()):
            continue
        if choice is None:
            raise no_codec(media, publishing=True)
        plans[index] = plan_media(media, choice, None)
    if not plans:
        raise Invalid("sdp.nothing_to_publish", "no m-line of the offer sends audio or video", status=422)
    _check_unique(plans.values())
    return _answered(offer, local, choices, plans, "recvonly", start_bps)


def answer_watch(offer: Offer, local: Local, lanes: tuple[LaneSpec, ...]) -> Plan:
    """Give each lane, in order, to the next m-line of its kind that receives; what is left on either side is unused.

    Raises Invalid: sdp.viewer_needs_h264, sdp.no_usable_codec, sdp.nothing_to_watch, sdp.malformed.
    """
    waiting = {kind: [lane for lane in lanes if lane.kind == kind] for kind in ("audio", "video")}
    plans: dict[int, MediaPlan] = {}
    choices = _choices(offer)
    for index, (media, choice) in enumerate(zip(offer.media, choices, strict=True)):
        if not media.receives or not waiting[media.kind]:
            continue
        if choice is None:
            raise no_codec(media, publishing=False)
        plans[index] = plan_media(media, choice, waiting[media.kind].pop(0))
    if not plans:
        raise Invalid("sdp.nothing_to_watch", "no m-line of the offer receives one of the lanes", status=422)
    return _answered(offer, local, choices, plans, "sendonly", None, lanes)


def _check_unique(plans: Iterable[MediaPlan]) -> None:
    """Packets are told apart by ssrc and payload type, so in one bundle neither may mean two things (RFC 8843 9.1)."""
    types: list[int] = []
    sources: list[int] = []
    for plan in plans:
        types += [each for each in (plan.payload_type, plan.rtx_payload_type) if each is not None]
        sources += [each for each in (plan.ssrc, plan.rtx_ssrc) if each is not None]
    if len(set(types)) != len(types) or len(set(sources)) != len(sources):
        raise Invalid("sdp.malformed", "a payload type or an ssrc is used for two streams of the bundle")


def _choices(offer: Offer) -> list[Choice | None]:
    return [choose(media) if media.usable else None for media in offer.media]


def _answered(
    offer: Offer,
    local: Local,
    choices: Sequence[Choice | None],
    plans: Mapping[int, MediaPlan],
    direction: Literal["recvonly", "sendonly"],
    start_bps: int | None,
    lanes: Sequence[LaneSpec] = (),
) -> Plan:
    by_name = {lane.name: lane for lane in lanes}
    kept: list[str] = []
    body: list[str] = []
    for index, (media, choice) in enumerate(zip(offer.media, choices, strict=True)):
        plan = plans.get(index)
        if choice is None:
            body += _refused(media, offer.remote, local)
            continue
        if media.mid is not None and media.mid in offer.bundle:
            kept.append(media.mid)
        body += _head(media, choice, local)
        body += _transport(offer.remote, local)
        body.append(f"a={direction if plan else 'inactive'}")
        body += _formats(media, choice, plan, start_bps)
        if plan and plan.lane is not None:
            body += _lane_lines(by_name[plan.lane], plan)
    # The answerer's order of the group is the offerer's, without what was refused (RFC 8843 7.3.1).
    group = " ".join(mid for mid in offer.bundle if mid in kept)
    head = [
        "v=0",
        f"o=- {local.origin_id} 1 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        *([f"a=group:BUNDLE {group}"] if group else []),
        "a=msid-semantic: WMS *",
        "a=ice-lite",
        "a=ice-options:trickle ice2",
    ]
    answer = "\r\n".join([*head, *body]) + "\r\n"
    return Plan(remote=offer.remote, media=tuple(plans[index] for index in sorted(plans)), answer=answer)


def _refused(media: OfferedMedia, remote: Remote, local: Local) -> list[str]:
    """A refused m-line: port 0 and out of the bundle (RFC 9429 5.3.1); aiortc still wants ICE and DTLS lines in it."""
    return [
        f"m={media.kind} 0 {media.protocol} {' '.join(media.formats)}",
        "c=IN IP4 0.0.0.0",
        *([f"a=mid:{media.mid}"] if media.mid is not None else []),
        "a=inactive",
        "a=rtcp-mux",
        *_security(remote, local),
    ]


def _head(media: OfferedMedia, choice: Choice, local: Local) -> list[str]:
    address, port = next((each for each in local.candidates if ":" not in each[0]), None) or (
        local.candidates[0] if local.candidates else _NO_CANDIDATE
    )
    types = [choice.codec.payload_type, *([choice.rtx] if choice.rtx is not None else [])]
    return [
        f"m={media.kind} {port} {media.protocol} {' '.join(map(str, types))}",
        f"c=IN IP{ipaddress.ip_address(address).version} {address}",
        *([f"a=mid:{media.mid}"] if media.mid is not None else []),
        "a=rtcp-mux",
        "a=rtcp-mux-only",  # RFC 9725 4.4.1 wants it in every bundled m-line
        *(["a=rtcp-rsize"] if media.reduced_size else []),
    ]


def _transport(remote: Remote, local: Local) -> list[str]:
    """ICE and DTLS lines, the same in every m-line: aiortc's clients read the last one, FFmpeg the first candidate."""
    # IPv4 first: FFmpeg uses one candidate only.
    ordered = sorted(local.candidates, key=lambda each: ":" in each[0])
    return [
        *(
            f"a=candidate:{number} 1 udp {_priority(number)} {ip} {port} typ host generation 0"
            for number, (ip, port) in enumerate(ordered, start=1)
        ),
        "a=end-of-candidates",
        *_security(remote, local),
    ]


def _security(remote: Remote, local: Local) -> list[str]:
    return [
        f"a=ice-ufrag:{local.ice_ufrag}",
        f"a=ice-pwd:{local.ice_pwd}",
        f"a=fingerprint:sha-256 {local.fingerprint}",
        f"a=setup:{'active' if remote.dtls_role == 'client' else 'passive'}",
    ]


def _priority(number: int) -> int:
    """A host candidate's priority with a falling local preference (RFC 8445 5.1.2.1)."""
    return (126 << 24) + ((65535 - number) << 8) + 255


def _formats(media: OfferedMedia, choice: Choice, plan: MediaPlan | None, start_bps: int | None) -> list[str]:
    codec, number = choice.codec, choice.codec.payload_type
    lines = [
        f"a=extmap:{media.extensions[uri][0]}{_reversed(media.extensions[uri][1])} {uri}" for uri in _agreed(media)
    ]
    if media.kind == "audio":
        return [*lines, f"a=rtpmap:{number} opus/48000/2", f"a=fmtp:{number} {OPUS_FMTP}"]
    echoed = ("level-asymmetry-allowed", "packetization-mode", "profile-level-id")
    fmtp = [
        f"{key}={codec.fmtp[key]}"
        for key in echoed
        if key in codec.fmtp and re.fullmatch("[0-9A-Za-z]{1,8}", codec.fmtp[key])
    ]
    if plan and start_bps is not None:
        fmtp.append(f"x-google-start-bitrate={start_bps // 1000}")
    lines += [f"a=rtpmap:{number} H264/90000", f"a=fmtp:{number} {';'.join(fmtp)}"]
    nack = plan.nack if plan else choice.rtx is not None
    lines += [
        f"a=rtcp-fb:{number} {each}" for each in VIDEO_FEEDBACK if each in codec.feedback and (each != "nack" or nack)
    ]
    if choice.rtx is not None:
        lines += [f"a=rtpmap:{choice.rtx} rtx/90000", f"a=fmtp:{choice.rtx} apt={number}"]
    return lines


def _agreed(media: OfferedMedia) -> list[str]:
    return [uri for uri in EXTENSIONS[media.kind] if uri in media.extensions]


def _reversed(direction: str) -> str:
    """An extmap's direction from our side (RFC 8285 6)."""
    return {"sendonly": "/recvonly", "recvonly": "/sendonly", "sendrecv": "/sendrecv", "inactive": "/inactive"}.get(
        direction, ""
    )


def _lane_lines(lane: LaneSpec, plan: MediaPlan) -> list[str]:
    sources = [lane.ssrc, *([lane.rtx_ssrc] if plan.out_rtx_ssrc is not None else [])]
    lines = [f"a=msid:{lane.msid} {lane.name}"]
    if len(sources) == 2:
        lines.append(f"a=ssrc-group:FID {sources[0]} {sources[1]}")
    for ssrc in sources:
        lines += [f"a=ssrc:{ssrc} cname:{lane.cname}", f"a=ssrc:{ssrc} msid:{lane.msid} {lane.name}"]
    return lines
