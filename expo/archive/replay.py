"""What players ask for: playlists, pieces of media, chapters, and that a minute was watched. A key opens them."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from typing import Annotated, Literal

import msgspec
from aiohttp import web

from expo.archive import entrance
from expo.archive.entrance import Opened
from expo.archive.keys import LIBRARY, PROGRAMMES, WATCH_COUNTS
from expo.archive.views import ReplayChapters, chapters_vtt, products_vtt, replay_chapters
from expo.clock import monotonic_us
from expo.edge import wire
from expo.edge.keys import CATALOGUES, LANGUAGE, PROXIES
from expo.edge.openapi import Answer, Content, Operation, operation
from expo.edge.origin import UNKNOWN, network_of
from expo.edge.ranges import byte_range
from expo.errors import Invalid, NotFound
from expo.ids import SegmentId
from expo.media.recording import playlist
from expo.media.recording.index import Span
from expo.media.recording.playlist import Chosen, Film
from expo.store.words import pick

M3U8 = "application/vnd.apple.mpegurl"
VTT = "text/vtt"
MEDIA = {"video": "video/mp4", "audio": "audio/mp4"}
FLOOR = "floor"
ORIGINAL = "mul"
"""The floor's language (BCP 47): whatever is spoken there, several."""
_FRESH = "private, no-cache"
_PLAYLIST = {"Cache-Control": _FRESH}
_PIECE = {"Cache-Control": "private, max-age=60", "Accept-Ranges": "bytes"}
"""A piece never changes; who had it may see it for a minute more."""
_KEY = {"key": "From the replay's page; opens what its bearer may see of one recording"}
_ERRORS = (401, 404, 410, 503)


class InLanguage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """In which language; the reader's own when it is absent."""

    lang: Literal["ko", "vi", "en"] | None = None


class WatchedMinute(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A minute of a chapter was watched, counted from 0 at the chapter's start; `starts`: the first in this view."""

    chapter: Annotated[str, msgspec.Meta(min_length=1, max_length=26)]
    minute: Annotated[int, msgspec.Meta(ge=0, le=1440)]
    starts: bool = False


@operation(
    Operation(
        "All renditions of what plays (RFC 8216)",
        {200: Answer("The multivariant playlist", Content(M3U8)), 304: Answer("Not changed since If-None-Match")},
        parameters=_KEY,
        errors=_ERRORS,
        tag="replay",
    )
)
async def master(request: web.Request) -> web.Response:
    opened = await _present(request)
    if not opened.shelf.film(opened.reader).chosen:
        raise NotFound("replay.empty", "nothing plays here (yet)")

    def made(film: Film) -> str:
        labels = {one.rendition.name: sound_label(request, one) for one in film.chosen}
        return playlist.master_playlist(film, labels, sound=lambda name: name == FLOOR)

    return opened.shelf.listed(opened.reader, f"/{request[LANGUAGE]}", made).answer(request, M3U8, _FRESH)


@operation(
    Operation(
        "One rendition's segments: EVENT while the show is on, VOD afterwards",
        {200: Answer("The media playlist", Content(M3U8)), 304: Answer("Not changed since If-None-Match")},
        parameters={**_KEY, "rendition": "`picture`, `floor`, a channel"},
        errors=_ERRORS,
        tag="replay",
    )
)
async def media(request: web.Request) -> web.Response:
    opened = await _present(request)
    chosen, growing = _chosen(request, opened), opened.shelf.growing
    found = opened.shelf.listed(
        opened.reader,
        chosen.rendition.name,
        lambda film: playlist.media_playlist(film, chosen, growing=growing),
    )
    return found.answer(request, M3U8, _FRESH)


@operation(
    Operation(
        "What a decoder needs before the segments that name it",
        {200: Answer("ftyp and moov", Content("video/mp4")), 206: Answer("A part of it", Content("video/mp4"))},
        parameters={**_KEY, "rendition": "As in the playlist", "number": "As in the playlist"},
        headers={"Range": "Some of its bytes (RFC 9110 14.2)"},
        errors=(*_ERRORS, 416),
        tag="replay",
    )
)
async def init(request: web.Request) -> web.Response:
    opened = await entrance.opened(request)
    chosen = _chosen(request, opened)
    number = _number(request)
    if number not in {segment.init for segment in chosen.segments}:
        raise NotFound("replay.unknown", "nothing that plays needs this")
    return await _piece(request, opened, chosen, chosen.rendition.inits[number].span)


@operation(
    Operation(
        "A piece of media",
        {200: Answer("moof and mdat", Content("video/mp4")), 206: Answer("A part of it", Content("video/mp4"))},
        parameters={**_KEY, "rendition": "As in the playlist", "number": "As in the playlist"},
        headers={"Range": "Some of its bytes (RFC 9110 14.2)"},
        errors=(*_ERRORS, 416),
        tag="replay",
    )
)
async def segment(request: web.Request) -> web.Response:
    opened = await entrance.opened(request)
    chosen, number = _chosen(request, opened), _number(request)
    at = bisect_left(chosen.segments, number, key=lambda one: one.number)
    if at < len(chosen.segments) and chosen.segments[at].number == number:
        return await _piece(request, opened, chosen, chosen.segments[at].span)
    if any(one.number == number for one in chosen.rendition.segments):
        raise NotFound("replay.withdrawn", "this is not shown (any more)")
    raise NotFound("replay.unknown", "there is no such segment")


@operation(
    Operation(
        "The chapters that play, with the products shown in them",
        {200: Answer("The chapters", Content(type=ReplayChapters))},
        parameters=_KEY,
        query=InLanguage,
        errors=(400, *_ERRORS),
        tag="replay",
    )
)
async def chapters_json(request: web.Request) -> web.Response:
    return wire.answer(await _chapters(request), headers=_PLAYLIST)


@operation(
    Operation(
        "The chapters that play, for a player's track",
        {200: Answer("WebVTT", Content(VTT))},
        parameters=_KEY,
        query=InLanguage,
        errors=(400, *_ERRORS),
        tag="replay",
    )
)
async def chapters_track(request: web.Request) -> web.Response:
    found = await _chapters(request)
    return web.Response(text=chapters_vtt(found.chapters, found.language), content_type=VTT, headers=_PLAYLIST)


@operation(
    Operation(
        "The products at their moments, for a player's track of metadata: each cue is JSON",
        {200: Answer("WebVTT", Content(VTT))},
        parameters=_KEY,
        query=InLanguage,
        errors=(400, *_ERRORS),
        tag="replay",
    )
)
async def products_track(request: web.Request) -> web.Response:
    found = await _chapters(request)
    return web.Response(text=products_vtt(found.chapters, found.language), content_type=VTT, headers=_PLAYLIST)


@operation(
    Operation(
        "A minute of a chapter was watched; only sums are kept, and nothing of the agency's own people",
        {204: Answer("Counted")},
        body=Content(type=WatchedMinute),
        parameters=_KEY,
        errors=(400, 401, 404, 413, 415, 422, 429, 503),
        tag="replay",
    )
)
async def watched(request: web.Request) -> web.Response:
    told = await wire.body(request, WatchedMinute)
    counts = request.app[WATCH_COUNTS]
    address = request.app[PROXIES].address(request)
    if address != UNKNOWN:
        counts.limiter.admit(network_of(address), monotonic_us())
    opened = await entrance.opened(request)
    shown = next((one for one in opened.shelf.shown(opened.reader) if one.segment == told.chapter), None)
    if shown is None:
        raise NotFound("chapter.none", "no such chapter plays")
    if told.minute * 60_000_000 > shown.cut.length_us:
        raise Invalid("request.refused", "the chapter is not that long", status=422)
    if not opened.reader.is_crew and not opened.reader.owns(shown.exhibitor):
        counts.count(opened.key.room, SegmentId(told.chapter), told.minute, starts=told.starts)
    return web.Response(status=204)


def routes() -> list[web.RouteDef]:
    return [
        web.get("/replay/{key}/master.m3u8", master),
        web.get("/replay/{key}/chapters.json", chapters_json),
        web.get("/replay/{key}/chapters.vtt", chapters_track),
        web.get("/replay/{key}/products.vtt", products_track),
        web.post("/replay/{key}/watched", watched),
        web.get(r"/replay/{key}/{rendition:[a-z0-9-]{1,64}}.m3u8", media),
        web.get(r"/replay/{key}/{rendition:[a-z0-9-]{1,64}}/init-{number:[0-9]{1,9}}.mp4", init),
        web.get(r"/replay/{key}/{rendition:[a-z0-9-]{1,64}}/{number:[0-9]{1,9}}.m4s", segment),
    ]


def sound_label(request: web.Request, chosen: Chosen) -> tuple[str, str]:
    """A sound's name for people and its language; channels are called `channel-vi`."""
    language = chosen.rendition.name.removeprefix("channel-")
    if language == chosen.rendition.name:
        return request.app[CATALOGUES].text("archive.original", request[LANGUAGE]), ORIGINAL
    return request.app[CATALOGUES].text("archive.channel", request[LANGUAGE], language=language.upper()), language


async def _present(request: web.Request) -> Opened:
    """What a key opens that knows the present rights. NotFound `replay.changed` (410) for one from before."""
    opened = await entrance.opened(request)
    if opened.key.epoch != opened.shelf.epoch:
        raise NotFound("replay.changed", "who may see what has changed: open the page again", status=410)
    return opened


async def _chapters(request: web.Request) -> ReplayChapters:
    language = wire.query(request, InLanguage).lang or request[LANGUAGE]
    opened = await _present(request)
    shelf, film = opened.shelf, opened.shelf.film(opened.reader)
    goods = await request.app[PROGRAMMES].goods(opened.key.room)
    return ReplayChapters(
        title=pick(shelf.show.title, language),
        language=language,
        live=shelf.growing,
        length_s=film.length_us / 1e6,
        chapters=replay_chapters(shelf, shelf.shown(opened.reader), film, goods, language),
    )


def _chosen(request: web.Request, opened: Opened) -> Chosen:
    """The rendition of an address. NotFound `replay.withdrawn` where it has nothing (more) that plays, `.unknown`."""
    name = request.match_info["rendition"]
    found = opened.shelf.film(opened.reader).rendition(name)
    if found is not None:
        return found
    kept = opened.shelf.kept
    if opened.shelf.deleted_at is not None or (kept and any(one.name == name for one in kept.renditions)):
        raise NotFound("replay.withdrawn", "this is not shown (any more)")
    raise NotFound("replay.unknown", "there is no such rendition")


def _number(request: web.Request) -> int:
    return int(request.match_info["number"])


async def _piece(request: web.Request, opened: Opened, chosen: Chosen, span: Span) -> web.Response:
    """Bytes of a file, or those that a Range asks for: one range; several, or nonsense, get the whole."""
    named = f"{opened.key.room}/{span.file}/{span.offset}/{span.length}"
    tag = hashlib.blake2s(named.encode(), digest_size=9).hexdigest()
    headers = {**_PIECE, "ETag": f'"{tag}"'}
    if any(known.value in {tag, "*"} for known in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    asked = request.headers.get("Range") if request.headers.get("If-Range", f'"{tag}"') == f'"{tag}"' else None
    try:
        part = byte_range(asked, span.length)
    except IndexError:
        return web.Response(status=416, headers={**headers, "Content-Range": f"bytes */{span.length}"})
    first, last = part or (0, span.length - 1)
    if part is not None:
        headers["Content-Range"] = f"bytes {first}-{last}/{span.length}"
    body = await request.app[LIBRARY].read(opened.key.room, Span(span.file, span.offset + first, last - first + 1))
    content_type = MEDIA[chosen.rendition.kind]
    return web.Response(body=body, status=200 if part is None else 206, content_type=content_type, headers=headers)
