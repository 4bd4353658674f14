"""What the WHIP and WHEP routes take and answer, for OpenAPI; the same on every worker."""

from __future__ import annotations

from typing import Annotated

import msgspec

from expo.edge.openapi import SDP, Answer, Content, Operation
from expo.media.recording.recorder import RecordingHealth
from expo.rooms.model import Source

FRAGMENT = "application/trickle-ice-sdpfrag"

WHIP_PATH = "/whip/{room}"
WHIP_RESOURCE_PATH = "/whip/{room}/{resource}"
WHEP_PATH = "/whep/{room}"
WHEP_RESOURCE_PATH = "/whep/{room}/{resource}"
LIVE_PATH = "/workers/rooms/{room}"
OPEN_PATH = "/workers/rooms/{room}/open"
COMMANDS_PATH = "/workers/rooms/{room}/commands"
REMOVE_PATH = "/workers/rooms/{room}/remove"
REVIEW_PATH = "/workers/rooms/{room}/review"
HEALTH_PATH = "/workers/rooms/{room}/recording"
FORWARDED = "X-Expo-Forwarded"
"""Carries the proof that a request comes from a worker of this server."""

_ROOM = {"room": "The room's id: that of its showcase"}
_RESOURCE = {**_ROOM, "resource": "From the Location header of the answer"}
_CREATED = {
    "Location": "The resource's URL, for PATCH and DELETE",
    "ETag": "The ICE session, for If-Match in PATCH",
    "Accept-Patch": FRAGMENT,
}
_OFFER = Content(SDP, example="v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n")


class WatchQuery(msgspec.Struct, frozen=True):
    """`lanes` are the outputs wanted, in the order of the offer's m-lines of their kind; `of` looks backstage."""

    lanes: Annotated[str, msgspec.Meta(examples=["picture,floor"])] | None = None
    of: Annotated[str, msgspec.Meta(examples=["next"])] | None = None


class SourceQuery(msgspec.Struct, frozen=True):
    """`source` is what the offer carries: a person's camera and microphone, or their screen."""

    source: Source = "camera"


class LiveReport(msgspec.Struct, frozen=True, rename="camel"):
    """A room's live state, as one worker tells another."""

    on_air: bool
    viewers: int
    key_frame_interval_ms: int | None


class RecorderReport(msgspec.Struct, frozen=True):
    """How a room's recorder does, as one worker tells another; null where nothing is being recorded."""

    health: RecordingHealth | None


PUBLISH = Operation(
    "Publish into a room (WHIP, RFC 9725)",
    {201: Answer("The SDP answer, with all candidates", _OFFER, _CREATED)},
    body=_OFFER,
    query=SourceQuery,
    parameters=_ROOM,
    errors=(400, 401, 403, 404, 408, 409, 410, 413, 415, 422, 429, 503),
    bearer=True,
    tag="media",
)
WATCH = Operation(
    "Watch a room (WHEP, draft-ietf-wish-whep)",
    {201: Answer("The SDP answer, with all candidates", _OFFER, _CREATED)},
    body=_OFFER,
    query=WatchQuery,
    parameters=_ROOM,
    errors=(400, 401, 403, 404, 408, 409, 410, 413, 415, 422, 429, 503),
    bearer=True,
    tag="media",
)
TRICKLE = Operation(
    "Send further candidates; an ICE restart is refused with 422, POST again instead",
    {204: Answer("Taken")},
    body=Content(FRAGMENT, example="a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\na=end-of-candidates\r\n"),
    headers={"If-Match": "The ETag of the resource, or *"},
    parameters=_RESOURCE,
    errors=(400, 401, 403, 404, 408, 412, 413, 415, 422, 428, 503),
    bearer=True,
    tag="media",
)
LEAVE = Operation(
    "End the resource",
    {200: Answer("Ended")},
    parameters=_RESOURCE,
    errors=(401, 403, 404, 503),
    bearer=True,
    tag="media",
)
PREFLIGHT = Operation(
    "What may be asked here, also from other origins",
    {200: Answer("See the headers", headers={"Accept-Post": SDP, "Accept-Patch": FRAGMENT})},
    parameters=_ROOM,
    tag="media",
)
RESOURCE_PREFLIGHT = Operation(PREFLIGHT.summary, PREFLIGHT.answers, parameters=_RESOURCE, tag="media")
LIVE = Operation(
    "A room's live state; for workers of this server only",
    {200: Answer("The state", Content(type=LiveReport))},
    parameters=_ROOM,
    errors=(404,),
    tag="workers",
)
