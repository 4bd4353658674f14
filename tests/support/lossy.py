"""A network on paper: numbered packets that get lost, delayed and doubled, reproducibly by seed."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from random import Random


def delivered(count: int, random: Random, *, loss: float, late: float, twice: float, reach: int) -> Iterator[int]:
    """Indices 0..count-1 in the order of arrival; a late or second copy comes up to `reach` places later."""
    held: list[tuple[int, int]] = []
    for index in range(count):
        while held and held[0][0] <= index:
            yield heapq.heappop(held)[1]
        fate = random.random()
        if fate < loss:
            continue
        if fate < loss + late:
            heapq.heappush(held, (index + random.randint(1, reach), index))
            continue
        yield index
        if fate > 1 - twice:
            heapq.heappush(held, (index + random.randint(1, reach), index))
    while held:
        yield heapq.heappop(held)[1]
