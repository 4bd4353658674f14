from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from expo.cluster import keys
from expo.cluster.eventlog import KEPT, Entries, Loaded, StaleTokenError, Tail
from expo.cluster.lease import Lease
from expo.errors import Unavailable
from expo.ids import RoomId
from tests.support.rooms import ROOM, Place, fresh_valkey

pytestmark = pytest.mark.cluster

OTHER = RoomId("daegu")


def numbered(first: int, count: int) -> list[str]:
    """Entries that are their own revisions."""
    return [str(first + n) for n in range(count)]


def text(first: int, last: int) -> str:
    return "\n".join(numbered(first, last - first + 1))


async def test_what_is_appended_is_read_in_order_from_any_revision(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place:
        lease = await place.taken()

        assert await place.log.append(lease, 0, 1, ["1", "2", "né"]) == 3
        assert await place.log.append(lease, 0, 4, ["4"]) == 4

        assert await place.log.read(ROOM, 0) == Entries(1, 4, "1\n2\nné\n4")
        assert await place.log.read(ROOM, 2) == Entries(3, 2, "né\n4")
        assert await place.log.read(ROOM, 0, most=2) == Entries(1, 2, "1\n2")
        assert await place.log.read(ROOM, 4) == Entries()
        assert Entries(3, 2, "").last == 4


async def test_an_append_that_is_tried_again_after_a_lost_answer_changes_nothing(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place:
        lease = await place.taken()
        await place.log.append(lease, 0, 1, numbered(1, 3))

        assert await place.log.append(lease, 0, 1, numbered(1, 3)) == 3
        assert await place.log.append(lease, 0, 2, numbered(2, 4)) == 5  # together with what is new
        assert (await place.log.read(ROOM, 0)).lines == text(1, 5)


async def test_an_older_token_writes_nothing(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place:
        old = await place.taken()
        await place.log.append(old, 0, 1, ["1"])
        await place.valkey.delete(keys.room(ROOM, "lease"))
        new = await place.taken("b")

        with pytest.raises(StaleTokenError):
            await place.log.append(old, 0, 2, ["late"])
        with pytest.raises(StaleTokenError):
            await place.log.save(old, 1, "late")
        with pytest.raises(StaleTokenError):
            await place.log.remove(old)

        assert await place.log.append(new, 1, 2, ["2"]) == 2
        assert await place.log.load(ROOM) == Loaded(0, "", Entries(1, 2, "1\n2"))


async def test_an_expired_owner_writes_on_while_nobody_else_came(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place:
        lease = await place.taken()
        await place.valkey.delete(keys.room(ROOM, "lease"))

        assert await place.log.append(lease, 0, 1, ["1"]) == 1


async def test_a_room_is_loaded_from_its_snapshot_and_what_follows(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place:
        lease = await place.taken()
        await place.log.append(lease, 0, 1, numbered(1, 5))
        await place.log.save(lease, 3, "three")
        await place.log.save(lease, 2, "two")  # a call that ran late

        assert await place.log.load(ROOM) == Loaded(3, "three", Entries(4, 2, "4\n5"))
        assert await place.log.load(OTHER) == Loaded(0, "", Entries())
        assert await place.log.rooms() == {ROOM}


async def test_trimming_waits_for_the_slowest_projector(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place:
        lease = await place.taken()
        await place.log.append(lease, 0, 1, numbered(1, 1000))
        await place.log.save(lease, 1000, "s", projectors=["rows", "leads"])
        await place.log.advance(ROOM, "rows", 900)
        await place.log.save(lease, 1000, "s")
        assert (await place.log.read(ROOM, 0)).first == 1  # leads has read nothing

        await place.log.advance(ROOM, "leads", 300)
        await place.log.advance(ROOM, "leads", 200)  # never back
        await place.log.save(lease, 1000, "s")
        assert (await place.log.read(ROOM, 0)).first == 301

        await place.log.advance(ROOM, "leads", 1000)
        await place.log.save(lease, 1000, "s")
        assert (await place.log.read(ROOM, 0)).first == 1000 - KEPT + 1
        assert await place.log.cursor(ROOM, "leads") == 1000
        assert await place.log.cursor(ROOM, "none") == 0


async def test_a_server_that_forgot_says_what_it_still_holds_and_writes_no_gap(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place:
        lease = await place.taken()
        await place.log.append(lease, 0, 1, numbered(1, 5))
        await place.command("FLUSHALL")

        assert await place.log.append(lease, 0, 6, ["6"]) == 0
        assert await place.log.read(ROOM, 0) == Entries()

        await place.log.save(lease, 5, "five")
        assert await place.log.append(lease, 0, 6, []) == 5
        assert await place.log.append(lease, 0, 6, ["6"]) == 6
        assert await place.log.load(ROOM) == Loaded(5, "five", Entries(6, 1, "6"))


async def test_what_a_server_forgot_is_told_again_to_those_who_read_the_log(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place:
        lease = await place.taken()
        await place.log.save(lease, 5, "five")
        for first in (3, 5, 3):
            assert await place.log.append(lease, 0, first, [str(first), str(first + 1)][: 6 - first], again=True) >= 4
        assert await place.log.read(ROOM, 0) == Entries(3, 3, "3\n4\n5")
        assert await place.log.append(lease, 0, 6, ["6"]) == 6
        assert await place.log.load(ROOM) == Loaded(5, "five", Entries(6, 1, "6"))


async def test_of_two_owners_that_wrote_because_a_token_was_forgotten_the_newer_steps_down(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place:
        old = await place.taken()
        await place.log.append(old, 0, 1, ["1"])
        newer = Lease(ROOM, "b", old.token + 1)  # issued, then lost with the last second of the append-only file
        await place.log.append(old, 0, 2, ["2"])

        with pytest.raises(StaleTokenError):
            await place.log.append(newer, 1, 2, ["2 of b"])
        assert (await place.log.read(ROOM, 0)).lines == "1\n2"


async def follower(place: Place) -> tuple[Tail, asyncio.Task[None]]:
    tail = Tail(place.log)
    return tail, asyncio.create_task(tail.run(), name="tail")


async def test_followers_hear_every_entry_of_their_rooms_once_and_in_order(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place:
        tail, running = await follower(place)
        heard: dict[RoomId, list[str]] = {ROOM: [], OTHER: []}
        done = asyncio.Event()

        def hear(room: RoomId, entries: Entries) -> None:
            heard[room] += entries.lines.split("\n")
            if len(heard[ROOM]) == 899 and len(heard[OTHER]) == 3:
                done.set()

        mine, other = await place.taken(), await place.taken(room=OTHER)
        await place.log.append(mine, 0, 1, numbered(1, 700))
        tail.follow(ROOM, 1, lambda entries: hear(ROOM, entries))
        await place.log.append(other, 0, 1, numbered(1, 3))
        tail.follow(OTHER, 0, lambda entries: hear(OTHER, entries))
        for first in range(701, 901, 50):
            await place.log.append(mine, 0, first, numbered(first, 50))

        async with asyncio.timeout(10):
            await done.wait()
        assert heard == {ROOM: numbered(2, 899), OTHER: numbered(1, 3)}
        running.cancel()
        await asyncio.wait([running])


async def test_a_follower_goes_on_after_an_outage(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place:
        tail, running = await follower(place)
        lease = await place.taken()
        heard: list[str] = []
        done = asyncio.Event()

        def hear(entries: Entries) -> None:
            heard.append(entries.lines)
            done.set()

        tail.follow(ROOM, 0, hear)
        await place.pause(2500)  # longer than the deadline of a call
        with pytest.raises(Unavailable):
            await place.log.append(lease, 0, 1, ["1"])
        async with asyncio.timeout(10):
            await place.log.append(lease, 0, 1, ["1"])  # whether or not the first one ran
        async with asyncio.timeout(10):
            await done.wait()
        tail.leave(ROOM)
        tail.leave(ROOM)
        assert heard == ["1"]
        running.cancel()
        await asyncio.wait([running])
