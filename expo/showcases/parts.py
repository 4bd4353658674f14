"""The run of a showcase on the clock: which company's part is on, which are over, when the others come. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from expo.catalogue.views import ExhibitorView
from expo.ids import ExhibitorId, SegmentId
from expo.showcases.tables import Segment, Showcase
from expo.showcases.views import Phase, SegmentView
from expo.store.words import pick


def segment_views(
    showcase: Showcase, rows: Sequence[Segment], exhibitors: Mapping[ExhibitorId, ExhibitorView], language: str
) -> tuple[SegmentView, ...]:
    """The parts in their order. A part's plan starts where the one before it ends, the first with the showcase."""
    views: list[SegmentView] = []
    cursor = showcase.starts_at
    for row in rows:
        starts_at = row.started_at or cursor
        cursor = row.ended_at or starts_at + timedelta(seconds=row.length_s)
        exhibitor = exhibitors[ExhibitorId(row.exhibitor_id)]
        views.append(
            SegmentView(
                id=SegmentId(row.id),
                position=row.position,
                exhibitor_id=exhibitor.id,
                exhibitor_name=exhibitor.name,
                title=pick(row.title, language),
                image=exhibitor.image,
                starts_at=starts_at,
                ends_at=cursor,
                phase=_phase(showcase, row),
            )
        )
    return tuple(views)


def current(parts: Sequence[SegmentView]) -> SegmentView | None:
    """The part that is on, else the first to come, else None."""
    on = [part for part in parts if part.phase == "now"] or [part for part in parts if part.phase == "next"]
    return on[0] if on else None


def following(parts: Sequence[SegmentView]) -> SegmentView | None:
    """The part to come after `current`."""
    on = current(parts)
    return next((part for part in parts if part.phase == "next" and part is not on), None)


def _phase(showcase: Showcase, row: Segment) -> Phase:
    if row.ended_at is not None or showcase.state == "ended":
        return "done"
    return "now" if row.started_at is not None else "next"
