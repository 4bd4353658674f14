from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp
from aiohttp import web
from prometheus_client.parser import text_string_to_metric_families

from expo.cluster.workers import WorkerIdentity
from expo.ops import metrics


@contextlib.asynccontextmanager
async def worker(index: int, folder: Path, siblings: list[int]) -> AsyncGenerator[aiohttp.ClientSession]:
    """A worker that has only `/metrics`, and a client on its private socket."""
    path = folder / f"worker-{index}.sock"
    app = web.Application()
    app.add_routes(
        metrics.routes(
            metrics.Meters(
                WorkerIdentity(index=index, udp_port=40000 + index, private_socket=path),
                {
                    "media": lambda: {"packets": 10 * (index + 1), "viewers_current": index},
                    "http": lambda: {"http_answers_total": 7, "http_connections": 1},
                },
                lambda: [(sibling, folder / f"worker-{sibling}.sock") for sibling in siblings],
            )
        )
    )
    runner = web.AppRunner(app)
    await runner.setup()
    await web.UnixSite(runner, path).start()
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(path=str(path))) as http:
        try:
            yield http
        finally:
            await runner.cleanup()


def samples(text: str) -> dict[tuple[str, str], float]:
    return {
        (sample.name, sample.labels["worker"]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_any_worker_answers_for_all(tmp_path: Path) -> None:
    async with worker(0, tmp_path, [0, 1]) as http, worker(1, tmp_path, [0, 1]):
        answer = await http.get("http://worker/metrics")
        text = await answer.text()

    found = samples(text)
    assert found["expo_media_packets_total", "0"] == 10
    assert found["expo_media_packets_total", "1"] == 20
    assert found["expo_media_viewers_current", "1"] == 1
    assert found["expo_worker_up", "1"] == 1
    assert found["process_cpu_seconds_total", "0"] > 0
    assert text.count("# TYPE expo_media_packets_total counter") == 1
    assert text.count("# TYPE expo_media_viewers_current gauge") == 1
    assert text.count("# TYPE expo_http_answers_total counter") == 1
    assert text.count("# TYPE expo_http_connections gauge") == 1


async def test_a_worker_that_is_away_is_told_as_down(tmp_path: Path) -> None:
    async with worker(0, tmp_path, [0, 1]) as http:
        found = samples(await (await http.get("http://worker/metrics")).text())

    assert found["expo_worker_up", "0"] == 1
    assert found["expo_worker_up", "1"] == 0
    assert ("expo_media_packets_total", "1") not in found


def test_a_speed_is_that_of_the_time_between_two_looks() -> None:
    speed = metrics.Speed(at_s=100.0)
    assert speed.look(50.0, 100.5) == 0.0, "too soon to tell"
    assert speed.look(500.0, 110.0) == 50.0
    assert speed.look(501.0, 110.9) == 50.0, "somebody else has just looked"
    assert speed.look(500.0, 120.0) == 0.0
