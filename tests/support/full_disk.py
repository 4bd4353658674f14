"""A server's rows on a disk that fills up: `python -m tests.support.full_disk FOLDER`, FOLDER a small file system.

Writes until the disk is full, looks at what still works, makes room and writes again, while a viewer watches; prints
what it saw as JSON.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from pathlib import Path

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from expo.accounts.tables import Agency
from expo.clock import utc_now
from expo.demo.seed import seed
from expo.errors import Unavailable
from expo.ids import RoomId
from expo.rooms.facts import Facts
from expo.showcases.policy import ShowcaseRooms
from expo.showcases.service import home_view
from expo.store.db import Database, sqlite_url
from expo.store.migrate import upgrade
from tests.support.ballast import fill_up
from tests.support.room import missing_nothing, open_room

LONGEST = dict.fromkeys(("ko", "vi", "en"), "가" * 120)
ENOUGH = 20_000
"""More rows than any file system small enough for this test can hold."""


class Report(msgspec.Struct, forbid_unknown_fields=True):
    """`acknowledged`: rows that a write block said it had stored. The rest in the order in which it was seen."""

    acknowledged: int
    refused: list[str]
    rows_while_full: int
    title_while_full: str
    live_room_while_full: str
    going_live_while_full: str
    rows_after: int
    went_live_after: bool
    integrity: str
    frames: int = 0
    """That a viewer got meanwhile, without a gap."""


class AnsweringRooms(ShowcaseRooms):
    """The real thing, which also says how each telling ended: "" or the error's code."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.answers: asyncio.Queue[str] = asyncio.Queue(100)

    async def published(self, room: RoomId) -> None:
        try:
            await super().published(room)
        except Unavailable as error:
            self.answers.put_nowait(error.code)
            raise
        self.answers.put_nowait("")


async def main(folder: Path) -> Report:
    path = folder / "expo.db"
    await upgrade(sqlite_url(path))
    database = await Database.open(sqlite_url(path))
    try:
        async with open_room() as room:
            source, _ = await room.publish()
            viewer = await room.watch()
            async with missing_nothing(source, viewer):
                report = await fill(folder, path, database)
            return msgspec.structs.replace(report, frames=len(viewer.audio))
    finally:
        await database.close()


async def fill(folder: Path, path: Path, database: Database) -> Report:
    now = utc_now()
    seeded = await seed(database, now)
    rooms = AnsweringRooms(database)
    fill_up(folder / "ballast", leave_bytes=200_000)
    acknowledged = 0
    refused: list[str] = []
    while len(refused) < 3 and acknowledged < ENOUGH:
        answer = await add(database, acknowledged + len(refused))
        refused += [answer] if answer else []
        acknowledged += not answer
    fill_up(folder / "last", leave_bytes=0)
    async with database.read() as db:
        rows_while_full = await count(db)
        title = (await home_view(db, "ko", now)).expo.title
    await rooms.published(RoomId(seeded.live))
    await rooms.answers.get()
    live_room = (await rooms.opening(RoomId(seeded.live))).state
    async with asyncio.TaskGroup() as tasks:
        facts = Facts(rooms, lambda _room: None)
        telling = tasks.create_task(facts.run(), name="facts")
        facts.tell(RoomId(seeded.idle), published=True)
        going_live = await rooms.answers.get()
        (folder / "ballast").unlink()
        (folder / "last").unlink()
        acknowledged += not await add(database, ENOUGH)
        while await rooms.answers.get():
            pass  # told again and again until there is room
        telling.cancel()
    async with database.read() as db:
        rows_after = await count(db)
    went_live = (await rooms.opening(RoomId(seeded.idle))).state == "live"
    with sqlite3.connect(path) as connection:
        integrity = connection.execute("PRAGMA integrity_check").fetchone()[0]
    connection.close()
    return Report(
        acknowledged=acknowledged,
        refused=refused,
        rows_while_full=rows_while_full,
        title_while_full=title,
        live_room_while_full=live_room,
        going_live_while_full=going_live,
        rows_after=rows_after,
        went_live_after=went_live,
        integrity=integrity,
    )


async def add(database: Database, number: int) -> str:
    """Store one more row; "" or the error's code."""
    try:
        async with database.write() as db:
            db.add(Agency(id=f"filler{number}", country="KR", name=LONGEST))
    except Unavailable as error:
        return error.code
    return ""


async def count(db: AsyncSession) -> int:
    """How many of our rows there are."""
    return (await db.scalars(select(func.count()).select_from(Agency).where(Agency.id.like("filler%")))).one()


if __name__ == "__main__":
    print(msgspec.json.encode(asyncio.run(main(Path(sys.argv[1])))).decode())  # noqa: T201
