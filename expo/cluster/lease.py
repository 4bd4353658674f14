"""Who owns a room: an expiring lease, and a fencing token that no expiry, restart or wipe gives out twice.

A token is max(previous + 1, Valkey's clock in us) and stands in a key of its own that never expires. It decides, not
the lease: the lease only says when somebody else may try. An owner whose lease has expired takes it again as long as
its token is the newest; it has lost the room when a newer one was issued, never because an answer failed to come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from expo.cluster import keys
from expo.cluster.redis import TIMEOUT_S, Call, Script, Valkey
from expo.errors import Unavailable
from expo.ids import RoomId
from expo.kit.logging import get_logger

TTL_S = 3.0
"""A killed owner's room is free after this; viewers are to be back within 5 s."""
RENEW_EVERY_S = 1.0
RENEW_AT_ONCE = 256
"""Leases in one round trip: some 10 ms of Valkey's time."""

log = get_logger(__name__)

_TAKE = Script("""
local lease = redis.call('GET', KEYS[1])
local owner = lease and string.match(lease, '^%d+ (.*)$')
if owner and owner ~= ARGV[1] then return {'', owner} end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
if now > tonumber(ARGV[3]) then return {'', ''} end
local token = string.format('%.0f', math.max(tonumber(redis.call('GET', KEYS[2]) or '0') + 1, now))
redis.call('SET', KEYS[2], token)
redis.call('SET', KEYS[1], token .. ' ' .. ARGV[1], 'PX', ARGV[2])
return {token, ARGV[1]}
""")

_NOW = Script("""
local time = redis.call('TIME')
return time[1] * 1000000 + time[2]
""")

FENCE = """
local newest = tonumber(redis.call('GET', KEYS[2]) or '0')
local mine = tonumber(ARGV[1])
local forgotten = newest < mine
if forgotten then redis.call('SET', KEYS[2], ARGV[1]) end
"""
"""Opens every script that a token guards, with KEYS[2] = token: stale when `newest > mine`; `forgotten` when the server
came back without the token, and then it is issued again, for nobody has a newer one."""

_RENEW = Script(
    FENCE
    + """
if newest > mine then return 'lost' end
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2], 'PX', ARGV[3])
return forgotten and 'forgotten' or 'held'
"""
)

_RELEASE = Script(
    FENCE
    + """
if newest > mine then return 0 end
redis.call('SET', KEYS[2], string.format('%.0f', mine + 1))
return redis.call('DEL', KEYS[1])
"""
)

LAPSED = ""
"""In the place of an owner: somebody had the room, and nobody has it now."""

_OWNER = Script("""
local lease = redis.call('GET', KEYS[1])
if lease then return string.match(lease, '^%d+ (.*)$') end
return redis.call('EXISTS', KEYS[2]) == 1 and ''
""")


@dataclass(frozen=True, slots=True)
class Lease:
    """What an owner holds. Of two tokens of a room the greater is the newer."""

    room: RoomId
    owner: str
    token: int


@dataclass(frozen=True, slots=True)
class Held:
    """The room belongs to somebody else: `owner`."""

    owner: str


async def take(valkey: Valkey, room: RoomId, owner: str, *, ttl_s: float = TTL_S) -> Lease | Held:
    """A new lease for `owner`, who may hold one already: the answer that brought it may have been lost.

    What a server reads late, because it hung, comes to nothing: its owner may have been unable to renew meanwhile.
    Raises `Unavailable("cluster.away")`; then the lease may have been taken, and expires.
    """
    now_us = cast("int", await valkey.call(Call(_NOW, _keys(room))))
    arguments = (owner, _ms(ttl_s), str(now_us + round(TIMEOUT_S * 1_000_000)))
    token, holder = cast("list[str]", await valkey.call(Call(_TAKE, _keys(room), arguments)))
    if not token and not holder:
        raise Unavailable("cluster.away", "Valkey read too late that a room was wanted", retry_after_s=1)
    return Lease(room, owner, int(token)) if token else Held(holder)


async def seize(valkey: Valkey, room: RoomId, owner: str) -> Lease:
    """A new lease, whoever holds one: for a start that knows that no other owner lives. Raises as `take` does."""
    await valkey.delete(keys.room(room, "lease"))
    lease = await take(valkey, room, owner)
    if isinstance(lease, Held):
        raise Unavailable("cluster.away", f"{lease.owner} has taken room {room} meanwhile", retry_after_s=1)
    return lease


async def release(valkey: Valkey, lease: Lease) -> None:
    """Give the room up at once; harmless when it is lost already.

    The next token is issued, to nobody: a renewal or an append that is still on its way comes to nothing.
    """
    await valkey.call(Call(_RELEASE, _keys(lease.room), (str(lease.token),)))


async def owner_of(valkey: Valkey, room: RoomId) -> str | None:
    """Who holds the room's lease now; None when nobody does."""
    return (await owners_of(valkey, [room]))[0] or None


async def owners_of(valkey: Valkey, rooms: Sequence[RoomId]) -> list[str | None]:
    """Who holds each lease, in one round trip; `LAPSED` when nobody does, None where nobody ever did or all is lost."""
    calls = [Call(_OWNER, _keys(room)) for room in rooms]
    return cast("list[str | None]", await valkey.call_all(calls))


async def renew(valkey: Valkey, leases: Sequence[Lease], *, ttl_s: float = TTL_S) -> list[str]:
    """For each lease `held`, `forgotten` (the server came back without it; held again) or `lost`."""
    arguments = [(str(lease.token), lease.owner, _ms(ttl_s)) for lease in leases]
    calls = [Call(_RENEW, _keys(lease.room), words) for lease, words in zip(leases, arguments, strict=True)]
    return cast("list[str]", await valkey.call_all(calls))


@dataclass(frozen=True, slots=True)
class _Kept:
    lease: Lease
    on_lost: Callable[[], None]
    on_forgotten: Callable[[], None]


class LeaseKeeper:
    """Renews all leases of one worker together: idle rooms share one round trip a second."""

    def __init__(self, valkey: Valkey, *, every_s: float = RENEW_EVERY_S, ttl_s: float = TTL_S) -> None:
        self._valkey = valkey
        self._every_s = every_s
        self._ttl_s = ttl_s
        self._kept: dict[RoomId, _Kept] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, lease: Lease, *, on_lost: Callable[[], None], on_forgotten: Callable[[], None]) -> None:
        """Renew from now on. `on_lost` comes at most once; the callbacks may not block."""
        self._kept[lease.room] = _Kept(lease, on_lost, on_forgotten)

    def drop(self, lease: Lease) -> None:
        """Renew no more; harmless twice."""
        if (kept := self._kept.get(lease.room)) and kept.lease == lease:
            del self._kept[lease.room]

    async def run(self) -> None:
        """Renew until cancelled; while Valkey is away, keep everything and keep trying."""
        while True:
            await asyncio.sleep(self._every_s)
            try:
                await self.renew()
            except Unavailable as error:
                log.warning("leases are not renewed", error=error.code, rooms=len(self._kept))

    async def renew(self) -> None:
        """Renew all once and tell those concerned. Raises `Unavailable("cluster.away")`."""
        kept = list(self._kept.values())
        for start in range(0, len(kept), RENEW_AT_ONCE):
            some = kept[start : start + RENEW_AT_ONCE]
            for one, answer in zip(
                some, await renew(self._valkey, [one.lease for one in some], ttl_s=self._ttl_s), strict=True
            ):
                if self._kept.get(one.lease.room) is not one:
                    continue  # dropped while the answer was on its way
                if answer == "lost":
                    del self._kept[one.lease.room]
                    one.on_lost()
                elif answer == "forgotten":
                    one.on_forgotten()


def _keys(room: RoomId) -> list[str]:
    return [keys.room(room, "lease"), keys.room(room, "token")]


def _ms(seconds: float) -> str:
    return str(round(seconds * 1000))
