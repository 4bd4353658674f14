"""Where benchmarks run: a private network namespace with one address of its own, and fixed cores."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Generator, Iterable
from pathlib import Path

HOST = "10.77.0.1"
"""On a veth: libnice, and with it Janus, passes over loopback interfaces."""
_INSIDE = "BENCH_NAMESPACE"

_NICENESS = 15

_CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = _CORES[0], _CORES[-1]


def enter_namespace() -> None:
    """Start this program again in a network namespace of its own, unless it is in there already."""
    if os.environ.get(_INSIDE) == str(os.getpid()):
        return
    # The exec keeps the process id, which tells the second start from a grandchild.
    os.environ[_INSIDE] = str(os.getpid())
    unshare = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]
    command = [*unshare, sys.executable, "-m", "tests.bench", *sys.argv[1:]]
    os.execvp(command[0], command)  # noqa: S606 - no shell is wanted


def furnish_namespace() -> None:
    """Loopback and an address that counts as a real network."""
    for command in (
        "link set lo up",
        "link add bench0 type veth peer name bench1",
        f"addr add {HOST}/24 dev bench0",
        "link set bench0 up",
        "link set bench1 up",
    ):
        path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
        subprocess.run(["ip", *command.split()], check=True, env=os.environ | {"PATH": path})


@contextlib.contextmanager
def pinned(core: int) -> Generator[None]:
    """Threads and processes started in this block stay on `core`."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def processes_below(pid: int) -> list[int]:
    """A process and all that descend from it, now."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            with contextlib.suppress(OSError):
                stat = (path / "stat").read_text(encoding="utf-8", errors="replace")
                parents.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(path.name))
    found = [pid]
    for each in found:
        found += parents.get(each, [])
    return found


def hurry() -> None:
    """Go before what else runs on this machine, with everything started from here: servers and load alike."""
    with contextlib.suppress(OSError):
        os.nice(-_NICENESS)
        Path("/proc/self/autogroup").write_text(f"-{_NICENESS}", encoding="ascii")  # sched(7): it outranks niceness


def dropped_datagrams() -> int:
    """What full receive buffers have cost in this namespace so far, all sockets together."""
    rows: list[str] = []
    for name in ("udp", "udp6"):
        with contextlib.suppress(FileNotFoundError):
            rows += Path(f"/proc/net/{name}").read_text(encoding="ascii").splitlines()[1:]
    return sum(int(row.split()[-1]) for row in rows)


def show(words: str) -> None:
    print(f"  {words}", flush=True)


def describe(values: Iterable[float], digits: int = 1) -> str:
    return " ".join(f"{value:.{digits}f}" for value in values)
