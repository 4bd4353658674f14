"""What of an expo's shows plays again, for the pages that list them: a fixed number of statements for a page."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from expo.archive.entrance import reader_in
from expo.archive.library import Library
from expo.archive.offers import Offer, Wanted, offers
from expo.archive.posters import poster_path
from expo.archive.rules import Part, Reader
from expo.catalogue.views import Again
from expo.clock import utc_now
from expo.edge.principal import Principal
from expo.errors import NotFound, Unavailable
from expo.ids import AgencyId, ExhibitorId, ExpoId, RoomId, SegmentId, ShowcaseId
from expo.kit.logging import get_logger
from expo.showcases import queries
from expo.showcases.tables import Segment, Showcase

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ShowAgain:
    """A show that plays again, and each of its parts that does."""

    whole: Again
    parts: Mapping[SegmentId, Again]


async def seen_again(
    db: AsyncSession,
    library: Library,
    principal: Principal | None,
    expo_id: ExpoId | None,
    showcase_ids: Collection[str],
) -> dict[ShowcaseId, ShowAgain]:
    """Of these shows of an expo, those of which this person may see something again, with what that is.

    Without an expo: what anybody may see. Where the disk does not answer, none: the page is whole without it.
    """
    rows = await queries.begun(db, showcase_ids)
    segments = await queries.segments(db, [row.id for row in rows])
    return await shows_again(db, library, principal, expo_id, rows, segments)


async def shows_again(
    db: AsyncSession,
    library: Library,
    principal: Principal | None,
    expo_id: ExpoId | None,
    rows: Iterable[Showcase],
    segments: Mapping[str, Sequence[Segment]],
) -> dict[ShowcaseId, ShowAgain]:
    """The same of rows that are known already."""
    begun = sorted((row for row in rows if row.went_live_at is not None), key=_newest, reverse=True)
    if not begun:
        return {}
    reader = Reader("all") if expo_id is None else reader_in(principal, AgencyId(begun[0].agency_id), expo_id)
    wanted = [Wanted(RoomId(row.id), row.state == "live", _parts(row, segments.get(row.id, ()))) for row in begun]
    try:
        found = await offers(db, library, reader, wanted, utc_now())
    except (NotFound, Unavailable) as error:
        log.warning("no replays on a page", error=error.code)
        return {}
    return {ShowcaseId(room): _again(room, offer) for room, offer in found.items()}


def _again(room: RoomId, offer: Offer) -> ShowAgain:
    page = f"/s/{room}/replay"
    parts = {
        segment: Again(f"{page}?part={segment}", length_s, poster_path(room, segment))
        for segment, length_s in offer.lengths_s.items()
    }
    return ShowAgain(Again(page, offer.length_s, parts[offer.first].poster), parts)


def _parts(row: Showcase, segments: Sequence[Segment]) -> tuple[Part, ...]:
    return tuple(
        Part(
            SegmentId(each.id),
            ExhibitorId(each.exhibitor_id),
            each.started_at,
            each.ended_at or (row.ended_at if each.started_at is not None else None),
        )
        for each in segments
    )


def _newest(row: Showcase) -> datetime:
    return row.went_live_at or row.starts_at
