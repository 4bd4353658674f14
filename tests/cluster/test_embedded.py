from __future__ import annotations

import stat
from pathlib import Path

import pytest

from expo.cluster import embedded
from expo.cluster.embedded import EmbeddedValkey, binary_version, find_binary
from expo.kit.startup import StartFailed
from expo.settings import Settings

pytestmark = pytest.mark.cluster


def fake_server(folder: Path, version: str) -> Path:
    """A program that prints a version as Redis does."""
    path = folder / "redis-server"
    path.write_text(f"#!/bin/sh\necho 'Redis server v={version} sha=0:0 malloc=libc'\n")
    path.chmod(0o755)
    return path


def test_the_wheels_binary_is_found_and_new_enough() -> None:
    version = binary_version(find_binary())

    assert version is not None
    assert version >= (7, 0, 0)


def test_without_the_wheel_one_on_the_path_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fake_server(tmp_path, "7.0.15")
    monkeypatch.setattr(embedded, "get_binary_path", lambda: tmp_path / "absent")
    monkeypatch.setenv("PATH", str(tmp_path))

    assert find_binary() == path


def test_none_that_is_new_enough_is_told_with_what_was_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fake_server(tmp_path, "6.2.7")
    monkeypatch.setattr(embedded, "get_binary_path", lambda: tmp_path / "absent")
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(StartFailed, match=f"{path} \\(is too old\\)") as caught:
        find_binary()

    assert caught.value.exit_code == 14
    assert "EXPO_REDIS_URL" in caught.value.advice


async def test_only_this_user_can_open_its_socket_and_no_port_is_open(tmp_path: Path) -> None:
    settings = Settings.from_env({"EXPO_DATA_DIR": str(tmp_path)})
    settings.run_dir.mkdir(mode=0o700)
    child = await EmbeddedValkey(settings).start()

    assert stat.S_IMODE((settings.socket_dir / "valkey.sock").stat().st_mode) == 0o700
    assert f"pid={child.pid}," not in listening_tcp(child.pid)
    assert await child.stop(5.0) == 0


def listening_tcp(pid: int) -> str:
    """Inodes of the process' sockets that stand in the kernel's TCP tables, in words for a message."""
    inodes = {link.readlink().name for link in Path(f"/proc/{pid}/fd").iterdir() if "socket:" in str(link.readlink())}
    rows = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]
    ]
    return "".join(f"pid={pid}, {row[1]}" for row in rows if f"socket:[{row[9]}]" in inodes)


async def test_one_that_ends_at_once_is_told_with_its_last_words(tmp_path: Path) -> None:
    settings = Settings.from_env({"EXPO_DATA_DIR": str(tmp_path)})
    settings.run_dir.mkdir(mode=0o700)
    broken = tmp_path / "valkey" / "appendonlydir" / "appendonly.aof.manifest"
    broken.parent.mkdir(parents=True)
    broken.write_text("this is no manifest\n")

    with pytest.raises(StartFailed, match=r"valkey\.log") as caught:
        await EmbeddedValkey(settings).start()

    assert caught.value.code == "cluster.not_started"
    assert not (settings.run_dir / "valkey.pid").exists()
