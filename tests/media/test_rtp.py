from __future__ import annotations

import pytest
from aiortc.rtp import RtpPacket as ForeignPacket
from hypothesis import given, settings
from hypothesis import strategies as st

from expo.media.rtp import (
    Malformed,
    RtpPacket,
    build_extensions,
    build_rtp,
    extension,
    parse_rtp,
    unwrap_rtx,
    wrap_rtx,
)
from tests.support.datagrams import broken

WORD = st.integers(0, 0xFFFFFFFF)
EXAMPLES = (
    build_rtp(102, True, 65535, 123456, 0xDEADBEEF, b"payload" * 5),
    build_rtp(111, False, 1, 960, 7, b"opus", [(1, b"0"), (3, b"\x01\x02\x03"), (10, b"\x85")]),
    build_rtp(96, False, 2, 3, 4, b"long", [(20, b"x" * 30), (1, b"")]),
    b"\xb2\x60\x00\x01\0\0\0\2\0\0\0\3csr1csr2\xbe\xde\0\1\x10a\0\0payload\0\0\3",
)


@settings(max_examples=300)
@given(
    payload_type=st.integers(0, 127),
    marker=st.booleans(),
    sequence=st.integers(0, 0xFFFF),
    timestamp=WORD,
    ssrc=WORD,
    payload=st.binary(max_size=64),
    elements=st.dictionaries(st.integers(1, 255), st.binary(max_size=40), max_size=6),
)
def test_what_is_built_is_parsed_back(
    payload_type: int,
    marker: bool,
    sequence: int,
    timestamp: int,
    ssrc: int,
    payload: bytes,
    elements: dict[int, bytes],
) -> None:
    data = build_rtp(payload_type, marker, sequence, timestamp, ssrc, payload, tuple(elements.items()))
    packet = parse_rtp(data, 77)
    assert (packet.payload_type, packet.marker, packet.sequence) == (payload_type, marker, sequence)
    assert (packet.timestamp, packet.ssrc, packet.payload, packet.arrival_us) == (timestamp, ssrc, payload, 77)
    for ext_id, value in elements.items():
        assert extension(packet, ext_id) == value
    assert extension(packet, 256) is None


@settings(max_examples=200)
@given(
    payload=st.binary(min_size=1, max_size=64),
    elements=st.dictionaries(st.integers(1, 14), st.binary(min_size=1, max_size=16), max_size=6),
)
def test_another_implementation_reads_the_same_packet(payload: bytes, elements: dict[int, bytes]) -> None:
    foreign = ForeignPacket.parse(build_rtp(102, True, 65000, 90000, 1234, payload, tuple(elements.items())))
    assert foreign.payload == payload
    assert (foreign.sequence_number, foreign.timestamp, foreign.ssrc, foreign.marker) == (65000, 90000, 1234, 1)


def test_extended_numbers_are_cut_to_their_width() -> None:
    packet = parse_rtp(build_rtp(96, False, 0x1_0005, 0x1_0000_0006, 1, b"x"), 0)
    assert (packet.sequence, packet.timestamp) == (5, 6)


def test_contributing_sources_are_skipped_and_padding_is_cut_off() -> None:
    packet = parse_rtp(EXAMPLES[3], 0)
    assert packet.payload == b"payload"
    assert packet.extensions == (0xBEDE, b"\x10a\0\0")
    assert extension(packet, 1) == b"a"


def test_a_packet_of_nothing_but_padding_has_an_empty_payload() -> None:
    assert parse_rtp(b"\xa0\x60\0\1\0\0\0\2\0\0\0\3\0\0\0\4", 0).payload == b""


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x80\x60\0\1\0\0\0\2\0\0\0", id="header cut"),
        pytest.param(b"\x40" + EXAMPLES[0][1:], id="version 1"),
        pytest.param(b"\x8f" + EXAMPLES[0][1:40], id="contributing sources beyond the end"),
        pytest.param(b"\x90" + EXAMPLES[0][1:12], id="no room for the extension header"),
        pytest.param(b"\x90" + EXAMPLES[0][1:12] + b"\xbe\xde\0\2abcd", id="extensions beyond the end"),
        pytest.param(b"\x91" + EXAMPLES[0][1:16] + b"\xbe\xde\0\2abcd", id="extensions beyond the end, with csrc"),
        pytest.param(b"\xa0" + EXAMPLES[0][1:12] + b"abc\0", id="padding of 0"),
        pytest.param(b"\xa0" + EXAMPLES[0][1:12] + b"abc\5", id="padding longer than the payload"),
        pytest.param(b"\xa0" + EXAMPLES[0][1:12], id="padding without a byte that counts it"),
    ],
)
def test_a_malformed_packet_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        parse_rtp(data, 0)


def test_ten_thousand_broken_packets_raise_malformed_or_parse() -> None:
    refused = 0
    for data in broken(EXAMPLES, 10_000, seed=3550):
        try:
            packet = parse_rtp(data, 1)
        except Malformed:
            refused += 1
            continue
        assert len(packet.payload) <= len(data) - 12
        assert 0 <= packet.sequence <= 0xFFFF
        for ext_id in (1, 3, 10, 20):
            extension(packet, ext_id)
    assert 1_000 < refused < 9_000


@settings(max_examples=500)
@given(st.binary(max_size=48), st.integers(0, 255), st.sampled_from((0xBEDE, 0x1000, 0x100F, 0x1234)))
def test_a_broken_extension_block_never_raises(body: bytes, ext_id: int, profile: int) -> None:
    packet = RtpPacket(False, 0, 0, 0, 0, b"", (profile, body), 0)
    value = extension(packet, ext_id)
    assert value is None or value in body


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ((0xBEDE, b"\x00\x00\x10a"), b"a"),
        ((0xBEDE, b"\xf0x\x10a"), None),  # id 15 ends the processing (RFC 8285 4.2)
        ((0xBEDE, b"\x01xx\x10a"), None),
        ((0xBEDE, b"\x11a"), None),  # cut
        ((0x1000, b"\x00\x01\x01a"), b"a"),
        ((0x1003, b"\x01\x00"), b""),
        ((0x1000, b"\x01\x02a"), None),
        ((0x1234, b"\x10a"), None),
        (None, None),
    ],
)
def test_an_extension_is_found_as_rfc_8285_says(block: tuple[int, bytes] | None, expected: bytes | None) -> None:
    assert extension(RtpPacket(False, 0, 0, 0, 0, b"", block, 0), 1) == expected


@pytest.mark.parametrize("element", [(0, b"a"), (256, b"a"), (1, b"a" * 256)])
def test_an_extension_that_no_form_can_carry_is_refused(element: tuple[int, bytes]) -> None:
    with pytest.raises(ValueError, match="has no form"):
        build_extensions([element])


def test_a_retransmission_gives_back_the_original() -> None:
    original = parse_rtp(EXAMPLES[1], 5)
    data = build_rtp(97, False, 900, original.timestamp, 99, wrap_rtx(original.sequence, original.payload))
    again = unwrap_rtx(parse_rtp(data, 8), 111, original.ssrc)
    assert (again.sequence, again.payload, again.timestamp) == (original.sequence, original.payload, 960)
    assert (again.ssrc, again.payload_type, again.arrival_us) == (original.ssrc, 111, 8)


@pytest.mark.parametrize("payload", [b"", b"\0"])
def test_an_empty_retransmission_is_malformed(payload: bytes) -> None:
    with pytest.raises(Malformed):
        unwrap_rtx(parse_rtp(build_rtp(97, False, 900, 1, 99, payload), 0), 96, 1)
