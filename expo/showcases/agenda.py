"""What the catalogue asks of showcases: when each company presents, and what can be seen again.

Five statements for a whole expo.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from expo.archive.library import Library
from expo.catalogue.views import Part, Showing
from expo.edge.principal import Principal
from expo.ids import DelegationId, ExpoId, SegmentId, ShowcaseId
from expo.showcases import queries
from expo.showcases.again import ShowAgain, shows_again
from expo.showcases.parts import parts
from expo.showcases.tables import Segment, Showcase
from expo.store.words import pick


async def showings(
    db: AsyncSession,
    expo_id: ExpoId,
    language: str,
    principal: Principal | None = None,
    *,
    library: Library | None = None,
) -> tuple[Showing, ...]:
    """All showcases of an expo but drafts, soonest first: the `catalogue.stands.Agenda` of this system.

    Without a `library` nothing plays again.
    """
    rows = [row for row, _ in await queries.showcases_of_expo(db, expo_id)]
    segments = await queries.segments(db, [row.id for row in rows])
    again = {} if library is None else await shows_again(db, library, principal, expo_id, rows, segments)
    return tuple(
        Showing(
            showcase_id=ShowcaseId(row.id),
            delegation_id=DelegationId(row.delegation_id),
            title=pick(row.title, language),
            state="live" if row.state == "live" else "ended" if row.state == "ended" else "scheduled",
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            parts=_parts(row, segments.get(row.id, []), again.get(ShowcaseId(row.id))),
            again=None if (found := again.get(ShowcaseId(row.id))) is None else found.whole,
        )
        for row in rows
    )


def _parts(row: Showcase, segments: list[Segment], again: ShowAgain | None) -> tuple[Part, ...]:
    made = zip(segments, parts(row, segments), strict=True)
    return tuple(replace(part, again=again and again.parts.get(SegmentId(segment.id))) for segment, part in made)
