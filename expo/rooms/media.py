"""WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep) over HTTP, on the worker that has the room.

Only bearer tokens count: cookies are never read, so any origin may call. PATCH takes trickle ICE and nothing else; an
ICE-lite server needs no candidates and never resolves their host names. An ICE restart gets the 422 that both documents
demand of a server with trickle but without restarts (RFC 9725 4.3.1); our pages POST anew.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable

from aiohttp import ETag, web

from expo.clock import utc_now
from expo.edge import wire
from expo.edge.openapi import SDP, operation
from expo.errors import Forbidden, Invalid, NotFound, Unauthenticated
from expo.ids import ResourceId, RoomId
from expo.media.sdp import MAX_BYTES, parse_fragment
from expo.rooms.door import Handler
from expo.rooms.host import RoomHost
from expo.rooms.live import Publisher, Viewer
from expo.rooms.operations import (
    FORWARDED,
    FRAGMENT,
    LEAVE,
    LIVE,
    LIVE_PATH,
    PREFLIGHT,
    PUBLISH,
    RESOURCE_PREFLIGHT,
    TRICKLE,
    WATCH,
    WHEP_PATH,
    WHEP_RESOURCE_PATH,
    WHIP_PATH,
    WHIP_RESOURCE_PATH,
    LiveReport,
)
from expo.rooms.policy import Permit, Verify
from expo.rooms.rules import read_lanes, read_of, read_source, require_crew

MAX_ID = 64
"""Longer ids are nobody's; ours have 22 and 26 characters."""


def routes(
    host: RoomHost, verify: Verify, proof: str, *, at_owner: Callable[[Handler], Handler] = lambda handler: handler
) -> list[web.RouteDef]:
    """The routes of both protocols, each `at_owner` of its room, and the one for workers, who know `proof` (`door`)."""
    handlers = MediaHandlers(host, verify, proof)
    return [
        web.post(WHIP_PATH, at_owner(handlers.publish)),
        web.options(WHIP_PATH, preflight),
        web.patch(WHIP_RESOURCE_PATH, at_owner(handlers.trickle_publisher)),
        web.delete(WHIP_RESOURCE_PATH, at_owner(handlers.end_publisher)),
        web.options(WHIP_RESOURCE_PATH, resource_preflight),
        web.post(WHEP_PATH, at_owner(handlers.watch)),
        web.options(WHEP_PATH, preflight),
        web.patch(WHEP_RESOURCE_PATH, at_owner(handlers.trickle_viewer)),
        web.delete(WHEP_RESOURCE_PATH, at_owner(handlers.end_viewer)),
        web.options(WHEP_RESOURCE_PATH, resource_preflight),
        web.get(LIVE_PATH, handlers.live, allow_head=False),
    ]


@operation(PREFLIGHT)
async def preflight(request: web.Request) -> web.Response:
    """Answer OPTIONS, without a token (RFC 9725 4.2, Fetch 3.3)."""
    return _options("OPTIONS, POST", {"Accept-Post": SDP})


@operation(RESOURCE_PREFLIGHT)
async def resource_preflight(request: web.Request) -> web.Response:
    return _options("DELETE, OPTIONS, PATCH", {"Accept-Patch": FRAGMENT})


class MediaHandlers:
    """Handlers as contracts: check the request, ask the host, answer."""

    def __init__(self, host: RoomHost, verify: Verify, proof: str) -> None:
        self._host = host
        self._verify = verify
        self._proof = proof

    @operation(PUBLISH)
    async def publish(self, request: web.Request) -> web.Response:
        room = room_of(request)
        permit = self._verify(_bearer(request), utc_now(), room=room)
        source = read_source(request.query.getall("source", []))
        publisher = await self._host.publish(room, permit, await _text(request, SDP), source=source)
        self._still_granted(request, publisher)
        return _created(request, publisher)

    @operation(WATCH)
    async def watch(self, request: web.Request) -> web.Response:
        room = room_of(request)
        token = _bearer(request)
        permit = self._verify(token, utc_now(), room=room) if token is not None else None
        lanes = read_lanes(request.query.getall("lanes", []))
        of = read_of(request.query.getall("of", []))
        if of is not None:
            require_crew(permit)
        viewer = await self._host.watch(room, permit, await _text(request, SDP), lanes, of=of)
        self._still_granted(request, viewer)
        return _created(request, viewer)

    @operation(TRICKLE)
    async def trickle_publisher(self, request: web.Request) -> web.Response:
        publisher = self._host.publisher(room_of(request), _resource(request))
        self._require_owner(request, publisher)
        return await _trickle(request, publisher)

    @operation(TRICKLE)
    async def trickle_viewer(self, request: web.Request) -> web.Response:
        viewer = self._host.viewer(room_of(request), _resource(request))
        self._require_owner(request, viewer)
        return await _trickle(request, viewer)

    @operation(LEAVE)
    async def end_publisher(self, request: web.Request) -> web.Response:
        publisher = self._host.publisher(room_of(request), _resource(request))
        self._require_owner(request, publisher)
        publisher.media.close("deleted")
        return web.Response(status=200)

    @operation(LEAVE)
    async def end_viewer(self, request: web.Request) -> web.Response:
        viewer = self._host.viewer(room_of(request), _resource(request))
        self._require_owner(request, viewer)
        viewer.media.close("deleted")
        return web.Response(status=200)

    @operation(LIVE)
    async def live(self, request: web.Request) -> web.Response:
        if not hmac.compare_digest(request.headers.get(FORWARDED, "").encode(), self._proof.encode()):
            raise NotFound("request.unknown_address", "there is nothing here for you")
        state = self._host.live_state(room_of(request))
        return wire.answer(LiveReport(state.on_air, state.viewers, state.key_frame_interval_ms))

    def _still_granted(self, request: web.Request, resource: Publisher | Viewer) -> None:
        """Close what was admitted while its person was being revoked: that was told before there was anything here."""
        if resource.participant is None:
            return
        try:
            self._verify(_bearer(request), utc_now(), room=resource.room)
        except Unauthenticated:
            resource.media.close("revoked")
            raise

    def _require_owner(self, request: web.Request, resource: Publisher | Viewer) -> None:
        """A resource opened with a token obeys its participant alone; one opened without, whoever knows its URL."""
        if resource.participant is None:
            return
        permit: Permit = self._verify(_bearer(request), utc_now(), room=resource.room)
        if permit.participant != resource.participant:
            raise Forbidden("token.not_granted", "this resource is somebody else's")


async def _trickle(request: web.Request, resource: Publisher | Viewer) -> web.Response:
    """Accept candidates by ignoring them; RFC 9725 4.3.1 has the order and the status of each refusal."""
    wire.require_content_type(request, FRAGMENT)
    wanted = request.if_match
    if wanted is None:
        raise Invalid("whip.if_match_missing", "PATCH needs If-Match with the resource's ETag", status=428)
    fragment = parse_fragment(await _text(request, FRAGMENT))
    own = resource.media.etag.strip('"')
    if not any(tag.value == "*" or (tag.value == own and not tag.is_weak) for tag in wanted):
        raise Invalid("whip.if_match_failed", "If-Match names another ICE session", status=412)
    if fragment.ice_ufrag is not None and fragment.ice_ufrag != resource.media.transport.remote_ufrag:
        raise Invalid("whip.no_ice_restart", "ICE restart is not supported: POST a new offer", status=422)
    return web.Response(status=204)


def _created(request: web.Request, resource: Publisher | Viewer) -> web.Response:
    response = web.Response(
        status=201,
        body=resource.media.answer.encode(),
        content_type=SDP,
        headers={
            "Location": f"{request.rel_url.raw_path.rstrip('/')}/{resource.id}",
            "Accept-Patch": FRAGMENT,
            "Cache-Control": "no-store",
        },
    )
    response.etag = ETag(value=resource.media.etag.strip('"'))
    return response


def _options(allowed: str, accepts: dict[str, str]) -> web.Response:
    headers = {
        "Allow": allowed,
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": allowed,
        "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match",
        "Access-Control-Max-Age": "86400",
    }
    return web.Response(status=200, headers=headers | accepts)


def _bearer(request: web.Request) -> str | None:
    """The bearer token (RFC 6750 2.1), None without an Authorization header."""
    header = request.headers.get("Authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("token.malformed", "send Authorization: Bearer <token>")
    return token.strip()


async def _text(request: web.Request, media_type: str) -> str:
    wire.require_content_type(request, media_type)
    raw = await wire.read_body(request, limit_bytes=MAX_BYTES)
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise Invalid("sdp.malformed", "the body is not UTF-8") from error


def room_of(request: web.Request) -> RoomId:
    """The room that the path names. NotFound rooms.absent for what is no id."""
    room = request.match_info["room"]
    if len(room) > MAX_ID or not room.isascii():
        raise NotFound("rooms.absent", "there is no such room")
    return RoomId(room)


def _resource(request: web.Request) -> ResourceId:
    return ResourceId(request.match_info["resource"])
