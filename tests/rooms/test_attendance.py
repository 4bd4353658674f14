"""Seats and the connections that keep them, over a real Valkey; each roll call is made by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from expo.cluster.presence import Presence
from expo.errors import Unavailable
from expo.ids import ParticipantId, RoomId
from expo.rooms import commands as do
from expo.rooms.attendance import Attendance
from expo.rooms.model import PRESENCE_MS
from expo.rooms.room import Room
from tests.support.rooms import Faulty, Worker, fresh_valkey, until, workers
from tests.support.shows import HOA, KIM, MAI, ROOM

pytestmark = pytest.mark.cluster


def nobody() -> dict[RoomId, frozenset[ParticipantId]]:
    return {}


def kim() -> dict[RoomId, frozenset[ParticipantId]]:
    return {ROOM: frozenset({KIM.participant, MAI.participant})}  # Mai has no seat in the room's own eyes


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
        owner = Attendance(Presence(place.valkey, "a"), nobody, lambda: a.owner.rooms, patience_s=0.05)
        other = Attendance(Presence(place.valkey, "c"), kim, lambda: ())
        await Presence(place.valkey, "killed").tell(kim(), ttl_s=0.05)

        async def gone() -> bool:
            await owner.roll_call()
            return not await kim_is_here(room)

        async def back() -> bool:
            await other.roll_call()
            await owner.roll_call()
            return await kim_is_here(room)

        await until(gone)
        await until(back)
        assert set(room.state.seats) == {KIM.participant}


async def test_who_has_left_is_not_told_of_any_more(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place:
        presence = Presence(place.valkey, "a")
        await presence.tell(kim())
        assert (await presence.seen()).keys() == {ROOM}
        await presence.tell({})
        assert await presence.seen() == {}


async def test_nobody_leaves_while_valkey_is_away_nor_at_once_when_it_is_back(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place, workers(place, "a") as (a,):
        valkey = Faulty(place.url)
        room = await seated(a)
        owner = Attendance(Presence(valkey, "a"), nobody, lambda: a.owner.rooms, patience_s=0.001)
        await Presence(place.valkey, "far").tell(kim())
        await owner.roll_call()

        valkey.unsent = 1
        with pytest.raises(Unavailable):
            await owner.roll_call()
        await place.command("FLUSHALL")
        await owner.roll_call()

        assert await kim_is_here(room)
        await valkey.close()
