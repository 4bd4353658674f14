from __future__ import annotations

import contextlib
import socket
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from expo.kit.runfolder import RunFolder
from expo.ops.doctor import Finding, examine, report
from expo.settings import Settings
from expo.store.db import sqlite_url
from expo.store.migrate import upgrade
from tests.support.server import free_udp_ports

pytestmark = pytest.mark.cluster


def environment(folder: Path, **settings: object) -> dict[str, str]:
    return {
        "EXPO_DATA_DIR": str(folder / "data"),
        "EXPO_RECORDINGS_DIR": str(folder / "recordings"),
        "EXPO_HTTP_BIND": "127.0.0.1:0",
        "EXPO_UDP_PORT": str(free_udp_ports()),
    } | {f"EXPO_{name.upper()}": str(value) for name, value in settings.items()}


async def findings(folder: Path, **settings: object) -> dict[str, Finding]:
    env = environment(folder, **settings)
    return {finding.subject: finding for finding in await examine(Settings.from_env(env), env)}


async def test_a_machine_that_can_run_it_has_nothing_to_repair(tmp_path: Path) -> None:
    found = await findings(tmp_path)

    assert not [finding for finding in found.values() if finding.grade == "bad"]
    assert {"system", "data folder", "recordings", "HTTP port", "media port", "Valkey", "database"} <= set(found)
    assert list(tmp_path.iterdir()) == []


async def test_taken_ports_are_found_with_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("0.0.0.0", free_udp_ports()))
        found = await findings(tmp_path, http_bind=f"127.0.0.1:{tcp.getsockname()[1]}", udp_port=udp.getsockname()[1])

    assert (found["HTTP port"].grade, found["media port"].grade) == ("bad", "bad")
    assert "EXPO_HTTP_BIND" in found["HTTP port"].advice
    assert "EXPO_UDP_PORT" in found["media port"].advice


async def test_our_own_running_server_is_no_trouble(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "data" / "run", tmp_path / "data" / "run")
    await folder.take()
    with socket.create_server(("127.0.0.1", 0)) as tcp:
        found = await findings(tmp_path, http_bind=f"127.0.0.1:{tcp.getsockname()[1]}")
    folder.release()

    assert found["HTTP port"].grade == "good"
    assert "our own server" in found["HTTP port"].seen


async def test_a_folder_that_cannot_be_written_is_found(tmp_path: Path) -> None:
    found = await findings(tmp_path, data_dir="/proc/expo")

    assert found["data folder"].grade == "bad"
    assert "EXPO_DATA_DIR" in found["data folder"].advice


async def test_a_valkey_that_does_not_answer_is_found(tmp_path: Path) -> None:
    found = await findings(tmp_path, redis_url=f"unix://{tmp_path}/none.sock")

    assert found["Valkey"].grade == "bad"
    assert "EXPO_REDIS_URL" in found["Valkey"].advice


async def test_a_file_that_is_no_database_is_found(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "expo.db").write_bytes(b"this is not a database" * 100)

    found = await findings(tmp_path)

    assert found["database"].grade == "bad"


@pytest.mark.parametrize(
    ("revision", "grade", "seen"), [("0001", "good", "next start"), ("9999", "bad", "unknown here")]
)
async def test_a_database_of_another_version_is_found(tmp_path: Path, revision: str, grade: str, seen: str) -> None:
    path = tmp_path / "data" / "expo.db"
    await upgrade(sqlite_url(path))
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = ?", [revision])

    found = await findings(tmp_path)

    assert found["database"].grade == grade
    assert seen in found["database"].seen


@pytest.mark.parametrize(("announce", "advice"), [("203.0.113.9", "NAT"), ("127.0.0.1", "EXPO_ANNOUNCE")])
async def test_addresses_that_others_cannot_reach_are_doubted(tmp_path: Path, announce: str, advice: str) -> None:
    found = await findings(tmp_path, announce=announce)

    assert found["announced"].grade == "doubtful"
    assert advice in found["announced"].advice


async def test_a_misspelt_setting_is_doubted(tmp_path: Path) -> None:
    found = await findings(tmp_path, workres="2")

    assert found["setting"].grade == "doubtful"
    assert "EXPO_WORKRES" in found["setting"].seen


@pytest.mark.parametrize(
    ("grades", "verdict"),
    [(["good"], "All is well."), (["doubtful", "good"], "can run; 1"), (["bad", "doubtful"], "1 to repair")],
)
def test_the_report_ends_with_a_verdict(grades: Sequence[str], verdict: str) -> None:
    text = report([Finding("thing", grade, "seen", "Do this.") for grade in grades])  # pyright: ignore[reportArgumentType] - literals, widened by parametrize

    assert verdict in text.splitlines()[-1]
    assert "Do this." in text
