"""The one door to Valkey or Redis: every wait has an end, nothing is retried behind the caller's back.

A call that timed out may still have run; callers use commands that are harmless twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from expo.errors import Invalid, Unavailable

TIMEOUT_S = 2.0
"""Longest wait for connecting and for an answer."""
BLOCK_S = TIMEOUT_S / 2
"""Longest wait that a blocking command may ask for."""
ALIVE_S = 1.0
"""How often a listener that hears nothing asks whether the server is still there."""
OLDEST_MAJOR = 7
"""Functions and sharded publish came with Redis 7.0."""

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script that runs as one step. Sent with every call: a restarted server knows none."""

    source: str


@dataclass(frozen=True, slots=True)
class Call:
    """One run of a script, with keys of one hash slot."""

    script: Script
    keys: Sequence[str]
    arguments: Sequence[str] = ()

    def command(self) -> tuple[str, ...]:
        """As Valkey takes it."""
        return ("EVAL", self.script.source, str(len(self.keys)), *self.keys, *self.arguments)


class Valkey:
    """A pool of connections to one server. Every method raises `Unavailable("cluster.away")` when it is not there."""

    def __init__(self, url: str) -> None:
        """Connect lazily to `url` (redis, rediss or unix). Raises `Invalid("settings.redis_url")`."""
        self._failed_s = -math.inf
        try:
            self._redis: Redis = Redis.from_url(  # pyright: ignore[reportUnknownMemberType] - **kwargs are untyped there
                url,
                retry=Retry(NoBackoff(), 0),
                socket_timeout=TIMEOUT_S,
                socket_connect_timeout=TIMEOUT_S,
                health_check_interval=0,
                decode_responses=True,
            )
        except ValueError as error:
            raise Invalid("settings.redis_url", str(error)) from error

    @property
    def quiet_s(self) -> float:
        """For how long nothing has gone wrong here (s); infinite when nothing ever did."""
        return time.monotonic() - self._failed_s

    async def ping(self) -> None:
        """Return when the server answers and is not loading."""
        await self._run("PING")

    async def version(self) -> tuple[int, ...]:
        """The Redis version that the server says it is compatible with, such as (7, 2, 4)."""
        server = cast("Mapping[str, object]", await self._run("INFO", "server"))  # redis-py parses this answer
        return tuple(int(part) for part in str(server.get("redis_version", "")).split(".") if part.isdigit())

    async def put(self, key: str, value: str, *, ttl_s: float) -> None:
        """Set `key` for `ttl_s` seconds."""
        await self._run("SET", key, value, "PX", str(round(ttl_s * 1000)))

    async def values(self, keys: Sequence[str]) -> list[str | None]:
        """The values of `keys` in order; None where there is none."""
        return cast("list[str | None]", await self._run("MGET", *keys)) if keys else []

    async def delete(self, *keys: str) -> None:
        """Delete `keys`."""
        await self._run("DEL", *keys)

    async def add_member(self, key: str, member: str) -> None:
        """Add `member` to the set `key`."""
        await self._run("SADD", key, member)

    async def remove_member(self, key: str, member: str) -> None:
        """Take `member` out of the set `key`."""
        await self._run("SREM", key, member)

    async def members(self, key: str) -> set[str]:
        """The set `key`."""
        return set(cast("list[str]", await self._run("SMEMBERS", key)))

    async def publish(self, channel: str, text: str) -> None:
        """Tell everybody who listens to `channel` now."""
        await self._run("PUBLISH", channel, text)

    @contextlib.asynccontextmanager
    async def listening(self, channel: str) -> AsyncGenerator[AsyncIterator[str]]:
        """What is published on `channel` from when the block begins; it raises as soon as anything may be missed."""
        try:
            async with contextlib.aclosing(self._redis.pubsub()) as pubsub:  # pyright: ignore[reportUnknownMemberType] - **kwargs
                with _cancellable():
                    async with asyncio.timeout(TIMEOUT_S):
                        await pubsub.subscribe(channel)  # pyright: ignore[reportUnknownMemberType] - **kwargs
                        while await pubsub.get_message(timeout=TIMEOUT_S) is None:
                            pass
                yield _texts(pubsub)
        except (RedisError, OSError, TimeoutError) as error:
            raise _away(error) from error

    async def call(self, call: Call) -> object:
        """What the script answers: None, int, str, or a list of these."""
        return await self._run(*call.command())

    async def call_all(self, calls: Sequence[Call]) -> list[object]:
        """The answers of `calls` in order, in one round trip; other clients' commands may run in between."""
        if not calls:
            return []
        pipe = self._redis.pipeline(transaction=False)
        for call in calls:
            pipe.execute_command(*call.command())  # pyright: ignore[reportUnknownMemberType] - untyped there
        return await self._wait(cast("Awaitable[list[object]]", pipe.execute()))

    async def field(self, key: str, name: str) -> str | None:
        """One field of the hash `key`."""
        return cast("str | None", await self._run("HGET", key, name))

    async def wait_for_entries(
        self, after: Mapping[str, str], *, most: int, block_s: float = BLOCK_S
    ) -> dict[str, list[tuple[str, dict[str, str]]]]:
        """Entries behind the ids in `after`, by stream; waits up to `block_s` for the first, empty when none comes."""
        command = ("XREAD", "COUNT", str(most), "BLOCK", str(max(1, round(min(block_s, BLOCK_S) * 1000))), "STREAMS")
        found = await self._run(*command, *after.keys(), *after.values())
        return dict(cast("list[tuple[str, list[tuple[str, dict[str, str]]]]]", found or []))

    async def close(self) -> None:
        """Close every connection."""
        await self._redis.aclose()

    async def _run(self, *command: str) -> object:
        return await self._wait(cast("Awaitable[object]", self._redis.execute_command(*command)))  # pyright: ignore[reportUnknownMemberType] - its **options are untyped

    async def _wait(self, answer: Awaitable[Answer]) -> Answer:
        try:
            with _cancellable():
                async with asyncio.timeout(TIMEOUT_S):
                    return await answer
        except (RedisError, OSError, TimeoutError) as error:
            self._failed_s = time.monotonic()
            raise _away(error) from error


@contextlib.contextmanager
def _cancellable() -> Generator[None]:
    """Pass on a cancellation that redis-py has swallowed.

    It sends within `asyncio.wait_for`, which on Python 3.11 forgets a cancellation that comes just as the sending ends:
    the task would go on, and its owner wait for ever.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    try:
        yield
    finally:
        if task and task.cancelling() > before:
            raise asyncio.CancelledError


async def _texts(pubsub: PubSub) -> AsyncIterator[str]:
    """Messages as they come. TimeoutError when the server does not even answer a ping."""
    asked = False
    while True:
        heard = cast("Mapping[str, object] | None", await pubsub.get_message(timeout=ALIVE_S))
        if heard is not None:
            asked = False
            if heard["type"] == "message":
                yield str(heard["data"])
        elif asked:
            raise TimeoutError
        else:
            with _cancellable():
                await pubsub.ping()  # pyright: ignore[reportUnknownMemberType] - its argument is untyped
            asked = True


def _away(error: Exception) -> Unavailable:
    return Unavailable("cluster.away", f"Valkey does not answer: {error or type(error).__name__}", retry_after_s=1)
