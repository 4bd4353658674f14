"""The quiet pages: a delegation, a company's stand, a product. Whole without script, good to print and to send on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec
from aiohttp import web

from expo.catalogue import stands
from expo.catalogue.format import short_day
from expo.catalogue.stands import Agenda
from expo.catalogue.views import Clock, ExpoView
from expo.edge import auth
from expo.edge.keys import DATABASE, LANGUAGE, PROXIES
from expo.edge.openapi import HTML, Answer, Content, Operation, operation
from expo.edge.pages import render
from expo.ids import DelegationId, ExhibitorId, ProductId

AGENDA: web.AppKey[Agenda] = web.AppKey("agenda")

AREAS = ("common", "catalogue")


class CityClock(msgspec.Struct, frozen=True):
    """One side's clock: IANA zone and the city's name for the reader."""

    zone: str
    city: str


class ClockedData(msgspec.Struct, frozen=True):
    """What scripts need to write times as the reader's own."""

    clocks: tuple[CityClock, ...]


@dataclass(frozen=True, slots=True)
class Address:
    """Where a page stands, for previews in messengers: `site` without a final slash, `page` without a query."""

    site: str
    page: str


def routes() -> list[web.RouteDef]:
    return [
        web.get("/delegations/{delegation_id}", delegation),
        web.get("/stands/{exhibitor_id}", stand),
        web.get("/products/{product_id}", product),
    ]


def _page(summary: str, variable: str, meaning: str) -> Operation:
    return Operation(summary, {200: Answer("A page", Content(HTML))}, parameters={variable: meaning}, errors=(404, 503))


@operation(_page("A delegation: its companies, and when they are live", "delegation_id", "The delegation's id"))
async def delegation(request: web.Request) -> web.Response:
    principal = await auth.identify(request)
    wanted = DelegationId(request.match_info["delegation_id"])
    async with request.app[DATABASE].read() as db:
        view = await stands.delegation_page(db, wanted, request[LANGUAGE], request.app[AGENDA], principal)
    return _answer(request, "delegation", view.expo, view)


@operation(_page("A company's stand: what it makes, its products, when it is live", "exhibitor_id", "The company's id"))
async def stand(request: web.Request) -> web.Response:
    principal = await auth.identify(request)
    wanted = ExhibitorId(request.match_info["exhibitor_id"])
    async with request.app[DATABASE].read() as db:
        view = await stands.stand_page(db, wanted, request[LANGUAGE], request.app[AGENDA], principal)
    return _answer(request, "stand", view.of.expo, view)


@operation(_page("A product: price, terms, customs, and when it is shown live", "product_id", "The product's id"))
async def product(request: web.Request) -> web.Response:
    principal = await auth.identify(request)
    wanted = ProductId(request.match_info["product_id"])
    async with request.app[DATABASE].read() as db:
        view = await stands.product_page(db, wanted, request[LANGUAGE], request.app[AGENDA], principal)
    return _answer(request, "product", view.stand.of.expo, view)


def address(request: web.Request) -> Address:
    """The request's own address as the reader's browser wrote it."""
    site = f"{request.app[PROXIES].scheme(request)}://{request.host}"
    return Address(site, site + request.rel_url.path)


def clocked(clocks: tuple[Clock, ...]) -> ClockedData:
    """The page's data for `own-times.ts`."""
    return ClockedData(tuple(CityClock(clock.zone, clock.city) for clock in clocks))


def _answer(
    request: web.Request, name: Literal["delegation", "stand", "product"], expo: ExpoView, view: object
) -> web.Response:
    return render(
        request, f"catalogue/{name}.html", areas=AREAS, page_data=clocked(expo.clocks),
        expo=expo, view=view, day=short_day(request[LANGUAGE]), address=address(request),
    )  # fmt: skip
