"""RTCP: reports (RFC 3550 6), feedback (RFC 4585, 5104) and REMB (draft-alvestrand-rmcat-remb-03)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TypeAlias, assert_never

import msgspec

from expo.media.rtp import Malformed

# More packets than any honest compound holds; a datagram of empty headers must not become thousands of objects.
MAX_ITEMS = 64
# As many as a packet cache holds: more could not be answered anyway.
MAX_LOST = 512

_SR, _RR, _SDES, _BYE = 200, 201, 202, 203
_TRANSPORT_FEEDBACK, _PAYLOAD_FEEDBACK = 205, 206
_NACK, _PLI, _FIR, _APPLICATION = 1, 1, 4, 15
_CNAME = 1
_NTP_EPOCH_S = 2_208_988_800

_HEAD = struct.Struct("!BBH")
_SENDER_INFO = struct.Struct("!IQIII")
_REPORT = struct.Struct("!IIIIII")
_TWO_SSRCS = struct.Struct("!II")
_FIR_ENTRY = struct.Struct("!IB3x")
_SSRC = struct.Struct("!I")


class ReportBlock(msgspec.Struct, frozen=True, gc=False):
    """What a receiver says of one source (RFC 3550 6.4.1): `fraction_lost` in 1/256, `jitter` in ticks,
    `lsr` the middle 32 bits of the last sender report's NTP time, `dlsr` its age in 1/65536 s."""

    ssrc: int
    fraction_lost: int
    packets_lost: int
    highest_sequence: int
    jitter: int
    lsr: int
    dlsr: int


class SenderReport(msgspec.Struct, frozen=True):
    """RFC 3550 6.4.1; `ntp` has 64 bits."""

    ssrc: int
    ntp: int
    rtp_timestamp: int
    packet_count: int
    octet_count: int
    blocks: tuple[ReportBlock, ...] = ()


class ReceiverReport(msgspec.Struct, frozen=True):
    """RFC 3550 6.4.2."""

    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()


class SourceDescription(msgspec.Struct, frozen=True):
    """One chunk of an SDES packet (RFC 3550 6.5); only the cname is kept, empty if there was none."""

    ssrc: int
    cname: str


class Bye(msgspec.Struct, frozen=True):
    """RFC 3550 6.6; the reason is not kept."""

    ssrcs: tuple[int, ...]


class Nack(msgspec.Struct, frozen=True):
    """Packets asked for again (RFC 4585 6.2.1): each at most once, at most MAX_LOST, in the order asked."""

    sender_ssrc: int
    media_ssrc: int
    lost: tuple[int, ...]


class Pli(msgspec.Struct, frozen=True):
    """A picture was lost, a key frame is asked for (RFC 4585 6.3.1)."""

    sender_ssrc: int
    media_ssrc: int


class Fir(msgspec.Struct, frozen=True):
    """One entry of a full intra request (RFC 5104 4.3.1); a repeated `sequence` (8 bits) is the same request."""

    sender_ssrc: int
    media_ssrc: int
    sequence: int


class Remb(msgspec.Struct, frozen=True):
    """The most that the named sources together should send, in bit/s."""

    sender_ssrc: int
    bitrate_bps: int
    ssrcs: tuple[int, ...]


RtcpItem: TypeAlias = SenderReport | ReceiverReport | SourceDescription | Bye | Nack | Pli | Fir | Remb


def parse_rtcp(data: bytes) -> list[RtcpItem]:
    """All known packets of a compound or reduced-size datagram (RFC 5506), in order; raises Malformed.

    Packets of unknown type are skipped. A SDES or FIR packet with several chunks or entries gives several items.
    """
    size = len(data)
    if size < 4:
        raise Malformed("rtcp: shorter than a header")
    items: list[RtcpItem] = []
    first: int
    kind: int
    words: int
    at = 0
    while at < size:
        if size - at < 4:
            raise Malformed("rtcp: trailing bytes")
        first, kind, words = _HEAD.unpack_from(data, at)
        if first >> 6 != 2:
            raise Malformed("rtcp: not version 2")
        end = at + 4 + words * 4
        if end > size:
            raise Malformed("rtcp: packet longer than the datagram")
        stop = end
        if first & 0x20:
            padding = data[end - 1] if words else 0
            stop = end - padding
            if padding == 0 or padding % 4 or stop < at + 4:
                raise Malformed("rtcp: impossible padding")
        _parse_packet(items, data, at + 4, stop, kind, first & 31)
        if len(items) > MAX_ITEMS:
            raise Malformed("rtcp: too many packets")
        at = end
    return items


def build_rtcp(items: Sequence[RtcpItem]) -> bytes:
    """One datagram of these packets; a sender that wants a strict compound puts a report and a cname first."""
    return b"".join([_build_packet(item) for item in items])


def ntp_time(unix_s: float) -> int:
    """The 64-bit NTP timestamp (RFC 3550 4) of a Unix time."""
    return int((unix_s + _NTP_EPOCH_S) * 4_294_967_296) & 0xFFFFFFFFFFFFFFFF


def _parse_packet(items: list[RtcpItem], data: bytes, at: int, stop: int, kind: int, count: int) -> None:
    if kind == _RR:
        _need(stop - at >= 4 + count * 24)
        items.append(ReceiverReport(_SSRC.unpack_from(data, at)[0], _parse_blocks(data, at + 4, count)))
    elif kind in (_TRANSPORT_FEEDBACK, _PAYLOAD_FEEDBACK):
        _need(stop - at >= 8)
        _parse_feedback(items, data, at, stop, kind, count)
    elif kind == _SR:
        _need(stop - at >= 24 + count * 24)
        ssrc, ntp, timestamp, packets, octets = _SENDER_INFO.unpack_from(data, at)
        items.append(SenderReport(ssrc, ntp, timestamp, packets, octets, _parse_blocks(data, at + 24, count)))
    elif kind == _SDES:
        _parse_chunks(items, data, at, stop, count)
    elif kind == _BYE:
        _need(stop - at >= count * 4)
        items.append(Bye(struct.unpack_from(f"!{count}I", data, at)))


def _parse_blocks(data: bytes, at: int, count: int) -> tuple[ReportBlock, ...]:
    if not count:
        return ()
    blocks: list[ReportBlock] = []
    for index in range(count):
        ssrc, loss, highest, jitter, lsr, dlsr = _REPORT.unpack_from(data, at + index * 24)
        lost = loss & 0xFFFFFF
        if lost >= 0x800000:
            lost -= 0x1000000
        blocks.append(ReportBlock(ssrc, loss >> 24, lost, highest, jitter, lsr, dlsr))
    return tuple(blocks)


def _parse_feedback(items: list[RtcpItem], data: bytes, at: int, stop: int, kind: int, fmt: int) -> None:
    sender, media = _TWO_SSRCS.unpack_from(data, at)
    at += 8
    if kind == _TRANSPORT_FEEDBACK:
        if fmt == _NACK:
            items.append(Nack(sender, media, _parse_lost(data, at, stop)))
    elif fmt == _PLI:
        items.append(Pli(sender, media))
    elif fmt == _FIR:
        for entry in range(at, stop - 7, 8):
            if len(items) > MAX_ITEMS:
                return
            target, sequence = _FIR_ENTRY.unpack_from(data, entry)
            items.append(Fir(sender, target, sequence))
    elif fmt == _APPLICATION and data[at : at + 4] == b"REMB":
        _need(stop - at >= 8)
        count = data[at + 4]
        _need(stop - at >= 8 + count * 4)
        exponent = data[at + 5] >> 2
        mantissa = (data[at + 5] & 3) << 16 | data[at + 6] << 8 | data[at + 7]
        items.append(Remb(sender, mantissa << exponent, struct.unpack_from(f"!{count}I", data, at + 8)))


def _parse_lost(data: bytes, at: int, stop: int) -> tuple[int, ...]:
    lost: dict[int, None] = {}
    for entry in range(at, stop - 3, 4):
        first = data[entry] << 8 | data[entry + 1]
        lost[first] = None
        mask = data[entry + 2] << 8 | data[entry + 3]
        while mask:
            lowest = mask & -mask
            lost[(first + lowest.bit_length()) & 0xFFFF] = None
            mask ^= lowest
        if len(lost) >= MAX_LOST:
            break
    return tuple(lost)[:MAX_LOST]


def _parse_chunks(items: list[RtcpItem], data: bytes, at: int, stop: int, count: int) -> None:
    for _ in range(count):
        _need(stop - at >= 8)
        ssrc = _SSRC.unpack_from(data, at)[0]
        start = at
        at += 4
        cname = b""
        while at < stop and data[at]:
            _need(at + 2 <= stop)
            end = at + 2 + data[at + 1]
            _need(end < stop)
            if data[at] == _CNAME:
                cname = data[at + 2 : end]
            at = end
        # The list ends with at least one zero and is filled up to a word (RFC 3550 6.5).
        at = start + ((at - start) // 4 + 1) * 4
        _need(at <= stop)
        items.append(SourceDescription(ssrc, cname.decode("utf-8", "replace")))


def _need(condition: bool) -> None:  # noqa: FBT001 - reads as a sentence
    if not condition:
        raise Malformed("rtcp: packet too short for what it holds")


def _build_packet(item: RtcpItem) -> bytes:
    match item:
        case SenderReport():
            info = _SENDER_INFO.pack(
                item.ssrc, item.ntp, item.rtp_timestamp, item.packet_count & 0xFFFFFFFF, item.octet_count & 0xFFFFFFFF
            )
            return _packet(_SR, len(item.blocks), info + _build_blocks(item.blocks))
        case ReceiverReport():
            return _packet(_RR, len(item.blocks), _SSRC.pack(item.ssrc) + _build_blocks(item.blocks))
        case SourceDescription():
            cname = item.cname.encode()[:255]
            chunk = _SSRC.pack(item.ssrc) + bytes((_CNAME, len(cname))) + cname
            return _packet(_SDES, 1, chunk + bytes(4 - len(chunk) % 4))
        case Bye():
            return _packet(_BYE, len(item.ssrcs), struct.pack(f"!{len(item.ssrcs)}I", *item.ssrcs))
        case Nack():
            body = _TWO_SSRCS.pack(item.sender_ssrc, item.media_ssrc) + _build_lost(item.lost)
            return _packet(_TRANSPORT_FEEDBACK, _NACK, body)
        case Pli():
            return _packet(_PAYLOAD_FEEDBACK, _PLI, _TWO_SSRCS.pack(item.sender_ssrc, item.media_ssrc))
        case Fir():
            # The media source of the header is unused and 0 (RFC 5104 4.3.1.2).
            body = _TWO_SSRCS.pack(item.sender_ssrc, 0) + _FIR_ENTRY.pack(item.media_ssrc, item.sequence & 0xFF)
            return _packet(_PAYLOAD_FEEDBACK, _FIR, body)
        case Remb():
            return _packet(_PAYLOAD_FEEDBACK, _APPLICATION, _build_remb(item))
        case _:
            assert_never(item)


def _packet(kind: int, count: int, body: bytes) -> bytes:
    if count > 31:
        raise ValueError(f"rtcp: {count} entries in one packet")
    return _HEAD.pack(0x80 | count, kind, len(body) // 4) + body


def _build_blocks(blocks: tuple[ReportBlock, ...]) -> bytes:
    return b"".join(
        [
            _REPORT.pack(
                block.ssrc,
                block.fraction_lost << 24 | max(-0x800000, min(0x7FFFFF, block.packets_lost)) & 0xFFFFFF,
                block.highest_sequence & 0xFFFFFFFF,
                block.jitter & 0xFFFFFFFF,
                block.lsr,
                block.dlsr,
            )
            for block in blocks
        ]
    )


def _build_lost(lost: tuple[int, ...]) -> bytes:
    entries: list[int] = []
    first = -1
    mask = 0
    for sequence in lost:
        distance = (sequence - first) & 0xFFFF
        if first >= 0 and 0 < distance <= 16:
            mask |= 1 << (distance - 1)
        elif distance or first < 0:
            if first >= 0:
                entries.append(first << 16 | mask)
            first, mask = sequence, 0
    if first >= 0:
        entries.append(first << 16 | mask)
    return struct.pack(f"!{len(entries)}I", *entries)


def _build_remb(item: Remb) -> bytes:
    exponent = max(0, item.bitrate_bps.bit_length() - 18)
    mantissa = item.bitrate_bps >> exponent
    return (
        _TWO_SSRCS.pack(item.sender_ssrc, 0)
        + b"REMB"
        + _SSRC.pack(len(item.ssrcs) << 24 | exponent << 18 | mantissa)
        + struct.pack(f"!{len(item.ssrcs)}I", *item.ssrcs)
    )
