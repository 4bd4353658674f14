"""Two network namespaces joined by a cable that a test can cut; needs root. Nobody outside notices any of it."""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import subprocess
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

CLONE_NEWNET = 0x40000000  # sched.h
NEAR_IP = "10.203.0.1"
FAR_IP = "10.203.0.2"

_libc = ctypes.CDLL(None, use_errno=True)
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Cable:
    """The far end's namespace; the near end is where this thread is."""

    far: str

    def program(self, path: str, folder: Path) -> Path:
        """A script that starts `path` at the far end."""
        script = folder / f"{Path(path).name}-{self.far}"
        script.write_text(f'#!/bin/sh\nexec ip netns exec {self.far} {path} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
        return script

    def cut(self) -> None:
        """From now on nothing gets through in either direction, and neither side is told."""
        self._nft(
            "add table inet cut;"
            " add chain inet cut arriving { type filter hook input priority 0; policy drop; };"
            " add chain inet cut leaving { type filter hook output priority 0; policy drop; }"
        )

    def mend(self) -> None:
        self._nft("delete table inet cut")

    def _nft(self, rules: str) -> None:
        run("ip", "netns", "exec", self.far, "nft", rules)


@contextlib.contextmanager
def cable() -> Generator[Cable]:
    """Move this thread, and what it starts, into a namespace with a cable to another one; back and gone at the end."""
    _remove_abandoned()
    number = f"{os.getpid()}-{next(_numbers)}"
    near, far = f"near-{number}", f"far-{number}"
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        for name in (near, far):
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "link", "add", "cable", "netns", near, "type", "veth", "peer", "name", "cable", "netns", far)
        for name, address in ((near, NEAR_IP), (far, FAR_IP)):
            run("ip", "-n", name, "address", "add", f"{address}/24", "dev", "cable")
            run("ip", "-n", name, "link", "set", "cable", "up")
        with Path("/run/netns", near).open("rb") as entrance:
            _enter(entrance.fileno())
        yield Cable(far)
    finally:
        _enter(home)
        os.close(home)
        for name in (near, far):
            _remove(name)


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _remove_abandoned() -> None:
    """Namespaces of test runs that were killed; their number starts with the process that made them."""
    for entrance in Path("/run/netns").glob("*-*-*"):
        side, maker, _ = entrance.name.split("-", 2)
        if side in {"near", "far"} and maker.isdigit() and not Path("/proc", maker).exists():
            _remove(entrance.name)


def _remove(name: str) -> None:
    subprocess.run(("ip", "netns", "delete", name), check=False, capture_output=True)


def _enter(descriptor: int) -> None:
    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
