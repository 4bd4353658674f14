"""Real demos as child processes, and what they leave behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from expo.kit.children import LAUNCHER

START_S = 240.0
"""Alone it takes 6 s; two cores that twenty other processes want take minutes for the same work."""
STOP_S = 60.0
_MARK = "DEMO_TEST_MARK"

Content = dict[str, Any]
"""A ready file, as a script would read it."""


@dataclass(slots=True)
class Demo:
    """A demo of a test's own. `folder` is its working directory; `mark` is in the environment of all its processes."""

    folder: Path
    ready_file: Path
    output_file: Path
    process: subprocess.Popen[bytes]
    mark: str

    @property
    def output(self) -> str:
        return self.output_file.read_text(errors="replace")

    def ready(self, *, unlike: Content | None = None) -> Content:
        """What the ready file says, as soon as it is there and says something else than `unlike`."""
        self.until(lambda: self._content() not in (None, unlike))
        content = self._content()
        assert content is not None
        return content

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that a demo does while it starts; fails as soon as it has ended."""
        deadline = time.monotonic() + START_S
        while not condition():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the demo did not get there ({self.process.poll()}):\n{self.output}")
            time.sleep(0.05)

    def _content(self) -> Content | None:
        try:
            return cast("Content", json.loads(self.ready_file.read_text()))
        except FileNotFoundError:
            return None

    def processes(self) -> set[int]:
        """Every live process of this demo, its children's children too."""
        return {int(path.name) for path in Path("/proc").glob("[0-9]*") if _belongs(path, self)}

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Signal the demo and return its exit code; harmless when it has ended."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(STOP_S)

    def until_gone(self) -> None:
        """Return when no process is left; they may need a moment after their parent was killed."""
        deadline = time.monotonic() + STOP_S
        while self.processes():
            if time.monotonic() > deadline:
                raise AssertionError(f"still there: {self.processes()}")
            time.sleep(0.05)


@contextlib.contextmanager
def running_demo(folder: Path, *arguments: str) -> Generator[Demo]:
    """`start_demo` for a block; killed at its end if it still runs."""
    demo = start_demo(folder, *arguments)
    try:
        yield demo
    finally:
        demo.stop(signal.SIGKILL)
        demo.until_gone()


def start_demo(folder: Path, *arguments: str, name: str = "demo") -> Demo:
    """Start `expo demo` in the working directory `folder`; `name` tells several there apart. It dies with us."""
    folder.mkdir(parents=True, exist_ok=True)
    mark = uuid.uuid4().hex
    ready_file, output_file = folder / f"{name}.json", folder / f"{name}.txt"
    env = {**os.environ, _MARK: mark, "EXPO_ANNOUNCE": "127.0.0.1", "EXPO_LOG_FORMAT": "text"}
    with output_file.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), sys.executable, "-m", "expo", "demo",
             "--ready-file", str(ready_file), *arguments],
            cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
    return Demo(folder, ready_file, output_file, process, mark)


def _belongs(process: Path, demo: Demo) -> bool:
    """By the environment, or for Valkey, which gets none of it, by the working directory."""
    try:
        state = (process / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]
        environment = (process / "environ").read_bytes()
        works_in = (process / "cwd").readlink()
    except OSError:
        return False
    return state not in "ZX" and (
        f"{_MARK}={demo.mark}".encode() in environment or works_in.is_relative_to(demo.folder)
    )
