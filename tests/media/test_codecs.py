from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expo.media.codecs import h264_nal_types, h264_starts_key_frame, packetize_h264, split_annex_b

SPS = b"\x67\x42\xe0\x1f"
PPS = b"\x68\xce\x38\x80"
IDR = b"\x65\x88" + b"i" * 3000
IDR_SECOND_SLICE = b"\x65\x08" + b"j" * 900
DELTA = b"\x41\x9a" + b"d" * 500
START = b"\0\0\0\1"


def reassembled(payloads: list[bytes]) -> list[bytes]:
    """The NAL units in single NAL, STAP-A and FU-A packets, by the letter of RFC 6184."""
    units: list[bytes] = []
    for payload in payloads:
        kind = payload[0] & 31
        if kind == 24:
            at = 1
            while at < len(payload):
                size = int.from_bytes(payload[at : at + 2], "big")
                units.append(payload[at + 2 : at + 2 + size])
                at += 2 + size
        elif kind == 28:
            if payload[1] & 0x80:
                units.append(bytes((payload[0] & 0xE0 | payload[1] & 31,)))
            units[-1] += payload[2:]
        else:
            units.append(payload)
    return units


def test_a_key_frame_starts_once_at_its_parameter_sets() -> None:
    payloads = packetize_h264(START + SPS + START + PPS + b"\0\0\1" + IDR)
    assert [h264_nal_types(payload) for payload in payloads] == [(7, 8), (5,), (), ()]
    assert [h264_starts_key_frame(payload) for payload in payloads] == [True, True, False, False]
    assert reassembled(payloads) == [SPS, PPS, IDR]


@pytest.mark.parametrize(
    ("payload", "starts"),
    [
        pytest.param(SPS, True, id="parameter set"),
        pytest.param(PPS, False, id="picture parameter set"),
        pytest.param(IDR[:900], True, id="first slice of a key frame"),
        pytest.param(IDR_SECOND_SLICE, False, id="second slice of a key frame"),
        pytest.param(DELTA, False, id="any other picture"),
        pytest.param(b"\x18\0\4" + SPS + b"\0\4" + PPS, True, id="STAP-A with a parameter set"),
        pytest.param(b"\x18\0\4" + PPS + b"\0\3\x65\x88x", True, id="STAP-A with a key frame"),
        pytest.param(b"\x18\0\4" + PPS + b"\0\3\x65\x08x", False, id="STAP-A with a second slice"),
        pytest.param(b"\x18\0\4" + PPS + b"\0\xff" + SPS, False, id="STAP-A whose next unit is cut"),
        pytest.param(b"\x18\0\1\x67\0\0", False, id="STAP-A with units of one and no byte"),
        pytest.param(b"\x7c\x85\x88xx", True, id="FU-A, first fragment of a key frame"),
        pytest.param(b"\x7c\x87xx", True, id="FU-A, first fragment of a parameter set"),
        pytest.param(b"\x7c\x85\x08xx", False, id="FU-A, second slice"),
        pytest.param(b"\x7c\x05\x88xx", False, id="FU-A, later fragment"),
        pytest.param(b"\x7c\x85", False, id="FU-A without content"),
        pytest.param(b"\x7c", False, id="FU-A cut"),
        pytest.param(b"", False, id="empty"),
    ],
)
def test_where_a_viewer_can_start(payload: bytes, starts: bool) -> None:
    assert h264_starts_key_frame(payload) is starts


def test_ten_thousand_random_payloads_never_raise() -> None:
    random = Random(6184)
    for _ in range(10_000):
        payload = random.choice((b"", b"\x18", b"\x7c", b"\x65")) + random.randbytes(random.randrange(12))
        h264_starts_key_frame(payload)
        h264_nal_types(payload)


@settings(max_examples=300)
@given(
    st.lists(
        st.tuples(st.integers(1, 23), st.sampled_from((0, 0x20, 0x40, 0x60)), st.integers(0, 3000)),
        min_size=1,
        max_size=8,
    ),
    st.integers(20, 1200),
)
def test_units_come_back_whole_and_no_packet_is_too_long(units: list[tuple[int, int, int]], max_payload: int) -> None:
    whole = [bytes((kind | importance,)) + b"\x80" * size for kind, importance, size in units]
    payloads = packetize_h264(b"".join(START + unit for unit in whole), max_payload)
    assert reassembled(payloads) == whole
    assert max(map(len, payloads)) <= max_payload
    for payload in payloads:
        if payload[0] & 31 == 24:
            assert payload[0] & 0x60 == max(unit[0] & 0x60 for unit in reassembled([payload]))


def test_trailing_zeros_and_empty_units_are_dropped() -> None:
    assert split_annex_b(b"junk" + START + SPS + b"\0\0" + START + START + PPS + b"\0") == [SPS, PPS]
    assert split_annex_b(b"no start code") == []
    assert packetize_h264(b"") == []
