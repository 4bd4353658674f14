"""The sample expo as on its first day: rows written anew, and nothing that its rooms remember of an earlier demo."""

from __future__ import annotations

import os

from expo.clock import utc_now
from expo.cluster.eventlog import EventLog
from expo.cluster.lease import release, seize
from expo.cluster.redis import Valkey
from expo.demo.consents import agree, forget_recording
from expo.demo.seed import Seeded, seed
from expo.settings import Settings
from expo.store.db import Database


async def put_up(settings: Settings) -> Seeded:
    """Put everything up. For a start that knows that no worker lives: one would go on with what it has in memory.

    Raises Unavailable `store.*`, `cluster.away`.
    """
    database = await Database.open(settings.effective_database_url)
    try:
        seeded = await seed(database, utc_now())
        await agree(database, seeded, utc_now())
    finally:
        await database.close()
    if not os.environ.get("EXPO_RECORDINGS_DIR", "").strip():
        await forget_recording(settings.recordings_dir, seeded)
    await _forget_rooms(settings, seeded)
    return seeded


async def _forget_rooms(settings: Settings, seeded: Seeded) -> None:
    """A room whose log is gone begins with its rows: a show that was ended yesterday is on the air again."""
    valkey = Valkey(settings.effective_redis_url)
    try:
        for room in seeded.rooms:
            lease = await seize(valkey, room, "demo")
            await EventLog(valkey).remove(lease)
            await release(valkey, lease)
    finally:
        await valkey.close()
