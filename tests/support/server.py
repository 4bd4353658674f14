"""A real server as a child process: `expo serve` on free ports with a data folder of the test's own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import re
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from pathlib import Path

from expo.kit.children import LAUNCHER
from expo.settings import Settings, default_udp_bind

START_S = 100.0
"""A machine busy with two test workers and a browser needs many seconds for what takes one alone."""
STOP_S = 60.0
SERVING = re.compile(r"^Serving on (\S+)")


class NotServingError(AssertionError):
    """The server ended before it served; the message holds its words and exit code."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(f"exit code {code}:\n{words}")
        self.code = code
        self.words = words


class Log:
    """What a server and its children say on stderr, line by line as it comes."""

    def __init__(self, stream: asyncio.StreamReader) -> None:
        self.lines: list[str] = []
        self._news = asyncio.Event()
        self._reading = asyncio.create_task(self._read(stream), name="server.log")

    async def event(self, name: str, **fields: object) -> None:
        """Return when a JSON line with this event and these fields has been written."""
        wanted = {"event": name, **fields}.items()
        seen = 0
        async with asyncio.timeout(START_S):
            while True:
                for line in self.lines[seen:]:
                    if line.startswith("{") and wanted <= json.loads(line).items():
                        return
                seen = len(self.lines)
                self._news.clear()
                await self._news.wait()

    async def end(self) -> str:
        """All of it, once every process that could write is gone."""
        async with asyncio.timeout(STOP_S):
            await self._reading
        return "\n".join(self.lines)

    async def _read(self, stream: asyncio.StreamReader) -> None:
        while line := await stream.readline():
            self.lines.append(line.decode(errors="replace").rstrip())
            self._news.set()


@dataclass(slots=True)
class RunningServer:
    """A serving server and how to reach it."""

    base_url: str
    udp_port: int
    data_dir: Path
    log: Log
    process: asyncio.subprocess.Process

    @property
    def pid(self) -> int:
        """The supervisor's process id."""
        return self.process.pid

    @property
    def socket_dir(self) -> Path:
        """Where its unix sockets live; elsewhere than its run files when their path is too long."""
        return Settings.from_env({"EXPO_DATA_DIR": str(self.data_dir)}).socket_dir

    def children(self) -> dict[str, int]:
        """Process ids of the supervisor's children by name, from its pid files."""
        return {path.stem: int(path.read_text().split()[0]) for path in (self.data_dir / "run").glob("*.pid")}

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Signal the supervisor; its exit code once it and all its children are gone. Harmless when it has ended."""
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(number)
        async with asyncio.timeout(STOP_S):
            code = await self.process.wait()
        await self.log.end()
        return code


def free_udp_ports(count: int = 1) -> int:
    """The first of `count` neighbouring free UDP ports, below the ephemeral range and apart per pytest-xdist worker."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw") or 0)
    lowest = 10_000 + worker % 10 * 2_000
    for _ in range(200):
        first = random.randrange(lowest, lowest + 2_000 - count)
        if all(_is_free_udp(first + offset) for offset in range(count)):
            return first
    raise AssertionError("no free UDP ports")


async def launch(
    data_dir: Path, *, workers: int = 1, udp_port: int | None = None, env: Mapping[str, str] | None = None
) -> RunningServer:
    """Start `expo serve` and return when it serves; the caller stops it. Raises NotServingError."""
    first_udp = udp_port or free_udp_ports(workers)
    settings = {
        "EXPO_DATA_DIR": str(data_dir),
        "EXPO_RECORDINGS_DIR": str(data_dir / "recordings"),
        "EXPO_HTTP_BIND": "127.0.0.1:0",
        "EXPO_UDP_PORT": str(first_udp),
        "EXPO_WORKERS": str(workers),
        "EXPO_ANNOUNCE": "127.0.0.1",
        "EXPO_LOG_FORMAT": "json",
    }
    # The launcher ties its life to ours: a killed test run leaves no server behind.
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), sys.executable, "-m", "expo", "serve",
        env={**os.environ, **settings, **(env or {})}, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    log = Log(process.stderr)
    try:
        base_url = await _served_url(process.stdout)
    except BaseException as error:
        process.kill()
        await process.wait()
        error.add_note(await log.end())
        raise
    if base_url is None:
        raise NotServingError(await process.wait(), await log.end())
    return RunningServer(base_url=base_url, udp_port=first_udp, data_dir=data_dir, log=log, process=process)


@contextlib.asynccontextmanager
async def running_server(
    data_dir: Path, *, workers: int = 1, udp_port: int | None = None, env: Mapping[str, str] | None = None
) -> AsyncGenerator[RunningServer]:
    """`launch` for a block; stopped by SIGTERM at its end."""
    server = await launch(data_dir, workers=workers, udp_port=udp_port, env=env)
    try:
        yield server
    finally:
        await server.stop()


async def _served_url(output: asyncio.StreamReader) -> str | None:
    """The address from the line that says so; None when the output ends without one."""
    async with asyncio.timeout(START_S):
        while line := await output.readline():
            if match := SERVING.match(line.decode()):
                return match[1]
    return None


def _is_free_udp(port: int) -> bool:
    bind = default_udp_bind()
    with socket.socket(socket.AF_INET6 if ":" in bind else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((bind, port))
        except OSError:
            return False
    return True
