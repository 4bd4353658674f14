from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from expo.kit.children import LAUNCHER, Child, ProcessMark, end_leftovers

pytestmark = pytest.mark.cluster

SAYS_READY = "import sys, time; print('ready', flush=True); time.sleep(600)"
IGNORES_TERM = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SAYS_READY


async def test_a_child_is_stopped_by_sigterm_and_its_pid_file_goes(tmp_path: Path) -> None:
    child = await Child.start("sleeper", ["/bin/sleep", "600"], pid_dir=tmp_path, env={})

    assert ProcessMark.read(tmp_path / "sleeper.pid") == ProcessMark.of(child.pid)
    assert await child.stop(10.0) == -signal.SIGTERM
    assert list(tmp_path.iterdir()) == []
    assert ProcessMark.of(child.pid) is None


async def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    read_fd, write_fd = os.pipe()
    program = [
        sys.executable,
        "-c",
        IGNORES_TERM.replace("print('ready', flush=True)", f"open({write_fd}, 'w').close()"),
    ]
    child = await Child.start("stubborn", program, pid_dir=tmp_path, env={}, pass_fds=[write_fd])
    os.close(write_fd)
    await asyncio.to_thread(os.read, read_fd, 1)  # its end comes when the child has set its signals
    os.close(read_fd)

    assert await child.stop(0.2) == -signal.SIGKILL


async def test_a_child_that_ended_as_it_was_stopped_keeps_its_exit_code(tmp_path: Path) -> None:
    for _ in range(20):  # asyncio's thread and a signal that asks first whether the child lives race for the code
        read_fd, write_fd = os.pipe()
        child = await Child.start("brief", ["/bin/sh", "-c", "exit 3"], pid_dir=tmp_path, env={}, pass_fds=[write_fd])
        os.close(write_fd)
        os.read(read_fd, 1)  # ends with the child
        os.close(read_fd)

        assert await child.stop(10.0) == 3


async def test_a_child_dies_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    child = int(await parent.stdout.readline())
    handle = os.pidfd_open(child)
    gone = asyncio.Event()
    asyncio.get_running_loop().add_reader(handle, gone.set)

    parent.kill()
    await parent.wait()

    async with asyncio.timeout(10):
        await gone.wait()
    asyncio.get_running_loop().remove_reader(handle)
    os.close(handle)


PARENT = """
import asyncio, sys
from pathlib import Path
from expo.kit.children import Child

async def main():
    child = await Child.start("sleeper", ["/bin/sleep", "600"], pid_dir=Path(sys.argv[1]), env={})
    print(child.pid, flush=True)
    await child.wait()

asyncio.run(main())
"""


async def test_a_launcher_whose_parent_is_gone_starts_nothing(tmp_path: Path) -> None:
    started = tmp_path / "started"
    launcher = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", str(LAUNCHER), "1", "/usr/bin/touch", str(started)
    )

    assert await launcher.wait() == 125
    assert not started.exists()


async def test_a_leftover_process_is_ended_by_the_next_start(tmp_path: Path) -> None:
    orphan = await asyncio.create_subprocess_exec("/bin/sleep", "600")
    mark = ProcessMark.of(orphan.pid)
    assert mark is not None
    mark.write(tmp_path / "worker-0.pid")

    # The test is its parent and must reap it; a real orphan is init's.
    ended, code = await asyncio.gather(end_leftovers(tmp_path), orphan.wait())

    assert ended == ["worker-0"]
    assert code == -signal.SIGTERM
    assert list(tmp_path.iterdir()) == []


async def test_a_process_that_took_over_the_pid_is_left_alone(tmp_path: Path) -> None:
    stranger = await asyncio.create_subprocess_exec("/bin/sleep", "600")
    mark = ProcessMark.of(stranger.pid)
    assert mark is not None
    ProcessMark(mark.pid, mark.started_ticks - 1, mark.boot_id).write(tmp_path / "valkey.pid")
    ProcessMark(mark.pid, mark.started_ticks, "another boot").write(tmp_path / "worker-0.pid")
    (tmp_path / "worker-1.pid").write_text("nonsense")

    assert await end_leftovers(tmp_path) == []
    assert stranger.returncode is None
    assert list(tmp_path.iterdir()) == []
    stranger.kill()
    await stranger.wait()


async def test_a_child_starts_with_clean_signals(tmp_path: Path) -> None:
    blocked = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, blocked)
    try:
        child = await Child.start("sleeper", ["/bin/sleep", "600"], pid_dir=tmp_path, env={})
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, blocked)

    assert await child.stop(10.0) == -signal.SIGTERM
