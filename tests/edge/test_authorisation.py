"""Every route of the application, and who may ask it: real requests by each kind of caller.

A route that is not listed in `RULES` fails: whoever adds one says here whom it lets in.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Literal, cast
from urllib.parse import urlencode

import aiohttp
import msgspec
import pytest
import pytest_asyncio
from msgspec import inspect

from expo.accounts.guests import NewGuest
from expo.accounts.rules import Can
from expo.edge.keys import DATABASE
from expo.edge.openapi import JSON, Operation
from expo.ids import ShowcaseId
from expo.media.aiortc_seam import Certificate
from expo.media.peer import Peer
from expo.media.peer_http import join, leave
from expo.rooms.commands import Actor, Request
from expo.rooms.operations import FORWARDED
from expo.rooms.private import PassedOn
from expo.rooms.socket import JoinRoom
from tests.support.callers import CALLERS, CLOSED, DRAFT, HERE, Caller, other_tenant, proof, targets
from tests.support.room import OPTIONS
from tests.support.worker import Worker, running_worker

pytestmark = [pytest.mark.media, pytest.mark.asyncio(loop_scope="module")]

Who = Literal["everybody", "person", "link", "draft", "role", "organiser", "token", "resource"]

REFUSED: Mapping[Who, Mapping[Caller, int]] = {
    "everybody": {},
    "person": {"anonymous": 401, "expired": 401, "revoked": 401},
    "link": {"anonymous": 401, "expired": 401, "revoked": 401},
    "draft": {
        "anonymous": 404, "expired": 404, "wrong role": 404, "revoked": 404, "other tenant": 403,
    },
    "role": {
        "anonymous": 401, "expired": 401, "wrong room": 403, "wrong role": 403, "revoked": 401, "other tenant": 403,
    },
    "organiser": {
        "anonymous": 401, "expired": 401, "wrong room": 403, "wrong role": 403, "revoked": 401, "other tenant": 404,
    },
    "token": {
        "anonymous": 401, "expired": 401, "wrong room": 403, "wrong role": 403, "revoked": 401, "other tenant": 403,
    },
    "resource": {
        "anonymous": 401, "expired": 401, "wrong room": 403, "wrong role": 403, "revoked": 401, "other tenant": 403,
    },
}  # fmt: skip
"""What each caller is told; who is not named gets what everybody gets.

`person`: whoever is signed in. `draft`: what only its expo's own people see yet. `role`: a page for one role's people
who belong to this showcase. `organiser`: organisers of its expo, for whom another tenant's rows do not exist. `token`:
a room token for this room with the grant. `resource`: the token of the participant who made it.
"""


@dataclass(frozen=True, slots=True)
class Rule:
    """One route: `allowed` is the status for those it lets in, `refused` differs from `REFUSED` where it says so.

    `json` or `form` is sent as the body; so is `sdp`, a viewer's or publisher's offer that nothing can be made of. In a
    form `{invitation_id}` and its like stand for what may be taken away.
    """

    method: str
    path: str
    who: Who = "everybody"
    allowed: int = 200
    role: str = "organiser"
    can: Can = "watch"
    json: object = None
    form: Mapping[str, str] | None = None
    room: ShowcaseId = HERE
    sdp: bool = False
    refused: Mapping[Caller, int] = field(default_factory=dict[Caller, int])

    def expected(self) -> dict[Caller, int]:
        told = {**REFUSED[self.who], **self.refused}
        return {caller: told.get(caller, self.allowed) for caller in CALLERS}


CERTIFICATE = Certificate.generate()
GONE: Mapping[Caller, int] = {"anonymous": 404, "expired": 410, "revoked": 410}
NEW_INVITATION = {"role": "interpreter", "name": "Yến"}
ONE_INVITATION = {"invitation": "{invitation_id}"}
PLAN_FORM = {"version": "0", "delegation": "chungbuk", "starts": "2026-11-24T14:00", "minutes": "60", "title-en": "X"}
PLAN: Mapping[str, object] = {
    "version": "0", "delegation": "chungbuk", "titles": {"en": "X"}, "starts": "2026-11-24T14:00:00", "minutes": 60,
    "openToAll": True, "autoLive": False, "parts": [],
}  # fmt: skip
REPLAY = (
    "master.m3u8", "chapters.json", "chapters.vtt", "products.vtt", "{rendition}.m3u8",
    "{rendition}/init-{number}.mp4", "{rendition}/{number}.m4s",
)  # fmt: skip
GUEST = {"name": "Hà", "company": "Foods"}

RULES = (
    Rule("GET", "/"),
    Rule("GET", "/programme"),
    Rule("GET", "/delegations/{delegation_id}"),
    Rule("GET", "/stands/{exhibitor_id}"),
    Rule("GET", "/products/{product_id}"),
    Rule("GET", "/s/{showcase_id}"),
    Rule("GET", "/s/{showcase_id}", "draft", room=DRAFT),
    Rule("GET", "/s/{showcase_id}/calendar.ics"),
    Rule("GET", "/check"),
    Rule("GET", "/static/{path}"),
    Rule("GET", "/favicon.ico", allowed=404),  # our pages name their own icon
    Rule("GET", "/openapi.json"),
    Rule("GET", "/healthz"),
    Rule("GET", "/readyz"),
    Rule("GET", "/metrics"),
    Rule("GET", "/lang/{code}", allowed=303),
    Rule("POST", "/lang/{code}", allowed=303),
    Rule("GET", "/enter/{token}", "link", allowed=303),
    Rule("GET", "/i/{secret}", "link", refused=GONE),
    Rule("POST", "/i/{secret}", "link", allowed=303, refused=GONE),
    Rule("GET", "/sign-out"),
    Rule("POST", "/sign-out", allowed=303),
    Rule("GET", "/elsewhere"),
    Rule("GET", "/code"),
    Rule("POST", "/code", allowed=404, form={"code": "22222222"}),
    Rule("POST", "/api/codes", "person", allowed=201, json={}),
    Rule("POST", "/api/guests", allowed=201, json=GUEST),
    Rule("GET", "/api/guests/me", allowed=404),
    Rule("GET", "/api/showcases"),
    Rule("GET", "/api/showcases/{showcase_id}"),
    Rule("GET", "/studio/{showcase_id}", "role", role="exhibitor"),
    Rule("GET", "/run/{showcase_id}", "role"),
    Rule("GET", "/make", "organiser", refused={"other tenant": 200}),  # the list of their own expo
    Rule("GET", "/status", "organiser", refused={"other tenant": 200}),  # with their own expo's rooms
    Rule("POST", "/make", "organiser", allowed=303, form={"delegation": "chungbuk"}),
    Rule("GET", "/make/{showcase_id}", "organiser"),
    Rule("POST", "/make/{showcase_id}", "organiser", allowed=409, form=PLAN_FORM),  # it is live
    Rule("POST", "/make/{showcase_id}", "organiser", allowed=409, form={"do": "delete"}),
    Rule("GET", "/api/showcases/{showcase_id}/plan", "organiser"),
    Rule(
        "POST",
        "/api/showcases/{showcase_id}/interest",
        "person",
        allowed=204,
        json={"product": "camellia-serum"},
        refused={"other tenant": 401},
    ),
    Rule("POST", "/api/showcases/{showcase_id}/plan", "organiser", allowed=409, json=PLAN),
    Rule("GET", "/after/{showcase_id}", "role", role="exhibitor"),
    Rule("GET", "/after/{showcase_id}/leads.csv", "role"),
    Rule("GET", "/s/{showcase_id}/replay"),
    Rule("GET", "/s/{showcase_id}/replay", "draft", room=DRAFT, refused={"other tenant": 404, "wrong room": 404}),
    Rule("GET", "/s/{showcase_id}/posters/{segment_id}.jpg", allowed=404),
    Rule("GET", "/s/{showcase_id}/recording", "organiser"),
    Rule("POST", "/s/{showcase_id}/recording", "organiser", allowed=404, form={"do": "rights"}),  # nothing was kept
    Rule("GET", "/s/{showcase_id}/consent", "role", role="exhibitor"),
    Rule("POST", "/s/{showcase_id}/consent", "role", allowed=303, role="exhibitor", form={}),
    Rule("GET", "/api/v1/showcases/{showcase_id}/consent", "role", role="exhibitor"),
    Rule("PUT", "/api/v1/showcases/{showcase_id}/consent", "role", role="exhibitor", json={"record": False}),
    Rule("GET", "/api/v1/recordings/{showcase_id}", "organiser", allowed=404),
    Rule("PATCH", "/api/v1/recordings/{showcase_id}", "organiser", allowed=404, json={}),
    Rule("DELETE", "/api/v1/recordings/{showcase_id}", "organiser", allowed=404),
    Rule("PATCH", "/api/v1/recordings/{showcase_id}/chapters/{segment_id}", "organiser", allowed=404, json={}),
    Rule("GET", "/api/v1/recordings/{showcase_id}/films/{what}", "organiser", allowed=404),
    Rule("POST", "/api/v1/recordings/{showcase_id}/films/{what}", "organiser", allowed=404),
    Rule("GET", "/recordings/{showcase_id}/{what}.mp4", "organiser", allowed=404),
    # A key alone opens these; who has none is told so. What keys open is asked by tests/archive.
    *(Rule("GET", f"/replay/{{key}}/{name}", allowed=401) for name in REPLAY),
    Rule("POST", "/replay/{key}/watched", allowed=401, json={"chapter": "chungbuk-1", "minute": 0}),
    Rule("GET", "/invite/{showcase_id}", "organiser"),
    Rule("POST", "/invite/{showcase_id}", "organiser", form={"role": "buyer", "people": "Hà, Foods"}),
    Rule("POST", "/invite/{showcase_id}/new-link", "organiser", form=ONE_INVITATION),
    Rule("POST", "/invite/{showcase_id}/withdraw", "organiser", form=ONE_INVITATION),
    Rule("POST", "/invite/{showcase_id}/sign-out", "organiser", form={"device": "{device_id}"}),
    Rule("GET", "/api/showcases/{showcase_id}/invitations", "organiser"),
    Rule("POST", "/api/showcases/{showcase_id}/invitations", "organiser", allowed=201, json=NEW_INVITATION),
    Rule("DELETE", "/api/invitations/{invitation_id}", "organiser", allowed=204),
    Rule("DELETE", "/api/devices/{device_id}", "organiser", allowed=204),
    Rule("DELETE", "/api/people/{person_id}", "organiser", allowed=204),
    # Who is let in is told that the offer is none (400). Watching is open to all here, but a bad token is told.
    Rule("POST", "/whip/{room}", "token", allowed=400, role="exhibitor", can="publish", sdp=True),
    Rule("POST", "/whep/{room}", "token", allowed=400, sdp=True, refused={"anonymous": 400}),
    Rule("POST", "/whep/{room}", "token", allowed=400, sdp=True, room=CLOSED),
    Rule("PATCH", "/whip/{room}/{resource}", "resource", allowed=415, role="exhibitor", can="publish"),
    Rule("DELETE", "/whip/{room}/{resource}", "resource", role="exhibitor", can="publish"),
    Rule("PATCH", "/whep/{room}/{resource}", "resource", allowed=415, room=CLOSED),
    Rule("DELETE", "/whep/{room}/{resource}", "resource", room=CLOSED),
    *(Rule("OPTIONS", path) for path in ("/whip/{room}", "/whep/{room}")),
    *(Rule("OPTIONS", f"/{kind}/{{room}}/{{resource}}") for kind in ("whip", "whep")),
    # Our workers alone, who know a proof; to others it is not there.
    Rule("GET", "/workers/rooms/{room}", allowed=404),
    Rule("POST", "/workers/rooms/{room}/open", allowed=404),
    Rule("POST", "/workers/rooms/{room}/commands", allowed=404),
    Rule("POST", "/workers/rooms/{room}/remove", allowed=404),
    Rule("POST", "/workers/rooms/{room}/review", allowed=404),
    Rule("GET", "/workers/rooms/{room}/recording", allowed=404),
    Rule("GET", "/socket.io/", allowed=400),  # no WebSocket; who may do what on one is asked by tests/flows
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worker(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Worker]:
    async with running_worker(tmp_path_factory.mktemp("worker")) as running:
        await other_tenant(running.app[DATABASE])
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http() -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


async def test_every_route_says_whom_it_lets_in(worker: Worker) -> None:
    served = {
        (route.method, route.resource.canonical)
        for route in worker.app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    listed = {(rule.method, rule.path) for rule in RULES}
    assert served - listed == set()
    assert listed - served == set()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.method} {rule.path} {rule.room}")
async def test_a_route_lets_in_those_it_is_for_and_nobody_else(
    worker: Worker, http: aiohttp.ClientSession, rule: Rule
) -> None:
    assert {caller: await ask(worker, http, rule, caller) for caller in reversed(CALLERS)} == rule.expected()


async def test_every_json_body_that_is_read_refuses_members_that_nobody_knows(worker: Worker) -> None:
    declared = [getattr(route.handler, "__expo_operation__", None) for route in worker.app.router.routes()]
    bodies = [each.body for each in declared if isinstance(each, Operation) and each.body]
    types = {body.type for body in bodies if body.type and body.media_type == JSON}
    read = structs(inspect.multi_type_info((*types, Request, JoinRoom)))
    assert {Request, JoinRoom, NewGuest, PassedOn, Actor} <= read
    assert {struct for struct in read if not struct.__struct_config__.forbid_unknown_fields} == set()


def structs(found: object) -> set[type[msgspec.Struct]]:
    """All that a value of these types may have in it."""
    if isinstance(found, inspect.StructType):
        return {found.cls} | structs([each.type for each in found.fields])
    if isinstance(found, inspect.Type):
        return structs([getattr(found, name) for name in found.__struct_fields__])
    if isinstance(found, list | tuple):
        return set[type[msgspec.Struct]]().union(*map(structs, cast("list[object]", found)))
    return set()


async def ask(worker: Worker, http: aiohttp.ClientSession, rule: Rule, caller: Caller) -> int:
    """The status that this caller gets."""
    brought = await proof(worker, caller, rule.role, rule.can, rule.room)
    rows = await targets(worker)
    names = {
        "showcase_id": rule.room, "room": rule.room, "code": "ko", "path": "img/mark.svg", "token": brought.link,
        "secret": brought.secret, "person_id": rows.person, "invitation_id": rows.invitation,
        "device_id": rows.device, "delegation_id": "chungbuk", "exhibitor_id": "gyeol-cosmetics",
        "product_id": "camellia-serum", "resource": "none",
        "segment_id": "chungbuk-1", "what": "whole", "key": "none", "rendition": "picture", "number": "0",
    }  # fmt: skip
    headers = {"Accept": "application/json", "Sec-Fetch-Site": "same-origin"}
    if rule.path.startswith("/workers/"):
        headers[FORWARDED] = "0" * 64  # a guess
    if brought.token is not None:
        headers |= {"Authorization": f"Bearer {brought.token}", "Cookie": f"expo_login={brought.cookie}"}
    body = b"v=0" if rule.sdp else None if rule.json is None else msgspec.json.encode(rule.json)
    if body is not None:
        headers["Content-Type"] = "application/sdp" if rule.sdp else "application/json"
    if rule.form is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        body = urlencode({name: value.format(**names) for name, value in rule.form.items()}).encode()
    async with contextlib.AsyncExitStack() as stack:
        if rule.who == "resource":
            names["resource"] = await stack.enter_async_context(_resource(worker, http, rule))
        path = worker.url + rule.path.format(**names)
        async with http.request(rule.method, path, headers=headers, data=body, allow_redirects=False) as answer:
            return answer.status


@contextlib.asynccontextmanager
async def _resource(worker: Worker, http: aiohttp.ClientSession, rule: Rule) -> AsyncGenerator[str]:
    """The id of a resource that the person made whom the rule lets in."""
    kind = rule.path.split("/")[1]
    peer = (Peer.publisher if kind == "whip" else Peer.viewer)(CERTIFICATE, OPTIONS)
    token = (await proof(worker, "allowed", rule.role, rule.can, rule.room)).token
    try:
        joined = await join(http, f"{worker.url}/{kind}/{rule.room}", peer.offer, token)
        yield joined.resource_url.rpartition("/")[2]
        await leave(http, joined, token)
    finally:
        await peer.close()
