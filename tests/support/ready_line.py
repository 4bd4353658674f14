"""Runs the FFmpeg line that the studio's panel offers, as a person would paste it, with a generated programme."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal
import sys
from collections.abc import AsyncGenerator

from expo.kit.children import LAUNCHER
from tests.support.ffmpeg import BINARY, STOP_S

_SOURCES = (
    *("-f", "lavfi", "-i", "testsrc=size=320x180:rate=30"),
    *("-f", "lavfi", "-i", "sine=frequency=1000:sample_rate=48000"),
)


@contextlib.asynccontextmanager
async def pasted(line: str, *, key_frame_every: int | None = None) -> AsyncGenerator[None]:
    """The line at work, its file replaced by generated sources; `key_frame_every` frames instead of its own setting."""
    words = shlex.split(line.replace("\\\n", " "))
    assert words[:4] == ["ffmpeg", "-re", "-i", "show.mp4"]
    if key_frame_every is not None:
        words[words.index("-g") + 1] = str(key_frame_every)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), str(BINARY)),
        *("-hide_banner", "-loglevel", "error", "-nostdin", "-re", *_SOURCES, "-t", "60", *words[4:]),
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)  # Ctrl-C: it says DELETE, and the room is free at once
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()
