"""CPU time of processes, from the scheduler's own account, and how loaded a core was by others."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_ns(pid: int) -> int:
    """Nanoseconds on a CPU of all threads that the process has now (`/proc/PID/task/*/schedstat`); 0 for none."""
    total, threads = 0, Path(f"/proc/{pid}/task")
    for task in threads.iterdir() if threads.exists() else ():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except FileNotFoundError:
            continue  # the thread has ended
    return total


def cpu_ticks_ns(pid: int) -> int:
    """The same from utime + stime (10 ms steps), as a cross-check."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1_000_000_000 // TICKS_PER_S


def resident_kib(pid: int) -> int:
    """Resident memory of the process."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1])


@dataclass(frozen=True, slots=True)
class Usage:
    """What processes used between two looks: CPU (ns), by both accounts, and the wall time (s)."""

    cpu_ns: int
    ticks_ns: int
    seconds: float


class Meter:
    """Measures the CPU of processes from `start` to `stop`, and what others took of a core (None: of all) meanwhile.

    `pids` is looked at again at the end: a process that came in between counts whole, one that ended not at all.
    """

    def __init__(self, pids: Callable[[], Sequence[int]], core: int | None) -> None:
        self._pids = pids
        self._core = core
        self.start()

    def start(self) -> None:
        self._began_s = time.monotonic()
        self._before: dict[int, tuple[int, int]] = {}
        for pid in self._pids():
            with contextlib.suppress(OSError):  # it has ended just now
                self._before[pid] = cpu_ns(pid), cpu_ticks_ns(pid)
        self._busy = _core_busy(self._core)

    def stop(self) -> Usage:
        total = ticks = 0
        for pid in self._pids():
            before = self._before.get(pid, (0, 0))
            try:
                now = cpu_ns(pid), cpu_ticks_ns(pid)
            except OSError:
                continue  # it has ended just now
            total += now[0] - before[0]
            ticks += now[1] - before[1]
        return Usage(total, ticks, time.monotonic() - self._began_s)

    def foreign_share(self, measured_ns: int) -> float:
        """Share (0..1) of the time that was busy with anything but the measured processes."""
        busy, total = (now - then for now, then in zip(_core_busy(self._core), self._busy, strict=True))
        return max(0.0, busy / TICKS_PER_S - measured_ns / 1e9) * TICKS_PER_S / max(1, total)


def _core_busy(core: int | None) -> tuple[int, int]:
    """Ticks since boot that a core (None: all of them) was busy, and all its ticks."""
    name = "cpu" if core is None else f"cpu{core}"
    lines = Path("/proc/stat").read_text(encoding="ascii").splitlines()
    ticks = [int(field) for field in next(line for line in lines if line.split()[0] == name).split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)
