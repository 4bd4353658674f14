"""A program of the benchmarks in a process of its own, spoken to in lines: what it does delays nobody who measures."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator

ANSWER_S = 120.0


class Beside:
    """The running program. `line` raises RuntimeError when it has ended."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def tell(self, words: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(words + b"\n")
        await self._process.stdin.drain()

    async def line(self) -> bytes:
        assert self._process.stdout is not None
        async with asyncio.timeout(ANSWER_S):
            line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("a process of the benchmark has ended")
        return line


@contextlib.asynccontextmanager
async def beside(module: str, *arguments: str) -> AsyncGenerator[Beside]:
    """`python -m tests.bench.MODULE` from its first line on, in which it says that it is ready."""
    pipe = asyncio.subprocess.PIPE
    program = (sys.executable, "-m", f"tests.bench.{module}", *arguments)
    process = await asyncio.create_subprocess_exec(*program, stdin=pipe, stdout=pipe)
    try:
        running = Beside(process)
        await running.line()
        yield running
    finally:
        process.kill()
        await process.wait()
