"""Which recordings of many a reader may see again, and how long they are: three statements for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from expo.archive import service
from expo.archive.library import Files, Library, chapters_of
from expo.archive.rules import Chapter, Part, Reader, Rights
from expo.ids import RoomId, SegmentId
from expo.media.recording.playlist import Stretch

MOST = 48
"""Recordings whose files one page asks for, those that are named first: their indexes have to be read once."""
LEAST_US = 2_000_000
"""What is shorter than a segment may not play at all."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A show that a page lists, with its companies' parts."""

    room: RoomId
    is_live: bool
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """What plays of a recording: seconds of each chapter, in the order of time; at least one."""

    lengths_s: Mapping[SegmentId, float]

    @property
    def first(self) -> SegmentId:
        return next(iter(self.lengths_s))

    @property
    def length_s(self) -> float:
        return sum(self.lengths_s.values())


async def offers(
    db: AsyncSession, library: Library, reader: Reader, shows: Sequence[Wanted], now: datetime
) -> dict[RoomId, Offer]:
    """What this reader may see again; a show of which that is nothing is not there. Unavailable as the files are."""
    rights = await service.rights_of(db, [show.room for show in shows[:MOST]])
    asked = [show for show in shows[:MOST] if show.room in rights and not rights[show.room].deleted]
    found = await asyncio.gather(*(library.files(show.room, is_live=show.is_live) for show in asked))
    made = {
        show.room: Offer(dict(_lengths(rights[show.room], show, files, reader, now)))
        for show, files in zip(asked, found, strict=True)
    }
    return {room: offer for room, offer in made.items() if offer.lengths_s}


def _lengths(
    rights: Rights, show: Wanted, files: Files, reader: Reader, now: datetime
) -> Iterator[tuple[SegmentId, float]]:
    if (kept := files.kept) is None:
        return
    for chapter in chapters_of(kept, show.parts, rights):
        length_us = _length_us(chapter, files.stretches)
        if length_us >= LEAST_US and rights.shows(chapter, reader, now):
            yield chapter.segment, length_us / 1e6


def _length_us(chapter: Chapter, stretches: Sequence[Stretch]) -> int:
    cut = chapter.cut
    both = (min(cut.end_us, one.end_us) - max(cut.start_us, one.start_us) for one in stretches)
    return sum(length for length in both if length > 0)
