"""Who is connected to which room: each worker keeps an expiring record of those whom it sees.

One record a worker and second, however many rooms there are; that of a worker that was killed passes away.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from expo.cluster import keys
from expo.cluster.redis import Valkey
from expo.ids import RoomId

TTL_S = 3.0

_DECODER = msgspec.json.Decoder(dict[RoomId, frozenset[str]])


class Presence:
    """What this worker tells of its people, and what all workers tell. Raises `Unavailable("cluster.away")`."""

    def __init__(self, valkey: Valkey, name: str) -> None:
        """`name` is this process's own: one that comes after it must not take its record over."""
        self._valkey = valkey
        self._name = name
        self._told = False

    async def tell(self, here: Mapping[RoomId, Collection[str]], *, ttl_s: float = TTL_S) -> None:
        """These are here, until told again or `ttl_s` has passed."""
        if here or self._told:
            text = msgspec.json.encode({room: sorted(people) for room, people in here.items()}).decode()
            await self._valkey.put(keys.presence(self._name), text, ttl_s=ttl_s)
            await self._valkey.add_member(keys.presences(), self._name)
        self._told = bool(here)

    async def seen(self) -> dict[RoomId, frozenset[str]]:
        """Who is with any worker, by room; records that have expired are swept."""
        found: dict[RoomId, frozenset[str]] = {}
        names = sorted(await self._valkey.members(keys.presences()))
        for name, text in zip(names, await self._valkey.values([keys.presence(name) for name in names]), strict=True):
            if text is None:
                await self._valkey.remove_member(keys.presences(), name)
                continue
            for room, people in _DECODER.decode(text).items():
                found[room] = found.get(room, frozenset()) | people
        return found
