from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from expo.cluster import keys
from expo.cluster.lease import Held, Lease, LeaseKeeper, owner_of, release, renew, seize, take
from expo.cluster.redis import Call, Valkey
from expo.errors import Unavailable
from expo.ids import RoomId
from tests.support.rooms import ROOM, fresh_valkey

pytestmark = pytest.mark.cluster


async def expire(valkey: Valkey) -> None:
    await valkey.delete(keys.room(ROOM, "lease"))


async def test_one_owner_holds_a_room_and_the_others_learn_who(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place:
        valkey = place.valkey
        await place.taken("worker 1")

        assert await take(valkey, ROOM, "worker 2") == Held("worker 1")
        assert await owner_of(valkey, ROOM) == "worker 1"


async def test_an_owner_whose_answer_was_lost_takes_its_room_again_with_a_newer_token(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place:
        valkey = place.valkey
        first, second = await place.taken(), await place.taken()

        assert second.token > first.token
        assert await renew(valkey, [first, second]) == ["lost", "held"]


async def test_an_expired_lease_whose_token_is_still_the_newest_is_taken_again(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place:
        valkey = place.valkey
        lease = await place.taken()
        await expire(valkey)

        assert await renew(valkey, [lease]) == ["held"]
        assert await take(valkey, ROOM, "b") == Held("a")


async def test_a_lease_that_a_killed_owner_left_is_seized_and_whatever_it_still_sends_comes_to_nothing(
    tmp_path: Path,
) -> None:
    async with fresh_valkey(tmp_path) as place:
        left = await place.taken()

        lease = await seize(place.valkey, ROOM, "b")

        assert lease.token > left.token
        assert await renew(place.valkey, [left, lease]) == ["lost", "held"]


async def test_an_owner_is_lost_once_another_token_was_issued(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place:
        valkey = place.valkey
        old = await place.taken()
        await expire(valkey)
        new = await place.taken("b")

        assert await renew(valkey, [old, new]) == ["lost", "held"]
        await release(valkey, old)  # no longer its to give
        assert await owner_of(valkey, ROOM) == "b"
        await release(valkey, new)
        assert await owner_of(valkey, ROOM) is None
        assert await renew(valkey, [new]) == ["lost"]  # one that was on its way takes nothing back


async def test_no_wipe_gives_a_token_out_twice(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place:
        valkey = place.valkey
        old = await place.taken()
        await place.command("FLUSHALL")
        new = await place.taken("b")

        assert new.token > old.token
        assert await renew(valkey, [old]) == ["lost"]


async def test_a_token_ahead_of_the_servers_clock_is_counted_on(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place:
        await place.command("SET", keys.room(ROOM, "token"), "8000000000000000")

        assert (await place.taken()).token == 8_000_000_000_000_001


class Hanging(Valkey):
    """A client whose server hangs behind the first answer."""

    pid: int

    async def call(self, call: Call) -> object:
        answer = await super().call(call)
        os.kill(self.pid, signal.SIGSTOP)
        return answer


async def test_what_a_server_reads_late_takes_no_room(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place:
        valkey = Hanging(place.url)
        valkey.pid = int((tmp_path / "run" / "valkey.pid").read_text().split()[0])
        try:
            with pytest.raises(Unavailable):
                await take(valkey, ROOM, "a")
        finally:
            os.kill(valkey.pid, signal.SIGCONT)
        await place.valkey.ping()  # behind what it has read meanwhile
        assert await owner_of(place.valkey, ROOM) is None
        assert await place.command("KEYS", "*") == []
        await valkey.close()


async def test_a_server_that_forgot_the_newest_token_is_told_it_again(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place:
        valkey = place.valkey
        older = await place.taken()
        newest = await place.taken()
        await place.command("SET", keys.room(ROOM, "token"), str(older.token))  # as an old append-only file has it

        assert await renew(valkey, [newest, older]) == ["forgotten", "lost"]


async def test_the_keeper_renews_many_rooms_together_and_tells_who_has_lost(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place:
        valkey = place.valkey
        keeper = LeaseKeeper(valkey, ttl_s=60.0)
        told: list[str] = []
        leases = [await place.taken(room=RoomId(f"r{n}"), ttl_s=60.0) for n in range(300)]
        for lease in leases:
            keeper.keep(
                lease,
                on_lost=lambda room=lease.room: told.append(f"{room} lost"),
                on_forgotten=lambda room=lease.room: told.append(f"{room} forgotten"),
            )
        await valkey.delete(keys.room("r7", "lease"))
        await place.taken("b", room=leases[7].room)
        await place.command("DEL", keys.room("r290", "token"))
        keeper.drop(leases[3])

        await keeper.renew()
        await keeper.renew()

        assert told == ["r7 lost", "r290 forgotten"]
        assert len(keeper) == 298


async def test_the_keeper_keeps_a_room_through_an_outage(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place:
        valkey = place.valkey
        lost = asyncio.Event()
        keeper = LeaseKeeper(valkey, every_s=0.01, ttl_s=0.05)
        lease = await place.taken(ttl_s=0.05)
        keeper.keep(lease, on_lost=lost.set, on_forgotten=lambda: None)
        running = asyncio.create_task(keeper.run(), name="keeper")
        await place.pause(200)  # four lives of the lease
        await valkey.ping()
        async with asyncio.timeout(5):
            while await owner_of(valkey, ROOM) is None:
                pass
        assert not lost.is_set()
        await valkey.delete(keys.room(ROOM, "lease"))
        await place.taken("b")

        async with asyncio.timeout(5):
            await lost.wait()
        running.cancel()
        await asyncio.wait([running])
        assert await renew(valkey, [Lease(ROOM, "a", lease.token)]) == ["lost"]
