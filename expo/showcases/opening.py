"""What a showcase's room begins with, read from its rows: the phase, the run of show and the pin."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from expo.catalogue import queries as catalogue
from expo.catalogue.tables import Product
from expo.clock import unix_ms
from expo.errors import NotFound
from expo.ids import ExhibitorId, ProductId, RoomId, SegmentId
from expo.rooms.model import MAX_PRODUCTS, MAX_SEGMENTS, Phase, Segment
from expo.rooms.room_owner import Programme
from expo.showcases import queries, tables
from expo.showcases.rules import State
from expo.showcases.service import state_of
from expo.store.db import Database

_PHASES: dict[State, Phase] = {"draft": "draft", "scheduled": "waiting", "live": "live", "ended": "ended"}
"""Rows know no pause: a paused room that only its rows remember goes on."""


class ShowcaseProgrammes:
    """`rooms.room_owner.RoomOpening` over showcase rows; a room's id is its showcase's id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def opening_state(self, room: RoomId) -> Programme:
        """The room as its rows have it now. NotFound `showcase.not_found`; Unavailable `store.*`."""
        async with self._database.read() as db:
            found = await queries.showcase_with_segments(db, room)
            if found is None:
                raise NotFound("showcase.not_found", f"no showcase {room!r}")
            row, segments = found
            products = await catalogue.products(db, {segment.exhibitor_id for segment in segments})
            left_out = await queries.left_out(db, [segment.id for segment in segments])
        return Programme(
            phase=_PHASES[state_of(row)],
            segments=tuple(_segment(segment, products, left_out) for segment in segments[:MAX_SEGMENTS]),
            pin=None if row.pinned_product_id is None else ProductId(row.pinned_product_id),
        )


def _segment(
    row: tables.Segment, products: Mapping[str, Sequence[Product]], left_out: Mapping[str, Collection[str]]
) -> Segment:
    away = left_out.get(row.id, ())
    own = [product for product in products.get(row.exhibitor_id, ()) if product.id not in away]
    return Segment(
        id=SegmentId(row.id),
        exhibitor=ExhibitorId(row.exhibitor_id),
        planned_s=row.length_s,
        products=tuple(ProductId(product.id) for product in own[:MAX_PRODUCTS]),
        started_ms=None if row.started_at is None else unix_ms(row.started_at),
        ended_ms=None if row.ended_at is None else unix_ms(row.ended_at),
    )
