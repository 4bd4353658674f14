"""Who somebody is to a recording: by login for pages and the API, by the key in the address for players."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from aiohttp import web

from expo.accounts.keys import REVOCATIONS, TOKENS
from expo.accounts.tokens import ReplayKey
from expo.archive.keys import LIBRARY, PROGRAMMES
from expo.archive.library import Shelf
from expo.archive.programme import ShowProgramme
from expo.archive.rules import KEY_LIFE, Reader
from expo.clock import utc_now
from expo.edge import auth
from expo.edge.principal import Principal
from expo.errors import Forbidden, NotFound, Unauthenticated, Unavailable
from expo.ids import AgencyId, ExpoId, RoomId, SegmentId

KEEPERS = ("organiser", "operator")
PRESENTERS = ("exhibitor", "organiser", "technician")
"""Who may be seen or heard on a stage."""
MAX_ID_CHARS = 64
CREW = Reader("crew")


@dataclass(frozen=True, slots=True)
class Opened:
    """What a key opens."""

    key: ReplayKey
    shelf: Shelf
    reader: Reader


def room_of(request: web.Request) -> RoomId:
    """The room of an address. NotFound `showcase.not_found` for what cannot be one."""
    room = request.match_info["showcase_id"]
    if len(room) > MAX_ID_CHARS or not room.isascii() or not room.replace("-", "").replace("_", "").isalnum():
        raise NotFound("showcase.not_found", "no such showcase")
    return RoomId(room)


async def show_of(request: web.Request) -> ShowProgramme:
    """The show of an address. NotFound `showcase.not_found`; Unavailable `store.*`."""
    found = await request.app[PROGRAMMES].programme(room_of(request))
    if found is None:
        raise NotFound("showcase.not_found", "no such showcase")
    return found


def reader_of(principal: Principal | None, show: ShowProgramme) -> Reader:
    """What somebody is to a show: its crew, staff of a company, of its expo, or a stranger."""
    return reader_in(principal, show.agency_id, show.expo_id)


def reader_in(principal: Principal | None, agency: AgencyId, expo: ExpoId) -> Reader:
    """The same for all shows of an expo."""
    if principal is None or principal.agency_id != agency:
        return Reader("all")
    if principal.role == "operator":
        return Reader("crew")
    if principal.expo_id != expo:
        return Reader("all")
    if principal.role == "organiser":
        return Reader("crew")
    if principal.role == "exhibitor" and principal.exhibitor_id is not None:
        return Reader("staff", principal.exhibitor_id)
    return Reader("invited")


async def keeper(request: web.Request) -> tuple[Principal, ShowProgramme]:
    """Who may decide about the recording. 401, 403 `login.role`; NotFound `showcase.not_found` for other rows."""
    principal = await auth.require(request, *KEEPERS)
    show = await show_of(request)
    if not reader_of(principal, show).is_crew:
        raise NotFound("showcase.not_found", "no such showcase")
    return principal, show


async def presenter(request: web.Request) -> tuple[Principal, ShowProgramme]:
    """Who may be seen or heard in the show. 401, 403 `login.role`, `consent.not_presenting`."""
    principal = await auth.require(request, *PRESENTERS)
    show = await show_of(request)
    own = principal.agency_id == show.agency_id and principal.expo_id == show.expo_id
    if own and principal.role == "exhibitor":
        own = any(part.exhibitor_id == principal.exhibitor_id for part in show.parts)
    if not own:
        raise Forbidden("consent.not_presenting", "this person has no part in the show")
    return principal, show


async def owner(request: web.Request) -> tuple[Principal, ShowProgramme, Reader]:
    """A keeper, or staff of a company with a part in the show. 401, 403, 404 as above."""
    principal = await auth.require(request, *KEEPERS, "exhibitor")
    show = await show_of(request)
    reader = reader_of(principal, show)
    if reader.is_crew:
        return principal, show, reader
    if reader.kind != "staff":
        raise NotFound("showcase.not_found", "no such showcase")
    if not any(reader.owns(part.exhibitor_id) for part in show.parts):
        raise Forbidden("consent.not_presenting", "this company has no part in the show")
    return principal, show, reader


async def plays_again(request: web.Request, room: RoomId) -> tuple[SegmentId, ...]:
    """The parts of a show that whoever asks may see again, in the order of time; cheap to ask often."""
    try:
        shelf = await request.app[LIBRARY].shelf(room)
    except (NotFound, Unavailable):
        return ()
    reader = reader_of(await auth.identify(request), shelf.show)
    return tuple(chapter.segment for chapter in shelf.shown(reader))


def new_key(request: web.Request, shelf: Shelf, reader: Reader, principal: Principal | None, now: datetime) -> str:
    """A key that opens what this reader may see."""
    person = None if principal is None else principal.person_id
    made = ReplayKey(shelf.show.room, reader.kind, reader.exhibitor, person, shelf.epoch, now + KEY_LIFE)
    return request.app[TOKENS].sign_replay(made)


async def opened(request: web.Request) -> Opened:
    """What the key in an address opens now.

    Unauthenticated `replay.*` (also `.revoked`: its person's access was withdrawn after it was made); NotFound
    `recording.none`; Unavailable.
    """
    key = request.app[TOKENS].verify_replay(request.match_info["key"], utc_now())
    if key.person is not None and request.app[REVOCATIONS].refuses(key.person, key.expires_at - KEY_LIFE):
        raise Unauthenticated("replay.revoked", "the person's access was withdrawn after this key was made")
    return Opened(key, await request.app[LIBRARY].shelf(key.room), Reader(_kind(key.reader), key.exhibitor))


def _kind(text: str) -> Literal["crew", "staff", "invited", "all"]:
    match text:
        case "crew" | "staff" | "invited":
            return text
        case _:
            return "all"
