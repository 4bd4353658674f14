"""How often one address may ask for work: a leaky bucket per network in bounded memory (GCRA, ITU-T I.371)."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from expo.errors import TooMany

POSTS_PER_SECOND = 50.0
POST_BURST = 1000
"""A hall of buyers behind one NAT opens the stage in the same minute. At 2.5 ms a join, one address gets an eighth of a
core in the long run."""
MAX_NETWORKS = 20_000


@dataclass(slots=True)
class RateLimiter:
    """Admits `per_second` on the long run and `burst` at once for each network; forgets the one unseen for longest."""

    per_second: float = POSTS_PER_SECOND
    burst: int = POST_BURST
    max_networks: int = MAX_NETWORKS
    _due_us: OrderedDict[str, int] = field(default_factory=OrderedDict[str, int], init=False, repr=False)

    def admit(self, network: str, now_us: int) -> None:
        """Count one request; TooMany (`request.too_many`) with the seconds to wait when the bucket is full."""
        interval_us = int(1_000_000 / self.per_second)
        due_us = max(self._due_us.get(network, now_us), now_us)
        over_us = due_us - now_us - interval_us * (self.burst - 1)
        if over_us > 0:
            raise TooMany(
                "request.too_many", "too many requests from this address", retry_after_s=-(-over_us // 1_000_000)
            )
        self._due_us[network] = due_us + interval_us
        self._due_us.move_to_end(network)
        if len(self._due_us) > self.max_networks:
            self._due_us.popitem(last=False)
