from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expo.media.loss import GIVE_UP_US, MAX_ASKED, MAX_BEHIND, MAX_TRIES, Arrival, Reception
from expo.media.sequence import MAX_DROPOUT, MAX_MISORDER
from tests.support.lossy import delivered

RTT_US = 50_000


def fed(*sequences: int) -> Reception:
    reception = Reception(90_000)
    for sequence in sequences:
        reception.receive(sequence & 0xFFFF, 0, 0)
    return reception


@pytest.mark.parametrize("start", [0, 65_535])
def test_every_packet_of_a_rough_network_is_classed_right_over_two_wraps(start: int) -> None:
    """Against plain sets: what is seen first is new or late, what is seen again is a duplicate, the rest is lost."""
    random = Random(start)
    reception = Reception(90_000)
    reception.receive(start, 0, 0)
    seen = {0}
    newest = 0
    for index in delivered(140_000, random, loss=0.03, late=0.05, twice=0.05, reach=400):
        arrival = reception.receive((start + index) & 0xFFFF, index * 400, index * 4_500)
        if index in seen:
            assert arrival is Arrival.DUPLICATE
        else:
            assert arrival is (Arrival.NEW if index > newest else Arrival.LATE)
        seen.add(index)
        newest = max(newest, index)
        assert reception.highest == start + newest
    assert reception.lost == newest + 1 - len(seen)


@settings(max_examples=200)
@given(
    start=st.integers(0, 0xFFFF),
    moves=st.lists(st.tuples(st.integers(-700, 700), st.integers(0, 100_000)), max_size=120),
)
def test_what_is_asked_for_is_missing_and_nothing_else(start: int, moves: list[tuple[int, int]]) -> None:
    reception = Reception(90_000)
    reception.receive(start, 0, 0)
    seen = {start}
    newest = start
    now_us = 0
    for move, pause_us in moves:
        number = max(start, newest + move)
        now_us += pause_us
        reception.receive(number & 0xFFFF, 0, now_us)
        if number > newest - MAX_MISORDER:
            seen.add(number)
        newest = max(newest, number)
        asked = reception.missing(now_us, RTT_US)
        numbers = [newest - ((newest - sequence) & 0xFFFF) for sequence in asked]
        assert numbers == sorted(set(numbers))
        assert len(numbers) <= MAX_ASKED
        assert all(start < number < newest and newest - number <= MAX_BEHIND for number in numbers)
        assert not seen & set(numbers)
        assert reception.lost == newest - start + 1 - len(seen)


def test_a_hole_is_asked_for_at_once_then_once_per_round_trip_then_given_up() -> None:
    reception = Reception(90_000)
    reception.receive(10, 0, 0)
    reception.receive(13, 0, 5_000)
    assert reception.missing(5_000, RTT_US) == [11, 12]
    assert reception.missing(30_000, RTT_US) == []
    assert reception.missing(55_000, RTT_US) == [11, 12]
    reception.receive(12, 0, 60_000)
    tries = 2
    now_us = 55_000
    while reception.holes:
        now_us += RTT_US
        if reception.missing(now_us, RTT_US):
            tries += 1
    assert tries == MAX_TRIES
    assert reception.given_up == 1


def test_a_hole_is_given_up_after_a_second_on_a_slow_path() -> None:
    reception = fed(10, 12)
    assert reception.missing(0, 400_000) == [11]
    assert reception.missing(400_000, 400_000) == [11]
    assert reception.missing(800_000, 400_000) == [11]
    assert reception.missing(GIVE_UP_US + 200_000, 400_000) == []
    assert not reception.holes


def test_a_round_trip_of_nothing_does_not_ask_in_a_tight_loop() -> None:
    reception = fed(10, 12)
    assert reception.missing(0, 0) == [11]
    assert reception.missing(1_000, 0) == []


def test_a_long_gap_asks_for_the_newest_part_in_packets_that_fit_a_path() -> None:
    reception = fed(0, 2_000)
    first = reception.missing(0, RTT_US)
    second = reception.missing(0, RTT_US)
    assert first + second == list(range(2_000 - MAX_BEHIND, 2_000))
    assert len(first) == MAX_ASKED
    assert reception.missing(0, RTT_US) == []
    assert reception.given_up == 1_999 - MAX_BEHIND


def test_holes_stay_bounded_when_nobody_asks() -> None:
    reception = Reception(90_000)
    for sequence in range(0, 60_000, 3):
        reception.receive(sequence, 0, 0)
    asked: list[int] = []
    while part := reception.missing(0, RTT_US):
        asked += part
    assert len(asked) <= MAX_BEHIND
    assert min(asked) >= 59_997 - MAX_BEHIND


def test_a_late_packet_is_not_asked_for_any_more() -> None:
    reception = fed(65_534, 1)
    assert reception.receive(65_535, 0, 0) is Arrival.LATE
    assert reception.missing(0, RTT_US) == [0]
    assert reception.receive(0, 0, 0) is Arrival.LATE
    assert not reception.holes
    assert reception.lost == 0


def test_a_recovered_packet_fills_its_hole_but_was_lost() -> None:
    reception = fed(10, 12)
    assert reception.receive(11, 0, 0, recovered=True) is Arrival.LATE
    assert reception.receive(11, 0, 0) is Arrival.DUPLICATE
    assert not reception.holes
    assert reception.lost == 1


def test_a_recovered_packet_cannot_reset_the_numbering() -> None:
    reception = fed(10)
    assert reception.receive(20_000, 0, 0, recovered=True) is Arrival.DUPLICATE
    assert reception.receive(11, 0, 0, recovered=True) is Arrival.NEW
    assert reception.receive(12, 0, 0) is Arrival.NEW
    assert reception.lost == 1


def test_packets_from_before_the_first_are_dropped() -> None:
    reception = fed(10)
    assert reception.receive(9, 0, 0) is Arrival.DUPLICATE
    assert fed(0).receive(65_535, 0, 0) is Arrival.DUPLICATE


def test_late_packets_fill_a_gap_longer_than_the_window() -> None:
    reception = fed(*range(1_500), 2_900)
    assert reception.receive(2_900 - MAX_MISORDER, 0, 0) is Arrival.DUPLICATE
    late = range(2_900 - MAX_MISORDER + 1, 2_900)
    assert all(reception.receive(sequence, 0, 0) is Arrival.LATE for sequence in late)
    assert all(reception.receive(sequence, 0, 0) is Arrival.DUPLICATE for sequence in late)


def test_the_longest_gap_is_no_reset() -> None:
    reception = fed(100)
    assert reception.receive(100 + MAX_DROPOUT - 1, 0, 0) is Arrival.NEW
    assert reception.lost == MAX_DROPOUT - 2


def test_a_restarted_encoder_resets_the_numbering_without_loss() -> None:
    reception = fed(100, 103)
    assert reception.receive(30_000, 0, 0) is Arrival.RESET
    assert not reception.holes
    assert reception.lost == 2
    assert reception.receive(30_001, 0, 0) is Arrival.NEW
    assert reception.receive(29_999, 0, 0) is Arrival.DUPLICATE
    assert reception.receive(102, 0, 0) is Arrival.DUPLICATE
    assert reception.receive(30_002, 0, 0) is Arrival.NEW
    assert reception.lost == 2
    assert reception.highest == 30_002


def test_an_encoder_that_restarts_below_resets_at_its_second_packet() -> None:
    reception = fed(50_000)
    assert reception.receive(20, 0, 0) is Arrival.RESET  # 15,556 ahead, over the wrap
    assert reception.receive(50_001, 0, 0) is Arrival.DUPLICATE
    reception = fed(30_000)
    assert reception.receive(20, 0, 0) is Arrival.DUPLICATE
    assert reception.receive(21, 0, 0) is Arrival.RESET
    assert reception.receive(22, 0, 0) is Arrival.NEW
    assert reception.highest & 0xFFFF == 22
    assert reception.highest > 30_000


def test_jitter_is_that_of_the_rfc_over_a_wrapping_timestamp() -> None:
    random = Random(8)
    reception = Reception(48_000)
    reference, last = 0, None
    for index in range(1_000):
        timestamp = (2**32 - 100_000 + index * 960) & 0xFFFFFFFF
        arrival_us = index * 20_000 + random.randrange(8_000)
        reception.receive(index, timestamp, arrival_us)
        transit = (arrival_us * 48_000 // 1_000_000 - index * 960) * 1
        if last is not None:
            reference += abs(transit - last) - ((reference + 8) >> 4)  # RFC 3550 A.8, in integers
        last = transit
    assert reception.jitter == reference >> 4 > 0


def test_a_new_origin_of_timestamps_is_not_jitter() -> None:
    reception = Reception(90_000)
    for sequence, timestamp in enumerate((0, 3_000, 2_000_000_000, 2_000_003_000)):
        reception.receive(sequence, timestamp, sequence * 33_333)
    assert reception.jitter <= 1


def test_a_report_tells_the_loss_since_the_last_one() -> None:
    reception = Reception(90_000)
    for sequence in range(65_500, 65_600):
        if sequence % 4:
            reception.receive(sequence & 0xFFFF, 0, 0)
    block = reception.report_block(7, 2_500_000, (0x12345678, 2_000_000))
    assert (block.ssrc, block.highest_sequence) == (7, 65_599)
    assert block.packets_lost == 24
    assert block.fraction_lost == (24 << 8) // 99
    assert (block.lsr, block.dlsr) == (0x12345678, 32_768)
    assert reception.fraction_lost == pytest.approx(24 / 99)
    reception.receive(64, 0, 0)
    block = reception.report_block(7, 3_000_000, None)
    assert (block.fraction_lost, block.packets_lost, block.lsr, block.dlsr) == (0, 24, 0, 0)


def test_a_report_with_nothing_new_tells_no_loss() -> None:
    reception = fed(10, 12)
    reception.report_block(7, 0, None)
    assert reception.report_block(7, 1, None).fraction_lost == 0
    assert reception.fraction_lost == 0.0


def test_a_report_before_the_first_packet_is_all_zeros() -> None:
    block = Reception(90_000).report_block(7, 0, None)
    assert (block.fraction_lost, block.packets_lost, block.highest_sequence) == (0, 0, 0)
