"""What people ask of a room, and what the kernel itself does to it. Pure; docs/protocol.md says what each does."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec

from expo.errors import Forbidden, Invalid, Unauthenticated
from expo.ids import ExhibitorId, ParticipantId, ProductId, RoomId, SegmentId
from expo.rooms.model import (
    LEAST_PART_S,
    MAX_ID_CHARS,
    MAX_NOTE_CHARS,
    MAX_SEGMENTS,
    MAX_TEXT_CHARS,
    MOST_PART_S,
    SCHEMA,
    Id,
    Picture,
    Revision,
    SeatRole,
    Segment,
    Source,
    Trouble,
    Verdict,
)

Can = Literal["run", "present", "write", "kernel"]
"""Grants of room commands: organisers, exhibitors, whoever gave a name; `kernel` is never given to anybody."""


class Actor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who commands, as their token says. `name` and `company` are shown to others."""

    room: RoomId
    participant: ParticipantId
    name: str
    can: frozenset[Can]
    expires_at_ms: int
    company: str = ""
    role: SeatRole | None = None
    exhibitor: ExhibitorId | None = None

    def check(self, room: RoomId, needs: frozenset[Can], now_ms: int) -> None:
        """Forbidden token.wrong_room, token.not_granted; Unauthenticated token.expired."""
        if self.room != room:
            raise Forbidden("token.wrong_room", "this token is for another room")
        if now_ms >= self.expires_at_ms:
            raise Unauthenticated("token.expired", "this token is over")
        if not self.can & needs:
            raise Forbidden("token.not_granted", f"this needs one of {', '.join(sorted(needs))}")


def _tag(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", tag_field="type", tag=_tag):
    """Base of all commands; `type` is the class's name in snake_case."""


# The bound of free text is told in the schema and judged by `decide`, which has words for it.
_Text = Annotated[str, msgspec.Meta(extra_json_schema={"maxLength": MAX_TEXT_CHARS})]
_Note = Annotated[str, msgspec.Meta(extra_json_schema={"maxLength": MAX_NOTE_CHARS})]
_Participant = Annotated[ParticipantId, msgspec.Meta(min_length=1, max_length=MAX_ID_CHARS)]
_Product = Annotated[ProductId, msgspec.Meta(min_length=1, max_length=MAX_ID_CHARS)]
_Segment = Annotated[SegmentId, msgspec.Meta(min_length=1, max_length=MAX_ID_CHARS)]


class OpenWaitingRoom(Order, frozen=True):
    pass


class GoLive(Order, frozen=True):
    pass


class ArmNext(Order, frozen=True):
    segment: _Segment
    anyway: bool = False


class CancelNext(Order, frozen=True):
    pass


class UndoNext(Order, frozen=True):
    pass


class Pause(Order, frozen=True):
    pass


class Resume(Order, frozen=True):
    pass


class End(Order, frozen=True):
    pass


class Reorder(Order, frozen=True):
    segments: Annotated[tuple[_Segment, ...], msgspec.Meta(max_length=MAX_SEGMENTS)]


class SetLength(Order, frozen=True):
    """A part that is not over is planned to last so long, from its start."""

    segment: _Segment
    planned_s: Annotated[int, msgspec.Meta(ge=LEAST_PART_S, le=MOST_PART_S)]


class PointPicture(Order, frozen=True):
    seat: _Participant | None
    source: Source = "camera"


class Pin(Order, frozen=True):
    product: _Product


class Unpin(Order, frozen=True):
    pass


class Finish(Order, frozen=True):
    pass


class TakeSeat(Order, frozen=True):
    pass


class LeaveSeat(Order, frozen=True):
    pass


class SetReady(Order, frozen=True):
    ready: bool


class ReportCheck(Order, frozen=True):
    verdict: Verdict
    note: _Note = ""


class MuteSeat(Order, frozen=True):
    seat: _Participant
    muted: bool = True


class RemoveSeat(Order, frozen=True):
    seat: _Participant


class Say(Order, frozen=True):
    text: _Text


class Ask(Order, frozen=True):
    text: _Text
    product: _Product | None = None


class Withdraw(Order, frozen=True):
    message: Revision


class HideMessage(Order, frozen=True):
    message: Revision
    hidden: bool = True


class AnswerQuestion(Order, frozen=True):
    message: Revision


class Interested(Order, frozen=True):
    product: _Product


class Advance(Order, frozen=True):
    """The countdown is over: begin the armed segment."""


class CloseWaitingRoom(Order, frozen=True):
    """The announcement was taken back: the room is a draft's again."""


class SetProgramme(Order, frozen=True):
    """The rows of the programme have changed: all that is not begun and not armed, in its order."""

    segments: Annotated[tuple[Segment, ...], msgspec.Meta(max_length=MAX_SEGMENTS)]


class ReportMedia(Order, frozen=True):
    """What a seat publishes, as the media host sees it."""

    seat: ParticipantId
    camera: bool
    screen: bool


class ReportPresence(Order, frozen=True):
    """Who holds a seat with a connection now; everybody else has not been seen for `PRESENCE_MS`."""

    here: frozenset[ParticipantId]


class ReportShown(Order, frozen=True):
    """What the stage shows, as the media host has it; None where that is nobody's with a seat."""

    picture: Picture | None


class ReportRecording(Order, frozen=True):
    """Whether what is shown and heard is being kept, and what is wrong with the disk if it could be."""

    on: bool
    trouble: Trouble | None = None


class CountAudience(Order, frozen=True):
    """How many watch, as the media host counts once a second."""

    viewers: Revision


WireStage = (
    OpenWaitingRoom
    | GoLive
    | ArmNext
    | CancelNext
    | UndoNext
    | Pause
    | Resume
    | End
    | Reorder
    | SetLength
    | PointPicture
    | Pin
    | Unpin
    | Finish
)
WireSeat = TakeSeat | LeaveSeat | SetReady | ReportCheck | MuteSeat | RemoveSeat
WireCrowd = Say | Ask | Withdraw | HideMessage | AnswerQuestion | Interested
WireCommand = WireStage | WireSeat | WireCrowd
"""What a client may send; the rest is the kernel's own."""
StageCommand = WireStage | Advance | CloseWaitingRoom | SetProgramme | ReportShown | ReportRecording
SeatCommand = WireSeat | ReportMedia | ReportPresence
CrowdCommand = WireCrowd | CountAudience
Command = StageCommand | SeatCommand | CrowdCommand

_RUN: frozenset[Can] = frozenset({"run"})
_PRESENT: frozenset[Can] = frozenset({"present"})
_BOTH: frozenset[Can] = _RUN | _PRESENT
_WRITE: frozenset[Can] = frozenset({"write"})
_KERNEL: frozenset[Can] = frozenset({"kernel"})

NEEDS: dict[type[Command], frozenset[Can]] = {
    **dict.fromkeys((OpenWaitingRoom, GoLive, ArmNext, CancelNext, UndoNext, Pause, Resume, End), _RUN),
    **dict.fromkeys((Reorder, SetLength, HideMessage, MuteSeat, RemoveSeat), _RUN),
    **dict.fromkeys((TakeSeat, LeaveSeat, PointPicture, Pin, Unpin, AnswerQuestion), _BOTH),
    **dict.fromkeys((SetReady, ReportCheck, Finish), _PRESENT),
    **dict.fromkeys((Say, Ask, Withdraw, Interested), _WRITE),
    **dict.fromkeys((Advance, CloseWaitingRoom, SetProgramme, ReportShown, ReportRecording), _KERNEL),
    **dict.fromkeys((ReportMedia, ReportPresence, CountAudience), _KERNEL),
}
"""For each command the grants of which one is needed."""


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A command as a client sends it; `id` makes sending it twice harmless."""

    id: Annotated[Id, msgspec.Meta(pattern="^[A-Za-z0-9_-]+$")]
    command: WireCommand
    v: Annotated[int, msgspec.Meta(ge=SCHEMA, le=SCHEMA)] = SCHEMA


class PassedRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A command as workers pass it on to each other: a client's, or one of the server's own."""

    id: Id
    command: WireCommand | CloseWaitingRoom | SetProgramme
    v: int = SCHEMA


class Ack(msgspec.Struct, frozen=True, rename="camel"):
    """The room at `revision` holds the command's effect; `shared` says that the log does too."""

    revision: int
    shared: bool
    v: int = SCHEMA


_REQUEST = msgspec.json.Decoder(Request)


def read_request(text: str | bytes) -> Request:
    """A client's message. Raises Invalid `rooms.bad_command`."""
    try:
        return _REQUEST.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid("rooms.bad_command", str(error)) from error
