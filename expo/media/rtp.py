"""RTP packets (RFC 3550 5.1), their header extensions (RFC 8285) and retransmissions (RFC 4588)."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import msgspec

ONE_BYTE_PROFILE = 0xBEDE
TWO_BYTE_PROFILE = 0x1000

_HEADER = struct.Struct("!BBHII")
_HEADER_SIZE = 12
_EXTENDED = struct.Struct("!BBHIIHH")
_EXTENDED_SIZE = 16
_unpack_header = _HEADER.unpack_from
_unpack_extended = _EXTENDED.unpack_from


class Malformed(ValueError):  # noqa: N818 - reads as what the bytes are
    """Bytes from the network that are not what they claim to be; the only thing the parsers here raise."""


class RtpPacket(msgspec.Struct, gc=False, eq=False):
    """One packet; `payload` is without padding, `extensions` is the raw block as (profile, body).

    A struct and not a class with slots: it is built by C code in a third of the time, once per packet.
    """

    marker: bool
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    extensions: tuple[int, bytes] | None
    arrival_us: int


def parse_rtp(data: bytes | memoryview, arrival_us: int) -> RtpPacket:
    """Parse one datagram (RFC 3550 5.1); raises Malformed. Contributing sources are skipped, padding is cut off.

    `data` may be a view of a buffer that is used again: the packet holds copies.
    """
    size = len(data)
    if size >= _EXTENDED_SIZE:
        first, second, sequence, timestamp, ssrc, profile, words = _unpack_extended(data)
        if first == 0x80:
            return RtpPacket(second > 127, second & 127, sequence, timestamp, ssrc, bytes(data[12:]), None, arrival_us)
        if first == 0x90:
            start = 16 + words * 4
            if start > size:
                raise Malformed("rtp: extensions longer than the packet")
            return RtpPacket(
                second > 127,
                second & 127,
                sequence,
                timestamp,
                ssrc,
                bytes(data[start:]),
                (profile, bytes(data[16:start])),
                arrival_us,
            )
    return _parse_rare(data, size, arrival_us)


def extension(packet: RtpPacket, ext_id: int) -> bytes | None:
    """The data of one header extension element, or None; a broken block ends where it breaks (RFC 8285 4.2, 4.3)."""
    block = packet.extensions
    if block is None:
        return None
    profile, body = block
    if profile != ONE_BYTE_PROFILE:
        return _two_byte_extension(body, ext_id) if profile & 0xFFF0 == TWO_BYTE_PROFILE else None
    at = 0
    end = len(body)
    while at < end:
        head = body[at]
        at += 1
        if not head:
            continue
        found = head >> 4
        stop = at + (head & 15) + 1
        if found == ext_id:
            return body[at:stop] if stop <= end else None
        if found == 0 or found == 15:  # noqa: PLR1714 - a set costs more than both
            return None
        at = stop
    return None


def build_rtp(
    payload_type: int,
    marker: bool,  # noqa: FBT001 - a header bit, in wire order
    sequence: int,
    timestamp: int,
    ssrc: int,
    payload: bytes,
    extensions: Sequence[tuple[int, bytes]] = (),
) -> bytes:
    """One packet without padding; (id, data) extensions go out one-byte where they fit, else all two-byte.

    Sequence and timestamp are cut to their width, so that extended values may be passed. Raises ValueError for an
    extension that no form can carry.
    """
    second = payload_type | 0x80 if marker else payload_type
    if not extensions:
        return _HEADER.pack(0x80, second, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc) + payload
    profile, body = build_extensions(extensions)
    return (
        _EXTENDED.pack(0x90, second, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc, profile, len(body) // 4)
        + body
        + payload
    )


def build_extensions(extensions: Sequence[tuple[int, bytes]]) -> tuple[int, bytes]:
    """The (profile, body) of a header extension block, padded to words (RFC 8285 4.2, 4.3)."""
    body = bytearray()
    profile = ONE_BYTE_PROFILE
    if all(0 < ext_id < 15 and 0 < len(data) <= 16 for ext_id, data in extensions):
        for ext_id, data in extensions:
            body.append(ext_id << 4 | len(data) - 1)
            body += data
    else:
        profile = TWO_BYTE_PROFILE
        for ext_id, data in extensions:
            if not 0 < ext_id < 256 or len(data) > 255:
                raise ValueError(f"header extension {ext_id} of {len(data)} bytes has no form")
            body.append(ext_id)
            body.append(len(data))
            body += data
    body += bytes(-len(body) % 4)
    return profile, bytes(body)


def unwrap_rtx(packet: RtpPacket, payload_type: int, ssrc: int) -> RtpPacket:
    """The original packet inside a retransmission (RFC 4588 4); raises Malformed when there is none.

    Browsers probe bandwidth with empty packets on the retransmission ssrc, so Malformed is an everyday answer.
    """
    payload = packet.payload
    if len(payload) < 2:
        raise Malformed("rtp: retransmission without its original sequence number")
    return RtpPacket(
        packet.marker,
        payload_type,
        payload[0] << 8 | payload[1],
        packet.timestamp,
        ssrc,
        payload[2:],
        packet.extensions,
        packet.arrival_us,
    )


def wrap_rtx(original_sequence: int, payload: bytes) -> bytes:
    """The payload of a retransmission: the original sequence number, then the original payload (RFC 4588 4)."""
    return (original_sequence & 0xFFFF).to_bytes(2, "big") + payload


def _two_byte_extension(body: bytes, ext_id: int) -> bytes | None:
    at = 0
    end = len(body) - 1
    while at < end:
        found = body[at]
        if not found:
            at += 1
            continue
        stop = at + 2 + body[at + 1]
        if found == ext_id:
            return body[at + 2 : stop] if stop <= end + 1 else None
        at = stop
    return None


def _parse_rare(data: bytes | memoryview, size: int, arrival_us: int) -> RtpPacket:
    if size < _HEADER_SIZE:
        raise Malformed("rtp: shorter than its header")
    first: int
    first, second, sequence, timestamp, ssrc = _unpack_header(data)
    if first >> 6 != 2:
        raise Malformed("rtp: not version 2")
    start = _HEADER_SIZE + (first & 15) * 4
    extensions: tuple[int, bytes] | None = None
    if first & 0x10:
        body = start + 4
        if body > size:
            raise Malformed("rtp: no room for the extensions")
        profile = data[start] << 8 | data[start + 1]
        start = body + (data[start + 2] << 8 | data[start + 3]) * 4
        if start <= size:
            extensions = (profile, bytes(data[body:start]))
    if start > size:
        raise Malformed("rtp: header longer than the packet")
    stop = size
    if first & 0x20:
        stop -= data[-1]
        if stop == size or stop < start:
            raise Malformed("rtp: impossible padding")
    payload = bytes(data[start:stop])
    return RtpPacket(second > 127, second & 127, sequence, timestamp, ssrc, payload, extensions, arrival_us)
