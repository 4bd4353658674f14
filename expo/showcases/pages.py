"""The pages that buyers open: the expo's front page and the stage of one showcase."""

from __future__ import annotations

import asyncio
from datetime import datetime
from urllib.parse import quote

import msgspec
from aiohttp import web

from expo.archive.entrance import plays_again
from expo.archive.keys import LIBRARY
from expo.catalogue import service as catalogue
from expo.catalogue.format import short_day
from expo.catalogue.pages import CityClock, address, clocked
from expo.clock import utc_now
from expo.edge import auth
from expo.edge.calendars import ICS, Event, calendar_file
from expo.edge.i18n import LANGUAGE_NAMES
from expo.edge.keys import DATABASE, LANGUAGE
from expo.edge.openapi import HTML, Answer, Content, Operation, operation
from expo.edge.pages import render
from expo.errors import NotFound, Unavailable
from expo.ids import RoomId, SegmentId, ShowcaseId
from expo.rooms.live import LiveState
from expo.showcases import service
from expo.showcases.again import seen_again
from expo.showcases.keys import DOOR, TOKENS
from expo.showcases.parts import days
from expo.showcases.routes import ShowcaseAnswer
from expo.showcases.rules import State
from expo.showcases.views import StageView

NO_EXPO = "expo.none"


class LanguageLink(msgspec.Struct, frozen=True):
    """One language of the reader's choice; `url` comes back to the page."""

    code: str
    name: str
    url: str


class StageData(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What the stage's script starts from. `whepToken` is null where watching is open to all."""

    showcase_id: ShowcaseId
    title: str
    state: State
    showcase: ShowcaseAnswer
    whep_url: str
    whep_token: str | None
    state_url: str
    languages: tuple[LanguageLink, ...]
    clocks: tuple[CityClock, ...]


def routes() -> list[web.RouteDef]:
    return [
        web.get("/", home),
        web.get("/programme", programme),
        web.get("/s/{showcase_id}", stage),
        web.get("/s/{showcase_id}/calendar.ics", calendar),
    ]


@operation(Operation("The expo's front page", {200: Answer("A page", Content(HTML))}, errors=(503,), tag="pages"))
async def home(request: web.Request) -> web.Response:
    principal = await auth.identify(request)
    language, now = request[LANGUAGE], utc_now()
    try:
        async with request.app[DATABASE].read() as db:
            view = await service.home_view(db, language, now)
            listed = [card.id for card in view.ended]
            again = await seen_again(db, request.app[LIBRARY], principal, view.expo.id, listed)
    except NotFound as error:
        if error.code != NO_EXPO:
            raise
        return render(request, "empty.html", areas=("common",))
    lives = await asyncio.gather(*(_live(request, card.id, card.state) for card in view.live))
    viewers = {card.id: live.viewers for card, live in zip(view.live, lives, strict=True)}
    return render(
        request, "home.html", areas=("common", "home"), page_data=clocked(view.expo.clocks),
        home=view, now=now, day=short_day(language), viewers=viewers, again=again, address=address(request),
    )  # fmt: skip


@operation(
    Operation(
        "All showcases with their companies, day by day",
        {200: Answer("A page", Content(HTML))},
        errors=(503,),
        tag="pages",
    )
)
async def programme(request: web.Request) -> web.Response:
    principal = await auth.identify(request)
    language, now = request[LANGUAGE], utc_now()
    try:
        async with request.app[DATABASE].read() as db:
            view = await service.home_view(db, language, now)
            listed = [card.id for card in (*view.live, *view.ended)]
            again = await seen_again(db, request.app[LIBRARY], principal, view.expo.id, listed)
    except NotFound as error:
        if error.code != NO_EXPO:
            raise
        return render(request, "empty.html", areas=("common",))
    zone = view.expo.clocks[0].zone
    return render(
        request, "programme.html", areas=("common", "home"), page_data=clocked(view.expo.clocks),
        expo=view.expo, again=again, address=address(request),
        days=days((*view.live, *view.next), zone), past=days(view.ended, zone),
    )  # fmt: skip


@operation(
    Operation(
        "The stage of a showcase: picture, sound, products, programme",
        {200: Answer("A page", Content(HTML))},
        parameters={"showcase_id": "The showcase's id"},
        errors=(404, 503),
        tag="pages",
    )
)
async def stage(request: web.Request) -> web.Response:
    showcase_id = ShowcaseId(request.match_info["showcase_id"])
    principal = await auth.identify(request)
    language, now = request[LANGUAGE], utc_now()
    async with request.app[DATABASE].read() as db:
        view = await service.stage_view(db, showcase_id, language)
        if view.state == "draft" and (principal is None or principal.role == "buyer"):
            raise NotFound("showcase.not_found", "no such showcase")
        # All companies' products from the start: when the next one is on, a pin of theirs has its words at once.
        companies = await catalogue.exhibitor_views(db, [segment.exhibitor_id for segment in view.segments], language)
        grant = None
        if principal is not None and not view.open_to_all:
            grant = await service.room_grant(db, showcase_id, principal.person_id, now)
    token = None if grant is None else request.app[TOKENS].sign(grant)
    live = await _live(request, showcase_id, view.state)
    begun = view.state in {"live", "ended"}
    again = await plays_again(request, RoomId(showcase_id)) if begun else ()
    data = stage_data(view, live, token, request.rel_url.path_qs, now, again=again)
    return render(
        request, "stage.html", areas=("common", "stage", "media"), page_data=data,
        stage=view, showcase=data.showcase, now=now, address=address(request), companies=tuple(companies.values()),
    )  # fmt: skip


@operation(
    Operation(
        "A showcase as a calendar entry with a reminder, in the reader's language",
        {200: Answer("One event (RFC 5545)", Content(ICS), headers={"Content-Disposition": "A file's name"})},
        parameters={"showcase_id": "The showcase's id"},
        errors=(404, 503),
        tag="pages",
    )
)
async def calendar(request: web.Request) -> web.Response:
    showcase_id = ShowcaseId(request.match_info["showcase_id"])
    async with request.app[DATABASE].read() as db:
        view = await service.stage_view(db, showcase_id, request[LANGUAGE])
    if view.state == "draft":
        raise NotFound("showcase.not_found", "no such showcase")
    place = address(request)
    url = f"{place.site}/s/{view.id}"
    lines = (f"{view.delegation.name}: {view.summary}", *(part.exhibitor_name for part in view.segments), url)
    event = Event(f"{view.id}@{request.host}", view.title, "\n".join(lines), url, view.starts_at, view.ends_at)
    headers = {"Content-Disposition": 'attachment; filename="showcase.ics"', "Cache-Control": "private, no-store"}
    return web.Response(body=calendar_file(event, utc_now()), content_type=ICS, charset="utf-8", headers=headers)


def stage_data(
    view: StageView, live: LiveState, token: str | None, path: str, now: datetime, *, again: tuple[SegmentId, ...]
) -> StageData:
    """The script's start from a view; `path` is where a change of language leads back to."""
    return StageData(
        showcase_id=view.id,
        title=view.title,
        state=view.state,
        showcase=ShowcaseAnswer(
            id=view.id,
            title=view.title,
            state=view.state,
            on_air=live.on_air,
            viewers=live.viewers,
            starts_at=view.starts_at,
            key_frame_interval_ms=live.key_frame_interval_ms,
            server_time=now,
            replay=bool(again),
            again=again,
        ),
        whep_url=f"/whep/{view.id}",
        whep_token=token,
        state_url=f"/api/showcases/{view.id}",
        languages=tuple(
            LanguageLink(code, name, f"/lang/{code}?next={quote(path, safe='')}")
            for code, name in LANGUAGE_NAMES.items()
        ),
        clocks=tuple(CityClock(clock.zone, clock.city) for clock in view.clocks),
    )


async def _live(request: web.Request, showcase_id: ShowcaseId, state: State) -> LiveState:
    """What the room knows; a page is whole without it, so a worker that is away costs only the number of viewers."""
    if state == "ended":
        return LiveState()
    try:
        return await request.app[DOOR].live_state(RoomId(showcase_id))
    except Unavailable:
        return LiveState()
