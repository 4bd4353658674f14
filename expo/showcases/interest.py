"""Interest shown outside a room, as in a replay: the same lead as in it, by whoever the room would admit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
from aiohttp import web

from expo.accounts import guests
from expo.clock import utc_now
from expo.edge import auth, wire
from expo.edge.keys import DATABASE
from expo.edge.openapi import Answer, Content, Operation, operation
from expo.errors import NotFound, Unauthenticated
from expo.ids import ProductId, RoomId, ShowcaseId
from expo.rooms.commands import Actor
from expo.showcases import admission, queries, rules, service
from expo.showcases.guests import Somebody, somebodies
from expo.showcases.tables import Lead
from expo.store.db import Database

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class NewInterest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """In which product."""

    product: Annotated[ProductId, msgspec.Meta(min_length=1, max_length=64)]


@operation(
    Operation(
        "Be interested in a product of a show, also after it; once: again changes nothing",
        {204: Answer("The company sees it with name and company among what the show has left")},
        body=Content(type=NewInterest),
        parameters={"showcase_id": "The showcase's id"},
        errors=(400, 401, 403, 404, 409, 413, 415, 422, 503),
        tag="showcases",
    )
)
async def show_interest(request: web.Request) -> web.Response:
    wish, now = await wire.body(request, NewInterest), utc_now()
    showcase_id, database = ShowcaseId(request.match_info["showcase_id"]), request.app[DATABASE]
    principal, guest = await auth.identify(request), guests.guest(request)
    admitted = await admission.admit(
        database, RoomId(showcase_id), principal=principal, guest=guest, grant=None, now=now
    )
    if admitted.actor is None:
        raise Unauthenticated("login.missing", "say your name first: POST /api/guests")
    await note(database, showcase_id, admitted.actor, wish.product, now)
    return web.Response(status=204)


def routes() -> list[web.RouteDef]:
    return [web.post("/api/showcases/{showcase_id}/interest", show_interest)]


async def note(database: Database, showcase_id: ShowcaseId, actor: Actor, product_id: ProductId, now: datetime) -> None:
    """Write the lead unless it is there. NotFound `showcase.not_found`, `product.not_found`; Unavailable `store.*`."""
    async with database.write() as db:
        row = await queries.showcase_to_change(db, showcase_id)
        if row is None:
            raise NotFound("showcase.not_found", f"no showcase {showcase_id!r}")
        maker = (await queries.makers(db, row.agency_id, [product_id])).get(product_id)
        if maker is None or not await queries.has_part(db, row.id, maker):
            raise NotFound("product.not_found", f"no product {product_id!r} in this showcase")
        if (product_id, actor.participant) in await queries.interested(db, row.id, [product_id]):
            return
        told = Somebody(None, actor.name, actor.company)
        somebody = (await somebodies(db, row.agency_id, {actor.participant})).get(actor.participant, told)
        db.add(
            Lead(
                agency_id=row.agency_id,
                showcase_id=row.id,
                revision=(_EPOCH - now) // timedelta(microseconds=1),
                shown_at=now,
                minute=rules.minute_of_show(service.programme(row), now),
                product_id=product_id,
                exhibitor_id=maker,
                participant=actor.participant,
                person_id=somebody.person_id,
                name=somebody.name,
                company=somebody.company,
            )
        )
