"""The JSON API of recordings: consents of presenters, decisions of organisers, films."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import msgspec
from aiohttp import web

from expo.archive import entrance, wishes
from expo.archive.desk import ChapterLine, Sheet, film_order, sheet
from expo.archive.films import FilmState
from expo.archive.keys import FILMS, KEEPING
from expo.archive.programme import ShowProgramme
from expo.archive.rules import MOST_KEEP_DAYS, MOST_TRIM_S, TITLE_CHARS, Scope
from expo.archive.service import ChapterWish, scope_of
from expo.archive.tables import Consent
from expo.edge import wire
from expo.edge.files import Download
from expo.edge.openapi import Answer, Content, Operation, operation

_SHOWCASE = {"showcase_id": "The showcase's id, which is its recording's too"}
_CHAPTER = {**_SHOWCASE, "segment_id": "The segment of the run of show"}
_FILM = {**_SHOWCASE, "what": "`whole`, or the segment of one chapter"}
_READ = (401, 403, 404, 503)
_CHANGE = (400, 401, 403, 404, 409, 413, 415, 422, 503)
NO_STORE = {"Cache-Control": "private, no-store"}

Title = Annotated[str, msgspec.Meta(max_length=TITLE_CHARS)]
Trim = Annotated[int, msgspec.Meta(ge=0, le=MOST_TRIM_S)]


class NewConsent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole decision: to be recorded, to whom it may be shown, and the last day of all that on the host's clock."""

    record: bool
    publish: Scope = "nobody"
    until: date | None = None


class ConsentAnswer(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What the person decided last; `decidedAt` null: nothing, and so nothing is kept. `told`: the room knows."""

    v: int = 1
    record: bool = False
    publish: Scope = "nobody"
    until: date | None = None
    decided_at: datetime | None = None
    told: bool = True


class RecordingChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Who may see a recording, and for how many days after the show it is kept; what is absent stays."""

    visibility: Scope | None = None
    keep_days: Annotated[int, msgspec.Meta(ge=1, le=MOST_KEEP_DAYS)] | None = None


class Titles(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A chapter's title in each language; all empty is the company's name again."""

    ko: Title = ""
    vi: Title = ""
    en: Title = ""


class ChapterChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What becomes of a chapter; what is absent stays. Seconds are cut off its start and end."""

    titles: Titles | None = None
    trim_start_s: Trim | None = None
    trim_end_s: Trim | None = None
    hidden: bool | None = None
    withdrawn: bool | None = None


class RecordingAnswer(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A recording before its organisers: what there is, who may see it, until when.

    `avOffsetMs` is how much later than its picture sound lies, now or, once all is written, at worst; `failing` why
    nothing can be kept. Null where nobody knows: no recorder is at work, or its worker does not answer.
    """

    v: int = 1
    id: str
    visibility: Scope
    keep_days: int
    kept_until: datetime | None
    deleted_at: datetime | None
    live: bool
    length_s: float
    bytes: int
    gaps: int
    gaps_s: float
    av_offset_ms: int | None
    failing: str | None
    chapters: tuple[ChapterLine, ...]


@operation(
    Operation(
        "Whether the person who asks may be recorded in a show, and to whom that may be shown",
        {200: Answer("Their latest decision", Content(type=ConsentAnswer))},
        parameters=_SHOWCASE,
        errors=_READ,
        tag="recordings",
    )
)
async def read_consent(request: web.Request) -> web.Response:
    principal, show = await entrance.presenter(request)
    row = await wishes.present_consent(request, principal, show.room)
    return wire.answer(consent_answer(row, show, told=True), headers=NO_STORE)


@operation(
    Operation(
        "Decide about being recorded in a show; counts at once, also while on air",
        {200: Answer("The decision", Content(type=ConsentAnswer))},
        body=Content(type=NewConsent),
        parameters=_SHOWCASE,
        errors=_CHANGE,
        tag="recordings",
    )
)
async def decide_consent(request: web.Request) -> web.Response:
    principal, show = await entrance.presenter(request)
    asked = await wire.body(request, NewConsent)
    row, told = await wishes.consent(
        request, principal, show, record=asked.record, publish=asked.publish, until=asked.until
    )
    return wire.answer(consent_answer(row, show, told=told), headers=NO_STORE)


@operation(
    Operation(
        "A recording: its health, chapters, rights; organisers of its expo all of it, exhibitors their own chapters",
        {200: Answer("The recording", Content(type=RecordingAnswer))},
        parameters=_SHOWCASE,
        errors=_READ,
        tag="recordings",
    )
)
async def read_recording(request: web.Request) -> web.Response:
    _, show, reader = await entrance.owner(request)
    return wire.answer(_answer(await sheet(request, show, reader)), headers=NO_STORE)


@operation(
    Operation(
        "Change who may see a recording, or how long it is kept; organisers of its expo",
        {200: Answer("The recording", Content(type=RecordingAnswer))},
        body=Content(type=RecordingChange),
        parameters=_SHOWCASE,
        errors=_CHANGE,
        tag="recordings",
    )
)
async def change_recording(request: web.Request) -> web.Response:
    _, show = await entrance.keeper(request)
    asked = await wire.body(request, RecordingChange)
    await wishes.rights(request, show, visibility=asked.visibility, keep_days=asked.keep_days)
    return wire.answer(_answer(await sheet(request, show, entrance.CREW)), headers=NO_STORE)


@operation(
    Operation(
        "Delete a recording for good, all copies of it; organisers of its expo. Harmless to repeat",
        {204: Answer("It is gone")},
        parameters=_SHOWCASE,
        errors=(401, 403, 404, 409, 503),
        tag="recordings",
    )
)
async def delete_recording(request: web.Request) -> web.Response:
    principal, show = await entrance.keeper(request)
    await request.app[KEEPING].delete(show.room, principal.person_id, "organiser")
    return web.Response(status=204)


@operation(
    Operation(
        "Rename, trim, hide or withdraw a chapter; organisers of its expo",
        {200: Answer("The recording", Content(type=RecordingAnswer))},
        body=Content(type=ChapterChange),
        parameters=_CHAPTER,
        errors=_CHANGE,
        tag="recordings",
    )
)
async def change_chapter(request: web.Request) -> web.Response:
    _, show = await entrance.keeper(request)
    asked = await wire.body(request, ChapterChange)
    wish = ChapterWish(
        title=None if asked.titles is None else msgspec.to_builtins(asked.titles),
        trim_start_s=asked.trim_start_s,
        trim_end_s=asked.trim_end_s,
        hidden=asked.hidden,
        withdrawn=asked.withdrawn,
    )
    await wishes.chapter(request, show, request.match_info["segment_id"], wish)
    return wire.answer(_answer(await sheet(request, show, entrance.CREW)), headers=NO_STORE)


@operation(
    Operation(
        "Have a film made; organisers the whole or a chapter, exhibitors their own chapter. Harmless to repeat",
        {202: Answer("How far it is", Content(type=FilmState))},
        parameters=_FILM,
        errors=(401, 403, 404, 409, 503),
        tag="recordings",
    )
)
async def order_film(request: web.Request) -> web.Response:
    state = await request.app[FILMS].order(await film_order(request, request.match_info["what"]))
    return wire.answer(state, status=202, headers=NO_STORE)


@operation(
    Operation(
        "How far a film is",
        {200: Answer("How far it is", Content(type=FilmState))},
        parameters=_FILM,
        errors=_READ,
        tag="recordings",
    )
)
async def read_film(request: web.Request) -> web.Response:
    return wire.answer(
        await request.app[FILMS].state(await film_order(request, request.match_info["what"])), headers=NO_STORE
    )


@operation(
    Operation(
        "A film that is ready",
        {200: Answer("The file, with byte ranges", Content("video/mp4"))},
        parameters=_FILM,
        errors=_READ,
        tag="recordings",
    )
)
async def download_film(request: web.Request) -> web.StreamResponse:
    order = await film_order(request, request.match_info["what"])
    path = await request.app[FILMS].ready(order)
    name = "-".join(each for each in (order.room, request.match_info["what"]) if each != "whole")
    headers = {**NO_STORE, "Content-Disposition": f'attachment; filename="{name}.mp4"', "Content-Type": "video/mp4"}
    return Download(path, headers)


def routes() -> list[web.RouteDef]:
    consent, recording = "/api/v1/showcases/{showcase_id}/consent", "/api/v1/recordings/{showcase_id}"
    return [
        web.get(consent, read_consent),
        web.put(consent, decide_consent),
        web.get(recording, read_recording),
        web.patch(recording, change_recording),
        web.delete(recording, delete_recording),
        web.patch(f"{recording}/chapters/{{segment_id}}", change_chapter),
        web.post(f"{recording}/films/{{what}}", order_film),
        web.get(f"{recording}/films/{{what}}", read_film),
        web.get("/recordings/{showcase_id}/{what}.mp4", download_film),
    ]


def consent_answer(row: Consent | None, show: ShowProgramme, *, told: bool) -> ConsentAnswer:
    if row is None:
        return ConsentAnswer(told=told)
    return ConsentAnswer(
        record=row.record,
        publish=scope_of(row.publish),
        until=None if row.ends_at is None else wishes.last_day(row.ends_at, show),
        decided_at=row.decided_at,
        told=told,
    )


def _answer(found: Sheet) -> RecordingAnswer:
    shelf = found.shelf
    return RecordingAnswer(
        id=shelf.show.room,
        visibility=found.visibility,
        keep_days=shelf.keep_days,
        kept_until=found.kept_until,
        deleted_at=shelf.deleted_at,
        live=shelf.growing,
        length_s=found.length_s,
        bytes=found.bytes,
        gaps=len(found.gaps),
        gaps_s=sum(gap.duration_us for gap in found.gaps) / 1e6,
        av_offset_ms=found.av_offset_ms,
        failing=None if found.recorder is None else found.recorder.failing,
        chapters=found.lines,
    )
