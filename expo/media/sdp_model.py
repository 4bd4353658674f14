"""Values of one SDP exchange: what was offered, what we bring, what was agreed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]
DIRECTIONS: tuple[Direction, ...] = ("sendrecv", "sendonly", "recvonly", "inactive")

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"


@dataclass(frozen=True, slots=True)
class Remote:
    """The peer's end of the one transport; `dtls_role` is OUR role: "client" only for an offer with setup:passive."""

    ice_ufrag: str
    ice_pwd: str
    fingerprints: tuple[tuple[str, str], ...]
    dtls_role: Literal["client", "server"]


@dataclass(frozen=True, slots=True)
class Codec:
    """One payload type; `name` and the keys of `fmtp` are in lower case, `feedback` is like "nack pli".

    Of codecs that we never choose, `fmtp` and `feedback` are empty.
    """

    payload_type: int
    name: str
    clock_rate: int
    fmtp: Mapping[str, str]
    feedback: frozenset[str]


@dataclass(frozen=True, slots=True)
class OfferedMedia:
    """One m-line; `usable` is false when it is disabled (port 0), outside the bundle or not SRTP.

    `extensions` maps a URI to its id and direction ("" when none was written).
    """

    kind: str
    protocol: str
    formats: tuple[str, ...]
    mid: str | None
    usable: bool
    direction: Direction
    codecs: tuple[Codec, ...]
    extensions: Mapping[str, tuple[int, str]]
    ssrc: int | None
    rtx_ssrc: int | None
    reduced_size: bool

    @property
    def sends(self) -> bool:
        return self.usable and self.direction in ("sendrecv", "sendonly")

    @property
    def receives(self) -> bool:
        return self.usable and self.direction in ("sendrecv", "recvonly")


@dataclass(frozen=True, slots=True)
class Offer:
    """What a peer proposes; `bundle` holds the mids of the BUNDLE group in its order, empty when there is none."""

    remote: Remote
    media: tuple[OfferedMedia, ...]
    bundle: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fragment:
    """A trickle-ICE fragment (RFC 8840); its candidates are never needed by an ICE-lite server and not even read."""

    ice_ufrag: str | None
    ice_pwd: str | None


@dataclass(frozen=True, slots=True)
class Local:
    """Our end of the transport; `candidates` are (ip, port), best first; `origin_id` is the o= line's number."""

    ice_ufrag: str
    ice_pwd: str
    fingerprint: str
    candidates: tuple[tuple[str, int], ...]
    origin_id: int


@dataclass(frozen=True, slots=True)
class LaneSpec:
    """One output the server would send: its sources and names. Lanes with one `msid` are played in sync."""

    name: str
    kind: Literal["audio", "video"]
    ssrc: int
    rtx_ssrc: int
    cname: str
    msid: str


@dataclass(frozen=True, slots=True)
class MediaPlan:
    """One m-line on which media will flow, as agreed.

    `ssrc` and `rtx_ssrc` are the publisher's, when declared; `lane`, `out_ssrc` and `out_rtx_ssrc` are set for
    viewers only. `extensions` maps the agreed URIs to their ids.
    """

    kind: Literal["audio", "video"]
    mid: str
    codec: Literal["H264", "opus"]
    payload_type: int
    clock_rate: int
    rtx_payload_type: int | None
    nack: bool
    pli: bool
    fir: bool
    remb: bool
    extensions: Mapping[str, int]
    ssrc: int | None
    rtx_ssrc: int | None
    lane: str | None = None
    out_ssrc: int | None = None
    out_rtx_ssrc: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What was agreed: `media` holds only the m-lines on which media flows, in their order."""

    remote: Remote
    media: tuple[MediaPlan, ...]
    answer: str
