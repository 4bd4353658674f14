"""The programme is what it says: decodable everywhere, live, legible by machine, audible."""

import asyncio
import threading
import time
from itertools import pairwise

import numpy as np
import pytest

from expo.demo import sound as sound_module
from expo.demo.clock_code import read_clock
from expo.demo.encoder import PictureEncoder, SoundEncoder
from expo.demo.picture import FLASH_MS, SLIDE_MS, MovingPicture
from expo.demo.programme import EncodedFrame, Programme
from expo.demo.script import EXAMPLE, script_for
from expo.demo.slides import FLASH_AT, HEIGHT, WIDTH, draw_slides
from expo.demo.sound import BEEP_MS, FRAME_SAMPLES, RATE, Sound, level_dbov
from expo.media.codecs import h264_starts_key_frame, packetize_h264, split_annex_b
from tests.support.decoding import H264Decoder, decode_opus

SECOND_MS = 1_000


class Collector:
    """Frames of a running programme, and a wait for enough of them."""

    def __init__(self) -> None:
        self.frames: list[EncodedFrame] = []
        self._grown = asyncio.Event()

    def __call__(self, frame: EncodedFrame) -> None:
        self.frames.append(frame)
        self._grown.set()

    def of(self, kind: str) -> list[EncodedFrame]:
        return [frame for frame in self.frames if frame.kind == kind]

    async def until(self, kind: str, count: int) -> None:
        async with asyncio.timeout(100):
            while len(self.of(kind)) < count:
                self._grown.clear()
                await self._grown.wait()


@pytest.mark.media
async def test_a_running_programme_is_live_decodable_and_carries_the_true_time() -> None:
    seen = Collector()
    programme = Programme(EXAMPLE, seen)
    programme.start()
    try:
        await seen.until("video", 75)
    finally:
        await programme.close()
    video = seen.of("video")
    assert video[0].key
    gaps = np.diff([frame.at_us for frame in video])
    assert min(gaps) > 0
    assert float(np.median(gaps)) < 100_000
    assert abs(video[-1].at_us / 1e6 - time.time()) < 5
    decoder = H264Decoder()
    shown = [picture for frame in video for picture in decoder.decode(frame.payload)]
    assert {picture.shape for picture in shown} == {(HEIGHT, WIDTH, 3)}
    read = [read_clock(picture) for picture in shown]
    assert read == [frame.at_us // 1000 for frame in video]
    assert decoder.profile == "Constrained Baseline"


@pytest.mark.media
async def test_a_key_frame_comes_when_it_is_asked_for_and_every_two_seconds() -> None:
    seen = Collector()
    programme = Programme(EXAMPLE, seen)
    programme.start()
    try:
        await seen.until("video", 40)
        programme.request_key_frame()
        await seen.until("video", 50)
        asked = [index for index, frame in enumerate(seen.of("video")) if frame.key]
        await seen.until("video", 120)
    finally:
        await programme.close()
    assert len(asked) == 2
    keys = [index for index, frame in enumerate(seen.of("video")) if frame.key]
    assert max(np.diff([*keys, len(seen.of("video"))])) <= 60


@pytest.mark.media
async def test_sound_comes_every_20_ms_without_gaps() -> None:
    seen = Collector()
    programme = Programme(EXAMPLE, seen)
    programme.start()
    try:
        await seen.until("audio", 60)
    finally:
        await programme.close()
    audio = seen.of("audio")
    gaps = np.diff([frame.at_us for frame in audio])
    assert float(np.median(gaps)) == 20_000
    assert min(gaps) > 19_000  # a stalled machine makes the schedule start anew, later and never earlier
    power = [float(np.mean(np.square(heard))) for heard in decode_opus(frame.payload for frame in audio)]
    assert len(power) >= 55
    assert max(power) > 1e-7  # between two sentences there is only the chord
    assert max(frame.level_dbov for frame in audio) < 70


def test_speech_is_as_loud_as_broadcasters_make_it() -> None:
    sound = Sound(EXAMPLE)
    levels = [level_dbov(sound.frame(start * FRAME_SAMPLES)) for start in range(1_000)]
    assert 10 < min(levels) < 20 if sound.speaks else min(levels) < 30


async def test_close_ends_the_thread_and_is_harmless_twice() -> None:
    programme = Programme(EXAMPLE, lambda _frame: None)
    programme.start()
    await programme.close()
    await programme.close()
    assert "demo-programme" not in {thread.name for thread in threading.enumerate()}


async def test_what_breaks_the_programme_is_raised_to_whoever_waits_for_it() -> None:
    programme = Programme(
        script_for({"ko": "N", "vi": "N", "en": "N"}, "N", "Nowhere", "Nobody", ()), lambda _frame: None
    )
    programme.start()
    with pytest.raises(IndexError):
        await programme.begun()
    with pytest.raises(IndexError):
        await programme.ended()
    await programme.close()


def test_the_stream_announces_42e01f_and_packs_into_mode_1() -> None:
    unit, is_key = PictureEncoder(WIDTH, HEIGHT, 30, 1_500_000, 2.0).encode(
        MovingPicture(EXAMPLE).draw(SECOND_MS, 0.5), 0, key=True
    )
    assert is_key
    sps = next(nal for nal in split_annex_b(unit) if nal[0] & 31 == 7)
    assert sps[1:4].hex() == "42e01f"
    payloads = packetize_h264(unit)
    assert h264_starts_key_frame(payloads[0])
    assert max(map(len, payloads)) <= 1180


def test_the_flash_and_the_beep_are_at_the_same_moment() -> None:
    picture, sound = MovingPicture(EXAMPLE, flash=True), Sound(EXAMPLE, beep=True)
    left, top, right, bottom = FLASH_AT

    def lit(utc_ms: int) -> bool:
        frame = picture.draw(utc_ms, 0.0).to_ndarray(format="gray")
        return bool(frame[top + 8 : bottom - 8, left + 8 : right - 8].min() > 200)

    def beeps(utc_ms: int) -> bool:
        spectrum = np.abs(np.fft.rfft(sound.frame(utc_ms * RATE // 1000)))
        tone = round(1000 * FRAME_SAMPLES / RATE)
        return bool(spectrum[tone] > 5 * spectrum[tone + 8 :].max())

    second = 1_700_000_000_000
    assert [lit(second + at) for at in (-1, 0, FLASH_MS - 1, FLASH_MS)] == [False, True, True, False]
    assert beeps(second + 20)
    assert not beeps(second + BEEP_MS + 20)


def test_nobody_hears_beeps_who_did_not_ask_for_them() -> None:
    plain, checked = Sound(EXAMPLE), Sound(EXAMPLE, beep=True)
    second = 1_700_000_000 * RATE
    assert (plain.frame(second) != checked.frame(second)).any()
    assert (plain.frame(second + RATE // 2) == checked.frame(second + RATE // 2)).all()


def test_the_picture_moves_between_any_two_frames_and_slides_change() -> None:
    picture = MovingPicture(EXAMPLE)
    start = 1_700_000_000_000 // (SLIDE_MS * 3) * SLIDE_MS * 3 + 2_000
    frames = [picture.draw(start + at, 0.4).to_ndarray(format="gray")[:690].copy() for at in (0, 33, 66)]
    assert all((before != after).any() for before, after in pairwise(frames))
    for at in range(100, SLIDE_MS, 33):
        picture.draw(start + at, 0.4)
    other = picture.draw(start + SLIDE_MS, 0.4).to_ndarray(format="gray")[:690]
    assert float(np.mean(np.abs(other.astype(int) - frames[0].astype(int)))) > 5


def test_slides_are_drawn_for_long_names_and_unknown_products() -> None:
    item = EXAMPLE.items[0]
    long = script_for(
        dict.fromkeys(("ko", "vi", "en"), "Công ty Cổ phần Xuất nhập khẩu Nông sản Thực phẩm Chế biến An Giang"),
        "김",
        "충청북도 대표단",
        "Nguyễn Thị Minh Khai, trưởng phòng xuất khẩu",
        (type(item)("Dung dịch dưỡng da chiết xuất hoa trà nguyên chất 50 ml hộp quà tặng", ("x" * 90,) * 5, "moon"),),
    )
    slide = draw_slides(long)[0]
    assert slide.still.size == (WIDTH, HEIGHT)
    assert slide.product.getbbox() is not None


def test_without_a_synthesizer_there_is_a_tune(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    sound = Sound(EXAMPLE)
    assert not sound.speaks
    levels = [level_dbov(sound.frame(start * FRAME_SAMPLES)) for start in range(100)]
    assert max(levels) < 60
    assert min(levels) > 5


@pytest.mark.parametrize(("amplitude", "level"), [(1.0, 0), (0.1, 20), (0.0, 127)])
def test_levels_are_minus_dbov(amplitude: float, level: int) -> None:
    assert level_dbov(np.full(FRAME_SAMPLES, amplitude, dtype=np.float32)) == level


def test_opus_is_one_packet_for_20_ms() -> None:
    encoder = SoundEncoder()
    sound = Sound(EXAMPLE)
    counts = [len(encoder.encode(sound.frame(n * FRAME_SAMPLES), n * FRAME_SAMPLES)) for n in range(20)]
    assert set(counts[2:]) == {1}
    assert sound_module.FRAME_SAMPLES == RATE // 50
