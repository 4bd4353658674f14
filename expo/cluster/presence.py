"""Who is connected to a room, on whichever worker: a sorted set per room of who was seen when, by Valkey's clock.

Each worker marks those whom it sees and must do so again and again: those of a worker that was killed pass away.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import cast

from expo.cluster import keys
from expo.cluster.redis import Call, Script, Valkey
from expo.ids import RoomId

_NOW = """
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
"""
_MARK = Script(
    _NOW
    + """
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], now, ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 0
"""
)
_SEEN = Script(
    _NOW
    + """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[1]))
return redis.call('ZRANGE', KEYS[1], 0, -1)
"""
)


class Presence:
    """The presence of people in all rooms of one Valkey."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey

    async def meet(
        self, here: Mapping[RoomId, Collection[str]], asked: Collection[RoomId], *, ttl_ms: int
    ) -> dict[RoomId, frozenset[str]]:
        """Mark who is `here` with this worker; who was marked by any within `ttl_ms` in the rooms `asked` for.

        One round trip, none where there is nothing to say. Raises `Unavailable("cluster.away")`.
        """
        marks = [Call(_MARK, _keys(room), (str(ttl_ms), *people)) for room, people in here.items() if people]
        looks = [Call(_SEEN, _keys(room), (str(ttl_ms),)) for room in asked]
        answers = await self._valkey.call_all([*marks, *looks])
        return {
            room: frozenset(cast("list[str]", answer))
            for room, answer in zip(asked, answers[len(marks) :], strict=True)
        }


def _keys(room: RoomId) -> list[str]:
    return [keys.room(room, "here")]
