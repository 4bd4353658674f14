"""What has happened in a room: facts, each of which names its audience when it is recorded. Pure; docs/protocol.md."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from expo.ids import ExhibitorId, ParticipantId, ProductId, SegmentId
from expo.rooms.model import SCHEMA, MessageKind, Picture, SeatRole, Segment, Trouble, Verdict

Audience = str
"""`all`, `crew` or `seat:ID`. The crew sees every event, so only the others are named beside `all`."""
ALL: Literal["all"] = "all"
CREW: Literal["crew"] = "crew"


def seat_audience(seat: ParticipantId) -> Audience:
    """The audience that is one seat."""
    return f"seat:{seat}"


def _tag(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class Fact(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", tag_field="type", tag=_tag):
    """Base of all events; `type` is the class's name in snake_case."""


class WaitingRoomOpened(Fact, frozen=True):
    pass


class WaitingRoomClosed(Fact, frozen=True):
    pass


class WentLive(Fact, frozen=True):
    pass


class Paused(Fact, frozen=True):
    pass


class Resumed(Fact, frozen=True):
    pass


class Ended(Fact, frozen=True):
    pass


class NextArmed(Fact, frozen=True):
    segment: SegmentId
    due_ms: int


class NextCancelled(Fact, frozen=True):
    pass


class Advanced(Fact, frozen=True):
    segment: SegmentId
    picture: Picture | None


class NextUndone(Fact, frozen=True):
    pass


class SegmentFinished(Fact, frozen=True):
    pass


class Reordered(Fact, frozen=True):
    segments: tuple[SegmentId, ...]


class LengthSet(Fact, frozen=True):
    segment: SegmentId
    planned_s: int


class ProgrammeSet(Fact, frozen=True):
    segments: tuple[Segment, ...]


class PicturePointed(Fact, frozen=True):
    picture: Picture | None


class PictureShown(Fact, frozen=True):
    picture: Picture | None


class RecordingChanged(Fact, frozen=True):
    on: bool


class RecordingTroubled(Fact, frozen=True):
    trouble: Trouble | None


class Pinned(Fact, frozen=True):
    product: ProductId


class Unpinned(Fact, frozen=True):
    pass


class SeatTaken(Fact, frozen=True):
    seat: ParticipantId
    name: str
    role: SeatRole
    exhibitor: ExhibitorId | None = None


class SeatLeft(Fact, frozen=True):
    seat: ParticipantId


class SeatRemoved(Fact, frozen=True):
    seat: ParticipantId


class SeatMedia(Fact, frozen=True):
    seat: ParticipantId
    camera: bool
    screen: bool


class SeatHere(Fact, frozen=True):
    seat: ParticipantId
    here: bool


class ReadySet(Fact, frozen=True):
    seat: ParticipantId
    ready: bool


class CheckReported(Fact, frozen=True):
    seat: ParticipantId
    verdict: Verdict
    note: str


class SeatMuted(Fact, frozen=True):
    seat: ParticipantId
    muted: bool


class Said(Fact, frozen=True):
    kind: MessageKind
    by: ParticipantId
    name: str
    company: str
    text: str
    product: ProductId | None = None


class MessageHidden(Fact, frozen=True):
    message: int


class MessageShown(Fact, frozen=True):
    message: int
    name: str
    company: str
    text: str


class MessageWithdrawn(Fact, frozen=True):
    message: int


class QuestionAnswered(Fact, frozen=True):
    message: int


class InterestShown(Fact, frozen=True):
    product: ProductId
    exhibitor: ExhibitorId
    by: ParticipantId


class AudienceCounted(Fact, frozen=True):
    viewers: int


StageEvent = (
    WaitingRoomOpened
    | WaitingRoomClosed
    | WentLive
    | Paused
    | Resumed
    | Ended
    | NextArmed
    | NextCancelled
    | Advanced
    | NextUndone
    | SegmentFinished
    | Reordered
    | LengthSet
    | ProgrammeSet
    | PicturePointed
    | PictureShown
    | RecordingChanged
    | RecordingTroubled
    | Pinned
    | Unpinned
)
SeatEvent = SeatTaken | SeatLeft | SeatRemoved | SeatMedia | SeatHere | ReadySet | CheckReported | SeatMuted
CrowdEvent = Said | MessageHidden | MessageShown | MessageWithdrawn | QuestionAnswered | InterestShown | AudienceCounted
Event = StageEvent | SeatEvent | CrowdEvent


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """One event as the log holds it. `to` is its audience; `command` is `PARTICIPANT/ID/MARK` of its cause, if any."""

    revision: int
    at_ms: int
    to: tuple[Audience, ...]
    event: Event
    command: str | None = None
    v: int = SCHEMA


_ENTRY = msgspec.json.Decoder(Entry)
_ENCODER = msgspec.json.Encoder()


def write_entry(entry: Entry) -> str:
    """As one line of JSON."""
    return _ENCODER.encode(entry).decode()


def read_entries(lines: str) -> list[Entry]:
    """Entries, one a line. Raises `msgspec.DecodeError` for those of another program version."""
    return _ENTRY.decode_lines(lines)
