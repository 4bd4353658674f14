"""A showcase's states: draft -> scheduled -> live -> ended. Pure; the same decisions serve people and encoders."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, assert_never

from expo.errors import Conflict

State = Literal["draft", "scheduled", "live", "ended"]
STATES: tuple[State, ...] = ("draft", "scheduled", "live", "ended")


@dataclass(frozen=True, slots=True)
class Programme:
    """What decisions look at. `starts_at` is the plan, the other two what happened."""

    state: State
    starts_at: datetime
    went_live_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """The organiser announces the showcase, or moves it."""

    starts_at: datetime


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The organiser takes the announcement back; a room that waits already has been closed before."""


@dataclass(frozen=True, slots=True)
class GoLive:
    """A person puts the showcase on the air, or an encoder does where the showcase goes live by itself."""


@dataclass(frozen=True, slots=True)
class End:
    """A person ends the showcase; a lost encoder never does."""


Command = Schedule | Withdraw | GoLive | End


@dataclass(frozen=True, slots=True)
class Scheduled:
    """Announced for `starts_at`."""

    starts_at: datetime


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A draft again."""


@dataclass(frozen=True, slots=True)
class WentLive:
    """On the air since `at`."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Ended:
    """Over since `at`; there is no way back."""

    at: datetime


Event = Scheduled | Withdrawn | WentLive | Ended


def decide(programme: Programme, command: Command, now: datetime) -> tuple[Event, ...]:
    """What happens; nothing when it is already so.

    Raises Conflict `showcase.already_live`, `showcase.already_ended`, `showcase.not_scheduled` or `showcase.not_live`.
    """
    match command:
        case Schedule(starts_at):
            return _schedule(programme, starts_at)
        case Withdraw():
            return _withdraw(programme)
        case GoLive():
            return _go_live(programme, now)
        case End():
            return _end(programme, now)
        case _:
            assert_never(command)


def reduce(programme: Programme, event: Event) -> Programme:
    """The programme after `event`."""
    match event:
        case Scheduled(starts_at):
            return replace(programme, state="scheduled", starts_at=starts_at)
        case Withdrawn():
            return replace(programme, state="draft")
        case WentLive(at):
            return replace(programme, state="live", went_live_at=at)
        case Ended(at):
            return replace(programme, state="ended", ended_at=at)
        case _:
            assert_never(event)


def minute_of_show(programme: Programme, at: datetime) -> int | None:
    """Which minute of the show `at` is in, from 0; None before and after it."""
    began, ended = programme.went_live_at, programme.ended_at
    if began is None or at < began or (ended is not None and at > ended):
        return None
    return (at - began) // timedelta(minutes=1)


def _schedule(programme: Programme, starts_at: datetime) -> tuple[Event, ...]:
    match programme.state:
        case "draft":
            return (Scheduled(starts_at),)
        case "scheduled":
            return () if programme.starts_at == starts_at else (Scheduled(starts_at),)
        case "live":
            raise Conflict("showcase.already_live", "a showcase on the air cannot be moved")
        case "ended":
            raise Conflict("showcase.already_ended", "an ended showcase cannot be moved")
        case _:
            assert_never(programme.state)


def _withdraw(programme: Programme) -> tuple[Event, ...]:
    match programme.state:
        case "draft":
            return ()
        case "scheduled":
            return (Withdrawn(),)
        case "live":
            raise Conflict("showcase.already_live", "a showcase on the air is no draft any more")
        case "ended":
            raise Conflict("showcase.already_ended", "an ended showcase is no draft any more")
        case _:
            assert_never(programme.state)


def _go_live(programme: Programme, now: datetime) -> tuple[Event, ...]:
    match programme.state:
        case "draft":
            raise Conflict("showcase.not_scheduled", "a draft must be scheduled before it goes live")
        case "scheduled":
            return (WentLive(now),)
        case "live":
            return ()
        case "ended":
            raise Conflict("showcase.already_ended", "an ended showcase cannot go live again")
        case _:
            assert_never(programme.state)


def _end(programme: Programme, now: datetime) -> tuple[Event, ...]:
    match programme.state:
        case "draft" | "scheduled":
            raise Conflict("showcase.not_live", "only a showcase on the air can end")
        case "live":
            return (Ended(now),)
        case "ended":
            return ()
        case _:
            assert_never(programme.state)
