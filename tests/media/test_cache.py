from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expo.media.cache import PacketCache


@settings(max_examples=300)
@given(st.lists(st.integers(0, 0xFFFF), max_size=300), st.sampled_from((1, 16, 64)))
def test_a_slot_holds_exactly_what_was_put_last(sequences: list[int], size: int) -> None:
    cache: PacketCache[int] = PacketCache(size)
    model: dict[int, tuple[int, int]] = {}
    for item, sequence in enumerate(sequences):
        cache.put(sequence, item)
        model[sequence % size] = sequence, item
    for sequence in sequences:
        number, item = model[sequence % size]
        assert cache.get(sequence) == (item if number == sequence else None)


def test_the_newest_512_packets_are_kept_across_the_wrap() -> None:
    cache: PacketCache[int] = PacketCache()
    for number in range(65_000, 66_000):
        cache.put(number & 0xFFFF, number)
    assert [cache.get(number & 0xFFFF) for number in range(65_488, 66_000)] == list(range(65_488, 66_000))
    assert all(cache.get(number & 0xFFFF) is None for number in range(65_000, 65_488))


def test_a_cleared_cache_is_empty() -> None:
    cache: PacketCache[str] = PacketCache(4)
    cache.put(7, "x")
    cache.clear()
    assert cache.get(7) is None


@pytest.mark.parametrize("size", [0, -4, 3, 500, 0x10000])
def test_a_size_that_is_no_power_of_two_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="power of two"):
        PacketCache(size)
