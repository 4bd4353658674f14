"""The ready file: what a started demo tells scripts, as JSON. A public contract, described in docs/demo.md."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from expo.errors import Unavailable


class WorkerLine(Struct, frozen=True):
    """A worker process and its media port."""

    index: int
    pid: int
    udp_port: int


class PersonLine(Struct, frozen=True):
    """Somebody to be: opening `url` in a browser is entering as that person."""

    role: str
    name: str
    language: str
    url: str


class ShowcaseLine(Struct, frozen=True):
    """A showcase. `whep_token` is None where watching is open; the `whip_` pair is there for the one that goes live
    by itself when its encoder connects."""

    id: str
    title: str
    state: Literal["draft", "scheduled", "live", "ended"]
    page_url: str
    whep_url: str
    whep_token: str | None
    whip_url: str | UnsetType = UNSET
    whip_token: str | UnsetType = UNSET


class ReadyFile(Struct, frozen=True):
    """The whole file."""

    base_url: str
    openapi_url: str
    metrics_url: str
    workers: tuple[WorkerLine, ...]
    people: tuple[PersonLine, ...]
    showcases: tuple[ShowcaseLine, ...]


def write_ready(path: Path, content: ReadyFile) -> None:
    """Write the file whole or not at all, readable for this user alone: its links are keys. Raises Unavailable."""
    draft = _draft(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise Unavailable("run.unwritable", f"cannot write {path}: {error.strerror}") from error


def remove_ready(path: Path) -> None:
    """Take the file away, and what a killed demo left of writing one."""
    for each in (path, _draft(path)):
        try:
            each.unlink(missing_ok=True)
        except OSError as error:
            raise Unavailable("run.unwritable", f"cannot remove {each}: {error.strerror}") from error


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")
