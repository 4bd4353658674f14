from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sqlite3
from collections.abc import AsyncGenerator, Iterable
from pathlib import Path

import aiohttp
import pytest

from expo.kit.children import ProcessMark
from expo.settings import Settings
from expo.supervisor import Supervisor
from tests.support.room import missing_nothing, open_room
from tests.support.server import NotServingError, RunningServer, free_udp_ports, launch, running_server

pytestmark = pytest.mark.cluster

WAIT_S = 60.0
AT_REST = ["expo.db", "run/lock", "secret"]
"""What a data folder holds while no server runs."""

DEAF = """
import os, signal, socket, stat

def deafen(*_):
    # As if the kernel had lost the port: the descriptor stays open, nothing arrives at it any more.
    for fd in map(int, os.listdir("/proc/self/fd")):
        try:
            if stat.S_ISSOCK(os.fstat(fd).st_mode):
                found = socket.socket(fileno=os.dup(fd))
                if found.type == socket.SOCK_DGRAM and found.family != socket.AF_UNIX:
                    with socket.socket(found.family, socket.SOCK_DGRAM) as other:
                        os.dup2(other.fileno(), fd)
                found.close()
        except OSError:
            pass

signal.signal(signal.SIGUSR1, deafen)
"""
"""A sitecustomize that makes a process lose its UDP sockets at SIGUSR1."""


def files(data_dir: Path) -> list[str]:
    """The files below a data folder, without Valkey's own."""
    paths = (path.relative_to(data_dir) for path in data_dir.rglob("*") if path.is_file())
    return sorted(str(path) for path in paths if path.parts[0] != "valkey")


def descendants(pid: int) -> set[int]:
    """Every process below `pid`, zombies included."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


@contextlib.asynccontextmanager
async def gone(pids: Iterable[int]) -> AsyncGenerator[None]:
    """At the end of the block, wait until every one of `pids` has ended."""
    loop = asyncio.get_running_loop()
    handles = {os.pidfd_open(pid): asyncio.Event() for pid in pids}
    for handle, event in handles.items():
        loop.add_reader(handle, event.set)
    try:
        yield
        async with asyncio.timeout(WAIT_S):
            await asyncio.gather(*(event.wait() for event in handles.values()))
    finally:
        for handle in handles:
            loop.remove_reader(handle)
            os.close(handle)


async def answer(server: RunningServer, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as http, http.get(server.base_url + path) as response:
        return response.status, await response.text()


async def test_a_started_server_is_ready_on_every_worker(tmp_path: Path) -> None:
    async with running_server(tmp_path / "data", workers=2) as server:
        assert sorted(server.children()) == ["valkey", "worker-0", "worker-1"]
        assert await answer(server, "/healthz") == (200, "ok\n")
        status, body = await answer(server, "/readyz")
        assert status == 200, body
        _, metrics = await answer(server, "/metrics")
        assert 'expo_worker_up{worker="0"} 1.0' in metrics
        assert 'expo_worker_up{worker="1"} 1.0' in metrics
        for index in range(2):
            async with (
                aiohttp.ClientSession(
                    connector=aiohttp.UnixConnector(path=str(server.socket_dir / f"worker-{index}.sock"))
                ) as http,
                http.get("http://worker/readyz") as response,
            ):
                assert response.status == 200


async def test_a_worker_whose_media_socket_is_dead_is_alive_and_not_ready(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(DEAF)
    async with running_server(tmp_path / "data", env={"PYTHONPATH": str(tmp_path)}) as server:
        assert (await answer(server, "/readyz"))[0] == 200

        os.kill(server.children()["worker-0"], signal.SIGUSR1)

        assert await answer(server, "/healthz") == (200, "ok\n")
        status, body = await answer(server, "/readyz")
        assert status == 503
        assert json.loads(body)["planes"] == {"store": "ok", "cluster": "ok", "media": "media.away"}


async def test_a_killed_worker_comes_back_while_the_other_serves(tmp_path: Path) -> None:
    async with running_server(tmp_path / "data", workers=2) as server:
        killed = server.children()["worker-0"]

        async with gone([killed]):
            os.kill(killed, signal.SIGKILL)
        assert (await answer(server, "/healthz"))[0] == 200
        await server.log.event("child is back", child="worker-0")

        back = server.children()["worker-0"]
        assert back != killed
        _, metrics = await answer(server, "/metrics")
        assert 'expo_worker_up{worker="0"} 1.0' in metrics


async def test_a_killed_valkey_comes_back_with_its_data(tmp_path: Path) -> None:
    async with running_server(tmp_path / "data") as server:
        os.kill(server.children()["valkey"], signal.SIGKILL)
        await server.log.event("child is back", child="valkey")

        status, body = await answer(server, "/readyz")

        assert status == 200, body


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_stop_signal_leaves_no_process_and_no_half_written_file(tmp_path: Path, number: signal.Signals) -> None:
    server = await launch(tmp_path / "data", workers=2)
    family = descendants(server.pid)
    assert len(family) >= 3

    async with gone(family):
        assert await server.stop(number) == 0

    assert not any(Path(f"/proc/{pid}").exists() for pid in family)
    assert files(server.data_dir) == AT_REST
    with contextlib.closing(sqlite3.connect(server.data_dir / "expo.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_a_stop_behind_a_killed_worker_closes_the_database(tmp_path: Path) -> None:
    server = await launch(tmp_path / "data")
    os.kill(server.children()["worker-0"], signal.SIGKILL)
    assert await server.stop() == 0
    assert files(server.data_dir) == AT_REST


async def test_a_stop_during_the_start_leaves_no_process(tmp_path: Path) -> None:
    settings = Settings.from_env(
        {"EXPO_DATA_DIR": str(tmp_path), "EXPO_HTTP_BIND": "127.0.0.1:0", "EXPO_UDP_PORT": str(free_udp_ports())}
    )
    supervisor = Supervisor(settings)
    before = descendants(os.getpid())
    starting = asyncio.create_task(supervisor.start(), name="test.start")
    async with asyncio.timeout(WAIT_S):
        while not (settings.run_dir / "worker-0.pid").exists():
            await asyncio.to_thread(settings.run_dir.exists)  # turns the loop; a folder has no event to wait for

    starting.cancel()
    await asyncio.wait([starting])
    await supervisor.wait()

    assert starting.cancelled()
    assert descendants(os.getpid()) <= before
    assert [path.name for path in settings.run_dir.iterdir()] == ["lock"]


async def test_a_killed_supervisor_takes_everything_with_it_and_the_next_start_clears_up(tmp_path: Path) -> None:
    server = await launch(tmp_path / "data", workers=2)
    family = descendants(server.pid)

    async with gone(family):
        assert await server.stop(signal.SIGKILL) == -signal.SIGKILL

    assert (server.data_dir / "run" / "worker-0.pid").exists()
    assert (server.socket_dir / "valkey.sock").exists()
    async with running_server(tmp_path / "data", workers=1) as again:
        assert (await answer(again, "/readyz"))[0] == 200
        assert sorted(again.children()) == ["valkey", "worker-0"]
        assert not (server.socket_dir / "worker-1.sock").exists()


async def test_an_orphaned_valkey_is_ended_before_a_new_one_opens_its_files(tmp_path: Path) -> None:
    run = tmp_path / "data" / "run"
    run.mkdir(parents=True, mode=0o700)
    orphan = await asyncio.create_subprocess_exec("/bin/sleep", "600")
    mark = ProcessMark.of(orphan.pid)
    assert mark is not None
    mark.write(run / "valkey.pid")

    starting = asyncio.create_task(launch(tmp_path / "data"), name="test.launch")
    assert await orphan.wait() == -signal.SIGTERM
    server = await starting

    assert server.children()["valkey"] != orphan.pid
    await server.stop()


def crashing_workers(folder: Path, index: int, switch: Path) -> dict[str, str]:
    """An environment in which worker `index` ends at once with code 3 while the file `switch` is there."""
    (folder / "sitecustomize.py").write_text(
        "import os, sys\n"
        f"if ['--index', '{index}'] == sys.orig_argv[4:6] and os.path.exists({str(switch)!r}):\n"
        "    os._exit(3)\n"
    )
    return {"PYTHONPATH": str(folder)}


async def test_one_worker_that_cannot_start_takes_the_others_back(tmp_path: Path) -> None:
    (tmp_path / "switch").touch()
    data = tmp_path / "data"

    with pytest.raises(NotServingError) as caught:
        await launch(data, workers=2, env=crashing_workers(tmp_path, 1, tmp_path / "switch"))

    assert caught.value.code == 16
    assert "worker 1 ended with 3" in caught.value.words
    assert [path.name for path in (data / "run").iterdir()] == ["lock"]


async def test_a_worker_that_keeps_crashing_is_tried_again_less_and_less_often(tmp_path: Path) -> None:
    switch = tmp_path / "switch"
    async with running_server(tmp_path / "data", env=crashing_workers(tmp_path, 0, switch)) as server:
        switch.touch()
        os.kill(server.children()["worker-0"], signal.SIGKILL)
        await server.log.event("child ended, starting it again", child="worker-0", pause_s=0.2)
        await server.log.event("child does not start", child="worker-0", pause_s=0.4)
        await server.log.event("child does not start", child="worker-0", pause_s=0.8)
        switch.unlink()
        await server.log.event("child is back", child="worker-0")

        assert (await answer(server, "/healthz"))[0] == 200


async def test_two_servers_run_side_by_side(tmp_path: Path) -> None:
    async with running_server(tmp_path / "one") as one, running_server(tmp_path / "two") as two:
        assert one.base_url != two.base_url
        assert (await answer(one, "/readyz"))[0] == 200
        assert (await answer(two, "/readyz"))[0] == 200


async def test_a_second_server_on_the_same_data_folder_is_refused(tmp_path: Path) -> None:
    async with running_server(tmp_path / "data") as server:
        with pytest.raises(NotServingError) as caught:
            await launch(tmp_path / "data")

        assert caught.value.code == 10
        assert f"process {server.pid} serves the data folder" in caught.value.words
        assert "EXPO_DATA_DIR" in caught.value.words
        assert (await answer(server, "/readyz"))[0] == 200


async def test_a_taken_udp_port_is_told_with_its_number_and_whoever_has_it_loses_no_packet(tmp_path: Path) -> None:
    first = free_udp_ports(2)
    async with open_room(port=first + 1) as room:
        source, _ = await room.publish()
        viewer = await room.watch()
        async with missing_nothing(source, viewer):
            with pytest.raises(NotServingError) as caught:
                await launch(tmp_path / "data", workers=2, udp_port=first)

    assert caught.value.code == 13
    assert f"UDP port {first + 1}" in caught.value.words
    assert "EXPO_UDP_PORT" in caught.value.words
    assert not list((tmp_path / "data" / "run").glob("*.pid"))


async def test_a_taken_http_port_is_told_with_its_number(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(NotServingError) as caught:
            await launch(tmp_path / "data", env={"EXPO_HTTP_BIND": f"127.0.0.1:{port}"})

    assert caught.value.code == 12
    assert f"TCP port {port}" in caught.value.words
    assert "EXPO_HTTP_BIND" in caught.value.words


async def test_a_missing_valkey_is_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(NotServingError) as caught:
        await launch(tmp_path / "data", env={"EXPO_REDIS_URL": f"unix://{tmp_path}/none.sock"})

    assert caught.value.code == 14
    assert "EXPO_REDIS_URL" in caught.value.words


async def test_an_unwritable_data_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(NotServingError) as caught:
        await launch(tmp_path / "elsewhere", env={"EXPO_DATA_DIR": str(tmp_path / "file")})

    assert caught.value.code == 11
    assert "EXPO_DATA_DIR" in caught.value.words


async def test_a_database_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "expo.db").write_bytes(b"this is not a database" * 100)

    with pytest.raises(NotServingError) as caught:
        await launch(tmp_path / "data")

    assert caught.value.code == 15
    assert (tmp_path / "data" / "expo.db").read_bytes() == b"this is not a database" * 100


async def test_a_wrong_setting_is_told_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(NotServingError) as caught:
        await launch(tmp_path / "data", env={"EXPO_WORKERS": "many"})

    assert caught.value.code == 2
    assert "EXPO_WORKERS" in caught.value.words


async def test_a_long_data_folder_serves_too(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    async with running_server(deep) as server:
        assert (await answer(server, "/readyz"))[0] == 200
    assert not Settings.from_env({"EXPO_DATA_DIR": str(deep)}).socket_dir.exists()
