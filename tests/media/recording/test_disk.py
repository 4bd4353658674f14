"""A disk that fills up or fails at any call: hosts are told, what was written plays, and it goes on by itself."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from expo.media.recording.reader import read_recording
from expo.media.recording.repair import repair, verify
from tests.support.encoded import pictures
from tests.support.tape import FLOOR, PICTURE, Publisher, Show, Tape, samples_of, units_of

FULL_S = 3
CODES = {errno.ENOSPC: "recording.disk_full", errno.EIO: "recording.disk_failed"}


@pytest.fixture
def root() -> Generator[Path]:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as path:
        yield Path(path)


class Disk:
    """The calls by which a recorder writes; from number `fails_at` on each of them fails, after half of its bytes."""

    def __init__(self, patch: pytest.MonkeyPatch, fails_at: int, code: int) -> None:
        self.calls: list[str] = []
        self.is_full = False
        self._fails_at = fails_at
        self._code = code
        self._pwrite = os.pwrite
        for name in ("open", "pwrite", "fdatasync"):
            patch.setattr(os, name, self._failing(name))
        patch.setattr(Path, "mkdir", self._failing("mkdir", Path.mkdir))

    def _failing(self, name: str, real: object = None) -> object:
        real = real or getattr(os, name)

        def call(*arguments: object, **options: object) -> object:
            self.calls.append(name)
            self.is_full = self.is_full or len(self.calls) == self._fails_at
            if self.is_full and name == "pwrite":
                fd, content, at = arguments
                half = bytes(content)[::2]  # pyright: ignore[reportArgumentType]
                self._pwrite(fd, half, at)  # pyright: ignore[reportArgumentType]
            if self.is_full:
                raise OSError(self._code, os.strerror(self._code))
            return real(*arguments, **options)  # pyright: ignore[reportCallIssue, reportUnknownVariableType]

        return call

    def make_room(self) -> None:
        self.is_full = False
        self._fails_at = 0


def on_air(tape: Tape) -> Show:
    sender = Publisher(tape)
    sender.show()
    tape.keep("kim")
    return Show(tape, sender, pictures())


def calls_of(root: Path) -> list[str]:
    """By which calls two seconds of a show are written."""
    with pytest.MonkeyPatch.context() as patch:
        disk = Disk(patch, 0, 0)
        on_air(Tape(root / "calls")).run(2)
    return disk.calls


@pytest.mark.parametrize("code", CODES)
def test_a_disk_may_fail_at_any_call(root: Path, code: int) -> None:
    calls = calls_of(root)
    assert set(calls) == {"mkdir", "open", "pwrite", "fdatasync"}
    each_kind = [calls.index(kind) + 1 for kind in dict.fromkeys(calls)]
    for fails_at in range(1, len(calls) + 1) if code == errno.ENOSPC else each_kind:
        folder = root / str(fails_at)
        with pytest.MonkeyPatch.context() as patch:
            disk = Disk(patch, fails_at, code)
            tape = Tape(folder)
            show = on_air(tape)
            while not disk.is_full:
                show.run(0.04)
            assert [(each.code, each.over) for each in tape.troubles] == [(CODES[code], False)], calls[fails_at - 1]
            before = written(folder)
            show.run(FULL_S)
            assert written(folder) == before
            assert tape.writer.failing == CODES[code]
            disk.make_room()
            show.run(4)
            tape.keep("kim")  # as the recorder does when it hears that the trouble is over
            show.run(2)
            kept = tape.close()
        assert [(each.code, each.over) for each in tape.troubles] == [(CODES[code], False), (CODES[code], True)]
        assert verify(folder) == []
        long = [gap.reason for gap in kept.gaps if gap.duration_us > FULL_S * 1_000_000]
        assert long == (["disk"] if before else [])  # one that could not be opened begins when it can
        for name, units in before.items():
            after = units_of(kept, folder, name)
            assert after[: len(units)] == units
            assert len(after) >= len(units) + 45
        assert kept.cast(kept.start_us, kept.end_us) == {"kim"}
        for rendition in kept.renditions:
            for segment in rendition.segments:
                assert all(samples_of(folder, part) for part in segment.parts)


def test_a_disk_that_is_full_at_the_end_leaves_what_repair_closes(root: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        disk = Disk(patch, 0, errno.ENOSPC)
        tape = Tape(root / "r1")
        on_air(tape).run(2)
        before = written(tape.folder)
        disk.is_full = True
        tape.writer.close("over", tape.now_us)
        tape.writer.close("over", tape.now_us)
    assert written(tape.folder) == before
    assert [each.problem for each in repair(tape.folder)] == ["not_closed"]
    assert verify(tape.folder) == []
    assert tape.kept().closed


def written(folder: Path) -> dict[str, list[bytes]]:
    kept = read_recording(folder)
    return {} if kept is None else {name: units_of(kept, folder, name) for name in (PICTURE, FLOOR)}
