from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from expo.media.bandwidth import PublisherRate

HALF_S = 500_000


def test_a_clean_path_reaches_the_cap_and_stays() -> None:
    rate = PublisherRate(2_500_000)
    assert rate.bps == 1_500_000
    reports = 0
    while rate.bps < 2_500_000:
        reports += 1
        rate.on_loss(0.0, reports * HALF_S)
    assert reports * HALF_S < 8_000_000
    assert rate.on_loss(0.0, (reports + 1) * HALF_S) == 2_500_000


def test_who_is_to_spare_the_path_is_asked_for_less_and_keeps_what_was_measured() -> None:
    rate = PublisherRate(2_500_000)
    rate.spare_bps = 400_000
    assert rate.on_loss(0.0, HALF_S) == 1_500_000
    assert rate.asked_bps == 400_000
    rate.spare_bps = None
    assert rate.asked_bps == 1_500_000


def test_one_burst_of_loss_halves_the_rate_once() -> None:
    rate = PublisherRate(2_500_000)
    assert rate.on_loss(0.3, HALF_S) == 750_000
    assert rate.on_loss(0.2, 2 * HALF_S) == 750_000


def test_loss_that_goes_on_halves_the_rate_down_to_the_floor() -> None:
    rate = PublisherRate(2_500_000, floor_bps=200_000)
    for report in range(1, 20):
        rate.on_loss(0.11, report * HALF_S)
    assert rate.bps == 200_000


def test_after_a_cut_the_rate_waits_before_it_rises() -> None:
    rate = PublisherRate(2_500_000)
    rate.on_loss(0.5, HALF_S)
    assert rate.on_loss(0.0, 3 * HALF_S) == 750_000
    assert rate.on_loss(0.0, 5 * HALF_S) == 810_000


def test_some_loss_keeps_the_rate() -> None:
    rate = PublisherRate(2_500_000)
    assert rate.on_loss(0.05, HALF_S) == rate.on_loss(0.10, 2 * HALF_S) == 1_500_000


def test_reports_in_quick_succession_raise_the_rate_once() -> None:
    rate = PublisherRate(2_500_000)
    first = rate.on_loss(0.0, 1_000)
    assert rate.on_loss(0.0, 2_000) == first


def test_a_cap_below_the_start_is_the_start() -> None:
    assert PublisherRate(100_000).bps == 100_000


@settings(max_examples=200)
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 3_000_000)), max_size=100))
def test_the_rate_never_leaves_its_bounds(reports: list[tuple[float, int]]) -> None:
    rate = PublisherRate(2_000_000, floor_bps=300_000)
    now_us = 0
    for fraction, step_us in reports:
        now_us += step_us
        assert 300_000 <= rate.on_loss(fraction, now_us) <= 2_000_000
