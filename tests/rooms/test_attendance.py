"""Seats and the connections that keep them, over a real Valkey; each roll call is made by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from expo.cluster.presence import Presence
from expo.errors import Unavailable
from expo.ids import ParticipantId, RoomId
from expo.rooms import commands as do
from expo.rooms.attendance import Attendance
from expo.rooms.events import Entry, SeatHere
from expo.rooms.model import PRESENCE_MS
from expo.rooms.room import Room
from tests.support.rooms import Faulty, Place, Worker, fresh_valkey, until, workers
from tests.support.shows import HOA, KIM, MAI, ROOM

pytestmark = pytest.mark.cluster

SOON_MS = 50


class Sockets:
    """Who sits at one worker."""

    def __init__(self, place: Place, *people: ParticipantId, ttl_ms: int = SOON_MS) -> None:
        self.people = frozenset(people)
        self.attendance = Attendance(Presence(place.valkey), self.sitting, lambda: (), ttl_ms=ttl_ms)

    def sitting(self) -> dict[RoomId, frozenset[ParticipantId]]:
        return {ROOM: self.people}


async def seated(worker: Worker) -> Room:
    """A room in which Kim sat down longer ago than anybody is waited for."""
    room = await worker.room()
    await room.submit(MAI, do.OpenWaitingRoom())
    await room.submit(KIM, do.TakeSeat())
    worker.clock_ms += PRESENCE_MS
    return room


async def kim_is_here(room: Room) -> bool:
    """After everything that was posted before."""
    await room.submit(HOA, do.Say(text="?"))
    return room.state.seats[KIM.participant].here


async def test_a_seat_is_kept_by_a_socket_on_any_worker_and_not_by_one_that_was_killed(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place, workers(place, "a") as (a,):
        room = await seated(a)
        owner = Attendance(Presence(place.valkey), dict, lambda: a.owner.rooms, ttl_ms=SOON_MS)
        killed, other = Sockets(place, KIM.participant), Sockets(place, KIM.participant, MAI.participant)
        await killed.attendance.roll_call()

        async def gone() -> bool:
            await owner.roll_call()
            return not await kim_is_here(room)

        async def back() -> bool:
            await other.attendance.roll_call()
            await owner.roll_call()
            return await kim_is_here(room)

        await until(gone)
        await until(back)
        assert set(room.state.seats) == {KIM.participant}  # Mai has taken none


async def test_nobody_leaves_while_valkey_is_away_nor_until_everybody_was_asked_again(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place, workers(place, "a") as (a,):
        valkey = Faulty(place.url)
        told: list[Entry] = []
        room = await seated(a)
        room.listen(lambda _before, entry: told.append(entry))
        owner = Attendance(Presence(valkey), dict, lambda: a.owner.rooms, ttl_ms=SOON_MS)
        far = Sockets(place, KIM.participant, ttl_ms=60_000)

        async def settled() -> bool:
            await far.attendance.roll_call()
            await owner.roll_call()
            return owner.sure(room)

        await until(settled)
        valkey.unsent = 1
        with pytest.raises(Unavailable):
            await owner.roll_call()
        await place.command("FLUSHALL")
        await owner.roll_call()

        assert await kim_is_here(room)
        assert not [each for each in told if isinstance(each.event, SeatHere)]
        await valkey.close()


async def test_a_room_without_seats_costs_nothing(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place, workers(place, "a") as (a,):
        await a.room()
        valkey = Faulty(place.url)
        valkey.unsent = 1
        await Attendance(Presence(valkey), dict, lambda: a.owner.rooms).roll_call()
        assert valkey.unsent == 1
        await valkey.close()
