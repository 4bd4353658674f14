"""Laws of rooms' facts as rows, for every sequence of commands, on SQLite files."""

from __future__ import annotations

import asyncio
import shutil
from collections import defaultdict
from collections.abc import Callable, Coroutine, Generator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expo.clock import from_unix_ms
from expo.ids import ProductId, SegmentId
from expo.rooms import commands as do
from expo.rooms import events as be
from expo.rooms.commands import Actor, Command
from expo.rooms.model import State, movable
from expo.rooms.room_owner import Programme
from expo.showcases.opening import ShowcaseProgrammes
from expo.showcases.policy import ShowcaseRooms
from expo.showcases.projector import ShowcaseFacts
from expo.showcases.rules import State as ShowcaseState
from expo.store.db import Database, sqlite_url
from tests.showcases.world import NOON, Rows, Told, read_rows, rewrite_rows, write_rows
from tests.support.shows import HOA, KERNEL, KIM, LAN, LEE, MAI, PARK, ROOM

Work = Callable[[Database], Coroutine[object, object, None]]
Wish = Callable[[State], Command]
Step = tuple[tuple[Actor, Wish], float]


def just(command: Command) -> Wish:
    return lambda _: command


def arm(state: State) -> Command:
    upcoming = next(movable(state), None)
    return do.ArmNext(segment=upcoming.id if upcoming else SegmentId("s1"), anyway=True)


def reorder(seed: int) -> Wish:
    def shuffled(state: State) -> Command:
        order = [segment.id for segment in movable(state)]
        Random(seed).shuffle(order)
        return do.Reorder(segments=tuple(order))

    return shuffled


def on_message(number: int, order: Callable[[int], Command]) -> Wish:
    """One of the newest messages, or one that never was."""
    return lambda state: order(state.messages[-number].id if number <= len(state.messages) else 1)


def hide(message: int) -> Command:
    return do.HideMessage(message=message)


def show(message: int) -> Command:
    return do.HideMessage(message=message, hidden=False)


def answer(message: int) -> Command:
    return do.AnswerQuestion(message=message)


def withdraw(message: int) -> Command:
    return do.Withdraw(message=message)


SEGMENTS = st.sampled_from([SegmentId(f"s{number}") for number in range(1, 5)])
PRODUCTS = st.sampled_from([ProductId(name) for name in ("p1", "p1b", "p2", "p3", "p4")])
NUMBERS = st.integers(1, 4)
TEXTS = st.sampled_from(["xin chào", "얼마예요?", "<b>", "\u202egnp", "🙂", "\u0000a"])
STAGE = [do.OpenWaitingRoom(), do.GoLive(), do.Pause(), do.Resume(), do.Resume(), do.End(), do.Unpin(), do.CancelNext()]
DONE: st.SearchStrategy[tuple[Actor, Wish]] = st.one_of(
    st.tuples(
        st.just(MAI),
        st.one_of(
            st.sampled_from(STAGE).map(just),
            st.builds(reorder, st.integers(0, 9)),
            st.builds(do.SetLength, segment=SEGMENTS, planned_s=st.sampled_from([60, 840, 960])).map(just),
            st.builds(do.Pin, product=PRODUCTS).map(just),
            st.builds(on_message, NUMBERS, st.sampled_from([hide, show, answer])),
        ),
    ),
    st.tuples(
        st.sampled_from([KIM, PARK, LEE]),
        st.one_of(st.sampled_from([do.TakeSeat(), do.Finish(), do.Unpin()]), st.builds(do.Pin, product=PRODUCTS)).map(
            just
        ),
    ),
    st.tuples(
        st.sampled_from([HOA, LAN]),
        st.one_of(
            st.builds(do.Say, text=TEXTS).map(just),
            st.builds(do.Ask, text=TEXTS, product=st.none() | PRODUCTS).map(just),
            st.builds(on_message, NUMBERS, st.just(withdraw)),
            st.builds(do.Interested, product=PRODUCTS).map(just),
        ),
    ),
    st.tuples(st.just(KERNEL), st.builds(do.CountAudience, viewers=st.integers(0, 5)).map(just)),
)
NEXT: list[Step] = [((MAI, arm), 0), ((KERNEL, just(do.Advance())), 3)]
UNDONE: list[Step] = [((MAI, just(do.UndoNext())), 5)]
PINNED: list[Step] = [((MAI, just(do.Pin(product=ProductId("p2")))), 1)]
REGRETTED: list[Step] = [((LAN, just(do.Say(text="oops"))), 1), ((LAN, on_message(1, withdraw)), 1)]
COUNTED: list[Step] = [((KERNEL, just(do.CountAudience(viewers=viewers))), 1) for viewers in (7, 9, 2)]
RUN = st.one_of(
    st.tuples(DONE, st.sampled_from([-0.5, 0, 0.1, 1, 3, 40])).map(lambda step: [step]),
    st.sampled_from([NEXT, NEXT, UNDONE, NEXT + UNDONE, PINNED + NEXT + UNDONE, REGRETTED, COUNTED]),
)
STEPS = st.lists(RUN, max_size=40).map(lambda runs: [step for run in runs for step in run])
WRITTEN = ("revision", "kind", "participant", "name", "company", "text", "said_at")
MESSAGE = (*WRITTEN, "product_id", "hidden", "withdrawn", "answered")
"""Columns of a message as `rooms.model.Message` has its fields."""
OPENED: list[Step] = [
    ((LAN, just(do.Interested(product=ProductId("p1")))), 1),
    ((MAI, just(do.OpenWaitingRoom())), 0),
    ((LAN, just(do.Interested(product=ProductId("p1")))), 1),
    ((MAI, just(do.GoLive())), 60),
    *NEXT,
]


class Desk:
    """One database for all examples; each finds the rows as they were before its room did anything."""

    def __init__(self, path: Path) -> None:
        self._runner = asyncio.Runner()
        self._database = self._runner.run(Database.open(sqlite_url(path)))
        self._runner.run(write_rows(self._database))

    def run(self, work: Work, state: ShowcaseState = "scheduled") -> None:
        self._runner.run(rewrite_rows(self._database, state))
        self._runner.run(work(self._database))

    def close(self) -> None:
        self._runner.run(self._database.close())
        self._runner.close()


@pytest.fixture(scope="module")
def desk(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[Desk]:
    desk = Desk(Path(shutil.copy(migrated_sqlite, tmp_path_factory.mktemp("desk") / "expo.db")))
    yield desk
    desk.close()


async def told(database: Database, steps: Sequence[Step], *, opened: bool) -> Told:
    room = await Told.open(database)
    for (actor, wish), after_s in [*(OPENED if opened else []), *steps]:
        room.attempt(actor, wish(room.state), after_s)
    return room


@given(STEPS, st.booleans(), st.sampled_from(["draft", "scheduled"]))
@settings(max_examples=40)
def test_a_room_that_opens_from_its_rows_goes_on_where_it_was(
    desk: Desk, steps: list[Step], opened: bool, state: ShowcaseState
) -> None:
    async def check(database: Database) -> None:
        room = await told(database, steps, opened=opened)
        await ShowcaseFacts(database).project(ROOM, room.entries)
        phase = "live" if room.state.phase == "paused" else room.state.phase
        again = await ShowcaseProgrammes(database).opening_state(ROOM)
        assert again == Programme(phase, room.state.segments, room.state.pin)

    desk.run(check, state)


@given(STEPS, st.lists(st.integers(0, 200), max_size=6), st.lists(st.integers(0, 6), max_size=3), st.integers(0, 6))
@settings(max_examples=40)
def test_batches_cut_anyhow_and_told_again_leave_the_same_rows(
    desk: Desk, steps: list[Step], cuts: list[int], again: list[int], encoder: int
) -> None:
    rows: list[Rows] = []

    async def at_once(database: Database) -> None:
        room = await told(database, steps, opened=True)
        await ShowcaseFacts(database).project(ROOM, room.entries)
        await ShowcaseRooms(database, now=lambda: NOON - timedelta(minutes=5)).published(ROOM)
        rows.append(await read_rows(database))

    async def in_batches(database: Database) -> None:
        """With an encoder that puts the showcase on the air at some time, before the room did or after."""
        room = await told(database, steps, opened=True)
        batches, facts = room.cut(cuts), ShowcaseFacts(database)
        for number, batch in enumerate(batches):
            if number == encoder % len(batches):
                await ShowcaseRooms(database, now=lambda: NOON - timedelta(minutes=5)).published(ROOM)
            await facts.project(ROOM, batch)
            if number in again:
                for before in batches[max(0, number - 1) : number + 1]:
                    await facts.project(ROOM, before)
        rows.append(await read_rows(database))

    desk.run(at_once)
    desk.run(in_batches)
    assert rows[0] == rows[1]


@given(STEPS)
@settings(max_examples=40)
def test_what_people_did_is_in_the_rows_once(desk: Desk, steps: list[Step]) -> None:
    async def check(database: Database) -> None:
        room = await told(database, steps, opened=True)
        await ShowcaseFacts(database).project(ROOM, room.entries)
        rows = await read_rows(database)
        assert [{key: row[key] for key in MESSAGE} for row in rows["message"]] == [
            dict(zip(MESSAGE, msgspec.structs.astuple(each), strict=True)) | {"said_at": from_unix_ms(each.at_ms)}
            for each in room.state.messages
        ]
        leads = [(row["product_id"], row["participant"]) for row in rows["lead"]]
        assert sorted(leads) == sorted(
            (product, by) for product, interest in room.state.interest.items() for by in interest.people
        )
        assert counted(room) == {row["minute"]: (row["most"], row["last"]) for row in rows["audience_minute"]}
        in_order = sorted(rows["product_pin"], key=lambda row: row["revision"])
        for pin, after in pairwise(in_order):
            assert pin["pinned_from"] <= pin["pinned_until"] <= after["pinned_from"]
        assert [pin["product_id"] for pin in in_order if pin["pinned_until"] is None] == (
            [room.state.pin] if room.state.pin else []
        )

    desk.run(check)


def counted(room: Told) -> dict[datetime, tuple[int, int]]:
    minutes: defaultdict[datetime, list[int]] = defaultdict(list)
    for entry in room.entries:
        if isinstance(entry.event, be.AudienceCounted):
            minutes[from_unix_ms(entry.at_ms - entry.at_ms % 60_000)].append(entry.event.viewers)
    return {minute: (max(viewers), viewers[-1]) for minute, viewers in minutes.items()}
