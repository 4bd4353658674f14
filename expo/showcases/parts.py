"""The run of a showcase on the clock: which company's part is on, which are over, when the others come. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from expo.catalogue.views import ExhibitorView, Part, Phase
from expo.ids import ExhibitorId, SegmentId
from expo.showcases.tables import Segment, Showcase
from expo.showcases.views import Day, SegmentView, ShowcaseCard
from expo.store.words import pick


def segment_views(
    showcase: Showcase, rows: Sequence[Segment], exhibitors: Mapping[ExhibitorId, ExhibitorView], language: str
) -> tuple[SegmentView, ...]:
    """The parts in their order. A part's plan starts where the one before it ends, the first with the showcase."""
    views: list[SegmentView] = []
    for row, part in zip(rows, parts(showcase, rows), strict=True):
        exhibitor = exhibitors[part.exhibitor_id]
        views.append(
            SegmentView(
                id=SegmentId(row.id),
                position=row.position,
                exhibitor_id=exhibitor.id,
                exhibitor_name=exhibitor.name,
                title=pick(row.title, language),
                image=exhibitor.image,
                starts_at=part.starts_at,
                ends_at=part.ends_at,
                phase=part.phase,
            )
        )
    return tuple(views)


def parts(showcase: Showcase, rows: Sequence[Segment]) -> tuple[Part, ...]:
    """When each part is, in their order. A part's plan starts where the one before it ends."""
    found: list[Part] = []
    cursor = showcase.starts_at
    for row in rows:
        starts_at = row.started_at or cursor
        cursor = row.ended_at or starts_at + timedelta(seconds=row.length_s)
        found.append(Part(ExhibitorId(row.exhibitor_id), starts_at, cursor, _phase(showcase, row)))
    return tuple(found)


def current(views: Sequence[SegmentView]) -> SegmentView | None:
    """The part that is on, else the first to come, else None."""
    on = [view for view in views if view.phase == "now"] or [view for view in views if view.phase == "next"]
    return on[0] if on else None


def following(views: Sequence[SegmentView]) -> SegmentView | None:
    """The part to come after `current`."""
    on = current(views)
    return next((view for view in views if view.phase == "next" and view is not on), None)


def days(cards: Iterable[ShowcaseCard], zone: str) -> tuple[Day, ...]:
    """Showcases day by day, in the calendar of an IANA zone."""
    in_order = sorted(cards, key=lambda card: card.starts_at)
    by_date = groupby(in_order, lambda card: card.starts_at.astimezone(ZoneInfo(zone)).date())
    return tuple(Day(those[0].starts_at, those) for those in (tuple(group) for _, group in by_date))


def _phase(showcase: Showcase, row: Segment) -> Phase:
    if row.ended_at is not None or showcase.state == "ended":
        return "done"
    return "now" if row.started_at is not None else "next"
