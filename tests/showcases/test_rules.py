"""The states of a showcase: every command in every state, and laws that hold for any history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expo.errors import Conflict
from expo.showcases.rules import (
    STATES,
    Command,
    End,
    Ended,
    Event,
    GoLive,
    Programme,
    Schedule,
    Scheduled,
    State,
    WentLive,
    Withdraw,
    Withdrawn,
    decide,
    minute_of_show,
    reduce,
)

NOW = datetime(2026, 11, 24, 7, 30, tzinfo=UTC)
PLAN = NOW + timedelta(hours=1)
LATER = PLAN + timedelta(hours=1)


def programme(state: State) -> Programme:
    return Programme(
        state=state,
        starts_at=PLAN,
        went_live_at=NOW if state in {"live", "ended"} else None,
        ended_at=NOW if state == "ended" else None,
    )


@pytest.mark.parametrize(
    ("state", "command", "events"),
    [
        ("draft", Schedule(LATER), (Scheduled(LATER),)),
        ("scheduled", Schedule(LATER), (Scheduled(LATER),)),
        ("scheduled", Schedule(PLAN), ()),
        ("scheduled", Withdraw(), (Withdrawn(),)),
        ("draft", Withdraw(), ()),
        ("scheduled", GoLive(), (WentLive(NOW),)),
        ("live", GoLive(), ()),
        ("live", End(), (Ended(NOW),)),
        ("ended", End(), ()),
    ],
)
def test_what_happens(state: State, command: Command, events: tuple[Event, ...]) -> None:
    assert decide(programme(state), command, NOW) == events


@pytest.mark.parametrize(
    ("state", "command", "code"),
    [
        ("live", Schedule(LATER), "showcase.already_live"),
        ("ended", Schedule(LATER), "showcase.already_ended"),
        ("live", Withdraw(), "showcase.already_live"),
        ("ended", Withdraw(), "showcase.already_ended"),
        ("draft", GoLive(), "showcase.not_scheduled"),
        ("ended", GoLive(), "showcase.already_ended"),
        ("draft", End(), "showcase.not_live"),
        ("scheduled", End(), "showcase.not_live"),
    ],
)
def test_what_is_refused_and_by_which_code(state: State, command: Command, code: str) -> None:
    with pytest.raises(Conflict) as refused:
        decide(programme(state), command, NOW)
    assert refused.value.code == code


commands: st.SearchStrategy[Command] = st.one_of(
    st.just(GoLive()),
    st.just(End()),
    st.just(Withdraw()),
    st.integers(0, 10).map(lambda hours: Schedule(NOW + timedelta(hours=hours))),
)


@given(history=st.lists(st.tuples(commands, st.integers(0, 3600)), max_size=20))
def test_no_history_goes_back_unasked_or_leaves_a_time_out(history: list[tuple[Command, int]]) -> None:
    present, now = programme("draft"), NOW
    for command, wait_s in history:
        now += timedelta(seconds=wait_s)
        before = present
        try:
            events = decide(present, command, now)
        except Conflict:
            continue
        for event in events:
            present = reduce(present, event)
        if not isinstance(command, Withdraw):
            assert STATES.index(present.state) >= STATES.index(before.state)
        assert (present.went_live_at is not None) == (present.state in {"live", "ended"})
        assert (present.ended_at is not None) == (present.state == "ended")
        if before.went_live_at is not None:
            assert present.went_live_at == before.went_live_at
        if not isinstance(command, Schedule):
            assert decide(present, command, now + timedelta(hours=1)) == ()  # once more is harmless


def test_minutes_count_from_the_start_and_only_while_the_show_lasts() -> None:
    on = Programme("live", PLAN, went_live_at=PLAN)
    second = timedelta(seconds=1)
    found = [minute_of_show(on, PLAN + after * second) for after in (-1, 0, 59, 60, 7200)]
    assert found == [None, 0, 0, 1, 120]
    over = Programme("ended", PLAN, went_live_at=PLAN, ended_at=LATER)
    assert [minute_of_show(over, LATER + after * second) for after in (0, 1)] == [60, None]
    assert minute_of_show(programme("scheduled"), PLAN) is None
