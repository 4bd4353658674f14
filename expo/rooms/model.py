"""A room's live state as values: what everybody in it shares, without the crowd. Pure.

A projection of the state for one reader has the same shape (`expo.rooms.projections`), so clients know only this one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from expo.ids import ExhibitorId, ParticipantId, ProductId, RoomId, SegmentId

SCHEMA = 1
"""Version `v` of state, events and commands."""
MAX_ID_CHARS = 64
MAX_NAME_CHARS = 80
MAX_TEXT_CHARS = 500
MAX_NOTE_CHARS = 200
MAX_SEATS = 100
MAX_SEGMENTS = 100
LEAST_PART_S, MOST_PART_S = 60, 14_400
"""How short and how long a company's part may be planned."""
MAX_PRODUCTS = 50
"""Products of one segment."""
MAX_MESSAGES = 200
MAX_RECENT = 1024
"""Commands whose ids are remembered: a page sends again for two minutes, in which a hall sends eight a second."""
MAX_REMOVED = 500
MAX_INTERESTED = 1000
"""People per product that a room knows to be counted; beyond them a repeated press may count twice, never its row."""
COUNTDOWN_MS = 3_000
UNDO_MS = 10_000
PRESENCE_MS = 5_000
"""Who was not seen for so long has gone; a reload, or the way to another worker, takes less."""
GRACE_MS = 10_000
"""Who has been gone for longer than this is no longer ready."""

Phase = Literal["draft", "waiting", "live", "paused", "ended"]
SeatRole = Literal["organiser", "exhibitor", "interpreter", "moderator", "technician"]
Source = Literal["camera", "screen"]
Verdict = Literal["pass", "warn", "fail"]
MessageKind = Literal["chat", "question"]
Trouble = Literal["disk_full", "disk_failed", "taken_over", "no_picture"]
"""What keeps a recording, or with `no_picture` its picture, from going on; the show goes on."""

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ID_CHARS)]
Revision = Annotated[int, msgspec.Meta(ge=0)]


class Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Base of all that stands in a state: immutable, camelCase on the wire, nothing unknown inside."""


class Segment(Value, frozen=True):
    """One company's part; its times are what really happened, on the room's clock."""

    id: SegmentId
    exhibitor: ExhibitorId
    planned_s: Annotated[int, msgspec.Meta(ge=1, le=86_400)]
    products: Annotated[tuple[ProductId, ...], msgspec.Meta(max_length=MAX_PRODUCTS)] = ()
    started_ms: int | None = None
    ended_ms: int | None = None


class Armed(Value, frozen=True):
    """The countdown to `segment`."""

    segment: SegmentId
    due_ms: int


class Picture(Value, frozen=True):
    """What the stage shows: one source of a seat."""

    seat: ParticipantId
    source: Source = "camera"


class Undo(Value, frozen=True):
    """What the last change of segment replaced: `began` took over from `back`."""

    began: SegmentId
    back: SegmentId | None
    picture: Picture | None
    pin: ProductId | None
    until_ms: int


class Check(Value, frozen=True):
    """A device check as the page found it."""

    verdict: Verdict
    note: str = ""


class Seat(Value, frozen=True):
    """A presenter's or crew member's place. `seen` is the last revision that went to this seat alone.

    `here` says whether its person is connected, and `here_ms` since when that is so.
    """

    name: str
    role: SeatRole
    exhibitor: ExhibitorId | None = None
    on_air: bool = False
    camera: bool = False
    screen: bool = False
    ready: bool = False
    muted: bool = False
    check: Check | None = None
    here: bool = False
    here_ms: int = 0
    seen: Revision = 0


class Message(Value, frozen=True):
    """A line of the chat or a question; `id` is the revision that brought it."""

    id: Revision
    kind: MessageKind
    by: ParticipantId
    name: str
    company: str
    text: str
    at_ms: int
    product: ProductId | None = None
    hidden: bool = False
    withdrawn: bool = False
    answered: bool = False


class Interest(Value, frozen=True):
    """How often a product was asked for; `people` are the last of them, to count each once."""

    exhibitor: ExhibitorId
    count: int
    people: tuple[ParticipantId, ...] = ()


class State(Value, frozen=True):
    """The whole room. `seen` is the last revision that went to all; `recent` maps command ids to their revisions.

    `picture` is what the stage was told to show, `shown` what it does show, as far as that is somebody with a seat.
    `recording` says that what is shown and heard now is kept, `trouble` why it is not although it might be.
    Its dicts are never changed: states share them.
    """

    room: RoomId
    revision: Revision
    seen: Revision = 0
    at_ms: int = 0
    phase: Phase = "draft"
    segments: tuple[Segment, ...] = ()
    current: SegmentId | None = None
    armed: Armed | None = None
    undo: Undo | None = None
    seats: dict[ParticipantId, Seat] = {}
    picture: Picture | None = None
    shown: Picture | None = None
    recording: bool = False
    trouble: Trouble | None = None
    pin: ProductId | None = None
    messages: tuple[Message, ...] = ()
    interest: dict[ProductId, Interest] = {}
    viewers: int = 0
    removed: tuple[ParticipantId, ...] = ()
    recent: dict[str, Revision] = {}
    v: int = SCHEMA


def segment_of(state: State, segment: SegmentId | None) -> Segment | None:
    """The segment of this id."""
    return next((each for each in state.segments if each.id == segment), None)


def movable(state: State) -> Iterator[Segment]:
    """Segments that have neither begun nor are counted down to, in their order."""
    armed = state.armed.segment if state.armed else None
    return (segment for segment in state.segments if segment.started_ms is None and segment.id != armed)


def upcoming(state: State) -> Segment | None:
    """The segment that is counted down to, else the first to come."""
    armed = segment_of(state, state.armed.segment) if state.armed else None
    return armed or next(movable(state), None)


def presenters(state: State, exhibitor: ExhibitorId) -> list[ParticipantId]:
    """A company's seats: who is here first, the ready before the others."""
    own = [name for name, seat in state.seats.items() if seat.exhibitor == exhibitor]
    return sorted(own, key=lambda name: (not state.seats[name].here, not state.seats[name].ready))


def exhibitor_on(state: State) -> ExhibitorId | None:
    """Whose part is on."""
    current = segment_of(state, state.current)
    return current.exhibitor if current else None


def exhibitor_of(state: State, product: ProductId) -> ExhibitorId | None:
    """Who shows the product in this room."""
    return next((segment.exhibitor for segment in state.segments if product in segment.products), None)


def message_of(state: State, message: int) -> Message | None:
    """The message of this id, while the room remembers it."""
    return next((each for each in reversed(state.messages) if each.id == message), None)
