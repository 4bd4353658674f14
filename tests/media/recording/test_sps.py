from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expo.media.codecs import split_annex_b
from expo.media.recording.sps import parse_sps
from tests.support.encoded import pictures


@pytest.mark.parametrize(
    ("profile", "b_frames", "number", "reorder"),
    [("baseline", 0, 66, 0), ("main", 0, 77, 0), ("main", 2, 77, 1), ("high", 2, 100, 1)],
)
def test_size_codec_and_reordering_are_what_the_encoder_wrote(
    profile: str, b_frames: int, number: int, reorder: int
) -> None:
    units = split_annex_b(pictures(4, 162, 90, profile=profile, b_frames=b_frames)[0][0])
    found = parse_sps(next(unit for unit in units if unit[0] & 31 == 7))
    assert (found.profile, found.width, found.height, found.chroma_format) == (number, 162, 90, 1)
    assert found.codecs.startswith(f"avc1.{number:02x}")
    assert found.reorder == reorder


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        found = parse_sps(b"\x67" + body)
    except ValueError:
        return
    assert 0 < found.width <= 16384
