"""Child processes that cannot outlive us, and marks of them on disk for the start after a SIGKILL."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from expo.kit import launch
from expo.kit.logging import get_logger

LAUNCHER = Path(launch.__file__)

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ProcessMark:
    """Names one process for ever: a pid is used again, a pid with its start time of one boot is not."""

    pid: int
    started_ticks: int
    boot_id: str

    @classmethod
    def of(cls, pid: int) -> ProcessMark | None:
        """The mark of a live process; None for one that is gone or a zombie."""
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        except OSError:
            return None
        rest = stat.rpartition(")")[2].split()  # the name before it may hold anything; fields from the third, proc(5)
        if rest[0] in "ZX":
            return None
        boot_id = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return cls(pid=pid, started_ticks=int(rest[19]), boot_id=boot_id)

    @classmethod
    def read(cls, path: Path) -> ProcessMark | None:
        """The mark in a pid file; None when there is none that we wrote whole."""
        try:
            pid, started_ticks, boot_id = path.read_text(encoding="ascii").split()
            return cls(int(pid), int(started_ticks), boot_id)
        except (OSError, ValueError):
            return None

    def __str__(self) -> str:
        return f"{self.pid} {self.started_ticks} {self.boot_id}\n"

    def write(self, path: Path) -> None:
        """Write the pid file, whole or not at all."""
        draft = path.with_name(f"{path.name}.new")
        draft.write_text(str(self), encoding="ascii")
        draft.replace(path)

    def alive(self) -> bool:
        """Whether that very process still runs."""
        return ProcessMark.of(self.pid) == self


class Child:
    """A child process: dies with us, in its own process group so that a terminal's Ctrl-C reaches only us."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, pid_file: Path) -> None:
        self.name = name
        self.process = process
        self._pid_file = pid_file

    @classmethod
    async def start(
        cls,
        name: str,
        program: Sequence[str],
        *,
        pid_dir: Path,
        env: Mapping[str, str],
        cwd: Path | None = None,
        pass_fds: Sequence[int] = (),
    ) -> Child:
        """Start `program` (absolute path first) with our output. Raises OSError."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), *program,
            stdin=asyncio.subprocess.DEVNULL, cwd=cwd, env=env, pass_fds=tuple(pass_fds), process_group=0,
        )  # fmt: skip
        pid_file = pid_dir / f"{name}.pid"
        mark = ProcessMark.of(process.pid)
        if mark is not None:
            mark.write(pid_file)
        return cls(name, process, pid_file)

    @property
    def pid(self) -> int:
        """Its process id; stays the same through the launcher's exec."""
        return self.process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self.process.returncode is None

    async def wait(self) -> int:
        """Its exit code, negative for a signal, once it has ended; the pid file goes with it."""
        code = await self.process.wait()
        self._pid_file.unlink(missing_ok=True)
        return code

    async def stop(self, grace_s: float) -> int:
        """SIGTERM, and SIGKILL after `grace_s`; returns when it is reaped."""
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(grace_s):
                return await self.wait()
        except TimeoutError:
            log.warning("child did not stop in time, killing it", child=self.name, pid=self.pid)
            self._signal(signal.SIGKILL)
            return await self.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                # Not `process.send_signal`: it looks first whether the child has ended, and if so takes the exit code
                # away from asyncio's thread that waits for it; 255 is then reported.
                os.kill(self.pid, number)


async def end_leftovers(pid_dir: Path, *, grace_s: float = 5.0) -> list[str]:
    """End the processes whose pid files an earlier, killed server left; returns their names.

    A pid file whose process is gone, or whose pid belongs to another process now, is only removed.
    """
    ended: list[str] = []
    for path in sorted(pid_dir.glob("*.pid")):
        mark = ProcessMark.read(path)
        if mark is not None and mark.alive():
            await _end(mark, grace_s)
            ended.append(path.stem)
        path.unlink(missing_ok=True)
    return ended


async def _end(mark: ProcessMark, grace_s: float) -> None:
    """Stop a process that is not our child; a pidfd cannot mean another one that took the number over."""
    try:
        handle = os.pidfd_open(mark.pid)
    except ProcessLookupError:
        return
    gone = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(handle, gone.set)
    try:
        if not mark.alive():
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, number)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace_s):
                    await gone.wait()
                    return
    finally:
        loop.remove_reader(handle)
        os.close(handle)
