"""Pages of forms that work without script: the recording before its keepers, and a presenter's consent."""

from __future__ import annotations

import unicodedata
from datetime import date
from typing import Annotated, Literal

import msgspec
from aiohttp import web

from expo.archive import desk, entrance, service, wishes
from expo.archive.desk import WHOLE, Sheet
from expo.archive.films import FilmState
from expo.archive.keys import FILMS, KEEPING, LIBRARY
from expo.archive.programme import ShowProgramme
from expo.archive.replay_page import ReplayData, clocks_of
from expo.archive.routes import Title, Trim, consent_answer
from expo.archive.rules import KEEP_DAYS, MOST_KEEP_DAYS, Reader, Scope
from expo.archive.service import ChapterWish
from expo.clock import utc_now
from expo.edge import auth, problems
from expo.edge.accepts import prefers_html
from expo.edge.forms import FORM, form
from expo.edge.keys import CATALOGUES, LANGUAGE
from expo.edge.openapi import HTML, Answer, Content, Operation, operation
from expo.edge.pages import render, translator
from expo.errors import Conflict, ExpoError, Forbidden, Invalid, NotFound
from expo.store.words import pick

_SHOWCASE = {"showcase_id": "The showcase's id"}
_SAID = ("saved", "hidden", "shown", "withdrawn", "restored", "deleted")

Verb = Literal["rights", "chapter", "hide", "show", "withdraw", "restore", "delete", "film"]


class PostedRecording(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """One of the page's forms: `do` says which, `chapter` names the chapter that it is about, or `whole` for a film.

    `word` is what is typed to delete everything.
    """

    do: Verb
    chapter: Annotated[str, msgspec.Meta(max_length=26)] = ""
    visibility: Scope | None = None
    keep_days: Annotated[int, msgspec.Meta(ge=1, le=MOST_KEEP_DAYS)] | None = None
    title_ko: Title = ""
    title_vi: Title = ""
    title_en: Title = ""
    trim_start_s: Trim = 0
    trim_end_s: Trim = 0
    word: Annotated[str, msgspec.Meta(max_length=40)] = ""


class PostedConsent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A presenter's decision; what is not ticked is not allowed. `until` is empty or a day."""

    record: Literal["", "yes"] = ""
    publish: Scope = "nobody"
    until: Annotated[str, msgspec.Meta(max_length=10)] = ""


@operation(
    Operation(
        "A recording: health, chapters, who may see it, films; organisers of its expo, exhibitors their own chapters",
        {200: Answer("The page", Content(HTML))},
        parameters=_SHOWCASE,
        errors=(401, 403, 404, 503),
    )
)
async def recording(request: web.Request) -> web.Response:
    _, show, reader = await entrance.owner(request)
    return await _recording(request, show, reader)


@operation(
    Operation(
        "Decide about a recording or one of its chapters, from the page; exhibitors may have a film made",
        {303: Answer("Back to the page", headers={"Location": "Path of the page"})},
        body=Content(FORM, PostedRecording),
        parameters=_SHOWCASE,
        errors=(400, 401, 403, 404, 409, 413, 415, 422, 429, 503),
    )
)
async def change(request: web.Request) -> web.Response:
    _, show, reader = await entrance.owner(request)
    posted = await form(request, PostedRecording)
    if not reader.is_crew and posted.do != "film":
        raise Forbidden("login.role", "only organisers decide about a recording")
    try:
        said = await _done(request, show, posted)
    except (Conflict, Invalid) as error:
        if not prefers_html(request.headers.get("Accept", "")):
            raise
        return await _recording(request, show, reader, error=error)
    return auth.lead_to(f"/s/{show.room}/recording?{said}")


@operation(
    Operation(
        "Whether one may be recorded in a show, as a form; who presents in it or is of its crew",
        {200: Answer("The page", Content(HTML))},
        parameters=_SHOWCASE,
        errors=(401, 403, 404, 503),
    )
)
async def consent(request: web.Request) -> web.Response:
    principal, show = await entrance.presenter(request)
    row = await wishes.present_consent(request, principal, show.room)
    language = request[LANGUAGE]
    company = next((part.company for part in show.parts if part.exhibitor_id == principal.exhibitor_id), None)
    zone = show.cities[0].zone
    return render(
        request, "archive/consent.html", areas=("common",), page_data=ReplayData(clocks_of(show, language)),
        show=show, title=pick(show.title, language), agency=pick(show.agency, language),
        company="" if company is None else pick(company, language),
        decided=consent_answer(row, show, told=True), clocks=clocks_of(show, language), zone=zone,
        tomorrow=wishes.tomorrow(),
        said=request.query.get("said", "") if request.query.get("said") in {"saved", "untold"} else "",
    )  # fmt: skip


@operation(
    Operation(
        "Decide about being recorded in a show, from the page; counts at once",
        {303: Answer("Back to the page", headers={"Location": "Path of the page"})},
        body=Content(FORM, PostedConsent),
        parameters=_SHOWCASE,
        errors=(400, 401, 403, 404, 413, 415, 422, 429, 503),
    )
)
async def decide(request: web.Request) -> web.Response:
    principal, show = await entrance.presenter(request)
    posted = await form(request, PostedConsent)
    try:
        until = date.fromisoformat(posted.until) if posted.until else None
    except ValueError as error:
        raise Invalid("request.refused", "until is no day", status=422) from error
    record = posted.record == "yes"
    _, told = await wishes.consent(request, principal, show, record=record, publish=posted.publish, until=until)
    return auth.lead_to(f"/s/{show.room}/consent?said={'saved' if told else 'untold'}")


def routes() -> list[web.RouteDef]:
    return [
        web.get("/s/{showcase_id}/recording", recording),
        web.post("/s/{showcase_id}/recording", change),
        web.get("/s/{showcase_id}/consent", consent),
        web.post("/s/{showcase_id}/consent", decide),
    ]


async def _done(request: web.Request, show: ShowProgramme, posted: PostedRecording) -> str:
    """Do what the form asks; the query of the page to come back to."""
    match posted.do:
        case "rights":
            await wishes.rights(request, show, visibility=posted.visibility, keep_days=posted.keep_days)
            return "said=saved"
        case "chapter":
            title = {"ko": posted.title_ko, "vi": posted.title_vi, "en": posted.title_en}
            wish = ChapterWish(title, posted.trim_start_s, posted.trim_end_s)
            await wishes.chapter(request, show, posted.chapter, wish)
            return "said=saved"
        case "hide" | "show":
            await wishes.chapter(request, show, posted.chapter, ChapterWish(hidden=posted.do == "hide"))
            return "said=hidden" if posted.do == "hide" else "said=shown"
        case "withdraw" | "restore":
            await wishes.chapter(request, show, posted.chapter, ChapterWish(withdrawn=posted.do == "withdraw"))
            return "said=withdrawn" if posted.do == "withdraw" else "said=restored"
        case "film":
            what = posted.chapter or WHOLE
            await request.app[FILMS].order(await desk.film_order(request, what))
            return f"film={what}#film"
        case "delete":
            if _plain(posted.word) != _plain(translator(request)("archive.delete.word")):
                raise Invalid("recording.unconfirmed", "the word that confirms it was not typed")
            principal, _ = await entrance.keeper(request)
            await request.app[KEEPING].delete(show.room, principal.person_id, "organiser")
            return "said=deleted"


async def _recording(
    request: web.Request, show: ShowProgramme, reader: Reader, *, error: ExpoError | None = None
) -> web.Response:
    language = request[LANGUAGE]
    found: Sheet | None = None
    try:
        found = await desk.sheet(request, show, reader)
    except NotFound as missing:
        if missing.code != service.none_of(show.room).code:
            raise
    what, film = request.query.get("film", "" if not reader.is_crew else WHOLE), None
    if found is not None and found.shelf.with_media and what:
        film = await _film(request, what)
    asked = request.query.get("said", "")
    clocks = clocks_of(show, language)
    return render(
        request, "archive/recording.html", areas=("common", "archive"), page_data=ReplayData(clocks),
        status=200 if error is None else error.status, show=show, title=pick(show.title, language),
        agency=pick(show.agency, language), sheet=found, clocks=clocks, crew=reader.is_crew, now=utc_now(),
        company=next((pick(part.company, language) for part in show.parts if reader.owns(part.exhibitor_id)), ""),
        visibility=found.visibility if found else "nobody", keep_days=found.shelf.keep_days if found else KEEP_DAYS,
        film=film, what=what if film else "", film_url=f"/api/v1/recordings/{show.room}/films/{what}",
        film_file=f"/recordings/{show.room}/{what}.mp4", said=asked if asked in _SAID else "",
        most_days=MOST_KEEP_DAYS, free=await request.app[LIBRARY].free_bytes() if reader.is_crew else 0,
        refused="" if error is None else problems.title(error.code, request.app[CATALOGUES], language),
    )  # fmt: skip


async def _film(request: web.Request, what: str) -> FilmState | None:
    try:
        return await request.app[FILMS].state(await desk.film_order(request, what))
    except NotFound:  # film.none: an address that is no longer anything
        return None


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip().casefold()
