"""The curve of an audience."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from expo.showcases.audience import HEIGHT, MOST_LINES, MOST_POINTS, Counted, Point, ceiling, curve, most

BEGAN = datetime(2026, 11, 24, 7, 30, 20, tzinfo=UTC)


def minute(number: int) -> datetime:
    return BEGAN.replace(second=0) + timedelta(minutes=number)


def test_a_minute_without_a_count_is_as_the_one_before() -> None:
    counted = [Counted(minute(-5), 9, 2), Counted(minute(1), 7, 5), Counted(minute(4), 6, 0)]
    found = curve(counted, [(BEGAN, minute(5))])
    assert found is not None
    assert [point.viewers for point in found.points] == [2, 7, 5, 5, 6, 0]
    assert found.points[0].at == minute(0)
    assert found.most == Point(minute(1), 7)
    assert (found.ceiling, found.width) == (10, 5)
    assert found.line == "M0 80L1 30L2 50L3 50L4 40L5 100"
    assert found.area == f"M0 {HEIGHT}L0 80L1 30L2 50L3 50L4 40L5 100V{HEIGHT}Z"


def test_the_most_of_a_stretch_is_what_its_curve_says_also_where_nobody_came_or_left() -> None:
    counted = [Counted(minute(-5), 9, 2), Counted(minute(1), 7, 5)]
    assert [most(counted, (minute(at), minute(at))) for at in (-6, -5, 0, 1, 4)] == [0, 9, 2, 7, 5]
    assert most(counted, (BEGAN, minute(5))) == 7
    assert most([], (BEGAN, minute(5))) == 0


def test_stretches_apart_are_drawn_apart() -> None:
    found = curve([Counted(minute(0), 1, 1)], [(minute(0), minute(1)), (minute(8), minute(8))])
    assert found is not None
    assert [point.at for point in found.points] == [minute(0), minute(1), minute(8)]
    assert found.line == "M0 50L1 50M2 50L3 50"


def test_a_long_show_is_drawn_with_few_points_and_keeps_its_peak() -> None:
    counted = [Counted(minute(0), 3, 3), Counted(minute(701), 50, 4)]
    found = curve(counted, [(BEGAN, BEGAN + timedelta(days=400))])
    assert found is not None
    assert len(found.points) <= MOST_POINTS
    assert len(found.lines) <= MOST_LINES
    assert (found.most.viewers, found.ceiling) == (50, 60)


def test_nothing_counted_is_no_curve() -> None:
    assert curve([], [(BEGAN, minute(9))]) is None
    assert curve([Counted(minute(0), 1, 1)], []) is None
    assert curve([Counted(minute(30), 1, 1)], [(BEGAN, minute(9))]) is None


@pytest.mark.parametrize(("most", "top"), [(0, 2), (1, 2), (3, 4), (42, 60), (60, 60), (61, 100), (101, 200)])
def test_the_top_of_the_scale_is_round(most: int, top: int) -> None:
    assert ceiling(most) == top
