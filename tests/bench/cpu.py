"""CPU time of processes, from the scheduler's own account, and how loaded a core was by others."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_ns(pid: int) -> int:
    """Nanoseconds on a CPU of all threads that the process has now (`/proc/PID/task/*/schedstat`)."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
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
    """Measures the CPU of `pids` between `start` and `stop`, and the share of `core` that others took meanwhile."""

    def __init__(self, pids: list[int], core: int) -> None:
        self._pids = pids
        self._core = core
        self.start()

    def start(self) -> None:
        self._began_s = time.monotonic()
        self._cpu_ns = sum(cpu_ns(pid) for pid in self._pids)
        self._ticks_ns = sum(cpu_ticks_ns(pid) for pid in self._pids)
        self._busy = _core_busy(self._core)

    def stop(self) -> Usage:
        return Usage(
            sum(cpu_ns(pid) for pid in self._pids) - self._cpu_ns,
            sum(cpu_ticks_ns(pid) for pid in self._pids) - self._ticks_ns,
            time.monotonic() - self._began_s,
        )

    def foreign_share(self, measured_ns: int) -> float:
        """Share (0..1) of the core's time that was busy with anything but the measured processes."""
        busy, total = (now - then for now, then in zip(_core_busy(self._core), self._busy, strict=True))
        return max(0.0, busy / TICKS_PER_S - measured_ns / 1e9) * TICKS_PER_S / max(1, total)


def _core_busy(core: int) -> tuple[int, int]:
    """Ticks since boot that a core was busy, and all its ticks."""
    line = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith(f"cpu{core} "))
    ticks = [int(field) for field in line.split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)
