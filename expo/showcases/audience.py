"""How many watched a show, minute by minute, and the curve of it. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

MINUTE = timedelta(minutes=1)
LONGEST = timedelta(days=2)
"""Of a stretch that is looked at: nobody presents for longer, but somebody may forget to end a show."""
MOST_POINTS = 240
MOST_LINES = 60
HEIGHT = 100

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Counted:
    """A minute that was counted: how many at most, and at its end; a minute without one is as the one before."""

    minute: datetime
    most: int
    last: int


@dataclass(frozen=True, slots=True)
class Point:
    """How many watched at most from `at` until the next point."""

    at: datetime
    viewers: int


@dataclass(frozen=True, slots=True)
class Curve:
    """The audience of one or more stretches of time, and how to draw it in a box `width` x `HEIGHT`.

    `line` and `area` are SVG paths; a stretch does not touch the next. `ceiling` is the value at the top of the box.
    `lines` are fewer points for a table.
    """

    points: tuple[Point, ...]
    lines: tuple[Point, ...]
    most: Point
    ceiling: int
    width: int
    line: str
    area: str


def curve(counted: Sequence[Counted], spans: Sequence[Span]) -> Curve | None:
    """`counted` in the order of time. None where nothing was counted before the last of `spans` ends."""
    strips = [_strip(counted, span) for span in spans]
    whole = sum(len(strip) for strip in strips)
    if not whole or not any(each.minute <= end for each in counted for _, end in spans):
        return None
    step = -(-whole // MOST_POINTS)
    drawn = [_thinned(strip, step) for strip in strips]
    points = tuple(point for strip in drawn for point in strip)
    highest = max(points, key=lambda point: point.viewers)
    top = ceiling(highest.viewers)
    line, area, x = "", "", 0
    for strip in drawn:
        places = [(x + number, HEIGHT - round(HEIGHT * point.viewers / top, 1)) for number, point in enumerate(strip)]
        if len(places) == 1:
            places.append((x + 1, places[0][1]))
        path = "L".join(f"{at} {y:g}" for at, y in places)
        line += f"M{path}"
        area += f"M{places[0][0]} {HEIGHT}L{path}V{HEIGHT}Z"
        x = places[-1][0] + 1
    return Curve(
        points=points,
        lines=tuple(point for strip in strips for point in _thinned(strip, -(-whole // MOST_LINES))),
        most=highest,
        ceiling=top,
        width=x - 1,
        line=line,
        area=area,
    )


def most(counted: Sequence[Counted], span: Span) -> int:
    """How many watched at most in a stretch of time: what its curve says too."""
    return max((point.viewers for point in _strip(counted, span)), default=0)


def ceiling(least: int) -> int:
    """A round number that is even, so that its half is a whole one, and not below `least`."""
    size = 1
    while True:
        for head in (2, 4, 6, 10):
            if head * size >= least:
                return head * size
        size *= 10


def _strip(counted: Sequence[Counted], span: Span) -> list[Point]:
    start, end = (_floor(moment) for moment in (span[0], min(span[1], span[0] + LONGEST)))
    points: list[Point] = []
    at = start
    while at <= end:
        before = bisect_right(counted, at, key=lambda each: each.minute)
        row = counted[before - 1] if before else None
        points.append(Point(at, 0 if row is None else row.most if row.minute == at else row.last))
        at += MINUTE
    return points


def _thinned(strip: Sequence[Point], step: int) -> list[Point]:
    groups = [strip[at : at + step] for at in range(0, len(strip), step)]
    return [Point(group[0].at, max(point.viewers for point in group)) for group in groups]


def _floor(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
