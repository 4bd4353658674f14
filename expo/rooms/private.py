"""What the worker that owns rooms answers to its siblings, over its private socket and against their proof."""

from __future__ import annotations

import hmac

import msgspec
from aiohttp import web

from expo.edge import wire
from expo.edge.openapi import Answer, Content, Operation, operation
from expo.errors import NotFound
from expo.ids import RoomId
from expo.rooms.commands import Ack, Actor, PassedRequest
from expo.rooms.gateway import OwnRooms
from expo.rooms.operations import COMMANDS_PATH, FORWARDED, OPEN_PATH

_ROOM = {"room": "The room's id"}


class PassedOn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A command that another worker has admitted."""

    actor: Actor
    request: PassedRequest


class Opened(msgspec.Struct, frozen=True):
    """The room is open; its log holds `revision` or will."""

    revision: int


def routes(rooms: OwnRooms, proof: str) -> list[web.RouteDef]:
    """Who does not know `proof` finds nothing here."""

    def require_sibling(request: web.Request) -> RoomId:
        if not hmac.compare_digest(request.headers.get(FORWARDED, "").encode(), proof.encode()):
            raise NotFound("request.unknown_address", "there is nothing here for you")
        return RoomId(request.match_info["room"])

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
        room = await rooms.room(require_sibling(request))
        return wire.answer(Opened(room.state.revision))

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
        room = require_sibling(request)
        passed = await wire.body(request, PassedOn)
        return wire.answer(await rooms.submit(room, passed.actor, passed.request))

    return [web.post(OPEN_PATH, open_room), web.post(COMMANDS_PATH, carry_out)]
