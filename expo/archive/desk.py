"""A recording before those who decide about it: health, chapters with their standing, who watched, films to keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec
from aiohttp import web

from expo.archive import entrance, queries, rules
from expo.archive.films import Order
from expo.archive.keys import LIBRARY, PROGRAMMES, RECORDER
from expo.archive.library import Shelf
from expo.archive.programme import ShowGoods, ShowProgramme
from expo.archive.replay import sound_label
from expo.archive.rules import Chapter, Reader, Scope, Standing
from expo.archive.tables import Deletion
from expo.archive.views import replay_chapters, title_of
from expo.edge.keys import DATABASE, LANGUAGE
from expo.errors import NotFound, Unavailable
from expo.ids import SegmentId
from expo.media.recording.index import Gap
from expo.media.recording.recorder import RecordingHealth
from expo.media.recording.remux import Label, Mark
from expo.store.words import Words, pick

WHOLE = "whole"
_TERMINOLOGY = {"ko": "kor", "vi": "vie", "en": "eng", "mul": "mul"}
"""ISO 639-2/T codes, which MP4 files know."""


class ChapterLine(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A chapter as its keepers read it: `titles` are what an organiser wrote, empty where it is the company's name.

    `lengthS` is before trims, `startsS` where it begins in all that plays for its organiser; `liveMost` watched at once
    while it was on, `replayStarts` times somebody began to watch it again, `replayMinutes` in all.
    """

    id: SegmentId
    number: int
    title: str
    company: str
    exhibitor: str
    titles: Words
    standing: Standing
    starts_s: float
    length_s: float
    real_from: datetime
    real_to: datetime
    trim_start_s: int
    trim_end_s: int
    hidden: bool
    withdrawn: bool
    live_most: int
    replay_starts: int
    replay_minutes: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """A recording as a page or the API tells it to its keepers; an exhibitor's has only their own chapters.

    `recorder` is how its recorder does; None where none is at work, or its worker does not answer now.
    """

    shelf: Shelf
    recorder: RecordingHealth | None
    lines: tuple[ChapterLine, ...]
    deletions: tuple[Deletion, ...]

    @property
    def visibility(self) -> Scope:
        return self.shelf.rights.visibility

    @property
    def kept_until(self) -> datetime | None:
        return rules.kept_until(self.shelf.show.ended_at, self.shelf.keep_days)

    @property
    def length_s(self) -> float:
        """Of what was kept, holes left out."""
        kept = self.shelf.kept
        if self.recorder is not None:
            return self.recorder.kept_ms / 1000
        if kept is None:
            return 0.0
        lengths = [sum(one.duration_us for one in rendition.segments) for rendition in kept.renditions]
        return max(lengths, default=0) / 1e6

    @property
    def bytes(self) -> int:
        if self.recorder is not None:
            return self.recorder.bytes
        return 0 if self.shelf.kept is None else self.shelf.kept.bytes

    @property
    def av_offset_ms(self) -> int | None:
        """How much later than its picture sound lies: now, and once all is written at worst. None: nobody knows."""
        if self.shelf.growing:
            return None if self.recorder is None else self.recorder.av_offset_ms
        off_us = None if self.shelf.kept is None else self.shelf.kept.av_offset_us
        return None if off_us is None else round(off_us / 1000)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """Where something was lost; where nothing was to be kept is none."""
        return tuple(gap for gap in (self.shelf.kept.gaps if self.shelf.kept else ()) if gap.reason != "unkept")


async def sheet(request: web.Request, show: ShowProgramme, reader: Reader) -> Sheet:
    """The recording of a show. NotFound `recording.none`; Unavailable."""
    shelf = await request.app[LIBRARY].shelf(show.room)
    goods = await request.app[PROGRAMMES].goods(show.room)
    async with request.app[DATABASE].read() as db:
        sums = await queries.watched_sums(db, show.room)
        deletions = tuple(await queries.deletions(db, show.room))
    own = [one for one in shelf.chapters if reader.is_crew or reader.owns(one.exhibitor)]
    lines = tuple(_line(shelf, chapter, goods, sums, request[LANGUAGE]) for chapter in own)
    return Sheet(shelf, await _recorder(request, shelf, reader), lines, deletions)


async def film_order(request: web.Request, what: str) -> Order:
    """A film, `whole` or of a segment, as it would be now. 401, 403; NotFound `film.none` for what is not theirs."""
    _, show, reader = await entrance.owner(request)
    shelf = await request.app[LIBRARY].shelf(show.room)
    shown = shelf.shown(reader)
    if what == WHOLE:
        if not reader.is_crew:
            raise NotFound("film.none", "the whole show is its organisers'")
        segment = None
    else:
        chapter = next((one for one in shown if one.segment == what), None)
        if chapter is None or not (reader.is_crew or reader.owns(chapter.exhibitor)):
            raise NotFound("film.none", "there is no such chapter to keep")
        segment = chapter.segment
    film = shelf.film(reader, segment)
    chapters = replay_chapters(
        shelf, [one for one in shown if segment in {None, one.segment}], film, ShowGoods((), {}), request[LANGUAGE]
    )
    return Order(
        room=show.room,
        film=film,
        labels={one.rendition.name: _label(*sound_label(request, one)) for one in film.chosen},
        marks=[Mark(one.title, round(one.starts_s * 1e6), round(one.ends_s * 1e6)) for one in chapters],
    )


async def _recorder(request: web.Request, shelf: Shelf, reader: Reader) -> RecordingHealth | None:
    if not shelf.growing or not reader.is_crew:
        return None
    try:
        return await request.app[RECORDER](shelf.show.room)
    except Unavailable:  # asked again when the page is
        return None


def _label(title: str, language: str) -> Label:
    return Label(title, _TERMINOLOGY.get(language, "und"))


def _line(
    shelf: Shelf, chapter: Chapter, goods: ShowGoods, sums: Mapping[str, tuple[int, int]], language: str
) -> ChapterLine:
    part = shelf.parts[chapter.segment]
    began = part.started_at or shelf.begun_at
    ended = part.ended_at or shelf.now
    starts, minutes = sums.get(chapter.segment, (0, 0))
    is_kept = chapter.segment in shelf.with_media
    return ChapterLine(
        id=chapter.segment,
        number=chapter.number,
        title=title_of(shelf, chapter, language),
        company=pick(part.company, language),
        exhibitor=chapter.exhibitor,
        titles=chapter.edit.title or {},
        standing=shelf.rights.standing(chapter, shelf.now, is_kept=is_kept),
        starts_s=shelf.film(entrance.CREW).position_us(chapter.cut.start_us) / 1e6,
        length_s=(ended - began).total_seconds(),
        real_from=began,
        real_to=ended,
        trim_start_s=chapter.edit.trim_start_s,
        trim_end_s=chapter.edit.trim_end_s,
        hidden=chapter.edit.hidden,
        withdrawn=chapter.edit.withdrawn,
        live_most=goods.audience.get(chapter.segment, 0),
        replay_starts=starts,
        replay_minutes=minutes,
    )
