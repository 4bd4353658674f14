"""Who was revoked: every worker knows at once, and none forgets what it could not hear."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import pytest

from expo.accounts import invitations
from expo.accounts.invitations import Revoked
from expo.accounts.revocations import Revocations, publish
from expo.accounts.rules import ENCODER, ROOM_GRANT_LIFE, RoomGrant
from expo.accounts.tokens import Tokens
from expo.clock import utc_now
from expo.cluster import keys
from expo.cluster.redis import Valkey
from expo.errors import Unauthenticated
from expo.ids import ExpoId, ParticipantId, PersonId, RoomId
from expo.store.db import Database
from tests.support.valkey import running_valkey

pytestmark = pytest.mark.cluster

TOKENS = Tokens("a secret of the cluster, 32 characters or more")
YEN, TUAN = PersonId("a-interpreter"), PersonId("a-organiser")
ROOM = RoomId("a-showcase")
SOON_S = 3.0


class Heard:
    """The people that a callback was told of."""

    def __init__(self) -> None:
        self.people: list[PersonId] = []
        self._news = asyncio.Event()

    def __call__(self, person: PersonId) -> None:
        self.people.append(person)
        self._news.set()

    async def of(self, person: PersonId, within_s: float = SOON_S) -> None:
        async with asyncio.timeout(within_s):
            while person not in self.people:
                self._news.clear()
                await self._news.wait()


@contextlib.asynccontextmanager
async def listening(database: Database, url: str) -> AsyncGenerator[tuple[Revocations, Heard]]:
    """What one worker has, listening."""
    valkey = Valkey(url)
    revocations, heard = Revocations(TOKENS, database, valkey), Heard()
    revocations.on_revoked(heard)
    await revocations.open()
    try:
        async with asyncio.timeout(10):
            await revocations.listening.wait()
        yield revocations, heard
    finally:
        await revocations.close()
        await valkey.close()


async def revoke(database: Database, person: PersonId = YEN) -> Revoked:
    async with database.write() as db:
        return await invitations.revoke_person(db, person, ExpoId("a-expo"), utc_now())


def token(participant: str = YEN, *, ago: timedelta = timedelta()) -> str:
    ends = utc_now() - ago + ROOM_GRANT_LIFE
    return TOKENS.sign(RoomGrant(ROOM, ParticipantId(participant), "Yến", frozenset({"watch"}), ends))


async def test_every_worker_hears_of_a_revocation_made_in_one(world: Database, tmp_path: Path) -> None:
    async with (
        running_valkey(tmp_path) as url,
        listening(world, url) as (here, heard_here),
        listening(world, url) as (there, heard_there),
    ):
        tokens = [token(), token(YEN + ENCODER), token(ago=timedelta(hours=11))]
        here.tell(await revoke(world))
        assert heard_here.people == [YEN]
        await heard_there.of(YEN)
        for worker in (here, there):
            for text in tokens:
                with pytest.raises(Unauthenticated, match=r"token\.revoked"):
                    worker.verify(text, utc_now(), room=ROOM)
            assert worker.verify(token(TUAN), utc_now(), room=ROOM).participant == TUAN


async def test_a_token_from_after_the_revocation_counts(world: Database, tmp_path: Path) -> None:
    async with running_valkey(tmp_path) as url, listening(world, url) as (worker, _):
        worker.tell(Revoked(YEN, utc_now() - timedelta(seconds=5)))
        assert worker.verify(token(), utc_now()).participant == YEN


async def test_the_command_line_is_heard_too(world: Database, tmp_path: Path) -> None:
    async with running_valkey(tmp_path) as url, listening(world, url) as (_, heard):
        valkey = Valkey(url)
        await publish(valkey, await revoke(world))
        await valkey.close()
        await heard.of(YEN)


async def test_a_worker_that_begins_reads_what_was_revoked_before(world: Database, tmp_path: Path) -> None:
    before = token()
    await revoke(world)
    async with running_valkey(tmp_path) as url, listening(world, url) as (worker, heard):
        assert set(heard.people) == {YEN}  # maybe twice: it reads again once it listens
        with pytest.raises(Unauthenticated, match=r"token\.revoked"):
            worker.verify(before, utc_now())


async def test_what_was_revoked_while_valkey_was_away_is_known_when_it_is_back(world: Database, tmp_path: Path) -> None:
    async with running_valkey(tmp_path) as url, listening(world, url) as (worker, heard):
        pid = int((tmp_path / "run" / "valkey.pid").read_text().split()[0])
        os.kill(pid, signal.SIGSTOP)
        try:
            async with asyncio.timeout(10):
                await worker.deaf.wait()
            await revoke(world)
            assert heard.people == []
        finally:
            os.kill(pid, signal.SIGCONT)
        await heard.of(YEN, 10)


async def test_what_could_not_be_told_is_told_later(world: Database, tmp_path: Path) -> None:
    async with (
        running_valkey(tmp_path) as url,
        listening(world, url) as (here, _),
        listening(world, url) as (there, heard),
    ):
        pid = int((tmp_path / "run" / "valkey.pid").read_text().split()[0])
        os.kill(pid, signal.SIGSTOP)
        try:
            here.tell(Revoked(YEN, utc_now()))  # without a row, so that only telling can spread it
            assert here.refuses(YEN, utc_now() - timedelta(seconds=1))
        finally:
            os.kill(pid, signal.SIGCONT)
        await heard.of(YEN, 10)
        assert there.refuses(YEN, utc_now() - timedelta(hours=1))


async def test_nonsense_and_failing_callbacks_stop_nothing(world: Database, tmp_path: Path) -> None:
    def fail(person: PersonId) -> None:
        raise RuntimeError(person)

    async with running_valkey(tmp_path) as url, listening(world, url) as (worker, _):
        worker.on_revoked(fail)
        last = Heard()
        worker.on_revoked(last)
        valkey = Valkey(url)
        for text in ("", "{}", "[1]", '{"person":1,"at_us":1}', '{"person":"x","at_us":99999999999999999999}'):
            await valkey.publish(keys.revocations(), text)
        await publish(valkey, Revoked(YEN, utc_now()))
        await valkey.close()
        await last.of(YEN)
