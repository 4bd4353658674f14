from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from expo.kit.runfolder import RunFolder, holder
from expo.kit.startup import StartFailed


async def test_a_second_holder_is_refused_and_told_who_is_first(tmp_path: Path) -> None:
    first = RunFolder(tmp_path / "run", tmp_path / "run")
    second = RunFolder(tmp_path / "run", tmp_path / "run")
    await first.take()

    with pytest.raises(StartFailed, match=f"process {os.getpid()} serves") as caught:
        await second.take()

    assert caught.value.code == "run.in_use"
    assert caught.value.exit_code == 10
    assert holder(tmp_path / "run") == os.getpid()
    first.release()
    assert holder(tmp_path / "run") is None
    await second.take()
    second.release()
    second.release()


async def test_stale_sockets_are_cleared(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(run / "worker-0.sock"))
    folder = RunFolder(run, run)

    await folder.take()

    assert [path.name for path in run.iterdir()] == ["lock"]
    assert stat.S_IMODE(run.stat().st_mode) == 0o700
    folder.release()


async def test_a_socket_folder_of_its_own_goes_at_the_end(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run", tmp_path / "short")

    await folder.take()
    assert (tmp_path / "short").is_dir()
    folder.release()

    assert not (tmp_path / "short").exists()


async def test_a_foreseen_socket_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "short").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(StartFailed, match="not a folder of this user's own"):
        await RunFolder(tmp_path / "run", tmp_path / "short").take()


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(StartFailed) as caught:
        await RunFolder(tmp_path / "file" / "run", tmp_path / "file" / "run").take()

    assert caught.value.code == "run.unwritable"
    assert caught.value.exit_code == 11
    assert caught.value.advice
