"""The page on which a show plays again; also while it is on, for what is over already."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec
from aiohttp import web

from expo.accounts import guests
from expo.archive import entrance
from expo.archive.keys import LIBRARY, PROGRAMMES
from expo.archive.library import Shelf
from expo.archive.programme import ShowProgramme
from expo.archive.rules import Reader
from expo.archive.views import ReplayChapter, replay_chapters
from expo.clock import utc_now
from expo.edge import auth
from expo.edge.keys import LANGUAGE, PROXIES
from expo.edge.openapi import HTML, Answer, Content, Operation, operation
from expo.edge.pages import render
from expo.edge.principal import Principal
from expo.errors import NotFound
from expo.ids import RoomId
from expo.store.words import pick

State = Literal["live", "preparing", "ready", "hidden", "none"]

_MOMENT = re.compile(r"(?:(\d{1,3})h)?(?:(\d{1,4})m)?(?:(\d{1,6})s?)?|(?:(\d{1,3}):)?(\d{1,4}):(\d{2})")


class CityClock(msgspec.Struct, frozen=True):
    """One side's clock: IANA zone and the city's name for the reader."""

    zone: str
    city: str


class ReplayData(msgspec.Struct, frozen=True):
    """What the page's script starts from; the rest it reads off the page."""

    clocks: tuple[CityClock, ...]


@dataclass(frozen=True, slots=True)
class Address:
    """Where the page stands, for previews in messengers."""

    site: str
    page: str


@dataclass(frozen=True, slots=True)
class ReplayView:
    """A replay as its page tells it. `state` is `live` while the show is on, `preparing` until its last piece is there,
    `hidden` where nothing is for this reader. Addresses are empty where nothing plays. `left_out` parts are not shown.
    `image` is a picture from the recording where there is one. `may_note`: the reader may be interested from here;
    `named`: and is known by name.
    """

    id: RoomId
    title: str
    image: str
    state: State
    starts_at: datetime
    length_s: float
    start_s: int
    master_url: str
    watched_url: str
    chapters_url: str
    products_url: str
    stage_url: str
    left_out: int
    clocks: tuple[CityClock, ...]
    may_note: bool
    named: bool
    chapters: tuple[ReplayChapter, ...]


@operation(
    Operation(
        "A show again, by company; whatever its reader may see",
        {200: Answer("The page; `?t=12m30s` begins there, `?part=` with that segment's chapter", Content(HTML))},
        parameters={"showcase_id": "The showcase's id"},
        errors=(404, 503),
    )
)
async def replay(request: web.Request) -> web.Response:
    principal = await auth.identify(request)
    show = await entrance.show_of(request)
    reader = entrance.reader_of(principal, show)
    if show.state == "draft" and not reader.is_crew:
        raise NotFound("showcase.not_found", "no such showcase")
    shelf = await _shelf(request, show)
    view = await _view(request, show, shelf, reader, principal)
    site = f"{request.app[PROXIES].scheme(request)}://{request.host}"
    return render(
        request,
        "archive/replay.html",
        areas=("common", "replay"),
        page_data=ReplayData(view.clocks),
        replay=view,
        now=utc_now(),
        address=Address(site, site + request.rel_url.path),
    )


def routes() -> list[web.RouteDef]:
    return [web.get("/s/{showcase_id}/replay", replay)]


def clocks_of(show: ShowProgramme, language: str) -> tuple[CityClock, ...]:
    """Both sides' clocks for a reader, the host's first."""
    return tuple(CityClock(city.zone, pick(city.city, language)) for city in show.cities)


def moment(text: str) -> int:
    """What `?t=` says in seconds: `1h2m3s`, `750`, `12:30`; 0 for anything else."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        return 0
    hours, minutes, seconds = found[1] or found[4], found[2] or found[5], found[3] or found[6]
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)


def _start(request: web.Request, chapters: tuple[ReplayChapter, ...]) -> int:
    """Where the address asks to begin, in seconds of what plays."""
    part = next((one for one in chapters if one.id == request.query.get("part")), None)
    return moment(request.query.get("t", "")) if part is None else int(part.starts_s)


async def _shelf(request: web.Request, show: ShowProgramme) -> Shelf | None:
    try:
        return await request.app[LIBRARY].shelf(show.room)
    except NotFound:  # recording.none
        return None


async def _view(
    request: web.Request, show: ShowProgramme, shelf: Shelf | None, reader: Reader, principal: Principal | None
) -> ReplayView:
    language = request[LANGUAGE]
    chapters: tuple[ReplayChapter, ...] = ()
    base, length_s, state = "", 0.0, _state(show, shelf, reader)
    if shelf is not None and state in {"live", "ready"}:
        film = shelf.film(reader)
        goods = await request.app[PROGRAMMES].goods(show.room)
        chapters = replay_chapters(shelf, shelf.shown(reader), film, goods, language)
        base = f"/replay/{entrance.new_key(request, shelf, reader, principal, utc_now())}" if film.chosen else ""
        length_s = film.length_us / 1e6
    begun = sum(part.started_at is not None for part in show.parts)
    return ReplayView(
        id=show.room,
        title=pick(show.title, language),
        image=chapters[0].poster if chapters else show.image,
        state=state,
        starts_at=show.starts_at,
        length_s=length_s,
        start_s=min(_start(request, chapters), int(length_s)),
        master_url=base and f"{base}/master.m3u8",
        watched_url=base and f"{base}/watched",
        chapters_url=base and f"{base}/chapters.vtt?lang={language}",
        products_url=base and f"{base}/products.vtt?lang={language}",
        stage_url=f"/s/{show.room}",
        left_out=max(0, begun - len(chapters)) if chapters else 0,
        clocks=clocks_of(show, language),
        may_note=show.open_to_all or reader.is_invited,
        named=principal is not None or guests.guest(request) is not None,
        chapters=chapters,
    )


def _state(show: ShowProgramme, shelf: Shelf | None, reader: Reader) -> State:
    if shelf is None or shelf.kept is None or not shelf.with_media:
        return "live" if show.state == "live" else "none"
    if not shelf.shown(reader):
        return "hidden"
    if show.state == "live":
        return "live"
    return "preparing" if shelf.growing else "ready"
