"""The run of show: phases, the current segment and its countdown, the picture and the pin. Pure."""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from expo.errors import Conflict, Forbidden, NotFound
from expo.ids import ExhibitorId, ParticipantId, ProductId, SegmentId
from expo.rooms import commands as do
from expo.rooms import events as be
from expo.rooms import running_order
from expo.rooms.commands import Actor, StageCommand
from expo.rooms.events import StageEvent
from expo.rooms.model import (
    COUNTDOWN_MS,
    UNDO_MS,
    Armed,
    Phase,
    Picture,
    State,
    Undo,
    exhibitor_of,
    exhibitor_on,
    movable,
    presenters,
    segment_of,
)

Events = tuple[StageEvent, ...]
RUNNING: tuple[Phase, ...] = ("waiting", "live", "paused")


def decide(state: State, command: StageCommand, actor: Actor, now_ms: int) -> Events:  # noqa: C901, PLR0912 - one case per command
    """What happens; nothing when it is already so. Raises Conflict, Forbidden or NotFound `rooms.*`."""
    match command:
        case do.OpenWaitingRoom():
            return () if state.phase == "waiting" else _from(state, "draft", be.WaitingRoomOpened())
        case do.CloseWaitingRoom():
            return () if state.phase == "draft" else _from(state, "waiting", be.WaitingRoomClosed())
        case do.GoLive():
            return () if state.phase == "live" else _from(state, "waiting", be.WentLive())
        case do.Pause():
            return () if state.phase == "paused" else _from(state, "live", be.Paused())
        case do.Resume():
            return () if state.phase == "live" else _from(state, "paused", be.Resumed())
        case do.End():
            return _end(state)
        case do.ArmNext():
            return _arm(state, command, now_ms)
        case do.CancelNext():
            if state.armed is None:
                raise Conflict("rooms.not_armed", "no change is being counted down")
            return (be.NextCancelled(),)
        case do.Advance():
            return _advance(state, now_ms)
        case do.UndoNext():
            if state.undo is None or now_ms > state.undo.until_ms or state.phase == "ended":
                raise Conflict("rooms.undo_over", "the last change can no longer be taken back")
            return (be.NextUndone(),)
        case do.Finish():
            _require_on(state)
            _require_part(state, actor)
            return (be.SegmentFinished(),)
        case do.Reorder(segments):
            require_phase(state, *RUNNING)  # a draft's order is that of its rows
            return running_order.reorder(state, segments)
        case do.SetLength(segment, planned_s):
            require_phase(state, *RUNNING)
            return running_order.set_length(state, segment, planned_s)
        case do.SetProgramme(segments):
            return running_order.set_programme(state, segments)
        case do.PointPicture():
            if "run" not in actor.can:
                _require_stage(state, actor, command.seat)
            return _point(state, command)
        case do.ReportShown(picture):
            shown = picture if picture and picture.seat in state.seats else None
            return (be.PictureShown(picture=shown),) if shown != state.shown else ()
        case do.ReportRecording():
            return _report_recording(state, command)
        case do.Pin(product):
            return _pin(state, product, actor)
        case do.Unpin():
            if "run" not in actor.can:
                _require_part(state, actor)
            return (be.Unpinned(),) if state.pin else ()
        case _:
            assert_never(command)


def reduce(state: State, event: StageEvent, at_ms: int) -> State:  # noqa: C901, PLR0912 - one case per event
    """The state after `event`; who is on air is told by `lit`."""
    match event:
        case be.WaitingRoomOpened():
            return replace(state, phase="waiting")
        case be.WaitingRoomClosed():
            return replace(state, phase="draft")
        case be.WentLive() | be.Resumed():
            return replace(state, phase="live")
        case be.Paused():
            return replace(state, phase="paused", armed=None)
        case be.Ended():
            done = _ended(state, at_ms)
            return replace(done, phase="ended", armed=None, undo=None)
        case be.NextArmed(segment, due_ms):
            return replace(state, armed=Armed(segment=segment, due_ms=due_ms))
        case be.NextCancelled():
            return replace(state, armed=None)
        case be.Advanced(segment, picture):
            undo = Undo(
                began=segment, back=state.current, picture=state.picture, pin=state.pin, until_ms=at_ms + UNDO_MS
            )
            begun = _timed(_ended(state, at_ms), segment, started_ms=at_ms, ended_ms=None)
            return replace(begun, current=segment, armed=None, undo=undo, picture=picture)
        case be.NextUndone():
            return _undone(state)
        case be.SegmentFinished():
            return replace(_ended(state, at_ms), current=None)
        case be.Reordered() | be.LengthSet() | be.ProgrammeSet():
            return running_order.reduce(state, event)
        case be.PicturePointed(picture):
            return replace(state, picture=picture)
        case be.PictureShown(picture):
            return replace(state, shown=picture)
        case be.RecordingChanged(on):
            return replace(state, recording=on)
        case be.RecordingTroubled(trouble):
            return replace(state, trouble=trouble)
        case be.Pinned(product):
            return replace(state, pin=product)
        case be.Unpinned():
            return replace(state, pin=None)
        case _:
            assert_never(event)


def lit(state: State) -> State:
    """The state with `on_air` as it follows from the rest.

    While the show is live: the seats of the current exhibitor, the one that the picture is pointed at, and the one
    that viewers see.
    """
    exhibitor = exhibitor_on(state) if state.phase == "live" else None
    seen = {each.seat for each in (state.picture, state.shown) if each and state.phase == "live"}
    seats = dict(state.seats)
    for name, seat in state.seats.items():
        on_air = name in seen or (exhibitor is not None and seat.exhibitor == exhibitor)
        if seat.on_air != on_air:
            seats[name] = replace(seat, on_air=on_air)
    return replace(state, seats=seats) if seats != state.seats else state


def require_phase(state: State, *phases: Phase) -> None:
    """Conflict rooms.draft, rooms.ended (410), rooms.not_live or rooms.already_live where it is none of these."""
    if state.phase in phases:
        return
    match state.phase:
        case "draft":
            raise Conflict("rooms.draft", "this room is not announced yet")
        case "ended":
            raise Conflict("rooms.ended", "this room has ended", status=410)
        case "waiting":
            raise Conflict("rooms.not_live", "this needs the show to be live")
        case "paused" if "live" in phases:
            raise Conflict("rooms.not_live", "the show pauses; resume it first")
        case "live" | "paused":
            raise Conflict("rooms.already_live", "the show is live already")
        case _:
            assert_never(state.phase)


def _from(state: State, phase: Phase, event: StageEvent) -> Events:
    require_phase(state, phase)
    return (event,)


def _end(state: State) -> Events:
    if state.phase == "ended":
        return ()
    require_phase(state, "live", "paused")
    return (be.Ended(),)


def _arm(state: State, command: do.ArmNext, now_ms: int) -> Events:
    require_phase(state, "live")
    if state.armed:
        if state.armed.segment == command.segment:
            return ()  # two organisers pressed Next together: one countdown, the same answer
        raise Conflict("rooms.next_changed", "another company is next")
    upcoming = next(movable(state), None)
    if upcoming is None:
        raise Conflict("rooms.no_next", "every company has had its part")
    if upcoming.id != command.segment:
        raise Conflict("rooms.next_changed", "another company is next")
    ready = any(seat.here and seat.ready and seat.exhibitor == upcoming.exhibitor for seat in state.seats.values())
    if not (ready or command.anyway):
        raise Conflict("rooms.next_not_ready", "nobody of the next company is ready")
    return (be.NextArmed(segment=upcoming.id, due_ms=now_ms + COUNTDOWN_MS),)


def _advance(state: State, now_ms: int) -> Events:
    if state.armed is None or now_ms < state.armed.due_ms:
        return ()
    segment = segment_of(state, state.armed.segment)
    if segment is None:
        return (be.NextCancelled(),)
    own = presenters(state, segment.exhibitor)
    return (be.Advanced(segment=segment.id, picture=Picture(seat=own[0]) if own else None),)


def _undone(state: State) -> State:
    undo = state.undo
    if undo is None:
        return state
    back = _timed(state, undo.began, started_ms=None, ended_ms=None)
    if before := segment_of(back, undo.back):
        back = _timed(back, before.id, started_ms=before.started_ms, ended_ms=None)
    picture = undo.picture if undo.picture and undo.picture.seat in state.seats else None
    return replace(back, current=undo.back, picture=picture, pin=undo.pin, undo=None, armed=None)


def _point(state: State, command: do.PointPicture) -> Events:
    require_phase(state, "draft", "waiting", "live", "paused")
    picture = Picture(seat=command.seat, source=command.source) if command.seat else None
    if picture == state.picture:
        return ()
    if picture:
        seat = state.seats.get(picture.seat)
        if seat is None:
            raise NotFound("rooms.no_seat", "nobody has this seat")
        if picture.source == "screen" and not seat.screen:
            raise Conflict("rooms.no_screen", "this seat shares no screen")
    return (be.PicturePointed(picture=picture),)


def _report_recording(state: State, report: do.ReportRecording) -> Events:
    events: list[StageEvent] = []
    if report.on != state.recording:
        events.append(be.RecordingChanged(on=report.on))
    if report.trouble != state.trouble:
        events.append(be.RecordingTroubled(trouble=report.trouble))
    return tuple(events)


def _pin(state: State, product: ProductId, actor: Actor) -> Events:
    require_phase(state, "live", "paused")
    if exhibitor_of(state, product) is None:
        raise NotFound("rooms.no_product", "this product is in no company's part")
    if "run" not in actor.can:
        _require_part(state, actor, product)
    return (be.Pinned(product=product),) if state.pin != product else ()


def _require_on(state: State) -> None:
    require_phase(state, "live", "paused")
    if state.current is None:
        raise Conflict("rooms.nobody_on", "no company is on")


def _require_part(state: State, actor: Actor, product: ProductId | None = None) -> None:
    exhibitor = exhibitor_on(state)
    foreign = product is not None and product not in _products(state, exhibitor)
    if exhibitor is None or actor.exhibitor != exhibitor or foreign:
        raise Forbidden("rooms.not_your_part", "this company is not on now")


def _require_stage(state: State, actor: Actor, seat: ParticipantId | None) -> None:
    """Presenters show their own company: during its part, or where no part is on and viewers see it already."""
    target = state.seats.get(seat) if seat else None
    on = exhibitor_on(state)
    if state.current is None and state.shown:
        on = state.seats[state.shown.seat].exhibitor
    if target is None or on is None or not actor.exhibitor == target.exhibitor == on:
        raise Forbidden("rooms.not_your_part", "this company is not on now")


def _products(state: State, exhibitor: ExhibitorId | None) -> set[ProductId]:
    return {product for each in state.segments if each.exhibitor == exhibitor for product in each.products}


def _ended(state: State, at_ms: int) -> State:
    """The current segment ends, and its pin with it."""
    current = segment_of(state, state.current)
    if current:
        state = _timed(state, current.id, started_ms=current.started_ms, ended_ms=at_ms)
    return replace(state, pin=None)


def _timed(state: State, segment: SegmentId | None, *, started_ms: int | None, ended_ms: int | None) -> State:
    segments = tuple(
        replace(each, started_ms=started_ms, ended_ms=ended_ms) if each.id == segment else each
        for each in state.segments
    )
    return replace(state, segments=segments)
