"""Run as a script between fork and exec: make the program die with its parent, with clean signals, then become it.

    python -I -S launch.py PARENT_PID PROGRAM ARGUMENT...

A script of its own, because Python code between fork and exec of a process with threads may deadlock.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Replace this process by the program; exit 125 when the parent is gone already."""
    parent, program = int(arguments[0]), arguments[1:]
    # SIGKILL: a child may be too busy to heed a friendlier signal. Nothing acknowledged is lost: SQLite and Valkey's
    # append-only file survive it.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(125)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.execv(program[0], program)  # noqa: S606 - becoming the given program is the point


if __name__ == "__main__":
    main(sys.argv[1:])
