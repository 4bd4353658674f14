from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.cluster


def expo(*arguments: str, **env: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "expo", *arguments],
        env={**os.environ, **{name: str(value) for name, value in env.items()}},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_help_names_the_commands_people_use_and_hides_the_workers() -> None:
    result = expo("--help", COLUMNS=100)

    assert result.returncode == 0
    for command in ("serve", "demo", "migrate", "doctor"):
        assert command in result.stdout
    assert "worker" not in result.stdout.replace("workers", "")


def test_migrate_makes_the_database_and_is_harmless_to_repeat(tmp_path: Path) -> None:
    for _ in range(2):
        result = expo("migrate", EXPO_DATA_DIR=tmp_path / "data")
        assert result.returncode == 0, result.stderr

    with sqlite3.connect(tmp_path / "data" / "expo.db") as database:
        tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    database.close()
    assert {"agency", "showcase"} <= tables


def test_migrate_says_what_is_wrong_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    result = expo("migrate", EXPO_DATA_DIR=tmp_path / "file")

    assert result.returncode == 11
    assert "EXPO_DATA_DIR" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_wrong_setting_stops_every_command_alike() -> None:
    for command in ("serve", "migrate", "doctor"):
        result = expo(command, EXPO_UDP_PORT="high")

        assert result.returncode == 2
        assert "EXPO_UDP_PORT: write a whole number" in result.stderr


def test_doctor_leaves_with_one_when_something_is_wrong(tmp_path: Path) -> None:
    result = expo("doctor", EXPO_DATA_DIR=tmp_path, EXPO_REDIS_URL=f"unix://{tmp_path}/none.sock")

    assert result.returncode == 1
    assert "FAIL  Valkey" in result.stdout
    assert "to repair before the server can run." in result.stdout
