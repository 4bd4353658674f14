"""Which companies come, in which order and for how long. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from expo.errors import Conflict
from expo.ids import SegmentId
from expo.rooms import events as be
from expo.rooms.model import Segment, State, movable, segment_of

OrderEvent = be.Reordered | be.LengthSet | be.ProgrammeSet


def reorder(state: State, segments: tuple[SegmentId, ...]) -> tuple[OrderEvent, ...]:
    """What is to come in this order. Conflict `rooms.order_stale` where that is something else by now."""
    present = tuple(segment.id for segment in movable(state))
    if segments == present:
        return ()
    if sorted(segments) != sorted(present):
        raise Conflict("rooms.order_stale", "these are not the companies still to come")
    return (be.Reordered(segments=segments),)


def set_length(state: State, segment: SegmentId, planned_s: int) -> tuple[OrderEvent, ...]:
    """A part lasts so long from its start. Conflict `rooms.order_stale` when it is over or there is none."""
    part = segment_of(state, segment)
    if part is None or part.ended_ms is not None:
        raise Conflict("rooms.order_stale", "this company's part is over")
    return (be.LengthSet(segment=segment, planned_s=planned_s),) if part.planned_s != planned_s else ()


def set_programme(state: State, segments: tuple[Segment, ...]) -> tuple[OrderEvent, ...]:
    """These rows are to come; parts that have begun or are armed stay as they are."""
    present = tuple(movable(state))
    kept = {segment.id for segment in state.segments} - {segment.id for segment in present}
    wanted = tuple(replace(each, started_ms=None, ended_ms=None) for each in segments if each.id not in kept)
    return () if state.phase == "ended" or wanted == present else (be.ProgrammeSet(segments=wanted),)


def reduce(state: State, event: OrderEvent) -> State:
    """The state after `event`."""
    match event:
        case be.Reordered(segments):
            known = {segment.id: segment for segment in state.segments}
            return _replanned(state, tuple(known[segment] for segment in segments if segment in known))
        case be.ProgrammeSet(segments):
            return _replanned(state, segments)
        case be.LengthSet(segment, planned_s):
            lengths = tuple(
                replace(each, planned_s=planned_s) if each.id == segment else each for each in state.segments
            )
            return replace(state, segments=lengths)


def _replanned(state: State, coming: tuple[Segment, ...]) -> State:
    moved = {segment.id for segment in movable(state)}
    kept = tuple(segment for segment in state.segments if segment.id not in moved)
    return replace(state, segments=kept + coming)
