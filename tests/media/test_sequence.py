from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from expo.media.sequence import MAX_MISORDER, RestartGate, Unwrapper, newer16


@given(st.integers(0, 0xFFFF), st.integers(1, 0x7FFF))
def test_the_following_half_of_the_circle_is_newer(sequence: int, step: int) -> None:
    later = (sequence + step) & 0xFFFF
    assert newer16(later, sequence)
    assert not newer16(sequence, later)
    assert not newer16(sequence, sequence)


@settings(max_examples=300)
@given(
    bits=st.sampled_from((8, 16, 32)),
    start=st.integers(0, 2**32),
    moves=st.lists(st.floats(-0.49, 0.49), max_size=200),
)
def test_wrapped_numbers_come_back_extended(bits: int, start: int, moves: list[float]) -> None:
    span = 1 << bits
    unwrapper = Unwrapper(bits)
    origin = start - unwrapper.unwrap(start % span)
    newest = start
    for move in moves:
        value = newest + int(move * span)
        assert unwrapper.peek(value % span) + origin == value
        assert unwrapper.unwrap(value % span) + origin == value
        newest = max(newest, value)


def test_peeking_first_remembers_nothing() -> None:
    unwrapper = Unwrapper(16)
    assert unwrapper.peek(9) == 9
    assert unwrapper.newest is None


def test_a_jump_ahead_is_a_restart_at_once() -> None:
    assert RestartGate().restarted(100, 5_000)


def test_a_jump_back_is_a_restart_at_the_second_consecutive_number() -> None:
    gate = RestartGate()
    assert not gate.restarted(10_000, 500)
    assert not gate.restarted(10_000, 502)
    assert gate.restarted(10_000, 503)


def test_packets_under_way_during_a_restart_do_not_restart_again() -> None:
    gate = RestartGate()
    assert gate.restarted(60_000, 10_000)
    for stray in (59_999, 60_003, 59_990, 59_995, 60_000 - MAX_MISORDER, 60_000 + MAX_MISORDER):
        assert not gate.restarted(10_000, stray)


def test_a_stray_between_two_consecutive_numbers_starts_the_count_again() -> None:
    gate = RestartGate()
    assert not gate.restarted(10_000, 500)
    assert not gate.restarted(10_000, 7_000)
    assert not gate.restarted(10_000, 501)
    assert gate.restarted(10_000, 502)
