"""A room's decisions: `decide(state, command, actor, now) -> events` and `reduce(state, entry) -> state`. Pure.

Three concerns answer, each in a file of its own: the stage (run of show, picture, pin), the seats, the crowd. Here is
what they share: grants, audiences, revisions, and the memory of commands that makes a retry harmless.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from msgspec.structs import replace

from expo.errors import Forbidden
from expo.ids import ParticipantId
from expo.rooms import events as be
from expo.rooms import machine_crowd, machine_seats, machine_stage
from expo.rooms.commands import NEEDS, Actor, Command, SeatCommand, StageCommand
from expo.rooms.events import ALL, CREW, Audience, Entry, Event, SeatEvent, StageEvent, seat_audience
from expo.rooms.model import MAX_RECENT, State

_STAGE = frozenset[type](get_args(StageEvent))
_SEATS = frozenset[type](get_args(SeatEvent))


def decide(state: State, command: Command, actor: Actor, now_ms: int) -> tuple[Event, ...]:
    """What the command brings about; nothing when everything is as it wants it.

    Raises ExpoErrors: `token.*` by the actor's grants, `rooms.*` by the state, `text.*` by what was written.
    """
    actor.check(state.room, NEEDS[type(command)], now_ms)
    require_welcome(state, actor.participant)
    if isinstance(command, StageCommand):
        return machine_stage.decide(state, command, actor, now_ms)
    if isinstance(command, SeatCommand):
        return machine_seats.decide(state, command, actor, now_ms)
    return machine_crowd.decide(state, command, actor)


def require_welcome(state: State, participant: ParticipantId) -> None:
    """Raise Forbidden `rooms.removed` for somebody whom an organiser has removed."""
    if participant in state.removed:
        raise Forbidden("rooms.removed", "an organiser has removed this person")


def record(state: State, events: tuple[Event, ...], at_ms: int, command: str | None) -> tuple[Entry, ...]:
    """The events as the next entries of the log; its clock never goes back."""
    return tuple(
        Entry(
            revision=state.revision + number,
            at_ms=max(at_ms, state.at_ms),
            to=audience(state, event),
            event=event,
            command=command,
        )
        for number, event in enumerate(events, start=1)
    )


def audience(state: State, event: Event) -> tuple[Audience, ...]:
    """Whom the event is for. The crew sees every event and is named where nobody else is meant."""
    match event:
        case be.SeatHere(seat) | be.ReadySet(seat) | be.CheckReported(seat) | be.SeatMuted(seat):
            return (seat_audience(seat),)
        case be.InterestShown(exhibitor=exhibitor):
            own = tuple(seat_audience(name) for name, seat in state.seats.items() if seat.exhibitor == exhibitor)
            return own or (CREW,)
        case be.RecordingTroubled():
            return (CREW,)
        case _:
            return (ALL,)


def reduce(state: State, entry: Entry) -> State:
    """The state after the entry; of a projection, its projection (once projected again)."""
    event = entry.event
    kind = type(event)
    if kind in _STAGE:
        state = machine_stage.lit(machine_stage.reduce(state, event, entry.at_ms))  # pyright: ignore[reportArgumentType] - a set does not narrow; isinstance on this union takes longer than the event
    elif kind in _SEATS:
        state = machine_stage.lit(machine_seats.reduce(state, event, entry.at_ms))  # pyright: ignore[reportArgumentType] - as above
    else:
        state = machine_crowd.reduce(state, event, entry.revision, entry.at_ms)  # pyright: ignore[reportArgumentType] - as above
    return _stamped(state, entry)


def replay(state: State, entries: Iterable[Entry]) -> State:
    """As `reduce` one after the other; the memory of commands, most of the work, is made once and not for each."""
    recent = state.recent.copy()
    for entry in entries:
        state = reduce(state, replace(entry, command=None))
        if entry.command:
            recent.pop(entry.command, None)
            recent[entry.command] = entry.revision
    return replace(state, recent=dict([*recent.items()][-MAX_RECENT:]))


def _stamped(state: State, entry: Entry) -> State:
    seen, seats, recent = state.seen, state.seats, state.recent
    if entry.to == (ALL,):
        seen = entry.revision
    else:
        told = {name: seat for name, seat in seats.items() if seat_audience(name) in entry.to}
        seats = seats | {name: replace(seat, seen=entry.revision) for name, seat in told.items()}
    if entry.command:
        recent = recent.copy()
        recent.pop(entry.command, None)
        if len(recent) >= MAX_RECENT:
            del recent[next(iter(recent))]
        recent[entry.command] = entry.revision
    return replace(state, revision=entry.revision, at_ms=entry.at_ms, seen=seen, seats=seats, recent=recent)
