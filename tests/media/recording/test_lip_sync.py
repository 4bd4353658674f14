"""Flash and beep of the demonstration's programme, as they stand in the files: a second's beginning, seen and heard."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import av
import msgspec
import numpy as np

from expo.demo.encoder import PictureEncoder, SoundEncoder
from expo.demo.picture import MovingPicture
from expo.demo.script import EXAMPLE
from expo.demo.slides import FLASH_AT, HEIGHT, WIDTH
from expo.demo.sound import BEEP_HZ, FRAME_SAMPLES, RATE, Sound
from expo.media.recording.repair import verify
from tests.support.tape import BEGAN_US, Publisher, Tape

SECONDS = 6
FPS = 30
LIMIT_S = 0.040
SILENT_SCRIPT = msgspec.structs.replace(EXAMPLE, phrases=())
UTC_US = 1_800_000_000_000_000


def programme() -> Iterator[tuple[int, str, bytes]]:
    """(us since the begin, kind, frame) of everything that the programme makes, in order."""
    picture, sound = MovingPicture(SILENT_SCRIPT, flash=True), Sound(SILENT_SCRIPT, beep=True)
    pictures, sounds = PictureEncoder(WIDTH, HEIGHT, FPS, 1_500_000, 2.0), SoundEncoder()
    frames: list[tuple[int, str, bytes]] = []
    for number in range(SECONDS * FPS):
        at_us = number * 1_000_000 // FPS
        unit, _ = pictures.encode(picture.draw((UTC_US + at_us) // 1000, 0.0), at_us // 1000, key=False)
        frames.append((at_us, "video", unit))
    for number in range(SECONDS * 50):
        at_us = number * 20_000
        samples = sound.frame((UTC_US + at_us) * RATE // 1_000_000)
        frames += [(at_us, "audio", packet) for packet in sounds.encode(samples, number * FRAME_SAMPLES)]
    return iter(sorted(frames, key=lambda frame: frame[0]))


def flashes(path: Path) -> list[float]:
    """When the corner turns white (s)."""
    left, top, right, bottom = FLASH_AT
    lit: list[tuple[float, bool]] = []
    with av.open(str(path)) as file:
        for frame in file.decode(video=0):
            corner = frame.to_ndarray(format="gray")[top:bottom, left:right]
            lit.append((float(frame.time), float(corner.mean()) > 200))
    return [time for (_, before), (time, now) in pairwise(lit) if now and not before]


def beeps(path: Path) -> list[float]:
    """When the beep begins (s): its tone against everything else, in steps of 2.5 ms."""
    levels: list[tuple[float, float]] = []
    step = RATE // 400
    tone = np.exp(-2j * np.pi * BEEP_HZ / RATE * np.arange(step * 2))
    with av.open(str(path)) as file:
        for frame in cast("Any", file).decode(audio=0):
            mono = frame.to_ndarray().astype(np.float64).reshape(-1, frame.samples if frame.format.is_planar else 2)
            mono = mono[0] if frame.format.is_planar else mono[:, 0]
            levels += [
                (float(frame.time) + at / RATE, float(abs(np.dot(mono[at : at + len(tone)], tone))))
                for at in range(0, len(mono) - len(tone) + 1, step)
            ]
    limit = max(level for _, level in levels) / 4
    loud = [time for time, level in levels if level > limit]
    return [time for before, time in pairwise([-1.0, *loud]) if time - before > 0.5]


def test_flash_and_beep_are_together_at_the_start_in_the_middle_and_at_the_end() -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        folder = Path(name)
        tape = Tape(folder)
        sender = Publisher(tape, video_delay_us=50_000, audio_delay_us=30_000)
        sender.show()
        tape.keep()
        for number, (at_us, kind, payload) in enumerate(programme()):
            tape.until(BEGAN_US + at_us)
            if kind == "video":
                sender.picture(payload, BEGAN_US + at_us)
            else:
                sender.sound(payload, BEGAN_US + at_us)
            if number % 40 == 20:
                sender.report("video", BEGAN_US + at_us)
                sender.report("audio", BEGAN_US + at_us)
        tape.close()
        assert verify(folder) == []
        seen, heard = flashes(folder / "picture-1.mp4"), beeps(folder / "floor-1.mp4")
    assert len(seen) >= SECONDS - 1
    for time in seen:
        assert min(abs(time - other) for other in heard) <= LIMIT_S
