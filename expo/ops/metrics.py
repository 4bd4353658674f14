"""Prometheus text on `/metrics`: any worker answers for all, asking each sibling on its private socket.

Planes hand in plain numbers by name; nothing of theirs knows Prometheus. A source marks either its totals (`_total`,
all else is a gauge) or, where most are totals, its gauges (`_current`, all else is a total). Units stand in the names.
"""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import msgspec
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from expo.cluster.workers import WorkerIdentity
from expo.edge.openapi import TEXT, Answer, Content, Operation, operation
from expo.kit.logging import get_logger

ASK_S = 1.0
"""A worker that does not answer in this time counts as down for this scrape."""
OWN = "own"
LOOK_S = 1.0
RATED = ("expo_media_bytes_forwarded_total", "process_cpu_seconds_total")

Source = Callable[[], Mapping[str, int | float]]
"""One plane's numbers, such as `EngineStats.snapshot`; called on the event loop at each scrape."""

log = get_logger(__name__)


class Totals(msgspec.Struct, frozen=True):
    """One worker's answer to a sibling: its samples by full name, and how fast those of `RATED` grow, per second."""

    worker: int
    samples: dict[str, float]
    rates: dict[str, float] = {}
    v: int = 1


@dataclass(slots=True)
class Speed:
    """How fast a total grows: over the time between two looks at it, of at least `LOOK_S`."""

    at_s: float
    total: float = 0.0
    per_s: float = 0.0

    def look(self, total: float, now_s: float) -> float:
        if now_s - self.at_s >= LOOK_S:
            self.per_s = (total - self.total) / (now_s - self.at_s)
            self.at_s, self.total = now_s, total
        return self.per_s


class Meters:
    """This worker's numbers, and the way to its siblings'. `sources` by the prefix of their names (`media` gives
    `expo_media_*`).

    `siblings` lists index and private socket of every worker of this server, this one included or not.
    """

    def __init__(
        self,
        identity: WorkerIdentity,
        sources: Mapping[str, Source],
        siblings: Callable[[], Sequence[tuple[int, Path]]],
    ) -> None:
        self._index = identity.index
        self._sources = sources
        self._siblings = siblings
        self._began_s = time.monotonic()
        self._speeds = {name: Speed(self._began_s) for name in RATED}

    def own(self) -> Totals:
        now_s = time.monotonic()
        samples = {"expo_worker_uptime_seconds": now_s - self._began_s, **_process()}
        for prefix, source in self._sources.items():
            numbers = source()
            marks_gauges = any(name.endswith("_current") for name in numbers)
            for name, value in numbers.items():
                full = f"expo_{name}" if name.startswith(f"{prefix}_") else f"expo_{prefix}_{name}"
                is_total = marks_gauges and not name.endswith(("_current", "_total"))
                samples[f"{full}_total" if is_total else full] = value
        rates = {name: speed.look(samples.get(name, 0.0), now_s) for name, speed in self._speeds.items()}
        return Totals(worker=self._index, samples=samples, rates=rates)

    async def every(self) -> tuple[list[Totals], list[int]]:
        """What the workers say that answer, and the indexes of those that do not."""
        others = [(index, path) for index, path in self._siblings() if index != self._index]
        answers = await asyncio.gather(*(ask(index, path) for index, path in others))
        down = [index for (index, _), answer in zip(others, answers, strict=True) if answer is None]
        return [self.own(), *(answer for answer in answers if answer is not None)], down


def routes(meters: Meters) -> list[web.RouteDef]:
    """`/metrics`."""

    @operation(Operation("Metrics of all workers", {200: Answer("Prometheus text", Content(TEXT))}, tag="operations"))
    async def metrics(request: web.Request) -> web.Response:
        # A sibling's question is answered alone, else two workers would ask each other for ever.
        if request.query.get("worker") == OWN:
            return web.Response(body=msgspec.json.encode(meters.own()), content_type="application/json")
        totals, down = await meters.every()
        return web.Response(
            body=render(totals, down), headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"}
        )

    return [web.get("/metrics", metrics)]


async def ask(index: int, private_socket: Path) -> Totals | None:
    """The totals of one sibling; None when it does not answer in time or answers nonsense."""
    try:
        async with (
            asyncio.timeout(ASK_S),
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(path=str(private_socket))) as http,
            http.get(f"http://worker/metrics?worker={OWN}") as answer,
        ):
            return msgspec.json.decode(await answer.read(), type=Totals)
    except (OSError, TimeoutError, aiohttp.ClientError, msgspec.MsgspecError) as error:
        log.warning("worker gave no metrics", worker=index, error=str(error) or type(error).__name__)
        return None


def render(totals: Sequence[Totals], down: Sequence[int]) -> bytes:
    """The exposition text: every family once, one sample per worker in it."""
    registry = CollectorRegistry()
    registry.register(_Workers(totals, down))
    return generate_latest(registry)


class _Workers(Collector):
    def __init__(self, totals: Sequence[Totals], down: Sequence[int]) -> None:
        self._totals = totals
        self._down = down

    def collect(self) -> Iterable[CounterMetricFamily | GaugeMetricFamily]:
        up = GaugeMetricFamily("expo_worker_up", "1 when the worker answered this scrape", labels=["worker"])
        for total in self._totals:
            up.add_metric([str(total.worker)], 1)
        for index in self._down:
            up.add_metric([str(index)], 0)
        yield up
        for name in sorted({name for total in self._totals for name in total.samples}):
            words = name.removeprefix("expo_").removesuffix("_total").replace("_", " ")
            family = (
                CounterMetricFamily(name, f"{words}, since the worker's start", labels=["worker"])
                if name.endswith("_total")
                else GaugeMetricFamily(name, words, labels=["worker"])
            )
            for total in self._totals:
                if name in total.samples:
                    family.add_metric([str(total.worker)], total.samples[name])
            yield family


def _process() -> dict[str, float]:
    """CPU and memory of this process, under the names that Prometheus' own client gives them."""
    times = time.process_time()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    descriptors = sum(1 for _ in Path("/proc/self/fd").iterdir())
    return {
        "process_cpu_seconds_total": times,
        "process_resident_memory_bytes": float(pages * resource.getpagesize()),
        "process_open_fds": float(descriptors),
    }
