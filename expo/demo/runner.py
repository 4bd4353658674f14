"""`expo demo`: a server with a sample expo and a showcase on air, from one command until Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import msgspec
import typer

from expo.accounts.tokens import Tokens
from expo.demo.afresh import put_up
from expo.demo.links import Links
from expo.demo.on_air import wait_until_on_air
from expo.demo.orders import AV_CHECK, ORDERS, Orders
from expo.demo.place import FIRST_PORT, FIRST_UDP_PORT, UDP_STEP, Wish, find_place, lan_address, lan_url
from expo.demo.ready import ReadyFile, remove_ready, write_ready
from expo.demo.script import Script
from expo.demo.seed import Seeded
from expo.demo.table import welcome
from expo.errors import ExpoError
from expo.kit.children import Child
from expo.kit.logging import configure, get_logger
from expo.kit.startup import StartFailed
from expo.kit.tasks import Backoff, Nursery
from expo.settings import Settings
from expo.store.db import Database
from expo.supervisor import Ready, Supervisor

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
EXHIBITOR_STOP_S = 5.0
LOG_NAME = "demo.log"

log = get_logger(__name__)


def run(*, port: int | None, workers: int, ready_file: Path | None, data_dir: Path | None) -> int:
    """Run until told to stop; the process's exit code. Raises ExpoError when it cannot start, leaving nothing."""
    return asyncio.run(_until_told(port, workers, ready_file, data_dir))


async def _until_told(port: int | None, workers: int, ready_file: Path | None, data_dir: Path | None) -> int:
    demo = asyncio.create_task(_demo(port, workers, ready_file, data_dir), name="demo")
    loop = asyncio.get_running_loop()
    told = False

    def stop() -> None:
        nonlocal told
        if not told:  # cleaning up is not interrupted by an impatient second Ctrl-C
            told = True
            demo.cancel()

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        await demo
    except asyncio.CancelledError:
        if not told:
            raise
    finally:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)
    return 0


async def _demo(port: int | None, workers: int, ready_file: Path | None, data_dir: Path | None) -> None:
    began = time.monotonic()

    def say(step: int, words: str) -> None:
        typer.echo(f"  {step}/4  {words}  ({time.monotonic() - began:.1f} s)")
        sys.stdout.flush()

    if ready_file is not None:
        remove_ready(ready_file)  # one that a killed demo left says what is no longer true
    async with _server(port, workers, data_dir) as (settings, supervisor, server, seeded):
        say(1, f"sample expo: written to the database, data in {settings.data_dir}")
        say(2, f"server: {server.base_url}, UDP from {settings.udp_port}")
        async with _opened(settings) as database:
            tokens = Tokens(settings.load_secret())
            outside = Links(server.base_url, database, tokens, seeded)
            inside = Links(server.local_url, database, tokens, seeded)
            async with _exhibitor(settings, inside, seeded) as script:
                say(3, f"synthetic exhibitor: {script.company} is getting ready")
                await wait_until_on_air(inside.whep_url(seeded.live), None)
                say(4, "on air: a viewer got a key frame and sound")
                ready = await outside.ready_file(supervisor.workers)
                with _announced(ready_file, ready):
                    typer.echo(welcome(ready, lan_url(settings), lan_address(settings)))
                    sys.stdout.flush()
                    await asyncio.get_running_loop().create_future()


@contextlib.asynccontextmanager
async def _server(
    port: int | None, workers: int, data_dir: Path | None
) -> AsyncGenerator[tuple[Settings, Supervisor, Ready, Seeded]]:
    """A running server at the first place that is free; somebody may be faster than our look at it.

    The sample expo is put up before its first worker: a page of an earlier demo that still looks for its server must
    not find the rooms of that demo.
    """
    wish = Wish.of(os.environ, port=port, workers=workers, data_dir=data_dir)
    first_port, first_udp_port = FIRST_PORT, FIRST_UDP_PORT
    while True:
        settings = find_place(wish, first_port, first_udp_port)
        with _calm_terminal(settings):
            configure(settings.log_format)
            seeded: list[Seeded] = []

            async def put_up_here(settings: Settings = settings, seeded: list[Seeded] = seeded) -> None:
                seeded.append(await put_up(settings))

            supervisor = Supervisor(settings, before_workers=put_up_here)
            try:
                server = await supervisor.start()
            except StartFailed as error:
                if not wish.may_move(error):
                    raise
                if error.code == "media.port_taken":
                    first_udp_port = settings.udp_port + UDP_STEP
                else:
                    first_port = settings.http_port + 1
                continue
            try:
                yield settings, supervisor, server, seeded[0]
            finally:
                await supervisor.stop()
            return


@contextlib.contextmanager
def _calm_terminal(settings: Settings) -> Generator[None]:
    """Send the log of the server and its children to a file, so that the links stay readable; only for a terminal."""
    path = settings.data_dir / LOG_NAME
    if not sys.stderr.isatty():
        yield
        return
    sys.stderr.flush()
    terminal = os.dup(2)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        os.dup2(handle, 2)
        os.close(handle)
    except OSError as error:
        os.close(terminal)
        raise StartFailed("run.unwritable", f"cannot write {path}: {error.strerror}") from error
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(terminal, 2)
        os.close(terminal)


@contextlib.asynccontextmanager
async def _opened(settings: Settings) -> AsyncGenerator[Database]:
    database = await Database.open(settings.effective_database_url)
    try:
        yield database
    finally:
        await database.close()


@contextlib.asynccontextmanager
async def _exhibitor(settings: Settings, links: Links, seeded: Seeded) -> AsyncGenerator[Script]:
    """The synthetic exhibitor's process, started again whenever it ends, each time with a new token."""
    script = await links.live_script()
    nursery = Nursery("demo")
    running: list[Child] = []

    async def start() -> Child:
        orders = Orders(
            whip_url=links.whip_url(seeded.live),
            whip_token=await links.publish_token(seeded.live),
            script=script,
            log_format=settings.log_format,
            av_check=bool(os.environ.get(AV_CHECK)),
        )
        child = await Child.start(
            "synthetic",
            [sys.executable, "-m", "expo.demo.synthetic"],
            pid_dir=settings.run_dir,
            env=os.environ | {ORDERS: msgspec.json.encode(orders).decode()},
        )
        running[:] = [child]
        return child

    async def keep() -> None:
        backoff = Backoff()
        clock = asyncio.get_running_loop().time
        while True:
            started = clock()
            child = await start()
            code = await child.wait()
            log.warning("synthetic exhibitor ended, starting it again", code=code)
            await asyncio.sleep(backoff.pause_s(clock() - started))

    nursery.keep("synthetic", keep)
    try:
        yield script
    finally:
        await nursery.close()
        for child in running:
            await child.stop(EXHIBITOR_STOP_S)


@contextlib.contextmanager
def _announced(path: Path | None, ready: ReadyFile) -> Generator[None]:
    if path is None:
        yield
        return
    write_ready(path, ready)
    try:
        yield
    finally:
        with contextlib.suppress(ExpoError):
            remove_ready(path)
