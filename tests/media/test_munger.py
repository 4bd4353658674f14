from __future__ import annotations

from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from expo.media.loss import Arrival, Reception
from expo.media.munger import WINDOW, Munger
from tests.support.lossy import delivered

VIDEO = 90_000


class Viewer:
    """What leaves a munger, checked against its laws: every number once, upwards but for late ones."""

    def __init__(self, munger: Munger) -> None:
        self.munger = munger
        self.given: set[int] = set()
        self.newest = -1
        self.timestamp = 0

    def push(self, sequence: int, timestamp: int, arrival_us: int) -> int | None:
        numbers = self.munger.map(sequence & 0xFFFF, timestamp & 0xFFFFFFFF, arrival_us, VIDEO)
        if numbers is None:
            return None
        assert 0 <= numbers[0] <= 0xFFFF
        assert 0 <= numbers[1] <= 0xFFFFFFFF
        step = (numbers[0] - self.newest) & 0xFFFF
        number = self.newest + (step if step < 0x8000 else step - 0x10000)
        assert number not in self.given
        assert number > self.newest - WINDOW
        self.given.add(number)
        if number > self.newest:
            self.newest = number
            self.timestamp = numbers[1]
        return number


def test_a_single_source_is_renumbered_from_0_with_its_own_timestamps() -> None:
    munger = Munger()
    assert [munger.map(65_534 + i & 0xFFFF, 100 + i, i, VIDEO) for i in range(3)] == [(0, 100), (1, 101), (2, 102)]


def test_numbers_start_where_they_are_told_to() -> None:
    munger = Munger(first_sequence=65_535)
    assert [munger.map(i, 0, 0, VIDEO) for i in range(2)] == [(65_535, 0), (0, 0)]


def test_losses_leave_holes_and_late_packets_fill_their_own() -> None:
    munger = Munger()
    numbers = [munger.map(sequence, sequence, 0, VIDEO) for sequence in (10, 11, 15, 13, 12, 13, 15, 16, 14)]
    assert numbers == [(0, 10), (1, 11), (5, 15), (3, 13), (2, 12), None, None, (6, 16), (4, 14)]


def test_a_packet_from_before_the_first_is_dropped() -> None:
    munger = Munger()
    munger.map(10, 0, 0, VIDEO)
    assert munger.map(9, 0, 0, VIDEO) is None
    assert munger.map(11, 0, 0, VIDEO) == (1, 0)


def test_another_source_continues_the_numbers_and_the_time() -> None:
    munger = Munger()
    munger.map(500, 1_000_000, 1_000_000, VIDEO)
    munger.map(501, 1_003_000, 1_033_000, VIDEO)
    munger.switch(1_050_000)
    assert munger.map(9, 77, 1_133_000, VIDEO) == (2, 1_003_000 + 9_000)
    assert munger.map(10, 77 + 3_000, 1_166_000, VIDEO) == (3, 1_003_000 + 12_000)
    assert munger.map(8, 77 - 3_000, 1_166_000, VIDEO) is None


def test_the_old_picture_does_not_fill_holes_after_the_switch() -> None:
    munger = Munger()
    munger.map(500, 0, 0, VIDEO)
    munger.map(503, 0, 0, VIDEO)
    munger.switch()
    assert munger.map(505, 0, 0, VIDEO) == (4, 1)
    assert munger.map(501, 0, 0, VIDEO) is None


def test_a_first_packet_that_was_kept_from_before_the_switch_counts_from_the_switch() -> None:
    munger = Munger()
    munger.map(1, 0, 1_000_000, VIDEO)
    munger.switch(2_000_000)
    assert munger.map(1, 0, 500_000, VIDEO) == (1, 90_000)


def test_a_cut_within_one_instant_still_moves_the_time() -> None:
    munger = Munger()
    munger.map(1, 5, 1_000, VIDEO)
    munger.switch()
    assert munger.map(1, 5, 1_000, VIDEO) == (1, 6)


def test_switching_before_the_first_packet_changes_nothing() -> None:
    munger = Munger()
    munger.switch(5)
    munger.restart()
    assert munger.map(7, 8, 9, VIDEO) == (0, 8)


def test_a_restarted_source_leaves_one_number_out() -> None:
    munger = Munger()
    munger.map(1, 0, 0, VIDEO)
    munger.restart()
    assert munger.map(30_000, 0, 100_000, VIDEO) == (2, 9_000)
    munger.restart()
    munger.switch()
    assert munger.map(5, 0, 100_000, VIDEO) == (3, 9_001)


def test_late_packets_fill_a_gap_longer_than_the_window() -> None:
    munger = Munger()
    for sequence in range(WINDOW):
        munger.map(sequence, 0, 0, VIDEO)
    munger.map(1_300, 0, 0, VIDEO)
    assert munger.map(1_300 - WINDOW, 0, 0, VIDEO) is None
    late = range(1_300 - WINDOW + 1, 1_300)
    assert [munger.map(sequence, 0, 0, VIDEO) for sequence in late] == [(sequence, 0) for sequence in late]


def test_another_source_is_not_doubted_for_where_the_last_one_was() -> None:
    munger = Munger()
    munger.map(100, 0, 0, VIDEO)
    munger.map(20_000, 0, 0, VIDEO)
    munger.switch()
    assert munger.map(50_000, 0, 0, VIDEO) == (3, 2)
    assert munger.map(60, 0, 0, VIDEO) == (5, 3)


def test_a_source_that_jumps_ahead_is_taken_to_have_restarted() -> None:
    munger = Munger()
    munger.map(100, 0, 0, VIDEO)
    assert munger.map(20_000, 5, 1_000_000, VIDEO) == (2, 90_000)
    assert munger.map(20_001, 5, 1_000_000, VIDEO) == (3, 90_000)
    assert munger.map(101, 0, 1_000_000, VIDEO) is None


def test_a_source_that_jumps_back_is_believed_at_its_second_packet() -> None:
    munger = Munger()
    munger.map(20_000, 0, 0, VIDEO)
    assert munger.map(100, 7, 0, VIDEO) is None
    assert munger.map(101, 7, 0, VIDEO) == (2, 1)
    assert munger.map(20_001, 0, 0, VIDEO) is None
    assert munger.map(102, 7, 0, VIDEO) == (3, 1)


@pytest.mark.parametrize("timestamp", [10_000_000, 2**32 - 200_000, 2**31 + 1])
def test_a_clock_that_is_set_anew_is_a_cut(timestamp: int) -> None:
    munger = Munger()
    munger.map(1, 0, 0, VIDEO)
    assert munger.map(2, timestamp, 33_333, VIDEO) == (2, 2_999)
    assert munger.map(3, timestamp + 3_000 & 0xFFFFFFFF, 66_666, VIDEO) == (3, 5_999)


def test_a_pause_and_a_stalled_network_are_no_cuts() -> None:
    munger = Munger()
    munger.map(1, 0, 0, VIDEO)
    assert munger.map(2, 60 * VIDEO, 60_000_000, VIDEO) == (1, 60 * VIDEO)
    assert munger.map(3, 60 * VIDEO + 3_000, 90_000_000, VIDEO) == (2, 60 * VIDEO + 3_000)
    assert munger.map(4, 65 * VIDEO, 90_000_000, VIDEO) == (3, 65 * VIDEO)


def test_a_timestamp_that_steps_back_a_little_is_passed_on_and_forgotten_at_a_cut() -> None:
    munger = Munger()
    munger.map(1, 9_000, 0, VIDEO)
    assert munger.map(2, 6_000, 10_000, VIDEO) == (1, 6_000)
    munger.switch()
    assert munger.map(1, 0, 100_000, VIDEO) == (2, 18_000)


def test_a_rough_network_and_its_track_give_every_packet_its_own_number_over_two_wraps() -> None:
    random = Random(5)
    reception = Reception(VIDEO)
    viewer = Viewer(Munger(first_sequence=0))
    start = 65_000
    reception.receive(start, 0, 0)
    assert viewer.push(start, 0, 0) == 0
    delivered_once = {0}
    for index in delivered(140_000, random, loss=0.03, late=0.05, twice=0.05, reach=400):
        arrival = reception.receive(start + index & 0xFFFF, index * 400, index * 4_500)
        number = viewer.push(start + index, index * 400, index * 4_500)
        assert (number is None) == (arrival is Arrival.DUPLICATE)
        if number is not None:
            assert number == index
            delivered_once.add(index)
    assert viewer.given == delivered_once


STEPS = st.one_of(
    st.tuples(st.just("step"), st.integers(1, 20)),
    st.tuples(st.just("step"), st.integers(1, 2_999)),
    st.tuples(st.just("late"), st.integers(0, 1_500)),
    st.tuples(st.just("anywhere"), st.integers(0, 0xFFFF)),
    st.tuples(st.just("switch"), st.integers(0, 0xFFFF)),
    st.tuples(st.just("restart"), st.integers(0, 0xFFFF)),
    st.tuples(st.just("clock"), st.integers(0, 0xFFFFFFFF)),
)


@settings(max_examples=300)
@given(st.lists(st.tuples(STEPS, st.integers(0, 200_000)), max_size=150), st.integers(0, 0xFFFF))
@example([(("step", 1), 0)] * 600 + [(("late", back), 0) for back in range(700)], 65_300)
@example([(("step", 2_999), 0), (("late", 513), 0), (("late", 511), 0), (("switch", 1), 0), (("late", 1), 0)], 0)
def test_whatever_comes_no_number_is_given_twice_and_only_late_ones_go_back(
    steps: list[tuple[tuple[str, int], int]], start: int
) -> None:
    viewer = Viewer(Munger())
    sequence, timestamp, now_us, cut = start, 0, 0, True
    viewer.push(sequence, timestamp, now_us)
    for (kind, amount), pause_us in steps:
        now_us += pause_us
        timestamp += pause_us * 9 // 100
        before = viewer.newest
        if kind == "step":
            sequence += amount
            number = viewer.push(sequence, timestamp, now_us)
            assert number is not None
            assert number > before
            assert cut or number in (before + amount, before + amount + 1)
            cut = False
        elif kind == "late":
            number = viewer.push(sequence - amount, timestamp, now_us)
            assert number is None or number < before or cut
        elif kind == "anywhere":
            number = viewer.push(amount, timestamp, now_us)
            if number is not None and number > before:
                sequence = amount
        elif kind == "clock":
            timestamp = amount
        else:
            first = viewer.newest + (1 if kind == "switch" else 2)
            if kind == "switch":
                viewer.munger.switch(now_us)
            else:
                viewer.munger.restart()
            sequence = amount
            assert viewer.push(sequence, timestamp, now_us) == first
