"""Wall-clock figures on a machine that others use too: measured again while they do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.bench.figures import Figure
from tests.bench.place import show

CALM = 0.05
"""Share of the time that others took, from which on a figure is measured again."""
CALM_FAULTS = 8
"""Pages read back from the disk: a machine that takes memory away stops us for 10 ms and more each time."""


async def calmest(measure: Callable[[], Awaitable[tuple[Figure, float]]], tries: int) -> Figure:
    """Measure until machine and others leave us alone, `tries` times at most; the figure of the calmest try."""
    found: list[tuple[bool, float, Figure]] = []
    for number in range(tries):
        before = major_faults()
        figure, foreign = await measure()
        faults = major_faults() - before
        found.append((faults > CALM_FAULTS, foreign, figure))
        show(
            f"try {number + 1}: {figure.value:g} {figure.unit} at {foreign:.0%} foreign load, {faults} pages read back"
        )
        if foreign < CALM and faults <= CALM_FAULTS:
            break
    return min(found, key=lambda each: each[:2])[2]


def major_faults() -> int:
    """Of the whole machine since its start (proc(5))."""
    lines = (line.split() for line in Path("/proc/vmstat").read_text().splitlines())
    return next(int(count) for name, count in lines if name == "pgmajfault")
