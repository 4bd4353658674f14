"""The page of what a show has left behind, while it is on and afterwards, and its leads as a file."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from aiohttp import web

from expo.catalogue.pages import clocked
from expo.clock import utc_now
from expo.edge import auth
from expo.edge.keys import DATABASE, LANGUAGE
from expo.edge.openapi import HTML, Answer, Content, Operation, operation
from expo.edge.pages import render, translator
from expo.edge.sheets import CSV, csv_file
from expo.ids import ShowcaseId
from expo.showcases.after import MOST_SHOWN, after_view, all_leads

READERS = ("organiser", "exhibitor")
_SHOWCASE = {"showcase_id": "The showcase's id"}


@operation(
    Operation(
        "What a show has left: leads, questions, chat, audience, real times; organisers all, exhibitors their own",
        {200: Answer("The page", Content(HTML))},
        parameters=_SHOWCASE,
        errors=(401, 403, 404, 503),
    )
)
async def after(request: web.Request) -> web.Response:
    principal = await auth.require(request, *READERS)
    now, showcase_id = utc_now(), ShowcaseId(request.match_info["showcase_id"])
    async with request.app[DATABASE].read() as db:
        view = await after_view(db, showcase_id, principal.person_id, request[LANGUAGE], now)
    return render(
        request,
        "after.html",
        areas=("common",),
        page_data=clocked(view.expo.clocks),
        after=view,
        now=now,
        most_shown=MOST_SHOWN,
    )


@operation(
    Operation(
        "The leads of a show as a table for spreadsheets; organisers all, exhibitors their own",
        {200: Answer("UTF-8 with a byte order mark; RFC 4180", Content(CSV))},
        parameters=_SHOWCASE,
        errors=(401, 403, 404, 503),
    )
)
async def leads(request: web.Request) -> web.Response:
    principal = await auth.require(request, *READERS)
    showcase_id, t = ShowcaseId(request.match_info["showcase_id"]), translator(request)
    async with request.app[DATABASE].read() as db:
        found, clocks = await all_leads(db, showcase_id, principal.person_id, request[LANGUAGE], utc_now())
    titles = ("exhibitor", "product", "name", "company", "minute")
    header = [*(t(f"after.sheet.{title}") for title in titles), *(clock.city for clock in clocks)]
    rows = (
        [
            *(lead.exhibitor, lead.product, lead.name, lead.company, lead.minute),
            *(_local(lead.at, clock.zone) for clock in clocks),
        ]
        for lead in found
    )
    name = "".join(letter for letter in showcase_id if letter.isascii() and (letter.isalnum() or letter == "-"))
    headers = {
        "Content-Disposition": f'attachment; filename="leads-{name}.csv"',
        "Cache-Control": "private, no-store",
    }
    return web.Response(body=csv_file(header, rows), content_type=CSV, charset="utf-8", headers=headers)


def routes() -> list[web.RouteDef]:
    return [web.get("/after/{showcase_id}", after), web.get("/after/{showcase_id}/leads.csv", leads)]


def _local(at: datetime, zone: str) -> str:
    """`2026-11-22 14:30`: sorts as text, and every spreadsheet takes it for a time."""
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
