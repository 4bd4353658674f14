"""What a worker answers to its siblings about the rooms it has, over its private socket and against their proof."""

from __future__ import annotations

import msgspec
from aiohttp import web

from expo.edge import wire
from expo.edge.openapi import Answer, Content, Operation, operation
from expo.ids import RoomId
from expo.rooms.commands import Ack, Actor, PassedRequest
from expo.rooms.door import Door
from expo.rooms.operations import COMMANDS_PATH, HEALTH_PATH, OPEN_PATH, REMOVE_PATH, REVIEW_PATH, RecorderReport
from expo.rooms.room import Room

_ROOM = {"room": "The room's id"}


class PassedOn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A command that another worker has admitted."""

    actor: Actor
    request: PassedRequest


class Opened(msgspec.Struct, frozen=True):
    """The room is open; its log holds `revision` or will."""

    revision: int


def routes(door: Door) -> list[web.RouteDef]:
    """Who is no worker of this server finds nothing here."""

    async def own(request: web.Request) -> Room:
        door.require_sibling(request)
        return await door.own(RoomId(request.match_info["room"]))

    @operation(
        Operation(
            "Open a room; for workers of this server only",
            {200: Answer("It is open", Content(type=Opened))},
            parameters=_ROOM,
            errors=(404, 409, 503),
            tag="workers",
        )
    )
    async def open_room(request: web.Request) -> web.Response:
        return wire.answer(Opened((await own(request)).state.revision))

    @operation(
        Operation(
            "Carry out a command; for workers of this server only",
            {200: Answer("Done", Content(type=Ack))},
            body=Content(type=PassedOn),
            parameters=_ROOM,
            errors=(400, 401, 403, 404, 409, 413, 415, 422, 503),
            tag="workers",
        )
    )
    async def carry_out(request: web.Request) -> web.Response:
        room = await own(request)
        passed = await wire.body(request, PassedOn)
        return wire.answer(await room.submit(passed.actor, passed.request.command, passed.request.id))

    @operation(
        Operation(
            "Remove a room whose rows are gone; for workers of this server only",
            {204: Answer("It is gone")},
            parameters=_ROOM,
            errors=(404, 503),
            tag="workers",
        )
    )
    async def remove(request: web.Request) -> web.Response:
        door.require_sibling(request)
        await door.remove_here(RoomId(request.match_info["room"]))
        return web.Response(status=204)

    @operation(
        Operation(
            "Look at a room's consents again; for workers of this server only",
            {204: Answer("What may be kept is kept, and nothing else")},
            parameters=_ROOM,
            errors=(404, 503),
            tag="workers",
        )
    )
    async def review(request: web.Request) -> web.Response:
        door.require_sibling(request)
        await door.review_here(RoomId(request.match_info["room"]))
        return web.Response(status=204)

    @operation(
        Operation(
            "How a room's recorder does; for workers of this server only",
            {200: Answer("Its health", Content(type=RecorderReport))},
            parameters=_ROOM,
            errors=(404, 503),
            tag="workers",
        )
    )
    async def health(request: web.Request) -> web.Response:
        door.require_sibling(request)
        return wire.answer(RecorderReport(door.recording_health_here(RoomId(request.match_info["room"]))))

    return [
        web.post(OPEN_PATH, open_room),
        web.post(COMMANDS_PATH, carry_out),
        web.post(REMOVE_PATH, remove),
        web.post(REVIEW_PATH, review),
        web.get(HEALTH_PATH, health, allow_head=False),
    ]
