"""Real databases for tests: SQLite files, and a PostgreSQL of our own in a temporary folder, on a unix socket only.

Both start from a database that was migrated once, so that a test costs a copy. Fixtures: `database_url` runs a test on
both (PostgreSQL under the marker `cluster`), `sqlite_database_url` on SQLite alone; `database` opens `database_url`.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from expo.store.db import Database, sqlite_url
from expo.store.migrate import upgrade

USER = "expo"
START_S = 30.0
STOP_S = 20.0
TEMPLATE = "migrated"

_names = itertools.count(1)


class PostgresServer:
    """A PostgreSQL cluster in `folder`, which must be short: a unix socket's path has 107 bytes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._data = folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._psql: subprocess.Popen[str] | None = None

    def create(self) -> None:
        """Make the cluster's files, as user postgres when we are root: PostgreSQL refuses to run as root."""
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        flags = ("--no-sync", "--encoding=UTF8", "--locale=C.UTF-8", "--auth=trust", f"--username={USER}")
        self._run("initdb", f"--pgdata={self._data}", *flags)

    def start(self) -> None:
        """Start it and wait until it says that it is ready (sd_notify); harmless when it runs."""
        if self._process is not None:
            return
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "fsync": "off",
            "max_connections": "40",
            "shared_buffers": "16MB",
            "max_wal_size": "64MB",  # temporary folders may be memory
            "autovacuum": "off",  # no database gets old here
        }
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        ready = self.folder / "ready"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard, (self.folder / "log").open("ab") as log:
            ready.unlink(missing_ok=True)
            heard.bind(str(ready))
            ready.chmod(0o777)
            heard.settimeout(START_S)
            self._process = subprocess.Popen(
                _as_postgres("postgres", "-D", str(self._data), *flags),
                stdout=log,
                stderr=log,
                cwd="/",
                env={**os.environ, "NOTIFY_SOCKET": str(ready)},
            )
            while b"READY=1" not in heard.recv(4096):
                pass

    def stop(self) -> None:
        """Stop it as a crash would, connections or not; harmless when it is stopped."""
        if self._process is None:
            return
        if self._psql is not None:
            self._psql.communicate()
            self._psql = None
        self._process.send_signal(signal.SIGQUIT)  # "immediate": the next start recovers
        self._process.wait(STOP_S)
        self._process = None

    def new_database(self, template: str = "template0", name: str | None = None) -> str:
        """The address of a new database, a copy of `template`."""
        name = name or f"test{next(_names)}"
        self._order(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Remove the database at this address of `new_database`, whoever is connected."""
        self._order(f"DROP DATABASE {make_url(url).database} WITH (FORCE)")

    def url(self, name: str) -> str:
        """The address of the database of that name."""
        return f"postgresql+asyncpg://{USER}@/{name}?host={self.folder}"

    def _order(self, statement: str) -> None:
        """Run it in one psql for all: a program and a connection for each would cost more than the statement."""
        if self._psql is None:
            flags = ("--no-psqlrc", "--quiet", f"--host={self.folder}", f"--username={USER}", "postgres")
            self._psql = subprocess.Popen(
                _as_postgres("psql", *flags), cwd="/", text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
        assert self._psql.stdin is not None
        assert self._psql.stdout is not None
        self._psql.stdin.write(f"{statement};\n\\echo done\n")
        self._psql.stdin.flush()
        said = self._psql.stdout.readline()
        if said != "done\n":
            raise RuntimeError(f"{statement}: {said}")

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(_as_postgres(program, *arguments), check=False, capture_output=True, cwd="/")
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr.decode(errors='replace')}")


def _as_postgres(program: str, *arguments: str) -> list[str]:
    """The command of one of PostgreSQL's programs: not as root, and ending with this process, whatever ends that."""
    ids = ["--reuid=postgres", "--regid=postgres", "--init-groups"] if os.geteuid() == 0 else []
    return ["setpriv", *ids, "--pdeathsig=QUIT", str(_binaries() / program), *arguments]


def _binaries() -> Path:
    """Where Debian's `postgresql` puts its newest programs; they are not on the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    if not found:
        raise RuntimeError("PostgreSQL is missing: apt-get install postgresql")
    return found[-1].parent


def migrated(url: str) -> str:
    """The address, its database now at the newest revision. In a thread: a fixture may run inside an event loop."""
    worker = threading.Thread(target=lambda: asyncio.run(upgrade(url)), name="migrate")
    worker.start()
    worker.join()
    return url


@pytest.fixture(scope="session")
def postgres() -> Generator[PostgresServer]:
    """One PostgreSQL for all tests of this process, with a migrated database to copy."""
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        server = PostgresServer(Path(folder))
        server.create()
        server.start()
        try:
            migrated(server.new_database(name=TEMPLATE))
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    migrated(sqlite_url(path))
    return path


@pytest.fixture
def sqlite_database_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """A migrated, empty SQLite database."""
    return sqlite_url(Path(shutil.copy(migrated_sqlite, tmp_path / "expo.db")))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.cluster)])
def backend(request: pytest.FixtureRequest) -> str:
    """Which database the test runs on."""
    return request.param


@pytest.fixture
def database_url(backend: str, request: pytest.FixtureRequest) -> Generator[str]:
    """A migrated, empty database, on SQLite and on PostgreSQL."""
    if backend == "sqlite":
        yield request.getfixturevalue("sqlite_database_url")
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.new_database(template=TEMPLATE)
    yield url
    server.drop_database(url)


@pytest.fixture
def empty_database_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Generator[str]:
    """A database without any table, on SQLite (where it is no file yet) and on PostgreSQL."""
    if backend == "sqlite":
        yield sqlite_url(tmp_path / "data" / "expo.db")
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.new_database()
    yield url
    server.drop_database(url)


@pytest.fixture
async def database(database_url: str) -> AsyncGenerator[Database]:
    """`database_url`, opened."""
    opened = await Database.open(database_url)
    try:
        yield opened
    finally:
        await opened.close()
