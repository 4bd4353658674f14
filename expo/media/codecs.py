"""H.264 in RTP (RFC 6184): where key frames start, and packets out of access units. Nothing is decoded."""

from __future__ import annotations

IDR_SLICE = 5
SPS = 7
PPS = 8
STAP_A = 24
FU_A = 28

_START_CODE = b"\0\0\1"


def h264_starts_key_frame(payload: bytes) -> bool:
    """Whether a viewer can start at this packet: it begins an SPS or the first slice of an IDR picture.

    Looks into single NAL units, STAP-A and the first fragment of FU-A (RFC 6184 5.6, 5.7.1, 5.8). Later slices of an
    IDR picture do not count. Never raises; what cannot be read starts nothing.
    """
    if len(payload) < 2:
        return False
    kind = payload[0] & 31
    if kind == FU_A:
        second = payload[1]
        if second < 0x80:
            return False
        kind = second & 31
        return kind == SPS or (kind == IDR_SLICE and len(payload) > 2 and payload[2] > 127)
    if kind == STAP_A:
        return _stap_starts_key_frame(payload)
    # first_mb_in_slice is the first thing in a slice, Exp-Golomb coded: 0 is a single 1 bit (H.264 7.3.3, 9.1).
    return kind == SPS or (kind == IDR_SLICE and payload[1] > 127)


def h264_nal_types(payload: bytes) -> tuple[int, ...]:
    """The types of the NAL units that begin in this packet, in order; a later fragment begins none."""
    if not payload:
        return ()
    kind = payload[0] & 31
    if kind == FU_A:
        return (payload[1] & 31,) if len(payload) > 1 and payload[1] & 0x80 else ()
    if kind == STAP_A:
        return tuple(payload[start] & 31 for start, stop in stap_units(payload) if stop > start)
    return (kind,)


def packetize_h264(access_unit: bytes, max_payload: int = 1180) -> list[bytes]:
    """RTP payloads, each <= `max_payload`, of one Annex B access unit in packetization-mode 1 (RFC 6184 6.2).

    Neighbours that fit together share a STAP-A, what is too long becomes FU-A; the caller marks the last one.
    """
    payloads: list[bytes] = []
    group: list[bytes] = []
    group_size = 1
    for unit in split_annex_b(access_unit):
        size = len(unit)
        if group and group_size + 2 + size > max_payload:
            payloads.append(_aggregate(group))
            group, group_size = [], 1
        if size > max_payload:
            payloads.extend(_fragment(unit, max_payload))
        else:
            group.append(unit)
            group_size += 2 + size
    if group:
        payloads.append(_aggregate(group))
    return payloads


def split_annex_b(stream: bytes) -> list[bytes]:
    """The NAL units between start codes, without trailing zero bytes (H.264 B.1); what precedes the first is lost."""
    units: list[bytes] = []
    start = stream.find(_START_CODE)
    while start >= 0:
        start += 3
        following = stream.find(_START_CODE, start)
        unit = (stream[start:] if following < 0 else stream[start:following]).rstrip(b"\0")
        if unit:
            units.append(unit)
        start = following
    return units


def _stap_starts_key_frame(payload: bytes) -> bool:
    for start, stop in stap_units(payload):
        if stop - start < 2:
            continue
        kind = payload[start] & 31
        if kind == SPS or (kind == IDR_SLICE and payload[start + 1] > 127):
            return True
    return False


def stap_units(payload: bytes) -> list[tuple[int, int]]:
    """Where the units of a STAP-A lie, up to the first that does not fit."""
    units: list[tuple[int, int]] = []
    at = 1
    end = len(payload)
    while at + 2 < end:
        stop = at + 2 + (payload[at] << 8 | payload[at + 1])
        if stop > end:
            break
        units.append((at + 2, stop))
        at = stop
    return units


def _aggregate(group: list[bytes]) -> bytes:
    if len(group) == 1:
        return group[0]
    # F is set if any unit has it, NRI is the highest of all (RFC 6184 5.7).
    head = STAP_A | max(unit[0] & 0x60 for unit in group)
    for unit in group:
        head |= unit[0] & 0x80
    return bytes((head,)) + b"".join(len(unit).to_bytes(2, "big") + unit for unit in group)


def _fragment(unit: bytes, max_payload: int) -> list[bytes]:
    indicator = FU_A | unit[0] & 0xE0
    kind = unit[0] & 31
    room = max_payload - 2
    body = len(unit) - 1
    count = -(-body // room)
    # Equal pieces, as RFC 6184 leaves it open: the last one is not a runt.
    piece = -(-body // count)
    pieces: list[bytes] = []
    for index in range(count):
        start = 1 + index * piece
        head = kind | (0x80 if index == 0 else 0) | (0x40 if index == count - 1 else 0)
        pieces.append(bytes((indicator, head)) + unit[start : start + piece])
    return pieces
