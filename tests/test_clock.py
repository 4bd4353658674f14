"""A room's clock while somebody sets the machine's."""

from __future__ import annotations

import pytest

from expo.clock import SteadyClock

EPOCH_S = 1_800_000_000


class Machine:
    """Seconds since it was switched on, and by how many its clock on the wall was set."""

    def __init__(self) -> None:
        self.up_s = 0.0
        self.set_s = 0.0
        self.clock = SteadyClock(
            lambda: round((EPOCH_S + self.up_s + self.set_s) * 1e9), lambda: round(self.up_s * 1e9)
        )

    def now_s(self) -> float:
        return self.clock.now_ms() / 1000 - EPOCH_S


@pytest.mark.parametrize("step_s", [60, -60])
def test_a_clock_that_is_set_by_a_minute_is_followed_without_a_jump(step_s: int) -> None:
    machine = Machine()
    machine.up_s = 100
    assert machine.now_s() == 100
    machine.set_s = step_s
    before = machine.now_s()
    assert before == 100
    for _ in range(1000):
        machine.up_s += 1
        now = machine.now_s()
        assert abs(now - before - 1) <= 0.006
        before = now
    machine.up_s += 60 / 0.005
    assert machine.now_s() == machine.up_s + step_s


@pytest.mark.parametrize("step_s", [86_400, -3600])
def test_a_machine_that_hears_what_time_it_is_is_believed(step_s: int) -> None:
    machine = Machine()
    machine.up_s, machine.set_s = 5, step_s
    assert machine.now_s() == 5 + step_s
