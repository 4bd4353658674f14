from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from expo.cluster import keys
from expo.cluster.embedded import EmbeddedValkey
from expo.cluster.redis import TIMEOUT_S, Valkey
from expo.cluster.workers import WorkerIdentity, WorkerRegistry
from expo.errors import Invalid, Unavailable
from expo.settings import Settings
from tests.support.valkey import running_valkey

pytestmark = pytest.mark.cluster


async def test_values_come_back_and_expire(tmp_path: Path) -> None:
    async with running_valkey(tmp_path) as url:
        valkey = Valkey(url)
        await valkey.put("a", "né", ttl_s=60)
        await valkey.put("b", "short", ttl_s=0.001)
        await valkey.add_member("set", "x")

        async with asyncio.timeout(5):
            while (await valkey.values(["b"]))[0] is not None:
                pass

        assert await valkey.values(["a", "b", "none"]) == ["né", None, None]
        assert await valkey.members("set") == {"x"}
        assert await valkey.version() >= (7,)
        await valkey.close()


async def test_a_stopped_server_is_away_within_the_deadline_and_usable_afterwards(tmp_path: Path) -> None:
    async with running_valkey(tmp_path) as url:
        valkey = Valkey(url)
        await valkey.ping()
        pid = int((tmp_path / "run" / "valkey.pid").read_text().split()[0])
        loop = asyncio.get_running_loop()

        os.kill(pid, signal.SIGSTOP)
        began = loop.time()
        with pytest.raises(Unavailable) as caught:
            await valkey.ping()
        took_s = loop.time() - began
        os.kill(pid, signal.SIGCONT)

        assert caught.value.code == "cluster.away"
        assert caught.value.retry_after_s is not None
        assert took_s < TIMEOUT_S + 1.0
        await valkey.put("a", "1", ttl_s=60)
        assert await valkey.values(["a"]) == ["1"]  # no answer of the call that timed out is taken for this one's
        await valkey.close()


async def test_a_cancelled_call_leaves_its_answer_to_nobody(tmp_path: Path) -> None:
    async with running_valkey(tmp_path) as url:
        valkey = Valkey(url)
        await valkey.put("a", "1", ttl_s=60)
        for _ in range(50):
            call = asyncio.create_task(valkey.members("none"), name="cancelled")
            await asyncio.sleep(0)
            call.cancel()
            await asyncio.wait([call])

            assert await valkey.values(["a"]) == ["1"]
        await valkey.close()


async def test_no_moment_of_a_call_swallows_its_cancellation(tmp_path: Path) -> None:
    async with running_valkey(tmp_path) as url:
        valkey = Valkey(url)
        await valkey.ping()

        async def calls() -> None:
            while True:
                await valkey.values(["a"])

        for turns in range(200):
            call = asyncio.create_task(calls(), name="cancelled")
            for _ in range(turns % 40):
                await asyncio.sleep(0)
            call.cancel()
            await asyncio.wait([call], timeout=5)
            assert call.cancelled()
        await valkey.close()


async def test_waiting_for_what_does_not_come_ends_before_the_socket_gives_up(tmp_path: Path) -> None:
    async with running_valkey(tmp_path) as url:
        valkey = Valkey(url)
        assert await valkey.wait_for_entries({"log": "0"}, most=1, block_s=60) == {}
        await valkey.close()


async def test_nobody_there_is_told_as_such(tmp_path: Path) -> None:
    valkey = Valkey(f"unix://{tmp_path}/none.sock")

    with pytest.raises(Unavailable, match=r"cluster\.away"):
        await valkey.ping()
    await valkey.close()


def test_an_address_of_another_kind_is_refused() -> None:
    with pytest.raises(Invalid) as caught:
        Valkey("http://localhost")

    assert caught.value.code == "settings.redis_url"


async def test_workers_find_each_other_and_the_gone_are_swept(tmp_path: Path) -> None:
    settings = Settings.from_env({"EXPO_DATA_DIR": str(tmp_path), "EXPO_UDP_PORT": "41000"})
    async with running_valkey(tmp_path) as url:
        valkey = Valkey(url)
        first, second, gone = (WorkerRegistry(valkey, WorkerIdentity.of(settings, index)) for index in range(3))
        for registry in (first, second, gone):
            await registry.beat()
        await valkey.delete(keys.worker("2"))  # as if it had expired

        assert [(record.index, record.udp_port) for record in await first.present()] == [(0, 41000), (1, 41001)]
        assert await valkey.members(keys.workers()) == {"0", "1"}
        await second.leave()
        assert [record.index for record in await first.present()] == [0]
        await valkey.close()


async def test_data_survives_a_killed_server(tmp_path: Path) -> None:
    settings = Settings.from_env({"EXPO_DATA_DIR": str(tmp_path)})
    settings.run_dir.mkdir(mode=0o700)
    embedded = EmbeddedValkey(settings)
    valkey = Valkey(settings.effective_redis_url)

    child = await embedded.start()
    await valkey.put("a", "1", ttl_s=600)
    child.process.kill()
    await child.wait()
    child = await embedded.start()

    assert await valkey.values(["a"]) == ["1"]
    await valkey.close()
    assert await child.stop(5.0) == 0


async def test_a_listener_hears_what_is_published_and_notices_a_server_that_is_gone(tmp_path: Path) -> None:
    async with running_valkey(tmp_path) as url:
        valkey = Valkey(url)
        pid = int((tmp_path / "run" / "valkey.pid").read_text().split()[0])
        async with valkey.listening("news") as heard:
            await valkey.publish("other", "not this")
            await valkey.publish("news", "né")
            assert await anext(heard) == "né"

        async def listen_to_a_stopped_server() -> None:
            async with asyncio.timeout(10), valkey.listening("news") as heard:
                os.kill(pid, signal.SIGSTOP)
                await anext(heard)

        with pytest.raises(Unavailable, match=r"cluster\.away"):
            await listen_to_a_stopped_server()
        os.kill(pid, signal.SIGCONT)
        await valkey.close()
