"""What people decide about recordings, done: one transaction each, then whoever must know of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from aiohttp import web

from expo.archive import queries, service
from expo.archive.keys import FILMS, LIBRARY, ON_CONSENT, PROGRAMMES
from expo.archive.policy import ArchivePolicy
from expo.archive.programme import ShowProgramme
from expo.archive.rules import Scope
from expo.archive.service import ChapterWish, Wish
from expo.archive.tables import Consent
from expo.clock import utc_now
from expo.edge.keys import DATABASE, LANGUAGE
from expo.edge.principal import Principal
from expo.errors import NotFound, Unavailable
from expo.ids import RoomId, SegmentId
from expo.kit.logging import get_logger
from expo.store.words import pick

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Asking:
    """What a presenter is asked with who has not decided: who keeps it, and the first day on which it may be over."""

    agency: str
    tomorrow: str


async def asking(request: web.Request, principal: Principal, room: RoomId) -> Asking | None:
    """How this person is to be asked about being recorded in a show; None once they have decided. Unavailable."""
    if await present_consent(request, principal, room) is not None:
        return None
    show = await request.app[PROGRAMMES].programme(room)
    return None if show is None else Asking(pick(show.agency, request[LANGUAGE]), tomorrow())


def tomorrow() -> str:
    """As a form of HTML wants it."""
    return (utc_now() + timedelta(days=1)).date().isoformat()


async def present_consent(request: web.Request, principal: Principal, room: RoomId) -> Consent | None:
    """What the person decided last."""
    async with request.app[DATABASE].read() as db:
        return await queries.last_consent(db, room, principal.person_id)


async def consent(
    request: web.Request, principal: Principal, show: ShowProgramme, *, record: bool, publish: Scope, until: date | None
) -> tuple[Consent, bool]:
    """Write a person's decision and have the room act on it; False when the room could not be told (yet).

    `until` is the last day, on the clock of the expo's host. Invalid `consent.over`.
    """
    wish = Wish(record=record, publish=publish, ends_at=None if until is None else end_of(until, show))
    async with request.app[DATABASE].write() as db:
        row = await service.decide(db, show, principal.person_id, principal.exhibitor_id, wish, utc_now())
    request.app[LIBRARY].forget(show.room)
    await request.app[FILMS].drop(show.room)
    try:
        await request.app[ON_CONSENT](show.room)
    except Unavailable as error:
        log.warning("a room could not be told of a consent", room=show.room, error=error.code)
        return row, False
    return row, True


async def rights(
    request: web.Request, show: ShowProgramme, *, visibility: Scope | None = None, keep_days: int | None = None
) -> None:
    """Change who may see a recording, and how long it is kept; also of a show that is still to come.

    As `service.change`.
    """
    if show.state != "ended" and not (visibility is None and keep_days is None):
        await ArchivePolicy(request.app[DATABASE], request.app[PROGRAMMES]).begun(show.room)
    async with request.app[DATABASE].write() as db:
        await service.change(db, show.room, visibility=visibility, keep_days=keep_days)
    request.app[LIBRARY].forget(show.room)


async def chapter(request: web.Request, show: ShowProgramme, segment: str, wish: ChapterWish) -> None:
    """Change a chapter. NotFound `chapter.none` for what is no part of the show; as `service.change_chapter`."""
    if not any(part.segment_id == segment for part in show.parts):
        raise NotFound("chapter.none", "the show has no such part")
    async with request.app[DATABASE].write() as db:
        await service.change_chapter(db, show.room, SegmentId(segment), wish, utc_now())
    request.app[LIBRARY].forget(show.room)
    await request.app[FILMS].drop(show.room)


def end_of(last: date, show: ShowProgramme) -> datetime:
    """The moment when a day is over on the host's clock."""
    return datetime.combine(last + timedelta(days=1), time(), ZoneInfo(show.cities[0].zone))


def last_day(ends_at: datetime, show: ShowProgramme) -> date:
    """The last day of a consent that ends then."""
    return (ends_at.astimezone(ZoneInfo(show.cities[0].zone)) - timedelta(seconds=1)).date()
