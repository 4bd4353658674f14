"""The run folder: one server per data folder, held by a lock that the kernel lets go when the server dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from pathlib import Path

from expo.kit.children import ProcessMark, end_leftovers
from expo.kit.logging import get_logger
from expo.kit.startup import StartFailed

log = get_logger(__name__)


class RunFolder:
    """`run_dir` holds lock and pid files, `socket_dir` the unix sockets; both are this user's alone (mode 0700)."""

    def __init__(self, run_dir: Path, socket_dir: Path) -> None:
        self._run_dir = run_dir
        self._socket_dir = socket_dir
        self._lock_fd: int | None = None

    async def take(self) -> None:
        """Lock the folder and clear what a killed server left: its processes, pid files and sockets.

        Raises `StartFailed("run.in_use" | "run.unwritable")`.
        """
        try:
            self._run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._socket_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (self._run_dir, self._socket_dir):
                kind = folder.lstat()  # the short socket folder has a name that others can foresee
                if kind.st_uid != os.getuid() or not stat.S_ISDIR(kind.st_mode):
                    raise StartFailed("run.unwritable", f"{folder} is not a folder of this user's own")
                folder.chmod(0o700)
            self._lock_fd = _lock(self._run_dir / "lock")
            ended = await end_leftovers(self._run_dir)
            for path in self._socket_dir.glob("*.sock"):
                path.unlink(missing_ok=True)
        except OSError as error:
            self.release()
            raise StartFailed("run.unwritable", f"cannot write {self._run_dir}: {error.strerror}") from error
        if ended:
            log.warning("ended processes that a killed server left", children=ended)

    def release(self) -> None:
        """Let go of the folder; what is in it was removed by its owners. Idempotent."""
        if self._lock_fd is None:
            return
        if self._socket_dir != self._run_dir.resolve():
            with contextlib.suppress(OSError):  # a socket that is still in it is for the next start to find
                self._socket_dir.rmdir()
        os.ftruncate(self._lock_fd, 0)
        os.close(self._lock_fd)
        self._lock_fd = None


def holder(run_dir: Path) -> int | None:
    """The pid of the server that holds the folder now; None when nobody does."""
    mark = ProcessMark.read(run_dir / "lock")
    return mark.pid if mark is not None and mark.alive() else None


def _lock(path: Path) -> int:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        mark = ProcessMark.of(os.getpid())
        if mark is not None:
            os.ftruncate(handle, 0)
            os.pwrite(handle, str(mark).encode("ascii"), 0)
    except BlockingIOError:
        os.close(handle)
        mark = ProcessMark.read(path)
        who = f"process {mark.pid}" if mark is not None else "another process"
        raise StartFailed("run.in_use", f"{who} serves the data folder {path.parent.parent} already") from None
    except OSError:
        os.close(handle)
        raise
    return handle
