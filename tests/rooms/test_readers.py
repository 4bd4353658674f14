"""Sockets of a room: each one's view is the room's projection for it, however events were gathered on the way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from expo.ids import ParticipantId, ProductId, SegmentId
from expo.rooms import commands as do
from expo.rooms.commands import Actor, Command
from expo.rooms.events import Entry
from expo.rooms.machine import decide, record
from expo.rooms.model import State
from expo.rooms.projections import Delivered, Snapshot, fold, project
from expo.rooms.readers import RoomReaders, reader_of
from tests.support.shows import HOA, KIM, LAN, MAI, NOON_MS, PARK, draft

SCRIPT: tuple[tuple[Actor, Command], ...] = (
    (MAI, do.OpenWaitingRoom()),
    (KIM, do.TakeSeat()),
    (KIM, do.SetReady(ready=True)),
    (HOA, do.Say(text="xin chào")),
    (MAI, do.GoLive()),
    (MAI, do.ArmNext(segment=SegmentId("s1"))),
    (LAN, do.Ask(text="얼마예요?")),
    (MAI, do.CancelNext()),
    (PARK, do.TakeSeat()),
    (MAI, do.Pin(product=ProductId("p1"))),
    (HOA, do.Interested(product=ProductId("p1"))),
    (HOA, do.Say(text="again")),
    (KIM, do.LeaveSeat()),
    (MAI, do.Unpin()),
    (MAI, do.RemoveSeat(seat=ParticipantId("lan"))),
    (MAI, do.End()),
)
PEOPLE: tuple[Actor | None, ...] = (None, MAI, KIM, PARK, HOA)


class Client:
    """A page: its view is a snapshot and the events folded into it."""

    def __init__(self, actor: Actor | None) -> None:
        self.actor = actor
        self.reader = ""
        self.view = draft()

    def told(self, name: str, body: bytes) -> None:
        if name == "events":
            for each in msgspec.json.decode(body, type=list[Delivered]):
                assert each.previous == self.view.revision  # no gap
                self.view = fold(self.view, each, self.reader)
            return
        told = json.loads(body)
        seen = msgspec.convert(told["snapshot"] if name == "hello" else told, Snapshot)
        self.reader, self.view = seen.reader, seen.state


class Hall:
    """Readers whose pushes arrive at once."""

    def __init__(self) -> None:
        self.clients: dict[str, Client] = {}
        self.pushes: list[tuple[str, int]] = []
        self.pushed = asyncio.Event()
        self.sent_away: list[tuple[str, str]] = []
        self.readers = RoomReaders(draft(), self._push, self._expel, lambda: NOON_MS)

    def enter(self, actor: Actor | None) -> Client:
        sid = f"sid{len(self.clients)}"
        client = self.clients[sid] = Client(actor)
        self.readers.add(sid, actor)
        return client

    def do(self, actor: Actor, command: Command) -> None:
        before = self.readers.state
        for entry in record(before, decide(before, command, actor, NOON_MS), NOON_MS, None):
            self.hear(self.readers.state, entry)

    def hear(self, before: State, entry: Entry) -> None:
        self.readers.hear(before, entry)

    def _push(self, sids: Iterable[str], name: str, body: bytes) -> None:
        told = list(sids)
        self.pushes.append((name, len(told)))
        self.pushed.set()
        for sid in told:
            self.clients[sid].told(name, body)

    def _expel(self, sid: str, code: str) -> None:
        self.sent_away.append((sid, code))


@given(st.lists(st.tuples(st.integers(0, len(SCRIPT)), st.sampled_from(PEOPLE)), max_size=8), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_every_socket_sees_the_rooms_projection_whenever_it_came(
    comings: list[tuple[int, Actor | None]], pauses: int
) -> None:
    async def show() -> None:
        hall = Hall()
        for number, (actor, command) in enumerate(SCRIPT):
            for at, who in comings:
                if at == number:
                    hall.enter(who)
            hall.do(actor, command)
            if pauses and number % pauses == 0:
                await asyncio.sleep(0)  # lets a batch go that is due
        for client in hall.clients.values():
            assert client.reader == reader_of(client.actor, hall.readers.state)
            assert client.view == project(hall.readers.state, client.reader)
        hall.readers.close()

    asyncio.run(show())


async def test_what_many_see_alike_is_encoded_once() -> None:
    hall = Hall()
    for _ in range(50):
        hall.enter(None)
    hall.enter(MAI)
    hall.pushes.clear()
    hall.do(MAI, do.OpenWaitingRoom())
    assert sorted(hall.pushes) == [("events", 1), ("events", 50)]


async def test_a_talkative_crowd_is_told_in_batches_and_a_pin_at_once() -> None:
    hall = Hall()
    buyer = hall.enter(None)
    for command in (do.OpenWaitingRoom(), do.GoLive()):
        hall.do(MAI, command)
    hall.pushes.clear()
    for number in range(30):
        hall.do(HOA, do.Say(text=f"{number}"))
    assert hall.pushes == []
    hall.do(MAI, do.Pin(product=ProductId("p1")))
    assert hall.pushes == [("events", 1)]
    assert buyer.view.pin == "p1"
    assert len(buyer.view.messages) == 30
    hall.pushed.clear()
    hall.do(HOA, do.Say(text="later"))
    async with asyncio.timeout(5):
        await hall.pushed.wait()
    assert len(buyer.view.messages) == 31
    hall.readers.close()


async def test_who_is_removed_is_sent_away_and_hears_no_more() -> None:
    hall = Hall()
    lan = hall.enter(LAN)
    hall.do(MAI, do.OpenWaitingRoom())
    hall.do(LAN, do.Say(text="rude"))
    hall.do(MAI, do.RemoveSeat(seat=LAN.participant))
    assert hall.sent_away == [("sid0", "rooms.removed")]
    seen = lan.view.revision
    hall.do(MAI, do.GoLive())
    assert lan.view.revision == seen


async def test_after_a_gap_everybody_gets_the_state_anew() -> None:
    hall = Hall()
    buyer, desk = hall.enter(None), hall.enter(MAI)
    other = Hall()
    other.do(MAI, do.OpenWaitingRoom())
    other.do(MAI, do.GoLive())
    hall.readers.replace(other.readers.state)
    assert (buyer.view.phase, desk.view.phase, desk.reader) == ("live", "live", "crew")
