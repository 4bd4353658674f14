from __future__ import annotations

import pytest

from expo.media.levels import SILENCE_DBOV, Loudness, parse_level
from expo.media.rtp import Malformed


@pytest.mark.parametrize(
    ("data", "expected"),
    [(b"\x00", (False, 0)), (b"\x7f", (False, -127)), (b"\x85", (True, -5)), (b"\xff\0", (True, -127))],
)
def test_a_level_is_a_voice_flag_and_dbov_below_overload(data: bytes, expected: tuple[bool, int]) -> None:
    assert parse_level(data) == expected


def test_an_empty_level_is_malformed() -> None:
    with pytest.raises(Malformed):
        parse_level(b"")


def test_the_meter_rises_at_once_and_falls_slowly() -> None:
    meter = Loudness()
    assert meter.value(0) == 0
    meter.hear(-10, 1_000_000)
    assert meter.value(1_000_000) == 1
    meter.hear(SILENCE_DBOV, 2_000_000)
    assert 0.6 < meter.value(2_000_000) < 0.8
    assert meter.value(10_000_000) == 0


def test_the_meter_stays_between_0_and_1() -> None:
    meter = Loudness()
    for now_us, dbov in enumerate((0, -127, -60, -35, 0)):
        meter.hear(dbov, now_us)
        assert 0 <= meter.value(now_us) <= 1
