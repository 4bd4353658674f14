"""The live programme: draws, renders and encodes in real time in a thread of its own and hands frames to the loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from expo.demo.encoder import PictureEncoder, SoundEncoder
from expo.demo.picture import MovingPicture
from expo.demo.script import Script
from expo.demo.slides import HEIGHT, WIDTH
from expo.demo.sound import FRAME_SAMPLES, RATE, Sound, level_dbov

FPS = 30
PICTURE_BPS = 1_500_000
KEY_EVERY_S = 2.0
KEY_REQUEST_GAP_S = 0.25  # several viewers who ask at once get one key frame
CATCH_UP_FRAMES = 3  # after a longer stall (a suspended laptop) the schedule starts again instead of racing
CLOSE_TIMEOUT_S = 20.0  # slides and speech are made without a look at the clock


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """One H.264 access unit (Annex B) or one Opus packet. `at_us` is UTC; `level_dbov` is sound's (RFC 6464)."""

    kind: Literal["video", "audio"]
    payload: bytes
    at_us: int
    key: bool = False
    level_dbov: int = 127


class Programme:
    """Runs from `start` to `close`. `on_frame` is called in the event loop; it must not block."""

    def __init__(
        self,
        script: Script,
        on_frame: Callable[[EncodedFrame], None],
        *,
        fps: int = FPS,
        bps: int = PICTURE_BPS,
        av_check: bool = False,
    ) -> None:
        """`av_check` adds a flash and a beep at each UTC second, by which lip sync can be measured."""
        self._script = script
        self._on_frame = on_frame
        self._fps = fps
        self._bps = bps
        self._av_check = av_check
        self._key_wanted = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure: Exception | None = None
        self._begun = asyncio.Event()
        self._ended = asyncio.Event()

    def start(self) -> None:
        """Begin; the first frame follows within seconds, when slides and speech are ready."""
        loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, args=(loop,), name="demo-programme", daemon=True)
        self._thread.start()

    def request_key_frame(self) -> None:
        """Make the next frame a key frame, unless one was made a moment ago."""
        self._key_wanted.set()

    async def begun(self) -> None:
        """Return when the first frame is there. Raises what made the programme fail."""
        await self._begun.wait()
        self._raise_failure()

    async def ended(self) -> None:
        """Return when the programme has ended. Raises what made it fail."""
        await self._ended.wait()
        self._raise_failure()

    async def close(self) -> None:
        """End the thread; no frame comes afterwards. Idempotent."""
        self._stop.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, CLOSE_TIMEOUT_S)
            self._thread = None

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            self._produce(loop)
        except Exception as error:  # a thread has nobody to tell: `begun` and `ended` raise it
            self._failure = error
        finally:
            with contextlib.suppress(RuntimeError):  # the loop was closed before us
                loop.call_soon_threadsafe(self._finish)

    def _finish(self) -> None:
        self._begun.set()
        self._ended.set()

    def _deliver(self, frame: EncodedFrame) -> None:
        self._begun.set()
        if not self._stop.is_set():
            self._on_frame(frame)

    def _produce(self, loop: asyncio.AbstractEventLoop) -> None:
        picture = MovingPicture(self._script, flash=self._av_check)
        if self._stop.is_set():
            return
        sound = Sound(self._script, beep=self._av_check)
        picture_encoder = PictureEncoder(WIDTH, HEIGHT, self._fps, self._bps, KEY_EVERY_S)
        sound_encoder = SoundEncoder()
        to_utc_us = time.time_ns() // 1000 - time.monotonic_ns() // 1000
        begun = _now_us()
        frames = sounds = 0
        last_key = begun - 10_000_000
        loudness = 0.0
        sound_us = FRAME_SAMPLES * 1_000_000 // RATE
        while not self._stop.is_set():
            next_picture = begun + frames * 1_000_000 // self._fps
            next_sound = begun + sounds * sound_us
            due = min(next_picture, next_sound)
            wait_us = due - _now_us()
            if wait_us > 0 and self._stop.wait(wait_us / 1e6):
                return
            if wait_us < -CATCH_UP_FRAMES * 1_000_000 // self._fps:
                begun -= wait_us  # the schedule moves, the counters that number samples do not
                to_utc_us = time.time_ns() // 1000 - time.monotonic_ns() // 1000
                continue
            if next_sound <= next_picture:
                first_sample = (next_sound + to_utc_us) * RATE // 1_000_000
                samples = sound.frame(first_sample)
                level = level_dbov(samples)
                loudness = max(loudness * 0.8, 1 - min(level, 60) / 60)
                for payload in sound_encoder.encode(samples, sounds * FRAME_SAMPLES):
                    self._hand(loop, EncodedFrame("audio", payload, next_sound + to_utc_us, level_dbov=level))
                sounds += 1
                continue
            key = self._key_wanted.is_set() and next_picture - last_key >= KEY_REQUEST_GAP_S * 1e6
            if key:
                self._key_wanted.clear()
            at_us = _now_us() + to_utc_us
            drawn = picture.draw(at_us // 1000, loudness)
            unit, is_key = picture_encoder.encode(drawn, at_us // 1000, key=key)
            if is_key:
                last_key = next_picture
            if unit:
                self._hand(loop, EncodedFrame("video", unit, at_us, key=is_key))
            frames += 1

    def _hand(self, loop: asyncio.AbstractEventLoop, frame: EncodedFrame) -> None:
        if not self._stop.is_set():
            loop.call_soon_threadsafe(self._deliver, frame)


def _now_us() -> int:
    return time.monotonic_ns() // 1000
