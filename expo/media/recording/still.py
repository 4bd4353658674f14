"""One picture of a recording as a JPEG, made in a process of its own: what a presenter's encoder sent meets a decoder
nowhere else in a server, and one that crashes or hangs there takes nothing with it.

`python -m expo.media.recording.still` reads pieces of media from its standard input and writes a JPEG for each, an
empty one where there is none; each is preceded by its length (4 bytes, big endian).
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import resource
import struct
import sys
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import BinaryIO, Protocol, cast

import av
from av.error import FFmpegError

from expo.errors import Unavailable

WIDTH = 640
MOST_BYTES = 256 << 10
"""A picture that is larger is none; usual are 40 kB."""
MOST_PIECE_BYTES = 16 << 20
_TIMEOUT_S = 20.0
_CPU_S, _MEMORY_BYTES = 15, 2 << 30
_LENGTH = struct.Struct(">I")


class _Source(Protocol):
    """What is used of PyAV, whose stubs leave types open."""

    def decode(self, *, video: int) -> Iterator[av.VideoFrame]: ...


class _Encoder(Protocol):
    def encode(self, frame: av.VideoFrame) -> Sequence[_Packet]: ...


class _Packet(Protocol):
    def __bytes__(self) -> bytes: ...


async def stills(pieces: Sequence[bytes]) -> list[bytes]:
    """A JPEG of the first picture in each of these (init and first part of a segment); empty for what has none.

    Fewer than pieces where one was too much for the decoder: the last answer, an empty one, is that one's. Unavailable
    `recording.busy`.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", __name__, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
    except OSError as error:
        raise Unavailable("recording.busy", f"no process: {error.strerror}", retry_after_s=10) from error
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            out, _ = await process.communicate(b"".join(_LENGTH.pack(len(piece)) + piece for piece in pieces))
    except TimeoutError:
        raise Unavailable("recording.busy", "pictures took too long", retry_after_s=10) from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    found = _read(io.BytesIO(out), MOST_BYTES)
    return found if len(found) == len(pieces) else [*found[: len(pieces) - 1], b""]


def still(piece: bytes) -> bytes:
    """The same of one, here and now. Raises what libav raises."""
    with av.open(io.BytesIO(piece), "r", format="mp4") as container:
        source = cast("_Source", container)
        frame = next(source.decode(video=0))
    width = min(WIDTH, frame.width) // 2 * 2
    height = max(2, round(frame.height * width / frame.width) // 2 * 2)
    context = av.CodecContext.create("mjpeg", "w")
    context.width, context.height, context.pix_fmt = width, height, "yuvj420p"
    context.time_base = Fraction(1, 25)
    small = frame.reformat(width, height, "yuvj420p")
    small.pts = 0
    return b"".join(bytes(packet) for packet in cast("_Encoder", context).encode(small))


def _read(source: BinaryIO, most: int) -> list[bytes]:
    found: list[bytes] = []
    while len(head := source.read(_LENGTH.size)) == _LENGTH.size:
        (length,) = _LENGTH.unpack(head)
        if length > most or len(piece := source.read(length)) != length:
            break
        found.append(piece)
    return found


def _main() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_S, _CPU_S))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    os.nice(10)
    for piece in _read(sys.stdin.buffer, MOST_PIECE_BYTES):
        made = b""
        with contextlib.suppress(FFmpegError, StopIteration, IndexError, ValueError):
            made = still(piece)
        sys.stdout.buffer.write(_LENGTH.pack(len(made)) + made)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    _main()
