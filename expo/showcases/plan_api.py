"""A showcase's plan as JSON: read whole, written whole, refused when somebody else has written in between."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from aiohttp import web

from expo.clock import utc_now
from expo.edge import auth, wire
from expo.edge.keys import DATABASE, LANGUAGE
from expo.edge.openapi import Answer, Content, Operation, operation
from expo.ids import DelegationId, ExhibitorId, ProductId, RoomId, ShowcaseId
from expo.rooms.model import MAX_SEGMENTS
from expo.showcases import making
from expo.showcases.keys import OPEN_ROOMS
from expo.showcases.making import Wanted, WantedPart
from expo.showcases.plans import (
    LEAST_MINUTES,
    MOST_MINUTES,
    MOST_PART_MINUTES,
    CheckCode,
    Standing,
    local_minute,
    minutes_of,
)
from expo.showcases.rules import State
from expo.showcases.sheets import MAKERS, Sheet, sheet

PLAN_PATH = "/api/showcases/{showcase_id}/plan"
MAX_LEFT_OUT = 1000

_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
_Title = Annotated[str, msgspec.Meta(max_length=20_000)]
_PRIVATE = {"Cache-Control": "private, no-store"}


class Titles(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A title per language of the interface; one at least has words, readers of the others get that."""

    ko: _Title = ""
    vi: _Title = ""
    en: _Title = ""


class PlanPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A company's part in minutes; `leftOut` are those of its products that are not shown."""

    company: _Id
    minutes: Annotated[int, msgspec.Meta(ge=1, le=MOST_PART_MINUTES)]
    left_out: Annotated[tuple[_Id, ...], msgspec.Meta(max_length=MAX_LEFT_OUT)] = ()


class NewPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A whole plan. `version` is that of the plan it was made from; `starts` is a clock time of the expo's host."""

    version: _Id
    delegation: _Id
    titles: Titles
    starts: Annotated[datetime, msgspec.Meta(tz=False)]
    minutes: Annotated[int, msgspec.Meta(ge=LEAST_MINUTES, le=MOST_MINUTES)]
    open_to_all: bool
    auto_live: bool
    parts: Annotated[tuple[PlanPart, ...], msgspec.Meta(max_length=MAX_SEGMENTS)]

    def wanted(self) -> Wanted:
        """As the service takes it."""
        parts = tuple(WantedPart(part.company, part.minutes, frozenset(part.left_out)) for part in self.parts)
        return Wanted(
            version=self.version,
            delegation=self.delegation,
            titles=msgspec.to_builtins(self.titles),
            starts=self.starts,
            minutes=self.minutes,
            open_to_all=self.open_to_all,
            auto_live=self.auto_live,
            parts=parts,
        )


class PartAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """A company's part."""

    company: ExhibitorId
    minutes: int
    left_out: tuple[ProductId, ...]


class CheckAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """One line of the list before announcing: `missing` keeps from it, `hint` does not."""

    code: CheckCode
    standing: Standing
    count: int


class PlanAnswer(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A plan. `starts` is what the host's clock shows at `startsAt`; `shared`: a room that is open knows the plan."""

    v: int = 1
    id: ShowcaseId
    state: State
    version: str
    delegation: DelegationId
    titles: dict[str, str]
    starts: datetime
    starts_at: datetime
    minutes: int
    open_to_all: bool
    auto_live: bool
    parts: tuple[PartAnswer, ...]
    checks: tuple[CheckAnswer, ...]
    shared: bool = True


@operation(
    Operation(
        "A showcase's plan: times, titles, companies in their order; organisers of its expo",
        {200: Answer("The plan", Content(type=PlanAnswer))},
        parameters={"showcase_id": "The showcase's id"},
        errors=(401, 403, 404, 503),
        tag="showcases",
    )
)
async def read_plan(request: web.Request) -> web.Response:
    principal = await auth.require(request, *MAKERS)
    async with request.app[DATABASE].read() as db:
        found = await sheet(db, principal, _showcase(request), request[LANGUAGE], utc_now())
    return wire.answer(plan_answer(found), headers=_PRIVATE)


@operation(
    Operation(
        "Write a showcase's plan, until the show is live; organisers of its expo",
        {200: Answer("The plan as it is now", Content(type=PlanAnswer))},
        body=Content(type=NewPlan),
        parameters={"showcase_id": "The showcase's id"},
        errors=(400, 401, 403, 404, 409, 413, 415, 422, 429, 503),
        tag="showcases",
    )
)
async def write_plan(request: web.Request) -> web.Response:
    principal, showcase_id, now = await auth.require(request, *MAKERS), _showcase(request), utc_now()
    asked = await wire.body(request, NewPlan)
    async with request.app[DATABASE].write() as db:
        await making.save(db, principal, showcase_id, asked.wanted(), now)
        found = await sheet(db, principal, showcase_id, request[LANGUAGE], now)
    shared = await request.app[OPEN_ROOMS].changed(RoomId(showcase_id))
    return wire.answer(msgspec.structs.replace(plan_answer(found), shared=shared), headers=_PRIVATE)


def routes() -> list[web.RouteDef]:
    return [web.get(PLAN_PATH, read_plan), web.post(PLAN_PATH, write_plan)]


def plan_answer(found: Sheet) -> PlanAnswer:
    """A sheet's plan on the wire."""
    plan = found.plan
    return PlanAnswer(
        id=found.id,
        state=found.state,
        version=found.version,
        delegation=plan.delegation_id,
        titles=plan.titles,
        starts=local_minute(plan.starts_at, found.clocks[0].zone),
        starts_at=plan.starts_at,
        minutes=minutes_of((plan.ends_at - plan.starts_at).total_seconds()),
        open_to_all=plan.open_to_all,
        auto_live=plan.auto_live,
        parts=tuple(
            PartAnswer(part.exhibitor_id, minutes_of(part.length_s), tuple(sorted(part.left_out)))
            for part in plan.parts
        ),
        checks=tuple(CheckAnswer(check.code, check.standing, check.count) for check in found.checks),
    )


def _showcase(request: web.Request) -> ShowcaseId:
    return ShowcaseId(request.match_info["showcase_id"])
