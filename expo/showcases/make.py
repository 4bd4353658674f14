"""The pages on which a showcase is made: the list, and one showcase as a form that works without script too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec
from aiohttp import web

from expo.catalogue.format import short_day
from expo.catalogue.pages import CityClock, clocked
from expo.catalogue.views import ExhibitorView
from expo.clock import utc_now
from expo.edge import auth, problems
from expo.edge.accepts import prefers_html
from expo.edge.forms import FORM, convert, fields, form
from expo.edge.keys import CATALOGUES, DATABASE, LANGUAGE
from expo.edge.openapi import HTML, Answer, Content, Operation, operation
from expo.edge.pages import render
from expo.edge.principal import Principal
from expo.errors import Conflict, ExpoError, Invalid
from expo.ids import DelegationId, ExhibitorId, ProductId, RoomId, ShowcaseId
from expo.showcases import making, plan_api
from expo.showcases.keys import OPEN_ROOMS
from expo.showcases.make_form import MAX_FIELDS, PostedPlan, arranged, plan_of_form
from expo.showcases.plan_api import NewPlan, PlanAnswer, plan_answer
from expo.showcases.plans import Part, moment_of
from expo.showcases.sheets import MAKERS, Sheet, desk, sheet

AREAS = ("common", "errors", "make", "run")
_SHOWCASE = {"showcase_id": "The showcase's id"}


class GoodsData(msgspec.Struct, frozen=True):
    """A product to tick; `image` is a path of our own site."""

    id: ProductId
    name: str
    image: str


class CompanyData(msgspec.Struct, frozen=True):
    """A company of the delegation; `mark` is its one-character sign."""

    id: ExhibitorId
    name: str
    mark: str
    products: tuple[GoodsData, ...]


class MakeData(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What the script starts from. `unsaved`: the plan differs from what is kept."""

    plan: PlanAnswer
    unsaved: bool
    plan_url: str
    companies: tuple[CompanyData, ...]
    clocks: tuple[CityClock, ...]


class NewShowcase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For which delegation a draft is wanted."""

    delegation: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


@dataclass(frozen=True, slots=True)
class Row:
    """A company's part on the page; `starts_at` is where the parts before it end."""

    company: ExhibitorView
    minutes: int
    left_out: Sequence[str]
    starts_at: datetime


@operation(
    Operation(
        "The showcases of an expo, drafts too, and a way to make one; for its organisers",
        {200: Answer("The page", Content(HTML))},
        errors=(401, 403, 503),
        tag="pages",
    )
)
async def every(request: web.Request) -> web.Response:
    principal = await auth.require(request, *MAKERS)
    async with request.app[DATABASE].read() as db:
        found = await desk(db, principal, request[LANGUAGE])
    lines = {
        state: [line for line in found.lines if line.state == state]
        for state in ("live", "scheduled", "draft", "ended")
    }
    return render(
        request, "make-list.html", areas=("common", "make"), page_data=clocked(found.clocks), desk=found, lines=lines,
        day=short_day(request[LANGUAGE]), deleted=request.query.get("said") == "deleted",
    )  # fmt: skip


@operation(
    Operation(
        "Make a draft of a delegation's companies; for organisers of its expo",
        {303: Answer("To the draft", headers={"Location": "Path of its page"})},
        body=Content(FORM, NewShowcase),
        errors=(400, 401, 403, 404, 413, 415, 422, 429, 503),
        tag="pages",
    )
)
async def create(request: web.Request) -> web.Response:
    principal = await auth.require(request, *MAKERS)
    asked = await form(request, NewShowcase)
    async with request.app[DATABASE].write() as db:
        showcase_id = await making.create(db, principal, DelegationId(asked.delegation), utc_now())
    return auth.lead_to(f"/make/{showcase_id}")


@operation(
    Operation(
        "One showcase to make: times, titles, companies in their order; for organisers of its expo",
        {200: Answer("The page", Content(HTML))},
        parameters=_SHOWCASE,
        errors=(401, 403, 404, 503),
        tag="pages",
    )
)
async def one(request: web.Request) -> web.Response:
    principal, showcase_id = await auth.require(request, *MAKERS), ShowcaseId(request.match_info["showcase_id"])
    other = DelegationId(request.query["delegation"]) if request.query.get("delegation") else None
    async with request.app[DATABASE].read() as db:
        found = await sheet(db, principal, showcase_id, request[LANGUAGE], utc_now(), other)
        unsaved = other is not None and found.state == "draft"
        if other is not None and not unsaved:
            found = await sheet(db, principal, showcase_id, request[LANGUAGE], utc_now())
    return _page(request, found, unsaved=unsaved, said=request.query.get("said", ""))


@operation(
    Operation(
        "Save a showcase's form, or announce it, make it a draft again, copy or delete it; for organisers of its expo",
        {303: Answer("Back to the page", headers={"Location": "Path of the page"})},
        body=Content(FORM, PostedPlan),
        parameters=_SHOWCASE,
        errors=(400, 401, 403, 404, 409, 413, 415, 422, 429, 503),
        tag="pages",
    )
)
async def change(request: web.Request) -> web.Response:
    principal, showcase_id = await auth.require(request, *MAKERS), ShowcaseId(request.match_info["showcase_id"])
    posted = await fields(request, MAX_FIELDS)
    told = convert(dict(posted), PostedPlan)
    now, (verb, _, company) = utc_now(), told.do.partition(":")
    if verb == "copy":
        async with request.app[DATABASE].write() as db:
            like = await making.copy(db, principal, showcase_id, now)
        return auth.lead_to(f"/make/{like}")
    if verb in ("delete", "withdraw"):
        return await _undone(request, principal, showcase_id, verb)
    asked = arranged(plan_of_form(posted), verb, company or told.add)
    try:
        async with request.app[DATABASE].write() as db:
            await making.save(db, principal, showcase_id, asked.wanted(), now)
            if verb == "announce":
                await making.announce(db, principal, showcase_id, now)
    except (Conflict, Invalid) as error:
        _require_reader(request, error)
        return await _again(request, principal, showcase_id, asked, error)
    await request.app[OPEN_ROOMS].changed(RoomId(showcase_id))
    said = {"announce": "?said=announced", "save": "?said=saved"}.get(verb, "#run-of-show")
    return auth.lead_to(f"/make/{showcase_id}{said}")


def routes() -> list[web.RouteDef]:
    return [
        web.get("/make", every),
        web.post("/make", create),
        web.get("/make/{showcase_id}", one),
        web.post("/make/{showcase_id}", change),
        *plan_api.routes(),
    ]


async def _undone(
    request: web.Request, principal: Principal, showcase_id: ShowcaseId, verb: Literal["delete", "withdraw"]
) -> web.Response:
    """The draft deleted, or the announcement taken back; the page with the reason where that cannot be."""
    now, rooms, room = utc_now(), request.app[OPEN_ROOMS], RoomId(showcase_id)
    try:
        if verb == "delete":
            opened = await rooms.exists(room)
            async with request.app[DATABASE].write() as db:
                await making.delete(db, principal, showcase_id)
            if opened:
                await rooms.removed(room)
            return auth.lead_to("/make?said=deleted")
        async with request.app[DATABASE].read() as db:
            await making.require_withdrawable(db, principal, showcase_id)
        await rooms.withdrawn(room)
        async with request.app[DATABASE].write() as db:
            await making.withdraw(db, principal, showcase_id, now)
        return auth.lead_to(f"/make/{showcase_id}?said=withdrawn")
    except Conflict as error:
        if verb == "withdraw":  # its encoder was quicker: the room is not a draft's
            await rooms.changed(room)
        _require_reader(request, error)
        async with request.app[DATABASE].read() as db:
            found = await sheet(db, principal, showcase_id, request[LANGUAGE], now)
        return _page(request, found, unsaved=False, error=error)


def _require_reader(request: web.Request, error: ExpoError) -> None:
    """Programs get the problem itself."""
    if not prefers_html(request.headers.get("Accept", "")):
        raise error


async def _again(
    request: web.Request, principal: Principal, showcase_id: ShowcaseId, asked: NewPlan, error: ExpoError
) -> web.Response:
    """The page with what was posted and why it was not kept; saving it once more then counts."""
    async with request.app[DATABASE].read() as db:
        other = DelegationId(asked.delegation)
        found = await sheet(db, principal, showcase_id, request[LANGUAGE], utc_now(), other)
    known = {company.id for company in found.companies}
    parts = tuple(
        Part(ExhibitorId(part.company), part.minutes * 60, frozenset(map(ProductId, part.left_out)))
        for part in asked.parts
        if part.company in known
    )
    plan = replace(
        found.plan,
        titles=msgspec.to_builtins(asked.titles),
        open_to_all=asked.open_to_all,
        auto_live=asked.auto_live,
        parts=parts,
    )
    if error.code != "showcase.bad_start":
        starts_at = moment_of(asked.starts, found.clocks[0].zone)
        plan = replace(plan, starts_at=starts_at, ends_at=starts_at + timedelta(minutes=asked.minutes))
    return _page(request, replace(found, plan=plan), unsaved=True, error=error)


def _page(
    request: web.Request, found: Sheet, *, unsaved: bool, said: str = "", error: ExpoError | None = None
) -> web.Response:
    plan = plan_answer(found)
    by_id = {company.id: company for company in found.companies}
    rows: list[Row] = []
    cursor = plan.starts_at
    for part in plan.parts:
        if company := by_id.get(part.company):
            rows.append(Row(company, part.minutes, part.left_out, cursor))
            cursor += timedelta(minutes=part.minutes)
    with_part = {row.company.id for row in rows}
    data = MakeData(
        plan=plan,
        unsaved=unsaved,
        plan_url=plan_api.PLAN_PATH.replace("{showcase_id}", found.id),
        companies=tuple(_company(company) for company in found.companies),
        clocks=tuple(CityClock(clock.zone, clock.city) for clock in found.clocks),
    )
    return render(
        request, "make.html", areas=AREAS, page_data=data, status=200 if error is None else error.status,
        sheet=found, plan=plan, rows=rows, total=sum(row.minutes for row in rows),
        others=[company for company in found.companies if company.id not in with_part],
        unsaved=unsaved, said=said if said in {"saved", "announced", "withdrawn"} else "",
        refused="" if error is None else problems.title(error.code, request.app[CATALOGUES], request[LANGUAGE]),
        conflict=error is not None and error.code == "showcase.plan_changed",
    )  # fmt: skip


def _company(view: ExhibitorView) -> CompanyData:
    goods = tuple(GoodsData(product.id, product.name, product.image) for product in view.products)
    return CompanyData(view.id, view.name, view.mark, goods)
