"""`expo rooms` as an operator types it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from expo.cluster import lease as leases
from expo.ids import RoomId
from expo.rooms.events import Entry, WaitingRoomOpened, write_entry
from tests.support.rooms import ROOM, fresh_valkey
from tests.support.shows import draft

pytestmark = pytest.mark.cluster


def run(folder: Path, redis_url: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "EXPO_DATA_DIR": str(folder), "EXPO_REDIS_URL": redis_url}
    command = [sys.executable, "-m", "expo", "rooms"]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


async def test_rooms_are_listed_with_their_owners_as_the_log_has_them_now(tmp_path: Path) -> None:
    async with fresh_valkey(tmp_path) as place:
        assert run(tmp_path, place.url).stdout == "No room has been opened yet.\n"

        state = draft()
        owned = await place.taken("worker-1")
        await place.log.save(owned, state.revision, msgspec.json.encode(state).decode())
        entry = Entry(state.revision + 1, 0, ("all",), WaitingRoomOpened())
        await place.log.append(owned, state.revision, entry.revision, [write_entry(entry)])
        strange = await place.taken("worker-0", room=RoomId("strange"))
        await place.log.save(strange, 1, '{"of": "another version"}')
        await leases.release(place.valkey, strange)

        listed = run(tmp_path, place.url)
        assert listed.returncode == 0, listed.stderr
        assert re.search(rf"^{ROOM} +waiting +worker-1 +0 +0 +0 +{entry.revision} +-$", listed.stdout, re.MULTILINE)
        assert re.search(r"^strange +unreadable +nobody +- .* opens it from its rows$", listed.stdout, re.MULTILINE)


async def test_a_valkey_that_is_away_is_said_in_words(tmp_path: Path) -> None:
    done = run(tmp_path, f"unix://{tmp_path}/nobody.sock")
    assert (done.returncode, done.stdout) == (14, "")
    assert "cluster.away" in done.stderr
    assert "Traceback" not in done.stderr
