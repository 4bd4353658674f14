"""Byte ranges: what is asked for, what is nonsense, and what is not there."""

from __future__ import annotations

import pytest

from expo.edge.ranges import byte_range


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (None, None),
        ("bytes=0-", (0, 9)),
        ("bytes=2-4", (2, 4)),
        ("bytes=9-9", (9, 9)),
        ("bytes=4-400", (4, 9)),
        ("bytes=-3", (7, 9)),
        ("bytes=-30", (0, 9)),
        ("Bytes = 1 - 2", (1, 2)),
        ("bytes=4-2", None),
        ("bytes=0-1,4-5", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("lines=0-1", None),
        ("bytes=0-99999999999999999999", None),
    ],
)
def test_a_range_is_read_as_the_standard_says(asked: str | None, found: tuple[int, int] | None) -> None:
    assert byte_range(asked, 10) == found


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=10-20", "bytes=-0"])
def test_what_the_body_does_not_have_is_refused(asked: str) -> None:
    with pytest.raises(IndexError):
        byte_range(asked, 10)
