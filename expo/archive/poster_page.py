"""Pictures of chapters over HTTP: whoever may see a chapter may see its picture, and nobody else."""

from __future__ import annotations

from aiohttp import web

from expo.archive import entrance
from expo.archive.keys import LIBRARY, POSTERS, PROGRAMMES
from expo.edge import auth
from expo.edge.openapi import Answer, Content, Operation, operation
from expo.errors import NotFound

_SHORT = {"Cache-Control": "private, max-age=60"}


@operation(
    Operation(
        "A picture from a chapter, for whom the chapter plays",
        {
            200: Answer("JPEG, at most 640 pixels wide", Content("image/jpeg")),
            302: Answer("To the company's own picture, until there is one", headers={"Location": "Path of a picture"}),
        },
        parameters={"showcase_id": "The showcase's id", "segment_id": "The segment of the run of show"},
        errors=(404, 503),
        tag="replay",
    )
)
async def poster(request: web.Request) -> web.Response:
    principal = await auth.identify(request)
    shelf = await request.app[LIBRARY].shelf(entrance.room_of(request))
    reader = entrance.reader_of(principal, shelf.show)
    chapter = next((one for one in shelf.chapters if one.segment == request.match_info["segment_id"]), None)
    if chapter is None:
        raise NotFound("chapter.none", "the show has no such part")
    if chapter not in shelf.shown(reader):
        raise NotFound("replay.withdrawn", "this is not shown (any more)")
    picture = await request.app[POSTERS].of(shelf, chapter)
    if picture is None:
        goods = await request.app[PROGRAMMES].goods(shelf.show.room)
        own = (each.image for each in goods.products if each.exhibitor_id == chapter.exhibitor)
        return web.Response(
            status=302, headers={"Location": next(own, shelf.show.image), "Cache-Control": "private, no-store"}
        )
    return web.Response(body=picture, content_type="image/jpeg", headers=_SHORT)


def routes() -> list[web.RouteDef]:
    return [web.get("/s/{showcase_id}/posters/{segment_id}.jpg", poster)]
