"""Flash and beep of the demonstration's programme at each second's beginning, as replays and films play them."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Generator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, Literal, cast

import av
import msgspec
import numpy as np
import pytest

from expo.demo.encoder import PictureEncoder, SoundEncoder
from expo.demo.picture import MovingPicture
from expo.demo.script import EXAMPLE
from expo.demo.slides import FLASH_AT, HEIGHT, WIDTH
from expo.demo.sound import BEEP_HZ, FRAME_SAMPLES, RATE, Sound
from expo.media.clock_model import CATCH_UP_PER_S_US, IN_STEP_US
from expo.media.recording import playlist
from expo.media.recording.playlist import Chosen, Selection, Stretch
from expo.media.recording.remux import remux
from expo.media.recording.repair import verify
from tests.support.tape import BEGAN_US, Publisher, Tape

S = 1_000_000
LOOP_S = 2
FPS = 30
SHRINK = 4
LIMIT_S = 0.040
SILENT_SCRIPT = msgspec.structs.replace(EXAMPLE, phrases=())
UTC_US = 1_800_000_000_000_000
EVERYTHING = Selection((Stretch(0, 1 << 62),))


@cache
def programme() -> tuple[tuple[int, Literal["audio", "video"], bytes], ...]:
    """(us since the begin, kind, frame) of some of the programme, which may be repeated."""
    picture, sound = MovingPicture(SILENT_SCRIPT, flash=True), Sound(SILENT_SCRIPT, beep=True)
    width, height = WIDTH // SHRINK, HEIGHT // SHRINK
    pictures, sounds = PictureEncoder(width, height, FPS, 300_000, 0.5), SoundEncoder()
    frames: list[tuple[int, Literal["audio", "video"], bytes]] = []
    for number in range(LOOP_S * FPS):
        at_us = number * S // FPS
        drawn = picture.draw((UTC_US + at_us) // 1000, 0.0).reformat(width, height)
        unit, _ = pictures.encode(drawn, at_us // 1000, key=False)
        frames.append((at_us, "video", unit))
    for number in range(LOOP_S * 50):
        at_us = number * 20_000
        (packet,) = sounds.encode(sound.frame((UTC_US + at_us) * RATE // S), number * FRAME_SAMPLES)
        frames.append((at_us, "audio", packet))
    return tuple(sorted(frames, key=lambda frame: frame[0]))


@dataclass
class Encoder:
    """Somebody's browser, connected at `from_s`; it reports as Chromium does."""

    publisher: Publisher
    from_s: float

    def send(self, kind: Literal["audio", "video"], payload: bytes, at_us: int) -> None:
        if kind == "video":
            self.publisher.picture(payload, at_us)
        else:
            self.publisher.sound(payload, at_us)

    def report(self, kind: Literal["audio", "video"], at_us: int) -> None:
        first_us, every_us, frame_us = (470_000, S, S // FPS) if kind == "video" else (2_300_000, 5 * S, 20_000)
        since_us = at_us - BEGAN_US - round(self.from_s * S) - first_us
        if since_us >= 0 and since_us % every_us < frame_us:
            self.publisher.report(kind, at_us)


def play(tape: Tape, from_s: float, to_s: float, *encoders: Encoder) -> None:
    for loop in range(int(from_s) // LOOP_S, int(to_s) // LOOP_S + 1):
        for offset_us, kind, payload in programme():
            since_us = loop * LOOP_S * S + offset_us
            if from_s * S <= since_us < to_s * S:
                at_us = BEGAN_US + since_us
                tape.until(at_us)
                for encoder in encoders:
                    if since_us >= encoder.from_s * S:
                        encoder.send(kind, payload, at_us)
                        encoder.report(kind, at_us)


def flashes(file: str | io.BytesIO) -> list[float]:
    """When the corner turns white (s)."""
    left, top, right, bottom = (round(edge / SHRINK) for edge in FLASH_AT)
    lit: list[tuple[float, bool]] = [(-1.0, False)]
    with av.open(file, "r") as media:
        for frame in media.decode(video=0):
            corner = frame.to_ndarray(format="gray")[top:bottom, left:right]
            lit.append((float(frame.time), float(corner.mean()) > 180))
    return [time for (_, before), (time, now) in pairwise(lit) if now and not before]


def beeps(file: str | io.BytesIO) -> list[float]:
    """When the beep begins (s): its tone against everything else, in steps of 2.5 ms."""
    levels: list[tuple[float, float]] = []
    step = RATE // 400
    tone = np.exp(-2j * np.pi * BEEP_HZ / RATE * np.arange(step * 2))
    with av.open(file, "r") as media:
        for frame in cast("Any", media).decode(audio=0):
            mono = frame.to_ndarray().astype(np.float64).reshape(-1, frame.samples if frame.format.is_planar else 2)
            mono = mono[0] if frame.format.is_planar else mono[:, 0]
            levels += [
                (float(frame.time) + at / RATE, float(abs(np.dot(mono[at : at + len(tone)], tone))))
                for at in range(0, len(mono) - len(tone) + 1, step)
            ]
    limit = max(level for _, level in levels) / 4
    loud = [time for time, level in levels if level > limit]
    return [time for before, time in pairwise([-1.0, *loud]) if time - before > 0.3]


def replayed(folder: Path, chosen: Chosen) -> Generator[io.BytesIO]:
    """What a player of the playlist puts together: a header and the segments that it is for, to the next seam."""
    content, before = b"", None
    for segment, period in zip(chosen.segments, chosen.periods, strict=True):
        if content and before != (segment.init, period):
            yield io.BytesIO(content)
            content = b""
        spans = [segment.span] if content else [chosen.init(segment).span, segment.span]
        for span in spans:
            content += (folder / span.file).read_bytes()[span.offset : span.offset + span.length]
        before = segment.init, period
    yield io.BytesIO(content)


def skews(seen: list[float], heard: list[float]) -> list[tuple[float, float]]:
    """For each flash, when it is and how much later its beep is."""
    return [(time, min((other - time for other in heard), key=abs)) for time in seen]


@pytest.fixture
def folder() -> Generator[Path]:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        yield Path(name)


@pytest.mark.parametrize("lost", [0.0, 0.1])
def test_sound_and_picture_are_in_step_from_the_start_to_the_end(folder: Path, lost: float) -> None:
    """Behind paths that are 60 ms apart, over a time that is not kept, another presenter, and lost packets."""
    tape, chance = Tape(folder), Random(7)
    first = Encoder(Publisher(tape, video_delay_us=90_000, audio_delay_us=30_000, jitter_us=12_000), 0)
    other = Encoder(
        Publisher(
            tape, ssrc=9, video_delay_us=20_000, audio_delay_us=80_000, jitter_us=12_000, drift_ppm=200, origin=5
        ),
        10.5,
    )
    for encoder in (first, other):
        encoder.publisher.lose = lambda _sequence: chance.random() < lost
        encoder.publisher.again_us = lambda: 90_000 if chance.random() < 0.98 else None
    play(tape, 0, 3, first)
    first.publisher.show()
    tape.keep()
    play(tape, 3, 9.5, first)
    tape.stop()
    play(tape, 9.5, 12, first, other)
    tape.keep()
    play(tape, 12, 14.3, first, other)
    other.publisher.show()
    play(tape, 14.3, 21.5, first, other)
    kept = tape.close()
    assert verify(folder) == []
    film = playlist.film(kept, EVERYTHING, growing=False)
    picture, floor = film.chosen
    out = folder / "film.mp4"
    remux(folder, film, {}, [], out, lambda _: True)
    seen = [time for file in replayed(folder, picture) for time in flashes(file)]
    heard = [time for file in replayed(folder, floor) for time in beeps(file)]
    for found in (skews(seen, heard), skews(flashes(str(out)), beeps(str(out)))):
        assert len(found) >= 14
        assert [time for time, skew in found if abs(skew) > LIMIT_S] == []


def test_who_comes_on_in_the_moment_of_connecting_is_in_step_after_the_first_reports(folder: Path) -> None:
    """By arrival at first, so out of step by what the paths differ; then slewed, by no jump that anybody sees."""
    tape = Tape(folder)
    encoder = Encoder(Publisher(tape, video_delay_us=110_000, audio_delay_us=30_000, jitter_us=12_000), 0)
    encoder.publisher.show()
    tape.keep()
    play(tape, 0, 7.5, encoder)
    film = playlist.film(tape.close(), EVERYTHING, growing=False)
    picture, floor = film.chosen
    (file,), (sound,) = replayed(folder, picture), replayed(folder, floor)
    found = skews(flashes(file), beeps(sound))
    reported = 2.3 + (0.08 - IN_STEP_US / S) / (CATCH_UP_PER_S_US / S)
    early = [skew for time, skew in found if time < 2]
    late = [skew for time, skew in found if time > reported]
    assert [-0.1 < skew < -LIMIT_S for skew in early] == [True] * len(early)
    assert [abs(skew) <= LIMIT_S for skew in late] == [True] * len(late)
    assert (len(early), len(late)) >= (1, 4)
    file.seek(0)
    with av.open(file, "r") as media:
        times = [float(frame.time) for frame in media.decode(video=0)]
    steps = [after - before for before, after in pairwise(times)]
    most_s = CATCH_UP_PER_S_US / S * (0.1 + 1 / FPS)  # what is put right at once
    assert 1 / FPS - most_s - 0.001 < min(steps) < max(steps) < 1 / FPS + most_s + 0.001
