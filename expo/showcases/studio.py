"""The presenter's page and the device check; both mint what their scripts carry to WHIP and WHEP."""

from __future__ import annotations

from dataclasses import replace

import msgspec
from aiohttp import web

from expo.accounts.rules import RoomGrant
from expo.archive.wishes import asking
from expo.clock import utc_now
from expo.edge import auth, pages
from expo.edge.keys import DATABASE, LANGUAGE
from expo.edge.openapi import HTML, Answer, Content, Operation, operation
from expo.ids import RoomId, ShowcaseId
from expo.showcases import service
from expo.showcases.after_pages import READERS
from expo.showcases.keys import TOKENS
from expo.showcases.run import ProgrammeData, programme_data
from expo.showcases.views import ShowcaseState, StageView

PRESENTERS = ("exhibitor", "organiser", "technician")
STUDIO_AREAS = ("common", "errors", "media", "stage", "studio", "run")
CHECK_AREAS = ("common", "errors", "media", "studio", "check")


class ClockData(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A city's clock: IANA zone and the city's name for the reader."""

    zone: str
    city: str


class StudioData(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """`backstage_token` waits to be shown, `publish_token` goes on air where nobody is, `page_token` takes over too.

    `encoder_token` is for OBS.
    """

    showcase_id: ShowcaseId
    title: str
    whip_url: str
    whep_url: str
    whep_token: str
    backstage_token: str
    publish_token: str
    page_token: str
    encoder_token: str
    state_url: str
    watch_url: str
    programme: ProgrammeData
    clocks: tuple[ClockData, ...]
    over: bool
    after: AfterData


class AfterData(msgspec.Struct, frozen=True):
    """Where a show that is over leads on to; empty for who may not read it."""

    results: str
    recording: str
    consent: str


class ProbeData(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A showcase that anybody may join: the way of the media is tested by joining it."""

    whep_url: str
    whep_token: str | None


class CheckData(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """`next` is a path of this site, or null; `probe` is null while no showcase is open to all."""

    next: str | None
    probe: ProbeData | None


@operation(
    Operation(
        "The presenter's page of a showcase",
        {200: Answer("The page", Content(HTML))},
        parameters={"showcase_id": "The showcase's id"},
        errors=(401, 403, 404, 503),
    )
)
async def studio(request: web.Request) -> web.Response:
    principal = await auth.require(request, *PRESENTERS)
    showcase_id = ShowcaseId(request.match_info["showcase_id"])
    async with request.app[DATABASE].read() as db:
        view = await service.studio_view(db, showcase_id, request[LANGUAGE])
        grant = await service.room_grant(db, showcase_id, principal.person_id, utc_now())
        grant.require("publish")
        programme = await programme_data(db, view.stage.delegation.id, request[LANGUAGE])
    data = _studio_data(request, grant, view.stage, programme)
    asks = None if data.over else await asking(request, principal, RoomId(showcase_id))
    return pages.render(
        request, "studio.html", areas=STUDIO_AREAS, page_data=data, studio=view, watch_url=data.watch_url, asking=asks
    )


@operation(
    Operation(
        "Check camera, microphone, speakers and network",
        {200: Answer("The page; `?next=` is a path of this site to go on to", Content(HTML))},
        errors=(503,),
    )
)
async def check(request: web.Request) -> web.Response:
    await auth.identify(request)
    async with request.app[DATABASE].read() as db:
        states = await service.showcase_states(db, request[LANGUAGE], utc_now())
    wanted = auth.own_path(request.query.get("next", ""))
    data = CheckData(next=None if wanted == "/" else wanted, probe=_probe(states))
    return pages.render(request, "check.html", areas=CHECK_AREAS, page_data=data)


def routes() -> list[web.RouteDef]:
    return [web.get("/studio/{showcase_id}", studio), web.get("/check", check)]


def _studio_data(request: web.Request, grant: RoomGrant, stage: StageView, programme: ProgrammeData) -> StudioData:
    tokens = request.app[TOKENS]
    alone = replace(grant, can=frozenset({"publish", "start"}))
    watching = replace(grant, can=frozenset({"watch"}))
    reads = grant.role in READERS
    return StudioData(
        showcase_id=ShowcaseId(grant.room),
        title=stage.title,
        whip_url=f"/whip/{grant.room}",
        whep_url=f"/whep/{grant.room}",
        whep_token=tokens.sign(watching),
        backstage_token=tokens.sign(replace(grant, can=frozenset({"backstage"}))),
        publish_token=tokens.sign(alone),
        page_token=tokens.sign(grant),
        encoder_token=tokens.sign(service.encoder_grant(grant)),
        state_url=f"/api/showcases/{grant.room}",
        watch_url=f"/s/{grant.room}",
        programme=programme,
        clocks=tuple(ClockData(zone=clock.zone, city=clock.city) for clock in stage.clocks),
        over=stage.state == "ended",
        after=AfterData(
            results=f"/after/{grant.room}" if reads else "",
            recording=f"/s/{grant.room}/recording" if reads else "",
            consent=f"/s/{grant.room}/consent",
        ),
    )


def _probe(states: tuple[ShowcaseState, ...]) -> ProbeData | None:
    """A showcase on air measures best; one that is waited in still proves that UDP passes."""
    open_ones = [state for state in states if state.open_to_all and state.state in {"live", "scheduled"}]
    best = min(open_ones, key=lambda state: state.state != "live", default=None)
    return None if best is None else ProbeData(whep_url=f"/whep/{best.id}", whep_token=None)
