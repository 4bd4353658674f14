"""Wall-clock figures on a machine that others use too: measured again while they do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tests.bench.figures import Figure
from tests.bench.place import show

CALM = 0.05
"""Share of the time that others took, from which on a figure is measured again."""


async def calmest(measure: Callable[[], Awaitable[tuple[Figure, float]]], tries: int) -> Figure:
    """Measure until others leave the machine alone, `tries` times at most; the figure of the calmest try."""
    found: list[tuple[Figure, float]] = []
    for number in range(tries):
        found.append(await measure())
        figure, foreign = found[-1]
        show(f"try {number + 1}: {figure.value:g} {figure.unit} at {foreign:.0%} foreign load")
        if foreign < CALM:
            break
    return min(found, key=lambda each: each[1])[0]
