"""What each reader may see of a room: its events, and the state without the rest. Pure.

The law: folding the events delivered to a reader into its snapshot gives that reader's next snapshot. A reader is
`all`, `crew` or `seat:ID`, and is another one once its seat is taken or gone.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from expo.ids import ParticipantId
from expo.rooms.events import ALL, CREW, Audience, Entry, Event
from expo.rooms.machine import reduce
from expo.rooms.model import SCHEMA, Message, Seat, State

Reader = Audience
_SEAT = "seat:"


class Delivered(msgspec.Struct, frozen=True, rename="camel"):
    """An event on its way to a reader; `previous` is the revision of the last one that this reader was sent."""

    revision: int
    previous: int
    at_ms: int
    event: Event
    v: int = SCHEMA


class Snapshot(msgspec.Struct, frozen=True, rename="camel"):
    """A reader's whole view; its `state.revision` is that of the last event that this reader would have been sent."""

    reader: Reader
    server_ms: int
    state: State
    v: int = SCHEMA


def sees(reader: Reader, entry: Entry) -> bool:
    """Whether the entry is for this reader."""
    return reader == CREW or ALL in entry.to or reader in entry.to


def last_seen(state: State, reader: Reader) -> int:
    """The revision of the newest event that this reader was sent."""
    if reader == CREW:
        return state.revision
    seat = state.seats.get(_seat_of(reader))
    return max(state.seen, seat.seen) if seat else state.seen


def deliver(before: State, entry: Entry, reader: Reader) -> Delivered | None:
    """The entry for this reader, given the state before it; None when it is not for them."""
    if not sees(reader, entry):
        return None
    return Delivered(revision=entry.revision, previous=last_seen(before, reader), at_ms=entry.at_ms, event=entry.event)


def snapshot(state: State, reader: Reader, now_ms: int) -> Snapshot:
    """The reader's view of `state`."""
    return Snapshot(reader=reader, server_ms=now_ms, state=project(state, reader))


def project(state: State, reader: Reader) -> State:
    """The state with everything taken out that is not for this reader."""
    return replace(_veiled(state, reader), revision=last_seen(state, reader))


def fold(view: State, told: Delivered, reader: Reader) -> State:
    """What a client does with an event: the same `reduce`, then nothing is kept that it may not see."""
    entry = Entry(revision=told.revision, at_ms=told.at_ms, to=(), event=told.event)
    return _veiled(reduce(view, entry), reader)


def _veiled(state: State, reader: Reader) -> State:
    crew, me = reader == CREW, _seat_of(reader)
    mine = state.seats.get(me)
    return replace(
        state,
        seen=0,
        at_ms=0,
        seats={
            name: replace(seat, seen=0) if crew or name == me else _public(seat) for name, seat in state.seats.items()
        },
        messages=tuple(_wordless(each) if each.hidden and not crew else each for each in state.messages),
        interest={
            product: replace(each, people=())
            for product, each in state.interest.items()
            if crew or (mine and mine.exhibitor == each.exhibitor)
        },
        removed=state.removed if crew else (),
        trouble=state.trouble if crew else None,
        recent={},
    )


def _seat_of(reader: Reader) -> ParticipantId:
    return ParticipantId(reader.removeprefix(_SEAT))


def _public(seat: Seat) -> Seat:
    return replace(seat, ready=False, muted=False, check=None, here=False, here_ms=0, seen=0)


def _wordless(message: Message) -> Message:
    return replace(message, name="", company="", text="")
