"""What readers of random rooms were sent, and what they must see then: `web/src/live/fold.test.ts` folds the same.

`python -m tests.support.fold_cases` writes the file; a test fails where the kernel would write another one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import msgspec

from expo.errors import ExpoError
from expo.ids import ParticipantId, ProductId, SegmentId
from expo.rooms import commands as do
from expo.rooms.commands import Actor, Command
from expo.rooms.events import ALL, CREW, Entry, SeatTaken, seat_audience
from expo.rooms.machine import decide, record, reduce
from expo.rooms.model import Picture, State, Verdict
from expo.rooms.projections import Delivered, Reader, deliver, project
from tests.support.shows import HOA, KERNEL, KIM, LAN, LEE, MAI, NOON_MS, PARK, draft, segment

FILE = Path(__file__).parents[2] / "web" / "src" / "live" / "fold.cases.ndjson"
SEEDS = range(2)
STEPS = 99
READERS: tuple[Reader, ...] = (ALL, CREW, seat_audience(ParticipantId("kim")), seat_audience(ParticipantId("park")))
VERDICTS: tuple[Verdict, ...] = ("pass", "warn", "fail")
TEXTS = ("xin chào", "얼마예요?", "<b>", "\u202egnp", "🙂")
STORY: tuple[tuple[Actor, Command, int], ...] = (
    (MAI, do.OpenWaitingRoom(), 0),
    (KIM, do.TakeSeat(), 0),
    (KERNEL, do.CloseWaitingRoom(), 0),
    (MAI, do.OpenWaitingRoom(), 0),
    (PARK, do.TakeSeat(), 0),
    (MAI, do.Reorder(segments=(SegmentId("s2"), SegmentId("s1"), SegmentId("s3"))), 0),
    (MAI, do.GoLive(), 0),
    (MAI, do.ArmNext(segment=SegmentId("s2"), anyway=True), 0),
    (MAI, do.CancelNext(), 500),
    (MAI, do.ArmNext(segment=SegmentId("s2"), anyway=True), 500),
    (KERNEL, do.Advance(), 3000),
    (KERNEL, do.ReportRecording(on=True), 10),
    (PARK, do.Pin(product=ProductId("p2")), 10),
    (KERNEL, do.ReportRecording(on=False, trouble="disk_full"), 10),
    (MAI, do.SetLength(segment=SegmentId("s2"), planned_s=1020), 10),
    (PARK, do.Finish(), 10),
)
ENDING: tuple[tuple[Actor, Command, int], ...] = (
    (MAI, do.Resume(), 0),
    (LEE, do.TakeSeat(), 0),
    (HOA, do.Say(text="xin chào"), 0),
    (MAI, do.RemoveSeat(seat=LEE.participant), 0),
    (MAI, do.RemoveSeat(seat=HOA.participant), 0),
    (MAI, do.End(), 60_000),
)


class Case(msgspec.Struct, frozen=True, rename="camel"):
    """One reader of one room: a snapshot, what was sent behind it, and the view that this makes of it."""

    reader: Reader
    view: State
    told: tuple[Delivered, ...]
    then: State


def cases() -> Iterator[Case]:
    """The same ones every time. A reader who becomes another one is sent a snapshot, which begins a case."""
    for seed in SEEDS:
        history = _history(Random(seed))
        for reader in READERS:
            yield from _cases(history, reader)


def text() -> str:
    """One case a line."""
    return "".join(msgspec.json.encode(case).decode() + "\n" for case in cases())


def _cases(history: Sequence[tuple[State, Entry]], reader: Reader) -> Iterator[Case]:
    start, told = project(history[0][0], reader), list[Delivered]()
    after = history[0][0]
    for before, entry in history:
        after = reduce(before, entry)
        sent = deliver(before, entry, reader)
        if isinstance(entry.event, SeatTaken) and seat_audience(entry.event.seat) == reader:
            start, told = project(after, reader), []
        elif sent:
            told.append(sent)
        # A case in the middle of the story finds a mistake where it was made.
        if len(told) == STEPS // 3:
            yield Case(reader, start, tuple(told), project(after, reader))
            start, told = project(after, reader), []
    if told:
        yield Case(reader, start, tuple(told), project(after, reader))


def _history(chance: Random) -> list[tuple[State, Entry]]:
    """What happened, each with the state before it."""
    state, now_ms = draft(), NOON_MS
    done: list[tuple[State, Entry]] = []
    for number in range(len(STORY) + STEPS + len(ENDING)):
        if number < len(STORY):
            actor, command, later_ms = STORY[number]
        elif number < len(STORY) + STEPS:
            actor, command, later_ms = _any(chance, state)
        else:
            actor, command, later_ms = ENDING[number - len(STORY) - STEPS]
        now_ms += later_ms
        try:
            events = decide(state, command, actor, now_ms)
        except ExpoError:
            continue
        for entry in record(state, events, now_ms, None):
            done.append((state, entry))
            state = reduce(state, entry)
    return done


def _any(chance: Random, state: State) -> tuple[Actor, Command, int]:
    messages = [each.id for each in state.messages] or [1]
    seats = [*state.seats] or [KIM.participant]
    coming = [each.id for each in state.segments if each.started_ms is None] or [SegmentId("s1")]
    product = ProductId(f"p{chance.randint(1, 4)}")
    crew: list[Command] = [
        do.Pause(), do.Resume(), do.Resume(), do.CancelNext(), do.UndoNext(), do.Unpin(),
        do.ArmNext(segment=coming[0], anyway=True), do.ArmNext(segment=coming[0], anyway=True),
        do.Reorder(segments=tuple(reversed(coming))),
        do.SetLength(segment=chance.choice([*coming, SegmentId("s1")]), planned_s=60 * chance.randint(1, 40)),
        do.PointPicture(seat=chance.choice(seats), source=chance.choice(("camera", "screen"))),
        do.PointPicture(seat=None), do.Pin(product=product),
        do.HideMessage(message=chance.choice(messages), hidden=True),
        do.MuteSeat(seat=chance.choice(seats), muted=chance.random() < 0.5),
        do.AnswerQuestion(message=chance.choice(messages)),
    ]  # fmt: skip
    hidden = [each.id for each in state.messages if each.hidden]
    if hidden:
        crew += [do.HideMessage(message=hidden[0], hidden=False)] * 3
    own: list[Command] = [
        do.TakeSeat(), do.TakeSeat(), do.LeaveSeat(), do.Finish(), do.SetReady(ready=chance.random() < 0.5),
        do.ReportCheck(verdict=chance.choice(VERDICTS), note=chance.choice(("", "dim"))), do.Pin(product=product),
    ]  # fmt: skip
    buyer: list[Command] = [
        do.Say(text=chance.choice(TEXTS)), do.Ask(text=chance.choice(TEXTS), product=chance.choice((None, product))),
        do.Withdraw(message=chance.choice(messages)), do.Interested(product=product),
    ]  # fmt: skip
    kernel: list[Command] = [
        do.Advance(), do.Advance(), do.CountAudience(viewers=chance.randint(0, 500)),
        do.ReportMedia(seat=chance.choice(seats), camera=chance.random() < 0.7, screen=chance.random() < 0.5),
        do.ReportPresence(here=frozenset(seat for seat in state.seats if chance.random() < 0.5)),
        do.ReportShown(picture=Picture(seat=chance.choice(seats), source=chance.choice(("camera", "screen")))),
        do.SetProgramme(segments=tuple(segment(number) for number in chance.sample(range(1, 5), chance.randint(1, 4)))),
    ]  # fmt: skip
    actor, commands = chance.choice(
        [
            (MAI, crew),
            (MAI, crew),
            (chance.choice((KIM, PARK, LEE)), own),
            (chance.choice((HOA, LAN, KIM)), buyer),
            (KERNEL, kernel),
        ]
    )
    return actor, chance.choice(commands), chance.choice((0, 5, 400, 3000))


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
