"""`expo recordings`: what is kept, proved against its index, and mended where nobody writes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from expo.archive.policy import ArchivePolicy
from expo.cluster import lease as leases
from expo.demo.seed import seed
from expo.errors import Conflict, NotFound
from expo.ids import RoomId
from expo.ops import recordings
from expo.settings import Settings
from expo.showcases.archived import ArchivedShows
from expo.store.db import Database
from tests.support.recordings import Shot, write_recording
from tests.support.rooms import fresh_valkey

pytestmark = pytest.mark.cluster

NOW, ENDED, OPEN = datetime(2026, 11, 24, 7, 42, tzinfo=UTC), RoomId("daegu-textiles"), RoomId("chungbuk")


async def test_recordings_are_listed_proved_and_mended(tmp_path: Path, sqlite_database_url: str) -> None:
    async with fresh_valkey(tmp_path) as place:
        settings = Settings.from_env(
            {
                "EXPO_DATA_DIR": str(tmp_path),
                "EXPO_RECORDINGS_DIR": str(tmp_path / "recordings"),
                "EXPO_DATABASE_URL": sqlite_database_url,
                "EXPO_REDIS_URL": place.url,
            }
        )
        assert recordings.table(await recordings.every(settings)) == "Nothing has been recorded yet."
        database = await Database.open(sqlite_database_url)
        try:
            await seed(database, NOW)
            await ArchivePolicy(database, ArchivedShows(database)).begun(ENDED)
        finally:
            await database.close()
        for room in (ENDED, OPEN):
            write_recording(settings.recordings_dir / room, [Shot(0, 4)], epoch_ms=0, closed=room == ENDED)
        (settings.recordings_dir / "notes").mkdir()

        listed = recordings.table(await recordings.every(settings)).splitlines()
        assert [line.split()[:3] for line in listed[1:]] == [
            [OPEN, "no", "row"], [ENDED, "nobody", "0:00:04"],
        ]  # fmt: skip
        assert listed[1].split()[-2:] == ["open", "-"]

        with (settings.recordings_dir / OPEN / "index-1.jsonl").open("ab") as index:
            index.write(b'{"type":"pa')  # the power went here
        found = recordings.verified(settings, None)
        assert found[ENDED] == []
        assert {one.problem for one in found[OPEN]} == {"torn_index", "not_closed"}
        assert "torn_index" in recordings.findings_table(found)

        owned = await place.taken("worker-1", room=OPEN)
        with pytest.raises(Conflict):
            await recordings.repaired(settings, OPEN)
        await leases.release(place.valkey, owned)
        mended, left = await recordings.repaired(settings, OPEN)
        assert {one.problem for one in mended} == {"torn_index", "not_closed"}
        assert left == []
        assert await asyncio.to_thread(recordings.verified, settings, OPEN) == {OPEN: []}
        assert await recordings.repaired(settings, OPEN) == ([], [])
        (settings.recordings_dir / ENDED / "floor-1.mp4").unlink()
        (settings.recordings_dir / OPEN / "index-1.jsonl").unlink()
        assert {one.problem for one in recordings.verified(settings, None)[OPEN]} == {"unlisted", "not_closed"}
        assert (await recordings.repaired(settings, OPEN))[1] == []
        mended, left = await recordings.repaired(settings, ENDED)
        assert (mended, [one.problem for one in left]) == ([], ["missing"])
        for nothing in ("nothing", "../data", "notes"):
            with pytest.raises(NotFound):
                await recordings.repaired(settings, RoomId(nothing))
