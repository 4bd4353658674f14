"""`expo doctor`: look at everything the server needs on this machine, and say what is wrong and what to do."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import resource
import shutil
import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from expo.cluster.embedded import binary_version, find_binary
from expo.cluster.redis import OLDEST_MAJOR, Valkey
from expo.errors import ExpoError
from expo.kit.runfolder import holder
from expo.kit.sockets import listen, probe_udp
from expo.kit.startup import StartFailed
from expo.settings import Settings, unknown_variables
from expo.store.db import Database
from expo.store.migrate import is_behind

Grade = Literal["good", "doubtful", "bad"]

FEW_BYTES = 1 << 30
"""An hour of one 2 Mb/s programme."""
TOO_FEW_BYTES = 100 << 20
FEW_FILES = 4096

SIGNS: Mapping[Grade, str] = {"good": "ok  ", "doubtful": "WARN", "bad": "FAIL"}


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, what was seen, and what to do about it (empty when good)."""

    subject: str
    grade: Grade
    seen: str
    advice: str = ""


Check = Callable[[Settings], Awaitable[list[Finding]]]


async def examine(settings: Settings, env: Mapping[str, str]) -> list[Finding]:
    """Run every check; none changes anything. A check that fails in an unforeseen way is a finding, too."""
    findings = [
        Finding("setting", "doubtful", f"{name} means nothing", "Look for a misspelling in the table of settings.")
        for name in unknown_variables(env)
    ]
    for check in (_machine, _disk, _http_port, _udp_ports, _addresses, _valkey, _database, _pages):
        findings += await check(settings)
    return findings


def report(findings: Sequence[Finding]) -> str:
    """The findings for a terminal: one line each, advice below, a verdict last."""
    lines: list[str] = []
    for finding in findings:
        lines.append(f"{SIGNS[finding.grade]}  {finding.subject}: {finding.seen}")
        if finding.advice:
            lines.append(f"      {finding.advice}")
    bad = sum(finding.grade == "bad" for finding in findings)
    doubtful = sum(finding.grade == "doubtful" for finding in findings)
    if bad:
        lines.append(f"{bad} to repair before the server can run.")
    elif doubtful:
        lines.append(f"The server can run; {doubtful} worth a look.")
    else:
        lines.append("All is well.")
    return "\n".join(lines)


async def _machine(_settings: Settings) -> list[Finding]:
    if not sys.platform.startswith("linux"):
        return [
            Finding("system", "bad", sys.platform, "Run the server on Linux; a container or a virtual machine will do.")
        ]
    findings = [Finding("system", "good", f"Linux {os.uname().release}, Python {sys.version.split()[0]}")]
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < FEW_FILES:
        advice = f"Raise the limit (`ulimit -Hn`, LimitNOFILE=) to {FEW_FILES} or more: each connection needs one."
        findings.append(Finding("open files", "doubtful", f"at most {hard}", advice))
    return findings


async def _disk(settings: Settings) -> list[Finding]:
    return [
        _folder("data folder", settings.data_dir, "EXPO_DATA_DIR"),
        _folder("recordings", settings.recordings_dir, "EXPO_RECORDINGS_DIR"),
    ]


def _folder(subject: str, folder: Path, variable: str) -> Finding:
    existing = folder.resolve()
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    try:
        # Asking permissions would not notice a read-only or full disk; writing does.
        with tempfile.TemporaryFile(dir=existing) as probe:
            probe.write(bytes(4096))
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        advice = f"Make it writable for user {os.getuid()}, or choose another with {variable}."
        return Finding(subject, "bad", f"cannot write {existing}: {error.strerror}", advice)
    free = shutil.disk_usage(existing).free
    seen = f"{folder} is writable, {free / (1 << 30):.1f} GiB free"
    if free < TOO_FEW_BYTES:
        return Finding(subject, "bad", seen, f"Free some space, or choose another disk with {variable}.")
    if free < FEW_BYTES:
        return Finding(subject, "doubtful", seen, "An hour of one programme takes about 1 GiB when it is recorded.")
    return Finding(subject, "good", seen)


async def _http_port(settings: Settings) -> list[Finding]:
    pid = holder(settings.run_dir)
    if pid is not None:
        return [Finding("HTTP port", "good", f"our own server (process {pid}) runs on this data folder")]
    try:
        listen(settings).close()
    except StartFailed as error:
        return [Finding("HTTP port", "bad", error.detail, error.advice)]
    return [Finding("HTTP port", "good", f"{settings.http_bind} is free")]


async def _udp_ports(settings: Settings) -> list[Finding]:
    if holder(settings.run_dir) is not None:
        return []
    findings: list[Finding] = []
    for port in range(settings.udp_port, settings.udp_port + settings.workers):
        try:
            probe_udp(settings, port)
        except StartFailed as error:
            findings.append(Finding("media port", "bad", error.detail, error.advice))
    last = settings.udp_port + settings.workers - 1
    name = f"{settings.udp_port}" if settings.workers == 1 else f"{settings.udp_port} to {last}"
    return findings or [Finding("media port", "good", f"UDP {name} on {settings.udp_bind} is free")]


async def _addresses(settings: Settings) -> list[Finding]:
    seen = ", ".join(settings.announce)
    foreign = [address for address in settings.announce if not _is_ours(address)]
    if foreign:
        advice = f"Right behind a NAT that forwards UDP {settings.udp_port}; otherwise correct EXPO_ANNOUNCE."
        return [Finding("announced", "doubtful", f"not of this machine: {', '.join(foreign)}", advice)]
    if all(ipaddress.ip_address(address).is_loopback for address in settings.announce):
        advice = "Only browsers on this machine get media; set EXPO_ANNOUNCE to an address that others reach."
        return [Finding("announced", "doubtful", seen, advice)]
    return [Finding("announced", "good", seen)]


def _is_ours(address: str) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True


async def _valkey(settings: Settings) -> list[Finding]:
    if settings.redis_url is None:
        try:
            path = await asyncio.to_thread(find_binary)
        except StartFailed as error:
            return [Finding("Valkey", "bad", error.detail, error.advice)]
        version = await asyncio.to_thread(binary_version, path)
        return [Finding("Valkey", "good", f"embedded, version {'.'.join(str(part) for part in version or ())}")]
    try:
        valkey = Valkey(settings.redis_url)
        try:
            version = await valkey.version()
        finally:
            await valkey.close()
    except ExpoError as error:
        return [Finding("Valkey", "bad", error.detail, StartFailed.of(error).advice)]
    text = ".".join(str(part) for part in version)
    if version < (OLDEST_MAJOR,):
        return [Finding("Valkey", "bad", f"speaks for Redis {text}", f"Install version {OLDEST_MAJOR} or newer.")]
    return [Finding("Valkey", "good", f"answers, speaks for Redis {text}")]


async def _database(settings: Settings) -> list[Finding]:
    if settings.database_url is None and not (settings.data_dir / "expo.db").exists():
        return [Finding("database", "good", "SQLite, made at the first start")]
    try:
        database = await Database.open(settings.effective_database_url)
        try:
            async with database.read() as db:
                behind = await (await db.connection()).run_sync(is_behind)
        finally:
            await database.close()
    except ExpoError as error:
        return [Finding("database", "bad", error.detail or error.code, StartFailed.of(error).advice)]
    return [Finding("database", "good", "answers; the next start brings it up to date" if behind else "answers")]


async def _pages(_settings: Settings) -> list[Finding]:
    manifest = Path(__file__).parents[1] / "edge" / "web" / "static" / "manifest.json"
    if manifest.is_file():
        return [Finding("pages", "good", "built")]
    return [Finding("pages", "bad", "not built", "Run `make setup`, or install the wheel, which holds them.")]
