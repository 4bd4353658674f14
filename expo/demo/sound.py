"""The programme's sound: speech by espeak-ng where it is installed, else a gentle tune; a beep a second on request."""

from __future__ import annotations

import math
import shutil
import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt

from expo.demo.script import Phrase, Script

RATE = 48_000
FRAME_SAMPLES = 960  # 20 ms, what Opus and WebRTC use
BEEP_MS, BEEP_HZ, BEEP_LEVEL = 60, 1000, 0.25
SPEECH_RMS = 0.09  # -21 dBFS: where broadcasters put speech
PAUSE_S = 1.4
SYNTHESIS_TIMEOUT_S = 10

Samples = npt.NDArray[np.float32]


class Sound:
    """Mono sound for any moment, in frames of 20 ms. Its loop is rendered once; the beep follows UTC."""

    def __init__(self, script: Script, *, beep: bool = False) -> None:
        """Takes up to a second or two: espeak-ng runs once for each phrase."""
        spoken = [voice for voice in (_speak(phrase) for phrase in script.phrases) if voice is not None]
        self.speaks = bool(spoken)
        self._loop = _talk(spoken) if spoken else _tune()
        self._beep = beep

    def frame(self, first_sample: int) -> Samples:
        """FRAME_SAMPLES samples within -1..1 from `first_sample`, which counts samples since 1970 (UTC)."""
        place = (first_sample + np.arange(FRAME_SAMPLES)) % len(self._loop)
        sound = self._loop[place].copy()
        if self._beep:
            within = (first_sample + np.arange(FRAME_SAMPLES)) % RATE
            lit = within < RATE * BEEP_MS // 1000
            if lit.any():
                shape = np.sin(np.clip(within / (RATE * BEEP_MS / 1000), 0, 1) * math.pi) ** 0.5
                sound = np.where(
                    lit, BEEP_LEVEL * shape * np.sin(within * (math.tau * BEEP_HZ / RATE)) + sound * 0.3, sound
                )
        return sound.astype(np.float32)


def level_dbov(samples: Samples) -> int:
    """RFC 6464 level of a frame: 0 is the loudest, 127 is silence; the unit is -dBov."""
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    return 127 if power < 1e-13 else min(127, max(0, round(-10 * math.log10(power))))


def _talk(spoken: list[Samples]) -> Samples:
    """Phrases with pauses over a very quiet chord, so that a listener never takes a pause for a broken line."""
    pause = np.zeros(round(RATE * PAUSE_S), dtype=np.float32)
    voice = np.concatenate([part for phrase in spoken for part in (phrase, pause)])
    return np.clip(voice + 0.2 * _chord(len(voice)), -0.9, 0.9).astype(np.float32)


def _speak(phrase: Phrase) -> Samples | None:
    """The phrase at RATE, or None when there is no synthesizer or it does not know the language."""
    synthesizer = shutil.which("espeak-ng") or shutil.which("espeak")
    if synthesizer is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "phrase.wav"
        command = [synthesizer, "-v", phrase.language, "-s", "150", "-w", str(path), "--stdin"]
        try:
            subprocess.run(
                command, input=phrase.text.encode(), check=True, capture_output=True, timeout=SYNTHESIS_TIMEOUT_S
            )
            with wave.open(str(path), "rb") as recording:
                rate = recording.getframerate()
                spoken = np.frombuffer(recording.readframes(recording.getnframes()), dtype="<i2") / 32768
        except (OSError, subprocess.SubprocessError, wave.Error, EOFError):
            return None
    if not len(spoken) or rate <= 0:
        return None
    at = np.arange(int(len(spoken) * RATE / rate)) * (rate / RATE)
    voice = np.interp(at, np.arange(len(spoken)), spoken)
    loudness = float(np.sqrt(np.mean(np.square(voice))))
    return (voice * (SPEECH_RMS / loudness)).astype(np.float32) if loudness > 0 else None


def _tune() -> Samples:
    """A slow pentatonic tune with soft bells: clearly on purpose, and pleasant for an hour."""
    notes = (0, 4, 7, 9, 12, 9, 7, 4, 2, 4, 7, 12, 14, 12, 9, 7)
    step = RATE // 2
    sound = np.zeros(step * len(notes) + RATE, dtype=np.float64)
    time = np.arange(int(RATE * 1.4)) / RATE
    for index, note in enumerate(notes):
        pitch = 261.63 * 2 ** (note / 12)
        bell = np.sin(math.tau * pitch * time) + 0.3 * np.sin(math.tau * 2 * pitch * time) * np.exp(-time * 3)
        bell *= np.exp(-time * 3.2) * np.clip(time / 0.006, 0, 1)
        start = index * step
        sound[start : start + len(bell)] += bell[: len(sound) - start] * 0.16
    return np.clip(sound + 0.2 * _chord(len(sound)), -0.9, 0.9).astype(np.float32)


def _chord(length: int) -> npt.NDArray[np.float64]:
    """A quiet pad that fades in and out, so that the loop has no click."""
    time = np.arange(length) / RATE
    tones = sum(np.sin(math.tau * pitch * time) for pitch in (130.81, 196.0, 261.63, 329.63))
    swell = 0.6 + 0.4 * np.sin(math.tau * time / 6)
    return np.asarray(tones * swell * 0.012 * np.clip(np.minimum(time, time[-1] - time) / 0.05, 0, 1))
