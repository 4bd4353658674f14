"""Rooms with a real Valkey: what survives kills, outages and wipes."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from pathlib import Path

import pytest

from expo.cluster import keys
from expo.cluster.embedded import EmbeddedValkey
from expo.cluster.eventlog import EventLog, StaleTokenError
from expo.cluster.lease import TTL_S, Held, owner_of
from expo.cluster.redis import Valkey
from expo.errors import Conflict, ExpoError, NotFound, Unavailable
from expo.ids import SegmentId
from expo.rooms import commands as do
from expo.rooms import room_sharer
from expo.rooms.events import Advanced, write_entry
from expo.rooms.machine import decide, record, reduce
from expo.rooms.model import COUNTDOWN_MS, State
from expo.rooms.room import MAX_MAILBOX, Room
from expo.rooms.room_owner import HOLD_OFF_S, restored
from expo.rooms.room_sharer import KEPT_LINES
from expo.settings import Settings
from tests.support.rooms import Faulty, Place, Worker, fresh_valkey, until, workers
from tests.support.shows import HOA, KIM, LAN, MAI, MINSU, NOON_MS, ROOM

pytestmark = pytest.mark.cluster


async def go_live(room: Room) -> None:
    for command in (do.OpenWaitingRoom(), do.GoLive()):
        await room.submit(MAI, command)


async def say(room: Room, *texts: str) -> list[bool]:
    """Say each and return whether it was shared."""
    return [(await room.submit(HOA, do.Say(text=text))).shared for text in texts]


def said(state: State) -> list[str]:
    return [message.text for message in state.messages]


async def logged(place: Place) -> State:
    """The room as Valkey has it now."""
    state = restored(await place.log.load(ROOM))
    assert state
    return state


async def saved(place: Place, revision: int = 1) -> bool:
    """Whether there is a snapshot of this revision or a newer one."""
    return (await place.log.load(ROOM)).revision >= revision


async def test_a_room_given_up_goes_on_elsewhere_with_the_same_state(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place, workers(place, "a", "b") as (a, b):
        room = await a.room()
        await go_live(room)
        assert await say(room, "xin chào", "반갑습니다") == [True, True]
        assert await b.owner.own(ROOM) == Held("a")
        await a.owner.drain()

        again = await b.room()

        assert again.state == room.state
        assert again.lease.token > room.lease.token
        assert b.rows.opened == 1  # rows are asked once in a room's life
        with pytest.raises(Unavailable, match=r"rooms\.stopping"):
            await a.owner.own(ROOM)


async def test_a_killed_owners_room_is_taken_when_its_lease_expires(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place, workers(place, "a", "b", ttl_s=0.3) as (a, b):
        room = await a.room()
        await go_live(room)
        ack = await room.submit(HOA, do.Say(text="shared"), "c1")
        assert ack.shared
        await a.kill()

        again = await b.room()

        assert again.state == room.state
        assert (await again.submit(HOA, do.Say(text="shared"), "c1")).revision == ack.revision  # not said twice
        assert said(again.state) == ["shared"]


async def test_while_valkey_is_stopped_commands_go_on_and_are_shared_once_afterwards(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place, workers(place, "a") as (a,):
        room = await a.room()
        await go_live(room)
        loop = asyncio.get_running_loop()
        heard: list[int] = []
        room.listen(lambda _, entry: heard.append(entry.revision))

        await place.pause(3000)  # longer than a call waits
        began = loop.time()
        assert await say(room, "1", "2", "3") == [False, False, False]
        assert loop.time() - began < 1.5
        assert said(room.state) == ["1", "2", "3"]
        assert len(heard) == 3  # everybody here has seen them

        async with asyncio.timeout(10):
            await room.wait_shared(room.state.revision)
        assert await say(room, "4") == [True]
        assert said(await logged(place)) == ["1", "2", "3", "4"]
        assert a.lost.empty()


async def test_an_owner_whose_token_is_refused_stops_and_drops_what_it_could_not_share(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place, workers(place, "a", "b") as (a, b):
        room = await a.room()
        await go_live(room)
        await place.valkey.delete(keys.room(ROOM, "lease"))  # as if it had slept for long
        other = await b.room()

        with pytest.raises(Unavailable, match=r"rooms\.moved"):
            await say(room, "too late")

        async with asyncio.timeout(5):
            assert await a.lost.get() == ROOM
        assert a.owner.room(ROOM) is None
        with pytest.raises(Unavailable, match=r"rooms\.moved"):
            await say(room, "later still")
        await say(other, "here")
        assert said(await logged(place)) == ["here"]


async def test_an_expired_lease_is_taken_again_while_nobody_else_came(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place, workers(place, "a", ttl_s=0.3) as (a,):
        room = await a.room()
        await go_live(room)
        await place.pause(1000)  # three lives of the lease
        await say(room, "meanwhile")

        async with asyncio.timeout(10):
            await room.wait_shared(room.state.revision)
        assert await until(lambda: owner_of(place.valkey, ROOM)) == "a"
        assert a.lost.empty()


@pytest.mark.parametrize("events", [5, KEPT_LINES + 50])
async def test_a_wiped_valkey_is_given_the_room_again(tmp_path: Path, events: int) -> None:
    async with fresh_valkey(tmp_path) as place, workers(place, "a", "b") as (a, b):
        room = await a.room()
        await go_live(room)
        for viewers in range(1, events):
            room.post(do.CountAudience(viewers=viewers))
            await asyncio.sleep(0)
        await say(room, "before")
        await place.command("FLUSHALL")

        await say(room, "after")
        await room.wait_shared(room.state.revision)
        await until(lambda: saved(place))
        await a.owner.drain()
        assert room.state.revision in a.rows.written  # who reads the log hears of it too
        again = await b.room()
        assert said(again.state) == ["before", "after"]
        assert again.state == room.state
        assert b.rows.opened == 1


async def test_a_wipe_that_nobody_repaired_opens_the_room_from_its_rows_at_a_new_revision(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place, workers(place, "a", "b") as (a, b):
        room = await a.room()
        await go_live(room)
        await a.kill()
        await place.command("FLUSHALL")

        again = await b.room()

        assert again.state.phase == "draft"
        assert again.state.revision > room.state.revision
        assert b.rows.opened == 2


async def test_a_forgotten_token_is_noticed_by_the_next_renewal_and_repaired_without_a_command(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place, workers(place, "a", ttl_s=0.3) as (a,):
        room = await a.room()
        await go_live(room)
        await place.command("FLUSHALL")

        await until(lambda: saved(place))
        assert await logged(place) == room.state


async def test_a_command_sent_twice_happens_once(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place, workers(place, "a") as (a,):
        room = await a.room()
        await go_live(room)

        acks = await asyncio.gather(*(room.submit(HOA, do.Say(text="once"), "c1") for _ in range(3)))
        await room.submit(LAN, do.Say(text="another person's"), "c1")

        assert len(set(acks)) == 1
        assert said(room.state) == ["once", "another person's"]
        with pytest.raises(Conflict, match=r"rooms\.id_reused"):
            await room.submit(HOA, do.Say(text="twice"), "c1")
        await asyncio.gather(*(room.submit(LAN, do.Say(text=f"{number}"), f"c{number}") for number in range(2, 900)))
        again = await room.submit(HOA, do.Say(text="once"), "c1")  # from a phone that was in a tunnel
        assert (again.revision, said(room.state)[-1]) == (acks[0].revision, "899")


async def test_the_countdown_ends_by_itself_and_two_who_press_next_together_advance_once(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place, workers(place, "a") as (a,):
        room = await a.room()
        await go_live(room)
        await room.submit(KIM, do.TakeSeat())
        changed = asyncio.Event()
        room.listen(lambda _, entry: changed.set() if isinstance(entry.event, Advanced) else None)
        pressed = do.ArmNext(segment=SegmentId("s1"), anyway=True)

        acks = await asyncio.gather(room.submit(MAI, pressed, "m1"), room.submit(MINSU, pressed, "n1"))
        a.clock_ms = COUNTDOWN_MS - 50
        room.post(do.CountAudience(viewers=1))  # the writer looks at its clock again
        async with asyncio.timeout(6):
            await changed.wait()

        assert acks[0].revision == acks[1].revision
        assert room.state.current == "s1"
        with pytest.raises(Conflict, match=r"rooms\.next_changed"):
            await room.submit(MINSU, pressed, "n2")


async def test_a_countdown_survives_its_owner(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place, workers(place, "a", "b", ttl_s=0.3) as (a, b):
        room = await a.room()
        await go_live(room)
        await room.submit(MAI, do.ArmNext(segment=SegmentId("s1"), anyway=True))
        await a.kill()
        b.clock_ms = COUNTDOWN_MS  # due meanwhile

        again = await b.room()
        changed = asyncio.Event()
        again.listen(lambda _, entry: changed.set() if isinstance(entry.event, Advanced) else None)
        async with asyncio.timeout(5):
            await changed.wait()

        assert again.state.segments[0].started_ms == again.state.at_ms


async def test_refusals_reach_who_asked_and_change_nothing(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place, workers(place, "a") as (a,):
        room = await a.room()
        before = room.state

        with pytest.raises(ExpoError, match=r"token\.not_granted"):
            await room.submit(HOA, do.GoLive())

        assert room.state is before
        assert (await place.log.load(ROOM)).entries.count == 0


async def test_a_flooded_room_refuses_and_recovers(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place, workers(place, "a") as (a,):
        room = await a.room()
        await go_live(room)

        answers = await asyncio.gather(
            *(room.submit(HOA, do.Say(text=str(n))) for n in range(MAX_MAILBOX + 100)), return_exceptions=True
        )

        refused = [answer for answer in answers if isinstance(answer, Unavailable)]
        assert len(refused) == 100
        assert {error.code for error in refused} == {"rooms.busy"}
        assert await say(room, "calm again") == [True]


async def test_a_room_refuses_when_too_much_waits_for_valkey(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with fresh_valkey(tmp_path) as place:
        valkey = Faulty(place.url)
        async with workers(replace(place, valkey=valkey), "a") as (a,):
            room = await a.room()
            await go_live(room)
            monkeypatch.setattr(room_sharer, "MAX_UNSHARED", 3)
            valkey.unsent = 1000

            assert await say(room, "1", "2", "3") == [False, False, False]
            with pytest.raises(Unavailable, match=r"rooms\.unshared"):
                await say(room, "4")

            valkey.unsent = 0
            async with asyncio.timeout(10):
                await room.wait_shared(room.state.revision)
            assert await say(room, "5") == [True]
        await valkey.close()


async def test_a_killed_valkey_that_comes_back_has_everything_again(tmp_path: Path) -> None:
    settings = Settings.from_env({"EXPO_DATA_DIR": str(tmp_path)})
    settings.run_dir.mkdir(mode=0o700)
    embedded = EmbeddedValkey(settings)
    valkey = Valkey(settings.effective_redis_url)
    place = Place(settings.effective_redis_url, valkey, EventLog(valkey))
    child = await embedded.start()
    async with workers(place, "a", "b") as (a, b):
        room = await a.room()
        await go_live(room)
        assert await say(room, "before") == [True]
        child.process.kill()
        await child.wait()
        assert await say(room, "meanwhile") == [False]
        child = await embedded.start()

        async with asyncio.timeout(10):
            await room.wait_shared(room.state.revision)
        assert await say(room, "after") == [True]
        await a.owner.drain()
        assert said((await b.room()).state) == ["before", "meanwhile", "after"]
    await valkey.close()
    await child.stop(5.0)


async def test_rows_are_written_once_and_in_order_through_trouble_and_takeover(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place, workers(place, "a", "b") as (a, b):
        room = await a.room()
        rows, first = a.rows, room.state.revision + 1
        await go_live(room)
        rows.trouble = Unavailable("store.away")
        await say(room, "1", "2")
        await a.kill()
        await place.valkey.delete(keys.room(ROOM, "lease"))
        rows.trouble = None

        again = await b.room()
        await say(again, "3")
        await b.owner.drain()

        assert list(rows.written) == list(range(first, again.state.revision + 1))
        assert await place.log.cursor(ROOM, "rows") == again.state.revision


async def test_rows_changed_while_the_room_is_a_draft_are_taken_over(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place, workers(place, "a", "b") as (a, b):
        await a.room()
        await a.owner.drain()
        b.rows.programme = type(b.rows.programme)("draft", b.rows.programme.segments[::-1])

        room = await b.room()
        await room.submit(MAI, do.OpenWaitingRoom())

        assert [segment.id for segment in room.state.segments] == ["s3", "s2", "s1"]


async def test_a_room_whose_rows_are_gone_leaves_only_its_token_and_its_owner_writes_no_more(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place, workers(place, "a", "b") as (a, b):
        room = await a.room()
        await room.submit(KIM, do.TakeSeat())
        assert await b.owner.remove(ROOM) == Held("a")
        assert await a.owner.remove(ROOM) is None
        assert await place.log.rooms() == {ROOM}, "there are rows"
        late = await a.room()

        a.rows.trouble = NotFound("showcase.not_found")
        token = late.lease.token
        assert await a.owner.remove(ROOM) is None
        assert await a.owner.remove(ROOM) is None

        assert await place.log.rooms() == set()
        assert await place.command("KEYS", "*room*") == [keys.room(ROOM, "token")]
        with pytest.raises(StaleTokenError):
            await place.log.append(late.lease, 0, 1, ["{}"])
        with pytest.raises(NotFound):
            await b.owner.own(ROOM)
        assert (await place.taken("c")).token > token


async def test_a_long_log_is_taken_over(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place, workers(place, "a", "b") as (a, b):
        room = await a.room()
        await go_live(room)
        await room.close()  # its lease is free, and what follows is written as if by it
        state, lease = room.state, await place.taken("c")
        lines: list[str] = []
        for number in range(5000):
            for entry in record(state, decide(state, do.Say(text=str(number)), HOA, NOON_MS), NOON_MS, f"hoa/{number}"):
                state = reduce(state, entry)
                lines.append(write_entry(entry))
        for start in range(0, len(lines), 250):
            await place.log.append(
                lease, room.state.revision, room.state.revision + 1 + start, lines[start : start + 250]
            )
        await place.valkey.delete(keys.room(ROOM, "lease"))

        again = await b.room()

        assert again.state == state
        await until(lambda: saved(place, state.revision))  # the next owner has less to read


async def test_a_log_of_another_version_is_left_alone(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place, workers(place, "a") as (a,):
        await place.log.save(await place.taken("newer"), 7, '{"v": 2, "tables": []}')
        await place.valkey.delete(keys.room(ROOM, "lease"))

        with pytest.raises(Unavailable, match=r"rooms\.log_unreadable"):
            await a.owner.own(ROOM)
        assert (await place.log.load(ROOM)).state == '{"v": 2, "tables": []}'
        assert not isinstance(await place.taken("b"), Held)  # the lease was given back


async def test_two_who_ask_at_once_get_the_same_room(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place, workers(place, "a") as (a,):
        rooms = await asyncio.gather(*(a.owner.own(ROOM) for _ in range(10)))

        assert len({id(room) for room in rooms}) == 1
        assert a.rows.opened == 1


async def test_nothing_is_left_running_or_held_when_the_rows_fail(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place, workers(place, "a", "b") as (a, b):
        a.rows.trouble = Unavailable("store.away")
        with pytest.raises(Unavailable, match=r"store\.away"):
            await a.owner.own(ROOM)
        a.rows.trouble = None

        assert isinstance(await b.owner.own(ROOM), Room)


async def test_an_outage_longer_than_a_lease_costs_no_owner_its_room(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place:
        elsewhere = replace(place, valkey=Valkey(place.url))
        a, b = (
            Worker(each, name, ttl_s=TTL_S, hold_off_s=HOLD_OFF_S) for each, name in ((place, "a"), (elsewhere, "b"))
        )
        room = await a.room()
        await place.pause(round(TTL_S * 1000) + 500)
        found: object = None
        while found is None:  # as pages do that come at the other worker meanwhile
            with contextlib.suppress(Unavailable):
                found = await b.owner.own(ROOM)
            await asyncio.sleep(0.02)
        assert found == Held("a")
        assert elsewhere.valkey.quiet_s < HOLD_OFF_S, "who has renewed is known before nobody's rooms are taken"
        assert not room.lost
        await a.owner.close()
        await b.owner.close()
        await elsewhere.valkey.close()
