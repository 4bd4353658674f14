"""The parent of a server: prepares the data folder, Valkey, database and sockets, then keeps the workers alive.

It carries no traffic itself. Its children die with it, whatever way it goes; what a SIGKILL leaves on disk is cleared
by the next start.
"""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import msgspec

from expo.cluster.embedded import STOP_S as VALKEY_STOP_S
from expo.cluster.embedded import EmbeddedValkey
from expo.cluster.redis import OLDEST_MAJOR, Valkey
from expo.errors import ExpoError
from expo.kit.children import Child
from expo.kit.logging import get_logger
from expo.kit.runfolder import RunFolder
from expo.kit.sockets import listen, probe_udp
from expo.kit.startup import DRAIN_S, StartFailed, WorkerReport
from expo.kit.tasks import Backoff, Nursery
from expo.settings import PREFIX, Settings
from expo.store import migrate, wal

WORKER_START_S = 60.0
"""Longest wait for a worker's report; a busy two-core machine needs two or three seconds."""
WORKER_STOP_S = DRAIN_S + 5.0
"""A worker that has not gone by then is killed."""
MAX_OPEN_FILES = 65_536

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """A running worker process."""

    index: int
    pid: int
    udp_port: int


@dataclass(frozen=True, slots=True)
class Ready:
    """What a started server is. `local_url` reaches it from this machine; `base_url` is the one to hand out."""

    base_url: str
    local_url: str
    workers: tuple[WorkerInfo, ...]


class Supervisor:
    """One server. `start()`, then `wait()`; `stop()` at any time, also twice. Signals are the caller's business."""

    def __init__(
        self,
        settings: Settings,
        *,
        env: Mapping[str, str] | None = None,
        before_workers: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        """`env` is what the workers inherit besides the settings; default: ours.

        `before_workers` runs once, when database and Valkey are there and no worker of this data folder lives.
        """
        inherited = os.environ if env is None else env
        self._settings = settings
        self._env = {key: value for key, value in inherited.items() if not key.startswith(PREFIX)} | settings.to_env()
        self._folder = RunFolder(settings.run_dir, settings.socket_dir)
        self._listener: socket.socket | None = None
        self._children: dict[str, Child] = {}
        self._nursery = Nursery("supervisor")
        self._migrated = False
        self._before_workers = before_workers
        self._stopping = False
        self._stopped = asyncio.Event()
        self.restarts = 0

    @property
    def workers(self) -> tuple[WorkerInfo, ...]:
        """The workers that run now."""
        settings = self._settings
        return tuple(
            WorkerInfo(index=index, pid=child.pid, udp_port=settings.udp_port + index)
            for index in range(settings.workers)
            if (child := self._children.get(f"worker-{index}")) is not None and child.running
        )

    async def start(self) -> Ready:
        """Bring everything up and return when every worker serves. Raises StartFailed, with nothing left behind."""
        try:
            return await self._start()
        except ExpoError as error:
            await self.stop()
            raise StartFailed.of(error) from error
        except BaseException:
            await self.stop()
            raise

    async def wait(self) -> None:
        """Return when the server has stopped."""
        await self._stopped.wait()

    async def stop(self) -> None:
        """Drain the workers, end Valkey, close the database file, then let go of the data folder. Idempotent."""
        if self._stopping:
            await self._stopped.wait()
            return
        self._stopping = True
        await self._nursery.close()
        valkey = self._children.pop("valkey", None)
        await asyncio.gather(*(child.stop(WORKER_STOP_S) for child in self._children.values()))
        if valkey is not None:
            await valkey.stop(VALKEY_STOP_S)
        if self._migrated:
            await wal.fold(self._settings.effective_database_url)
        if self._listener is not None:
            self._listener.close()
        self._folder.release()
        self._stopped.set()

    async def _start(self) -> Ready:
        settings = self._settings
        _raise_file_limit()
        await self._folder.take()
        settings.load_secret()
        _make_recordings_folder(settings)
        self._listener = listener = listen(settings)
        for index in range(settings.workers):
            probe_udp(settings, settings.udp_port + index)
        await self._start_valkey()
        await migrate.upgrade(settings.effective_database_url)
        self._migrated = True
        if self._before_workers is not None:
            await self._before_workers()
        await self._start_workers(listener)
        local_url = _local_url(settings.http_host, listener.getsockname()[1])
        return Ready(base_url=settings.public_url or local_url, local_url=local_url, workers=self.workers)

    async def _start_valkey(self) -> None:
        settings = self._settings
        if settings.redis_url is None:
            await self._run("valkey", EmbeddedValkey(settings).start)
            return
        valkey = Valkey(settings.redis_url)
        try:
            version = await valkey.version()
        finally:
            await valkey.close()
        if version < (OLDEST_MAJOR,):
            text = ".".join(str(part) for part in version)
            raise StartFailed("cluster.too_old", f"the server at EXPO_REDIS_URL speaks for Redis {text}")

    async def _start_workers(self, listener: socket.socket) -> None:
        try:
            async with asyncio.TaskGroup() as group:  # the first to fail takes the others back
                for index in range(self._settings.workers):
                    name = f"worker-{index}"
                    group.create_task(self._run(name, self._worker_starter(index, listener)), name=f"start.{name}")
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None

    async def _run(self, name: str, starter: Callable[[], Awaitable[Child]]) -> None:
        """Start a child and keep it alive until we stop."""
        child = self._children[name] = await starter()
        self._nursery.start(name, self._keep(name, child, starter))

    async def _keep(self, name: str, child: Child, starter: Callable[[], Awaitable[Child]]) -> None:
        backoff = Backoff()
        clock = asyncio.get_running_loop().time
        while True:
            began = clock()
            code = await child.wait()
            pause_s = backoff.pause_s(clock() - began)
            log.warning("child ended, starting it again", child=name, code=code, pause_s=pause_s)
            while True:
                await asyncio.sleep(pause_s)
                self.restarts += 1
                try:
                    child = self._children[name] = await starter()
                except (ExpoError, OSError) as error:
                    pause_s = backoff.pause_s(0.0)
                    log.error("child does not start", child=name, error=str(error), pause_s=pause_s)
                else:
                    log.info("child is back", child=name, pid=child.pid)
                    break

    def _worker_starter(self, index: int, listener: socket.socket) -> Callable[[], Awaitable[Child]]:
        async def start() -> Child:
            return await self._start_worker(index, listener)

        return start

    async def _start_worker(self, index: int, listener: socket.socket) -> Child:
        listen_fd = listener.fileno()
        read_fd, ready_fd = os.pipe()
        # A pipe has its end when nobody can write any more: a worker that dies without a report is noticed at once.
        program = [sys.executable, "-m", "expo", "worker", "--index", str(index)]
        program += ["--listen-fd", str(listen_fd), "--ready-fd", str(ready_fd)]
        try:
            child = await Child.start(
                f"worker-{index}",
                program,
                pid_dir=self._settings.run_dir,
                env=self._env,
                pass_fds=(listen_fd, ready_fd),
            )
        except BaseException:
            os.close(read_fd)
            raise
        finally:
            os.close(ready_fd)
        try:
            report = await _read_report(read_fd)
            if report is None:
                code = await child.stop(WORKER_STOP_S)
                raise StartFailed(
                    "worker.crashed", f"worker {index} ended with {code} before it was ready; its log says why"
                )
            if not report.ready:
                raise StartFailed(report.code, report.detail)
        except BaseException:
            await child.stop(WORKER_STOP_S)
            raise
        return child


async def _read_report(read_fd: int) -> WorkerReport | None:
    """The worker's report; None when the pipe ends without one or stays silent too long. Closes `read_fd`."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read_fd, "rb"))
    try:
        async with asyncio.timeout(WORKER_START_S):
            return msgspec.json.decode(await reader.read(), type=WorkerReport)
    except (TimeoutError, msgspec.DecodeError):
        return None
    finally:
        transport.close()


def _local_url(host: str, port: int) -> str:
    reachable = {"0.0.0.0": "127.0.0.1", "::": "127.0.0.1"}.get(host, host)  # noqa: S104 - told apart, not bound
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


def _make_recordings_folder(settings: Settings) -> None:
    try:
        settings.recordings_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartFailed("run.unwritable", f"cannot make {settings.recordings_dir}: {error.strerror}") from error


def _raise_file_limit() -> None:
    """A worker needs a descriptor per connection; the usual soft limit of 1024 is soon reached."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
