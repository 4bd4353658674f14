"""Read an SDP offer (RFC 8866) from a stranger: linear in its size, bounded, and nothing escapes but `Invalid`.

aiortc's parser is not used: it is quadratic, raises whatever it likes and forgets rid, simulcast and repeated
feedback. Attributes we do not know are ignored (RFC 8866 5.13); those that decide about transport must be right.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from expo.errors import Invalid
from expo.media.sdp_model import DIRECTIONS, Codec, Direction, Fragment, Offer, OfferedMedia, Remote

MAX_BYTES = 65536
"""An offer must be smaller than this; Chromium's largest with every codec is about 8 KiB."""
MAX_LINES = 1000
"""An offer must have fewer lines; Chromium's audio + video has about 170."""
MAX_MEDIA = 16
"""At most this many m-lines: a picture, the floor and 14 channels."""

DIGEST_BYTES: Mapping[str, int] = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
"""Fingerprint algorithms we can check; MD5 and SHA-1 are refused (RFC 8122 5)."""

HOUSE_CODECS = frozenset({"h264", "opus", "rtx"})
"""Those whose parameters and feedback are read."""

# A hall full of one browser's viewers brings the same lines again and again. An entry is smaller than MAX_BYTES.
_KINDS_OF_CLIENT = 64

_TOKEN = re.compile(r"[!#$%&'*+\-./0-9A-Z^_`a-z{|}~]{1,64}", re.ASCII)
_MEDIA_LINE = re.compile(r"([a-z]{1,32}) ([0-9]{1,5})(?:/[0-9]{1,5})? ([A-Za-z/]{1,64}) ([!-~]+(?: [!-~]+)*)", re.ASCII)
_RTPMAP = re.compile(r"([0-9]{1,3}) +([\w.+-]{1,64})/([0-9]{1,9})(?:/([0-9]{1,3}))?", re.ASCII)
_FOR_PAYLOAD = re.compile(r"([0-9]{1,3}|\*) +(.+)", re.ASCII)
_EXTMAP = re.compile(r"([0-9]{1,5})(?:/([a-z]{1,16}))? +([!-~]{1,512})(?: .*)?", re.ASCII)
_SSRC = re.compile(r"([0-9]{1,10})(?: .*)?", re.ASCII)
_FID = re.compile(r"FID +([0-9]{1,10}) +([0-9]{1,10})", re.ASCII)
_FINGERPRINT = re.compile(r"([!-~]{1,32}) +([0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){0,127})", re.ASCII)
_UFRAG = re.compile(r"[!-~]{4,256}", re.ASCII)
_PWD = re.compile(r"[!-~]{22,256}", re.ASCII)


@dataclass(slots=True)
class _Section:
    """The session part, or one m-line with what follows it: attribute name to its values in order."""

    head: str = ""
    attributes: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    def all(self, name: str) -> list[str]:
        return self.attributes.get(name, [])

    def lines(self, name: str) -> tuple[str, ...]:
        return tuple(self.attributes.get(name, ()))

    def first(self, name: str) -> str | None:
        values = self.attributes.get(name)
        return values[0] if values else None

    def has(self, name: str) -> bool:
        return name in self.attributes


def parse_offer(text: str) -> Offer:
    """Parse an offer for one bundled transport.

    Raises Invalid: sdp.too_large (413), sdp.too_many_lines, sdp.too_many_media, sdp.malformed, sdp.data_channel,
    sdp.no_media, sdp.no_ice, sdp.ice_lite, sdp.no_fingerprint, sdp.not_bundled, sdp.no_rtcp_mux.
    """
    lines = _lines(text)
    if lines[0].rstrip() != "v=0":
        raise Invalid("sdp.malformed", "an SDP body begins with v=0")
    session, sections = _sections(lines)
    if not sections:
        raise Invalid("sdp.no_media", "the offer has no m-line")
    bundle = _bundle(session)
    media = tuple(_media(section, session, bundle) for section in sections)
    _check_mids(media, bundle)
    usable = [(each, section) for each, section in zip(media, sections, strict=True) if each.usable]
    if not usable:
        raise Invalid("sdp.no_media", "every m-line of the offer is disabled or is not SRTP over DTLS")
    if len(usable) > 1 and not bundle:
        raise Invalid("sdp.not_bundled", "several m-lines need a=group:BUNDLE (RFC 9725 4.4)")
    if any(not section.has("rtcp-mux") and not section.has("rtcp-mux-only") for _, section in usable):
        raise Invalid("sdp.no_rtcp_mux", "every m-line needs a=rtcp-mux (RFC 9725 4.4)")
    if session.has("ice-lite"):
        raise Invalid(
            "sdp.ice_lite", "this server is ICE-lite, so the client must be a full ICE agent (RFC 8445 6.1.1)"
        )
    tagged = next((section for each, section in usable if bundle and each.mid == bundle[0]), usable[0][1])
    return Offer(remote=_remote(tagged, session), media=media, bundle=bundle)


def parse_fragment(text: str) -> Fragment:
    """Parse an application/trickle-ice-sdpfrag body (RFC 8840 9); raises Invalid as `parse_offer` does."""
    session, sections = _sections(_lines(text))
    if len(sections) > MAX_MEDIA:
        raise Invalid("sdp.too_many_media", f"more than {MAX_MEDIA} m-lines")
    parts = (session, *sections)
    ufrag = next((value for part in parts if (value := part.first("ice-ufrag")) is not None), None)
    pwd = next((value for part in parts if (value := part.first("ice-pwd")) is not None), None)
    if (ufrag is None) != (pwd is None):
        raise Invalid("sdp.malformed", "a fragment carries both ice-ufrag and ice-pwd, or neither")
    if ufrag is None and not any(part.has("candidate") or part.has("end-of-candidates") for part in parts):
        raise Invalid("sdp.malformed", "a fragment carries candidates, end-of-candidates or ICE credentials")
    return Fragment(ufrag, pwd)


def _lines(text: str) -> list[str]:
    # Characters first: counting them is free, encoding a huge text is not.
    if len(text) >= MAX_BYTES or len(text.encode(errors="replace")) >= MAX_BYTES:
        raise Invalid("sdp.too_large", f"an SDP body must be smaller than {MAX_BYTES} bytes", status=413)
    if text.count("\n") >= MAX_LINES or text.count("\r") >= MAX_LINES:
        raise Invalid("sdp.too_many_lines", f"an SDP body must have fewer than {MAX_LINES} lines")
    return text.replace("\r\n", "\n").split("\n")


def _sections(lines: list[str]) -> tuple[_Section, list[_Section]]:
    current = session = _Section()
    sections: list[_Section] = []
    for number, line in enumerate(lines, start=1):
        kind = line[:2]
        if kind == "a=":
            name, _, value = line[2:].rstrip().partition(":")
            if name in current.attributes:
                current.attributes[name].append(value.lstrip())
            else:
                current.attributes[name] = [value.lstrip()]
        elif kind == "m=":
            if len(sections) == MAX_MEDIA:
                raise Invalid("sdp.too_many_media", f"more than {MAX_MEDIA} m-lines")
            current = _Section(head=line[2:].rstrip())
            sections.append(current)
        elif line and (kind[1:] != "=" or not "a" <= kind[0] <= "z"):
            raise Invalid("sdp.malformed", f"line {number} is not of the form x=value")
    return session, sections


def _bundle(session: _Section) -> tuple[str, ...]:
    groups = [words[1:] for value in session.all("group") if (words := value.split()) and words[0] == "BUNDLE"]
    if len(groups) > 1:
        raise Invalid("sdp.not_bundled", "one transport is served per resource, so one BUNDLE group is allowed")
    return tuple(groups[0]) if groups else ()


def _media(section: _Section, session: _Section, bundle: tuple[str, ...]) -> OfferedMedia:
    head = _MEDIA_LINE.fullmatch(section.head)
    if head is None:
        raise Invalid("sdp.malformed", "an m-line is not of the form <media> <port> <proto> <fmt> ...")
    kind, port, protocol, formats = head[1], int(head[2]), head[3], tuple(head[4].split(" "))
    # Port 0 with a=bundle-only is not a refusal but a line that lives only inside the bundle (RFC 8843 6).
    enabled = 0 < port <= 65535 or (port == 0 and section.has("bundle-only"))
    if kind == "application" and enabled:
        raise Invalid("sdp.data_channel", "data channels are not served; offer audio and video only")
    if kind in ("audio", "video") and not all(each.isdigit() and len(each) <= 3 for each in formats):
        raise Invalid("sdp.malformed", "the formats of an audio or video m-line are payload types")
    mid = section.first("mid")
    if mid is not None and not _TOKEN.fullmatch(mid):
        raise Invalid("sdp.malformed", "a=mid is not a token")
    srtp = kind in ("audio", "video") and protocol.upper().endswith(("RTP/SAVPF", "RTP/SAVP"))
    ssrc, rtx_ssrc = _sources(section)
    return OfferedMedia(
        kind=kind,
        protocol=protocol,
        formats=formats,
        mid=mid,
        usable=enabled and srtp and (not bundle or mid in bundle),
        direction=_direction(section, session),
        codecs=_codecs(formats, *(section.lines(name) for name in ("rtpmap", "fmtp", "rtcp-fb"))) if srtp else (),
        extensions=_extensions(section.lines("extmap") + session.lines("extmap")),
        ssrc=ssrc,
        rtx_ssrc=rtx_ssrc,
        reduced_size=section.has("rtcp-rsize"),
    )


def _direction(section: _Section, session: _Section) -> Direction:
    for part in (section, session):
        for each in DIRECTIONS:
            if part.has(each):
                return each
    return "sendrecv"


def _check_mids(media: tuple[OfferedMedia, ...], bundle: tuple[str, ...]) -> None:
    mids = [each.mid for each in media if each.mid is not None]
    if len(set(mids)) != len(mids):
        raise Invalid("sdp.malformed", "two m-lines have the same a=mid")
    if len(set(bundle)) != len(bundle) or not set(bundle) <= set(mids):
        raise Invalid("sdp.malformed", "the BUNDLE group names an m-line twice or one that is not there")


@lru_cache(maxsize=_KINDS_OF_CLIENT)
def _codecs(
    formats: tuple[str, ...], rtpmaps: tuple[str, ...], fmtps: tuple[str, ...], feedbacks: tuple[str, ...]
) -> tuple[Codec, ...]:
    """The codecs in the offerer's order of preference, without those RTCP would shadow (RFC 5761 4)."""
    maps = {match[1]: match for value in reversed(rtpmaps) if (match := _RTPMAP.fullmatch(value))}
    fmtp = _by_payload(fmtps)
    feedback = _by_payload(feedbacks)
    codecs: list[Codec] = []
    for fmt in dict.fromkeys(formats):
        if (match := maps.get(fmt)) is None or int(fmt) > 127 or 64 <= int(fmt) <= 95:
            continue
        name, clock_rate = match[2].lower(), int(match[3])
        if name not in HOUSE_CODECS:  # browsers offer dozens; their names say enough
            codecs.append(Codec(int(fmt), name, clock_rate, {}, frozenset()))
            continue
        lines = (*feedback.get(fmt, ()), *feedback.get("*", ()))
        agreed = frozenset(" ".join(line.lower().split()) for line in lines)
        codecs.append(Codec(int(fmt), name, clock_rate, _parameters(fmtp.get(fmt, [])), agreed))
    return tuple(codecs)


def _by_payload(values: tuple[str, ...]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for value in values:
        if match := _FOR_PAYLOAD.fullmatch(value):
            found.setdefault(match[1], []).append(match[2])
    return found


def _parameters(values: list[str]) -> dict[str, str]:
    pairs = (part.strip().partition("=") for value in values for part in value.split(";"))
    return {key.strip().lower(): value.strip() for key, _, value in pairs if key.strip()}


@lru_cache(maxsize=_KINDS_OF_CLIENT)
def _extensions(values: tuple[str, ...]) -> Mapping[str, tuple[int, str]]:
    """Header extensions with ids of the one-byte form (RFC 8285 4.2: 1 to 14); the first of two equal ids counts."""
    found: dict[str, tuple[int, str]] = {}
    taken: set[int] = set()
    for value in values:
        match = _EXTMAP.fullmatch(value)
        if match and 1 <= int(match[1]) <= 14 and int(match[1]) not in taken and match[3] not in found:
            taken.add(int(match[1]))
            found[match[3]] = (int(match[1]), match[2] or "")
    return found


def _sources(section: _Section) -> tuple[int | None, int | None]:
    """The declared ssrc and that of its retransmissions (RFC 5576 4.2, RFC 4588 8.8)."""
    for value in section.all("ssrc-group"):
        if (match := _FID.fullmatch(value)) and max(int(match[1]), int(match[2])) < 1 << 32 and match[1] != match[2]:
            return int(match[1]), int(match[2])
    for value in section.all("ssrc"):
        if (match := _SSRC.fullmatch(value)) and int(match[1]) < 1 << 32:
            return int(match[1]), None
    return None, None


def _remote(tagged: _Section, session: _Section) -> Remote:
    ufrag = tagged.first("ice-ufrag") or session.first("ice-ufrag")
    pwd = tagged.first("ice-pwd") or session.first("ice-pwd")
    if ufrag is None or pwd is None:
        raise Invalid("sdp.no_ice", "the offer has no a=ice-ufrag and a=ice-pwd")
    if not _UFRAG.fullmatch(ufrag) or not _PWD.fullmatch(pwd):
        raise Invalid("sdp.malformed", "a=ice-ufrag needs 4 and a=ice-pwd 22 to 256 characters (RFC 8839 5.4)")
    fingerprints = _fingerprints(tagged.all("fingerprint") or session.all("fingerprint"))
    if not fingerprints:
        raise Invalid("sdp.no_fingerprint", "the offer has no a=fingerprint with sha-256, sha-384 or sha-512")
    setup = tagged.first("setup") or session.first("setup") or "actpass"
    if setup not in ("actpass", "active", "passive"):
        raise Invalid("sdp.malformed", "a=setup must be actpass, active or passive (RFC 5763 5)")
    return Remote(ufrag, pwd, fingerprints, "client" if setup == "passive" else "server")


def _fingerprints(values: list[str]) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for value in values:
        match = _FINGERPRINT.fullmatch(value)
        if match is None:
            raise Invalid("sdp.malformed", "a=fingerprint is not of the form <algorithm> <hex>:<hex>...")
        algorithm = match[1].lower()
        if algorithm in DIGEST_BYTES:
            if len(match[2]) != DIGEST_BYTES[algorithm] * 3 - 1:
                raise Invalid("sdp.malformed", f"a=fingerprint has not the length of {algorithm}")
            found.append((algorithm, match[2].upper()))
    return tuple(found)
