"""Random histories of owners that are killed, sleep, lose answers and come back, against a real Valkey.

EXPO_HISTORIES says how many; the default fits into every test run.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from expo.cluster import keys
from expo.errors import Unavailable
from expo.ids import RoomId
from expo.rooms import commands as do
from expo.rooms.room import Room
from expo.rooms.room_owner import Programme, RoomOwner
from tests.support.rooms import Faulty, Place, Rows, fresh_valkey
from tests.support.shows import HOA, draft

pytestmark = pytest.mark.cluster

HISTORIES = int(os.environ.get("EXPO_HISTORIES", "2000"))
PARTS = 4
"""Tests of an equal share each, for as many processes."""
OWNERS = 2

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.integers(0, OWNERS - 1), st.integers(1, 4)),
        st.tuples(st.just("say"), st.integers(0, OWNERS - 1), st.integers(1, 4)),
        st.tuples(st.just("own"), st.integers(0, OWNERS - 1), st.just(0)),
        st.tuples(st.just("retry"), st.integers(0, OWNERS - 1), st.integers(0, 9)),
        st.tuples(st.just("expire"), st.just(0), st.just(0)),
        st.tuples(st.just("kill"), st.integers(0, OWNERS - 1), st.just(0)),
        st.tuples(st.just("give_up"), st.integers(0, OWNERS - 1), st.just(0)),
        st.tuples(st.just("unsent"), st.integers(0, OWNERS - 1), st.integers(1, 30)),
        st.tuples(st.just("unanswered"), st.integers(0, OWNERS - 1), st.integers(1, 3)),
        st.tuples(st.just("pause"), st.integers(0, 7), st.integers(1, 10)),
        st.tuples(st.just("turn"), st.just(0), st.integers(1, 20)),
    ),
    min_size=4,
    max_size=30,
)


@dataclass
class History:
    """One room and its owners. `shared` is what was acknowledged as shared: text by revision."""

    place: Place
    valkeys: list[Faulty]
    room: RoomId
    rows: Rows = field(default_factory=Rows)
    owners: list[RoomOwner] = field(default_factory=list[RoomOwner])
    names: Iterator[int] = field(default_factory=itertools.count)
    texts: list[str] = field(default_factory=list[str])
    shared: dict[int, str] = field(default_factory=dict[int, str])

    def owner(self, number: int) -> RoomOwner:
        owner = RoomOwner(
            self.valkeys[number],
            f"owner {next(self.names)}",
            self.rows,
            projectors=[self.rows],
            ttl_s=60.0,  # nothing expires but by "expire", nothing is renewed but by chance
            hold_off_s=0.0,
            again_s=0.001,
        )
        owner.open()
        return owner

    async def run(self, steps: list[tuple[str, int, int]]) -> Room:
        """Take the steps, then let a newcomer take the room over."""
        self.rows.programme = Programme("waiting", draft().segments)
        self.owners = [self.owner(number) for number in range(OWNERS)]
        await self.owners[0].own(self.room)
        for what, number, amount in steps:
            with contextlib.suppress(Unavailable):
                await self.step(what, number, amount)
        for number in range(OWNERS):
            self.valkeys[number].unsent = self.valkeys[number].unanswered = 0
        await self.expire()
        newcomer = self.owner(0)
        self.owners.append(newcomer)
        room = await newcomer.own(self.room)
        assert isinstance(room, Room)
        return room

    async def step(self, what: str, number: int, amount: int) -> None:  # noqa: C901 - one case per step
        owner = self.owners[number % OWNERS]
        match what:
            case "say":
                await asyncio.gather(*(self.say(owner, f"text {len(self.texts)}", new=True) for _ in range(amount)))
            case "retry":
                if self.texts:
                    await self.say(owner, self.texts[-1 - amount % len(self.texts)])
            case "own":
                await owner.own(self.room)
            case "expire":
                await self.expire()
            case "kill":
                for room in owner.rooms:
                    room.lose()
                await owner.close()
                self.owners[number] = self.owner(number)
            case "give_up":
                await owner.give_up(self.room)
            case "pause" if number == 0:  # Valkey ends a pause ten times a second: few are enough
                await self.place.pause(amount)
            case "turn" | "pause":
                for _ in range(amount):
                    await asyncio.sleep(0)
            case _:
                setattr(self.valkeys[number], what, amount)

    async def say(self, owner: RoomOwner, text: str, *, new: bool = False) -> None:
        if new:
            self.texts.append(text)
        room = owner.room(self.room)
        if room is None:
            return
        with contextlib.suppress(Unavailable):
            ack = await room.submit(replace(HOA, room=self.room), do.Say(text=text), text.replace(" ", "-"))
            if ack.shared:
                assert self.shared.setdefault(ack.revision, text) == text

    async def expire(self) -> None:
        await self.place.valkey.delete(keys.room(self.room, "lease"))

    async def close(self) -> None:
        for owner in self.owners:
            await owner.close()


async def check(history: History, steps: list[tuple[str, int, int]]) -> None:
    try:
        room = await history.run(steps)
        texts = {message.id: message.text for message in room.state.messages}
        # Nothing that was acknowledged as shared is lost or moved, and nothing happened twice.
        assert {revision: texts.get(revision) for revision in history.shared} == history.shared
        assert len(set(texts.values())) == len(texts)
        # No owner wrote behind one with a newer token.
        raw = await history.place.command("XRANGE", keys.room(history.room, "log"), "-", "+")
        tokens = [int(entry[1][3]) for entry in cast("list[tuple[str, list[str]]]", raw)]
        assert tokens == sorted(tokens)
        # The rows saw every event once.
        await history.owners[-1].give_up(history.room)
        assert list(history.rows.written) == sorted(texts)
    finally:
        await history.close()


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_shared_is_lost_whatever_happens_to_its_owners(tmp_path: Path, part: int) -> None:
    numbers = itertools.count()
    with asyncio.Runner() as runner:
        stack = contextlib.AsyncExitStack()
        place = runner.run(stack.enter_async_context(fresh_valkey(tmp_path)))
        valkeys = [Faulty(place.url) for _ in range(OWNERS)]
        try:

            @given(STEPS)
            @settings(
                max_examples=-(-HISTORIES // PARTS),
                deadline=None,
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
            )
            def histories(steps: list[tuple[str, int, int]]) -> None:
                runner.run(check(History(place, valkeys, RoomId(f"r{part}-{next(numbers)}")), steps))

            histories()
        finally:
            for valkey in valkeys:
                runner.run(valkey.close())
            runner.run(stack.aclose())
