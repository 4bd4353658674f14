"""The client's half of SDP: an offer for the house codecs, and what can be read out of an answer (RFC 9429)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from expo.media.sdp_model import ABS_SEND_TIME, AUDIO_LEVEL, MID

Kind = Literal["video", "audio"]
Setup = Literal["actpass", "active", "passive"]

H264, RTX, OPUS = 102, 103, 111  # payload types that Chromium uses too
EXTENSIONS: Mapping[Kind, tuple[tuple[int, str], ...]] = {
    "video": ((1, MID), (2, ABS_SEND_TIME)),
    "audio": ((1, MID), (2, ABS_SEND_TIME), (3, AUDIO_LEVEL)),
}
CLOCK_RATES: Mapping[Kind, int] = {"video": 90_000, "audio": 48_000}


class BadAnswer(ValueError):  # noqa: N818 - says what the text is
    """The answer lacks what a connection needs."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What goes into an offer. `sources` maps a kind to (ssrc, rtx ssrc) and is empty for a viewer."""

    kinds: tuple[Kind, ...]
    sources: Mapping[Kind, tuple[int, int]]
    ice_ufrag: str
    ice_pwd: str
    fingerprint: str
    setup: Setup = "actpass"
    candidate: tuple[str, int] | None = None
    rtx: bool = True
    pli: bool = True
    profile_level_id: str = "42e01f"


@dataclass(frozen=True, slots=True)
class Answered:
    """One accepted m-line; `extensions` maps URI to id, `sources` are the answerer's ssrcs in their order."""

    kind: Kind
    mid: str
    payload_type: int
    rtx_payload_type: int | None
    extensions: Mapping[str, int]
    sources: tuple[int, ...]
    fmtp: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The other side's transport and the m-lines on which media will flow; candidates are (ip, port)."""

    ice_ufrag: str
    ice_pwd: str
    fingerprints: tuple[tuple[str, str], ...]
    dtls_role: Literal["client", "server"]
    candidates: tuple[tuple[str, int], ...]
    media: tuple[Answered, ...]


def write_offer(proposal: Proposal) -> str:
    """An offer with one bundled transport, candidates complete, sendonly with sources and recvonly without."""
    cname = secrets.token_hex(8)
    lines = [
        "v=0",
        f"o=- {secrets.randbits(62)} 1 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {' '.join(str(mid) for mid in range(len(proposal.kinds)))}",
        "a=msid-semantic: WMS *",
    ]
    for mid, kind in enumerate(proposal.kinds):
        lines += _media_lines(proposal, kind, mid, cname)
    return "\r\n".join(lines) + "\r\n"


def read_answer(text: str) -> Answer:
    """Read an answer to `write_offer`; raises BadAnswer. Transport lines of the first accepted m-line count."""
    sections = _sections(text)
    head, bodies = sections[0], sections[1:]
    accepted = [body for body in bodies if body[0].split()[1:2] != ["0"] and "a=inactive" not in body]
    if not accepted:
        raise BadAnswer("no m-line was accepted")
    transport = [*accepted[0], *head]
    setup = _value(transport, "a=setup:") or "passive"
    fingerprints = tuple(
        (algorithm, value)
        for algorithm, _, value in (
            line.removeprefix("a=fingerprint:").partition(" ")
            for line in transport
            if line.startswith("a=fingerprint:")
        )
    )
    ufrag, pwd = _value(transport, "a=ice-ufrag:"), _value(transport, "a=ice-pwd:")
    if ufrag is None or pwd is None or not fingerprints:
        raise BadAnswer("no ICE credentials or no fingerprint")
    return Answer(
        ice_ufrag=ufrag,
        ice_pwd=pwd,
        fingerprints=fingerprints,
        dtls_role="server" if setup == "active" else "client",
        candidates=_candidates(text.splitlines()),
        media=tuple(_answered(body) for body in accepted),
    )


def _media_lines(proposal: Proposal, kind: Kind, mid: int, cname: str) -> list[str]:
    types = [OPUS] if kind == "audio" else [H264, RTX] if proposal.rtx else [H264]
    source = proposal.sources.get(kind)
    lines = [
        f"m={kind} 9 UDP/TLS/RTP/SAVPF {' '.join(map(str, types))}",
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        f"a=ice-ufrag:{proposal.ice_ufrag}",
        f"a=ice-pwd:{proposal.ice_pwd}",
        f"a=fingerprint:sha-256 {proposal.fingerprint}",
        f"a=setup:{proposal.setup}",
        f"a=mid:{mid}",
        *(f"a=extmap:{number} {uri}" for number, uri in EXTENSIONS[kind]),
        "a=sendonly" if source else "a=recvonly",
        "a=rtcp-mux",
        "a=rtcp-rsize",
    ]
    if kind == "audio":
        lines += [f"a=rtpmap:{OPUS} opus/48000/2", f"a=fmtp:{OPUS} minptime=10;useinbandfec=1"]
    else:
        lines += [
            f"a=rtpmap:{H264} H264/90000",
            f"a=fmtp:{H264} level-asymmetry-allowed=1;packetization-mode=1;"
            f"profile-level-id={proposal.profile_level_id}",
            *(f"a=rtcp-fb:{H264} {feedback}" for feedback in ("goog-remb", "ccm fir", "nack")),
        ]
        if proposal.pli:
            lines.append(f"a=rtcp-fb:{H264} nack pli")
        if proposal.rtx:
            lines += [f"a=rtpmap:{RTX} rtx/90000", f"a=fmtp:{RTX} apt={H264}"]
    if source:
        lines.append(f"a=msid:{cname} {kind}")
        used = source if kind == "video" and proposal.rtx else source[:1]
        if len(used) == 2:
            lines.append(f"a=ssrc-group:FID {used[0]} {used[1]}")
        lines += [f"a=ssrc:{ssrc} cname:{cname}" for ssrc in used]
    if proposal.candidate is not None:
        host, port = proposal.candidate
        lines.append(f"a=candidate:1 1 udp 2130706431 {host} {port} typ host generation 0")
    lines.append("a=end-of-candidates")
    return lines


def _sections(text: str) -> list[list[str]]:
    sections: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.startswith("m="):
            sections.append([])
        sections[-1].append(line)
    return sections


def _value(lines: Sequence[str], start: str) -> str | None:
    return next((line.removeprefix(start).strip() for line in lines if line.startswith(start)), None)


def _candidates(lines: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """UDP candidates of component 1, each once, best first as written (RFC 8839 5.1)."""
    found: dict[tuple[str, int], None] = {}
    for line in lines:
        fields = line.split()
        if not line.startswith("a=candidate:") or len(fields) < 8 or fields[1] != "1" or fields[2].lower() != "udp":
            continue
        if fields[5].isdigit() and not fields[4].endswith(".local"):
            found[fields[4], int(fields[5])] = None
    return tuple(found)


def _answered(body: Sequence[str]) -> Answered:
    kind: Kind = "video" if body[0].startswith("m=video") else "audio"
    names = {
        int(number): name.partition("/")[0].lower()
        for number, _, name in (
            line.removeprefix("a=rtpmap:").partition(" ") for line in body if line.startswith("a=rtpmap:")
        )
    }
    media = next((number for number, name in names.items() if name in ("h264", "opus")), None)
    if media is None:
        raise BadAnswer(f"{kind} has no codec of ours")
    extensions = {
        uri: int(number.partition("/")[0])
        for number, _, uri in (
            line.removeprefix("a=extmap:").partition(" ") for line in body if line.startswith("a=extmap:")
        )
    }
    sources = dict.fromkeys(
        int(line.removeprefix("a=ssrc:").partition(" ")[0]) for line in body if line.startswith("a=ssrc:")
    )
    return Answered(
        kind=kind,
        mid=_value(body, "a=mid:") or "",
        payload_type=media,
        rtx_payload_type=next((number for number, name in names.items() if name == "rtx"), None),
        extensions=extensions,
        sources=tuple(sources),
        fmtp=_value(body, f"a=fmtp:{media} ") or "",
    )
