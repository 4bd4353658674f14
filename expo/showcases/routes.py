"""The JSON API of showcases: what a page asks again and again while people look at it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
from aiohttp import web

from expo.archive.entrance import plays_again
from expo.archive.keys import LIBRARY
from expo.clock import monotonic_us, utc_now
from expo.edge import auth, wire
from expo.edge.keys import DATABASE, LANGUAGE
from expo.edge.openapi import Answer, Content, Operation, operation
from expo.errors import NotFound
from expo.ids import RoomId, SegmentId, ShowcaseId
from expo.rooms.live import LiveState
from expo.showcases import service
from expo.showcases.again import ShowAgain, seen_again
from expo.showcases.keys import DOOR
from expo.showcases.rules import State
from expo.showcases.views import ShowcaseState
from expo.store.db import Database

FRESH_US = 1_000_000
"""Rows may be that old: a thousand phones that poll cost one look at the database a second."""
MAX_ROWS = 1000
MAX_ID_CHARS = 64
VARY = {"Vary": "Accept-Language, Cookie"}


class ShowcaseAnswer(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A showcase now. Times are RFC 3339 in UTC; `keyFrameIntervalMs` is null unless an encoder makes viewers wait.

    `replay`: some of it can be seen again by whoever asks, in the list of all by anybody; `again` are the parts of it.
    """

    v: int = 1
    id: ShowcaseId
    title: str
    state: State
    on_air: bool
    viewers: int
    starts_at: datetime
    key_frame_interval_ms: int | None
    server_time: datetime
    replay: bool
    again: tuple[SegmentId, ...]


class ShowcasesAnswer(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Every showcase of the present expo but drafts, soonest first."""

    v: int = 1
    showcases: tuple[ShowcaseAnswer, ...]
    server_time: datetime


@dataclass(slots=True)
class RecentRows:
    """Showcase rows as of at most `FRESH_US` ago, by id and language; bounded, the oldest leaves first."""

    _kept: OrderedDict[tuple[ShowcaseId, str], tuple[int, ShowcaseState]] = field(
        default_factory=OrderedDict[tuple[ShowcaseId, str], tuple[int, ShowcaseState]], init=False, repr=False
    )

    async def one(self, database: Database, showcase_id: ShowcaseId, language: str, now_us: int) -> ShowcaseState:
        """Raises NotFound `showcase.not_found`, which is not remembered."""
        key = (showcase_id, language)
        known = self._kept.get(key)
        if known is not None and now_us - known[0] < FRESH_US:
            return known[1]
        async with database.read() as db:
            state = await service.showcase_state(db, showcase_id, language)
        self._kept[key] = (now_us, state)
        self._kept.move_to_end(key)
        if len(self._kept) > MAX_ROWS:
            self._kept.popitem(last=False)
        return state


class ShowcaseApi:
    """Handlers as contracts: rows, live state, one answer."""

    def __init__(self) -> None:
        self._rows = RecentRows()

    @operation(
        Operation(
            "Every showcase of the present expo",
            {
                200: Answer("The showcases", Content(type=ShowcasesAnswer)),
                304: Answer("Not changed since If-None-Match"),
            },
            headers={"If-None-Match": "ETag of the answer that is at hand"},
            errors=(503,),
            tag="showcases",
        )
    )
    async def every(self, request: web.Request) -> web.Response:
        now = utc_now()
        async with request.app[DATABASE].read() as db:
            states = await service.showcase_states(db, request[LANGUAGE], now)
            again = await seen_again(db, request.app[LIBRARY], None, None, [state.id for state in states])
        lives = await asyncio.gather(*(_live(request, state) for state in states))
        told = [(state, live, _parts(again.get(state.id))) for state, live in zip(states, lives, strict=True)]
        answers = tuple(_answer(*each, now) for each in told)
        return _tagged(request, ShowcasesAnswer(showcases=answers, server_time=now), told)

    @operation(
        Operation(
            "One showcase: its state, and what its room knows",
            {200: Answer("The showcase", Content(type=ShowcaseAnswer)), 304: Answer("Not changed since If-None-Match")},
            parameters={"showcase_id": "The showcase's id"},
            headers={"If-None-Match": "ETag of the answer that is at hand"},
            errors=(404, 503),
            tag="showcases",
        )
    )
    async def one(self, request: web.Request) -> web.Response:
        showcase_id = ShowcaseId(request.match_info["showcase_id"])
        if len(showcase_id) > MAX_ID_CHARS or not showcase_id.replace("-", "").isalnum():
            raise _unknown()
        state = await self._rows.one(request.app[DATABASE], showcase_id, request[LANGUAGE], monotonic_us())
        if state.state == "draft" and await auth.identify(request) is None:
            raise _unknown()
        live = await _live(request, state)
        again = await _again(request, state)
        return _tagged(request, _answer(state, live, again, utc_now()), (state, live, again))


def routes() -> list[web.RouteDef]:
    api = ShowcaseApi()
    return [web.get("/api/showcases", api.every), web.get("/api/showcases/{showcase_id}", api.one)]


async def _live(request: web.Request, state: ShowcaseState) -> LiveState:
    if state.state == "ended":
        return LiveState()
    return await request.app[DOOR].live_state(RoomId(state.id))


async def _again(request: web.Request, state: ShowcaseState) -> tuple[SegmentId, ...]:
    return () if state.went_live_at is None else await plays_again(request, RoomId(state.id))


def _parts(again: ShowAgain | None) -> tuple[SegmentId, ...]:
    return () if again is None else tuple(again.parts)


def _answer(state: ShowcaseState, live: LiveState, again: tuple[SegmentId, ...], now: datetime) -> ShowcaseAnswer:
    return ShowcaseAnswer(
        id=state.id,
        title=state.title,
        state=state.state,
        on_air=live.on_air,
        viewers=live.viewers,
        starts_at=state.starts_at,
        key_frame_interval_ms=live.key_frame_interval_ms,
        server_time=now,
        replay=bool(again),
        again=again,
    )


def _tagged(request: web.Request, value: msgspec.Struct, what_matters: object) -> web.Response:
    """The tag covers everything but the server's time, or no answer would ever be the same."""
    response = wire.answer_tagged(request, value, what_matters)
    response.headers.update(VARY)
    return response


def _unknown() -> NotFound:
    return NotFound("showcase.not_found", "no such showcase")
