"""Seats: who presents or runs the show, whether they are ready and there, and what they publish. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from msgspec.structs import replace

from expo.errors import Conflict, NotFound
from expo.ids import ParticipantId
from expo.rooms import commands as do
from expo.rooms import events as be
from expo.rooms.commands import Actor, SeatCommand
from expo.rooms.events import SeatEvent
from expo.rooms.machine_stage import require_phase
from expo.rooms.model import (
    GRACE_MS,
    MAX_NAME_CHARS,
    MAX_NOTE_CHARS,
    MAX_REMOVED,
    MAX_SEATS,
    PRESENCE_MS,
    Check,
    Picture,
    Seat,
    State,
)
from expo.rooms.text import clean

Events = tuple[SeatEvent, ...]


def decide(state: State, command: SeatCommand, actor: Actor, now_ms: int) -> Events:  # noqa: C901, PLR0912 - one case per command
    """What happens; nothing when it is already so. Raises Conflict or NotFound `rooms.*`, Invalid `text.*`."""
    me = actor.participant
    match command:
        case do.TakeSeat():
            return _take(state, actor)
        case do.LeaveSeat():
            return _leave(state, me)
        case do.SetReady(ready):
            return (be.ReadySet(seat=me, ready=ready),) if _seat(state, me).ready != ready else ()
        case do.ReportCheck(verdict, note):
            check = Check(verdict=verdict, note=clean(note, MAX_NOTE_CHARS) if note else "")
            if _seat(state, me).check == check:
                return ()
            return (be.CheckReported(seat=me, verdict=check.verdict, note=check.note),)
        case do.MuteSeat(seat, muted):
            return (be.SeatMuted(seat=seat, muted=muted),) if _seat(state, seat).muted != muted else ()
        case do.RemoveSeat(seat):
            if seat in state.removed:
                return ()
            if not any(message.by == seat for message in state.messages):
                _seat(state, seat)
            return (be.SeatRemoved(seat=seat),)
        case do.ReportMedia(seat, camera, screen):
            found = state.seats.get(seat)  # media may outlive its seat by a moment
            if found is None or (found.camera, found.screen) == (camera, screen):
                return ()
            return (be.SeatMedia(seat=seat, camera=camera, screen=screen),)
        case do.ReportPresence(here):
            return tuple(_attended(state, here, now_ms))
        case _:
            assert_never(command)


def reduce(state: State, event: SeatEvent, at_ms: int) -> State:
    """The state after `event`; who is on air is told by `machine_stage.lit`."""
    match event:
        case be.SeatTaken(seat, name, role, exhibitor):
            before = state.seats.get(seat)
            if before is None:
                before = Seat(name=name, role=role)
            taken = replace(before, name=name, role=role, exhibitor=exhibitor)
            return _with(state, seat, taken if taken.here else replace(taken, here=True, here_ms=at_ms))
        case be.SeatLeft(seat):
            return _without(state, seat)
        case be.SeatRemoved(seat):
            removed = (*state.removed, seat)[-MAX_REMOVED:]
            return replace(_without(state, seat), removed=removed)
        case be.SeatMedia(seat, camera, screen):
            return _screened(state, _changed(state, seat, camera=camera, screen=screen), seat)
        case be.SeatHere(seat, here):
            return _changed(state, seat, here=here, here_ms=at_ms)
        case be.ReadySet(seat, ready):
            return _changed(state, seat, ready=ready)
        case be.CheckReported(seat, verdict, note):
            return _changed(state, seat, check=Check(verdict=verdict, note=note))
        case be.SeatMuted(seat, muted):
            return _changed(state, seat, muted=muted)
        case _:
            assert_never(event)


def _take(state: State, actor: Actor) -> Events:
    require_phase(state, "draft", "waiting", "live", "paused")
    role = actor.role or ("organiser" if "run" in actor.can else "exhibitor")
    name = clean(actor.name, MAX_NAME_CHARS)
    seat = state.seats.get(actor.participant)
    if seat and (seat.name, seat.role, seat.exhibitor) == (name, role, actor.exhibitor):
        return () if seat.here else (be.SeatHere(seat=actor.participant, here=True),)
    if seat is None and len(state.seats) >= MAX_SEATS:
        raise Conflict("rooms.seats_full", f"a room has {MAX_SEATS} seats")
    return (be.SeatTaken(seat=actor.participant, name=name, role=role, exhibitor=actor.exhibitor),)


def _leave(state: State, me: ParticipantId) -> Events:
    """Who is muted keeps the place, or leaving and coming back would end the mute."""
    seat = state.seats.get(me)
    if seat is None or not seat.muted:
        return (be.SeatLeft(seat=me),) if seat else ()
    return (be.SeatHere(seat=me, here=False),) if seat.here else ()


def _attended(state: State, here: frozenset[ParticipantId], now_ms: int) -> Iterator[SeatEvent]:
    """Who came and who went; a place that was just taken may not have been reported yet."""
    if state.phase == "ended":
        return
    for name, seat in state.seats.items():
        since_ms = now_ms - seat.here_ms
        if name in here:
            if not seat.here:
                yield be.SeatHere(seat=name, here=True)
        elif seat.here:
            if since_ms >= PRESENCE_MS:
                yield be.SeatHere(seat=name, here=False)
        elif seat.ready and since_ms >= GRACE_MS:
            yield be.ReadySet(seat=name, ready=False)


def _seat(state: State, seat: ParticipantId) -> Seat:
    found = state.seats.get(seat)
    if found is None:
        raise NotFound("rooms.no_seat", "nobody has this seat")
    return found


def _with(state: State, name: ParticipantId, seat: Seat) -> State:
    return replace(state, seats={**state.seats, name: seat})


def _changed(state: State, name: ParticipantId, **changes: object) -> State:
    seat = state.seats.get(name)
    return _with(state, name, replace(seat, **changes)) if seat else state


def _without(state: State, seat: ParticipantId) -> State:
    seats = {name: each for name, each in state.seats.items() if name != seat}
    picture = None if state.picture and state.picture.seat == seat else state.picture
    shown = None if state.shown and state.shown.seat == seat else state.shown
    return replace(state, seats=seats, picture=picture, shown=shown)


def _screened(before: State, state: State, name: ParticipantId) -> State:
    """A screen takes the picture from its own camera when it is shared, and gives it back when it is not any more."""
    seat, was = state.seats.get(name), before.seats.get(name)
    if seat is None or was is None:
        return state
    camera, screen = Picture(seat=name), Picture(seat=name, source="screen")
    if seat.screen and not was.screen and (state.picture or state.shown) == camera:
        return replace(state, picture=screen)
    if not seat.screen and state.picture == screen:
        return replace(state, picture=camera)
    return state
