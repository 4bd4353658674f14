"""The organiser's page of a showcase: its run of show. All that moves on it comes from the room's socket."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import msgspec
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from expo.catalogue import queries as catalogue_queries
from expo.catalogue import service as catalogue
from expo.catalogue.pages import CityClock
from expo.clock import utc_now
from expo.edge import auth
from expo.edge.keys import DATABASE, LANGUAGE
from expo.edge.openapi import HTML, Answer, Content, Operation, operation
from expo.edge.pages import render
from expo.ids import DelegationId, ExhibitorId, ProductId, ShowcaseId
from expo.showcases import service
from expo.showcases.keys import TOKENS

RUNNERS = ("organiser", "moderator")
RUN_AREAS = ("common", "errors", "media", "run")


class CompanyData(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A company for the reader; `url` is its stand."""

    name: str
    url: str


class GoodsData(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A product in a row: `price` is empty when it is on request, `image` is a path of our own site."""

    name: str
    image: str
    price: str
    moq: str
    url: str


class ProgrammeData(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Names for the ids of a room's state: every company of the delegation, for a part may be added any time."""

    companies: dict[ExhibitorId, CompanyData]
    products: dict[ProductId, GoodsData]


class RunData(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What the script starts from. `whepToken`: null where watching is open to all; `previewToken` looks backstage."""

    showcase_id: ShowcaseId
    title: str
    starts_at: datetime
    ends_at: datetime
    whep_url: str
    whep_token: str | None
    preview_token: str
    programme: ProgrammeData
    clocks: tuple[CityClock, ...]


@operation(
    Operation(
        "The run of show: who is on, who is next, what needs somebody; for organisers and moderators of its expo",
        {200: Answer("The page", Content(HTML))},
        parameters={"showcase_id": "The showcase's id"},
        errors=(401, 403, 404, 503),
        tag="pages",
    )
)
async def run(request: web.Request) -> web.Response:
    principal = await auth.require(request, *RUNNERS)
    showcase_id, language = ShowcaseId(request.match_info["showcase_id"]), request[LANGUAGE]
    async with request.app[DATABASE].read() as db:
        grant = await service.room_grant(db, showcase_id, principal.person_id, utc_now())
        view = await service.stage_view(db, showcase_id, language)
        programme = await programme_data(db, view.delegation.id, language)
    tokens = request.app[TOKENS]
    watching = tokens.sign(replace(grant, can=frozenset({"watch"})))
    data = RunData(
        showcase_id=showcase_id,
        title=view.title,
        starts_at=view.starts_at,
        ends_at=view.ends_at,
        whep_url=f"/whep/{showcase_id}",
        whep_token=None if view.open_to_all else watching,
        preview_token=tokens.sign(replace(grant, can=frozenset({"watch", "preview"}))),
        programme=programme,
        clocks=tuple(CityClock(clock.zone, clock.city) for clock in view.clocks),
    )
    return render(request, "run-of-show.html", areas=RUN_AREAS, page_data=data, stage=view)


def routes() -> list[web.RouteDef]:
    return [web.get("/run/{showcase_id}", run)]


async def programme_data(db: AsyncSession, delegation_id: DelegationId, language: str) -> ProgrammeData:
    """The companies of a delegation and their products, by id."""
    rows = await catalogue_queries.exhibitors_of_delegation(db, delegation_id)
    companies = await catalogue.exhibitor_views(db, [row.id for row in rows], language)
    return ProgrammeData(
        companies={
            company.id: CompanyData(name=company.name, url=f"/stands/{company.id}") for company in companies.values()
        },
        products={
            product.id: GoodsData(
                name=product.name,
                image=product.image,
                price=product.price,
                moq=product.moq,
                url=f"/products/{product.id}",
            )
            for company in companies.values()
            for product in company.products
        },
    )
