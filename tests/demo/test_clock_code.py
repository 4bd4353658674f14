"""The machine-readable clock survives what happens to pictures."""

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from expo.demo.clock_code import CELLS, clock_cells, draw_clock, read_clock
from expo.demo.encoder import PictureEncoder
from tests.support.decoding import H264Decoder, Picture, rgb

MOMENTS = st.integers(0, 2**48 - 1)


def drawn(utc_ms: int, width: int = 1280, height: int = 720, shade: int = 90) -> Picture:
    luma = np.full((height, width), shade, dtype=np.uint8)
    draw_clock(luma, utc_ms)
    return luma


def yuv(luma: Picture) -> av.VideoFrame:
    height, width = luma.shape
    return av.VideoFrame.from_ndarray(np.vstack([luma, np.full((height // 2, width), 128, dtype=np.uint8)]), "yuv420p")


def through_x264(luma: Picture, bps: int) -> Picture:
    encoder = PictureEncoder(luma.shape[1], luma.shape[0], 30, bps, 2.0)
    decoder = H264Decoder()
    noise = np.random.default_rng(1).integers(0, 255, luma.shape, dtype=np.uint8)
    strip = luma.shape[0] - luma.shape[0] // 30
    shown: list[Picture] = []
    for index in range(4):
        picture = luma.copy()
        picture[:strip] = np.roll(noise, index * 7, axis=1)[:strip]
        unit, _ = encoder.encode(yuv(picture), index * 33, key=index == 0)
        shown += decoder.decode(unit)
    return shown[-1]


@given(MOMENTS)
@example(0)
@example(2**48 - 1)
def test_what_was_drawn_is_read(utc_ms: int) -> None:
    assert read_clock(drawn(utc_ms)) == utc_ms


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(MOMENTS, st.sampled_from([(1280, 720), (640, 360)]), st.sampled_from([300_000, 1_500_000]))
def test_it_survives_h264_of_noise_at_a_starving_rate(utc_ms: int, size: tuple[int, int], bps: int) -> None:
    assert read_clock(through_x264(drawn(utc_ms, *size), bps)) == utc_ms


@settings(max_examples=12, deadline=None)
@given(MOMENTS, st.sampled_from([(1920, 1080), (960, 540), (854, 480), (640, 360), (426, 240), (320, 180)]))
def test_it_survives_scaling(utc_ms: int, size: tuple[int, int]) -> None:
    scaled = yuv(drawn(utc_ms)).reformat(width=size[0], height=size[1], format="rgb24")
    assert read_clock(rgb(scaled)) == utc_ms


@given(MOMENTS, st.integers(0, CELLS - 1))
def test_one_wrong_cell_is_noticed(utc_ms: int, cell: int) -> None:
    picture = drawn(utc_ms)
    left = cell * 1280 // CELLS
    picture[690:, left : left + 1280 // CELLS] = 255 - picture[690:, left : left + 1280 // CELLS]
    assert read_clock(picture) is None


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((720, 1280, 3), dtype=np.uint8),
        np.full((720, 1280, 3), 255, dtype=np.uint8),
        np.zeros((2, 2, 3), dtype=np.uint8),
        np.zeros((0, 0), dtype=np.uint8),
        np.broadcast_to(np.linspace(0, 255, 1280).astype(np.uint8)[None, :, None], (720, 1280, 3)),
    ],
    ids=["black", "white", "tiny", "empty", "ramp"],
)
def test_pictures_without_a_clock_say_none(picture: Picture) -> None:
    assert read_clock(picture) is None


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1))
def test_noise_is_not_taken_for_a_clock(seed: int) -> None:
    assert read_clock(np.random.default_rng(seed).integers(0, 255, (90, 320, 3), dtype=np.uint8)) is None


def test_its_layout_is_the_documented_one() -> None:
    cells = clock_cells(0x8000_0000_0001)
    assert list(cells[:4]) == [1, 0, 1, 0]
    assert list(cells[60:]) == [0, 1, 0, 1]
    assert list(cells[4:52]) == [1, *[0] * 46, 1]
    luma = drawn(0x8000_0000_0001)
    assert (luma[:696] == 90).all()
    assert [bool(luma[708, column] > 128) for column in range(10, 1280, 20)] == [bool(cell) for cell in cells]
