"""Who is there: each worker keeps an expiring record of itself, so that any worker can find any other."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from expo.cluster import keys
from expo.cluster.redis import Valkey
from expo.errors import Unavailable
from expo.kit.logging import get_logger
from expo.settings import Settings

HEARTBEAT_S = 2.0

_OWNER = re.compile(r"worker-(\d{1,4})\..*", re.ASCII)

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WorkerIdentity:
    """Which worker this process is."""

    index: int
    udp_port: int
    private_socket: Path

    @classmethod
    def of(cls, settings: Settings, index: int) -> WorkerIdentity:
        """The identity of worker `index` under these settings."""
        return cls(index=index, udp_port=settings.udp_port + index, private_socket=private_socket(settings, index))


def owner_name(index: int, life: str) -> str:
    """How the leases of worker `index` name it; `life` differs from process to process."""
    return f"worker-{index}.{life}"


def index_of(owner: str) -> int | None:
    """The index in an `owner_name`; None where there is none."""
    found = _OWNER.fullmatch(owner)
    return int(found[1]) if found else None


class WorkerRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A worker's record in Valkey. `private_socket` is the path of its private HTTP socket on that machine."""

    index: int
    pid: int
    udp_port: int
    private_socket: str
    v: int = 1


def private_socket(settings: Settings, index: int) -> Path:
    """Where worker `index` of this server listens for its siblings."""
    return settings.socket_dir / f"worker-{index}.sock"


class WorkerRegistry:
    """Keeps this worker's record alive and reads everybody's."""

    def __init__(self, valkey: Valkey, identity: WorkerIdentity) -> None:
        self._valkey = valkey
        self._name = str(identity.index)
        self._record = WorkerRecord(
            index=identity.index,
            pid=os.getpid(),
            udp_port=identity.udp_port,
            private_socket=str(identity.private_socket),
        )

    async def beat(self) -> None:
        """Write the record once. Raises `Unavailable("cluster.away")`."""
        await self._valkey.put(
            keys.worker(self._name), msgspec.json.encode(self._record).decode(), ttl_s=keys.WORKER_TTL_S
        )
        await self._valkey.add_member(keys.workers(), self._name)

    async def run(self) -> None:
        """Beat until cancelled; while Valkey is away, keep trying and say so once."""
        away = False
        while True:
            try:
                await self.beat()
            except Unavailable as error:
                if not away:
                    log.warning("valkey is away", error=error.code)
                away = True
            else:
                if away:
                    log.info("valkey is back")
                away = False
            await asyncio.sleep(HEARTBEAT_S)

    async def leave(self) -> None:
        """Take the record away, so that nobody waits for it to expire."""
        await self._valkey.delete(keys.worker(self._name))
        await self._valkey.remove_member(keys.workers(), self._name)

    async def present(self) -> Sequence[WorkerRecord]:
        """The records of all workers alive, by index; names whose record expired are swept."""
        names = sorted(await self._valkey.members(keys.workers()))
        found: list[WorkerRecord] = []
        for name, text in zip(names, await self._valkey.values([keys.worker(name) for name in names]), strict=True):
            if text is None:
                await self._valkey.remove_member(keys.workers(), name)
            else:
                found.append(msgspec.json.decode(text, type=WorkerRecord))
        return sorted(found, key=lambda record: record.index)
