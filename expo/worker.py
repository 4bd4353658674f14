"""One worker process: builds the application and serves it until told to stop.

The supervisor starts it as `python -m expo worker` with the listening socket and the ready pipe as inherited
descriptors, its settings in the environment.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket

import msgspec
import uvloop
from aiohttp import web

from expo import app as application
from expo.cluster.workers import WorkerIdentity
from expo.edge.server import EdgeRunner
from expo.errors import ExpoError
from expo.kit.logging import configure, get_logger
from expo.kit.sockets import BACKLOG
from expo.kit.startup import DRAIN_S, WorkerReport
from expo.ops.drain import DRAIN, Drain
from expo.settings import Settings

GC_THRESHOLDS = (5_000, 20, 100)
"""The young after so many objects: 1 ms. All after ten million: minutes of a full hall, and nearly all of it is freed
without a walk."""

log = get_logger(__name__)


def run(settings: Settings, index: int, listen_fd: int, ready_fd: int) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code. Both descriptors are ours to close."""
    configure(settings.log_format, worker=index)
    listener = socket.socket(fileno=listen_fd)
    try:
        return uvloop.run(_serve(settings, WorkerIdentity.of(settings, index), listener, ready_fd))
    finally:
        listener.close()


async def _serve(settings: Settings, identity: WorkerIdentity, listener: socket.socket, ready_fd: int) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        async with contextlib.AsyncExitStack() as opened:
            app = application.build(settings, identity)
            app[DRAIN] = drain = Drain()
            runner = EdgeRunner(app, shutdown_timeout=DRAIN_S)
            opened.push_async_callback(runner.cleanup)
            await runner.setup()
            identity.private_socket.unlink(missing_ok=True)  # of a predecessor that was killed
            opened.callback(identity.private_socket.unlink, missing_ok=True)
            await web.UnixSite(runner, identity.private_socket, backlog=BACKLOG).start()
            await web.SockSite(runner, listener, backlog=BACKLOG).start()
            _spare_the_media()
            _report(ready_fd, WorkerReport(ready=True))
            log.info("worker ready", pid=os.getpid(), udp_port=identity.udp_port)
            await stop.wait()
            log.info("worker draining")
            drain.begin()
    except ExpoError as error:
        log.error("worker cannot start", error=error.code, detail=error.detail)
        _report(ready_fd, WorkerReport(ready=False, code=error.code, detail=error.detail))
        return 1
    return 0


def _spare_the_media() -> None:
    """Collect seldom what is not garbage: each walk through everything stops the media for 20 to 90 ms."""
    gc.collect()
    gc.freeze()  # what is loaded lives as long as the worker
    gc.set_threshold(*GC_THRESHOLDS)


def _report(ready_fd: int, report: WorkerReport) -> None:
    """Write and close: the reader takes the end of the pipe without a report for a crash."""
    with os.fdopen(ready_fd, "wb") as pipe:
        pipe.write(msgspec.json.encode(report))
