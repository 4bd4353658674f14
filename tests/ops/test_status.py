"""What the status page calls trouble, and the page itself over a worker with a room."""

from __future__ import annotations

import html
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from expo.app import OWN_DOOR
from expo.edge.keys import DATABASE
from expo.ids import RoomId
from expo.ops.status import Disk, RoomLine, Status, WorkerLine, troubles_of
from tests.support.callers import HERE, Caller, other_tenant, proof
from tests.support.worker import running_worker

WORKER = WorkerLine(0, viewers=12, publishers=1, rooms=1, sockets=3, sent_bps=2e6, cpu=0.1, memory_bytes=10**8, up_s=60)
ROOM = RoomLine(RoomId("chungbuk"), "Chungbuk", "live", worker=0, viewers=12, here=2, recording=True)
WELL = Status(
    planes={"store": "ok", "cluster": "ok", "media": "ok"},
    workers=[WORKER],
    silent=[],
    budget=250,
    rooms=[ROOM],
    kept=1,
    kept_bytes=10**9,
    disks=[Disk("data", 50 * 10**9, 100 * 10**9), Disk("recordings", 50 * 10**9, 100 * 10**9)],
)


@pytest.mark.parametrize(
    ("found", "codes"),
    [
        (WELL, []),
        (replace(WELL, planes={**WELL.planes, "cluster": "cluster.away"}, rooms=None), ["plane.cluster"]),
        (replace(WELL, silent=[1]), ["worker_silent"]),
        (replace(WELL, workers=[replace(WORKER, viewers=225)]), ["worker_full"]),
        (replace(WELL, rooms=[replace(ROOM, worker=None)]), ["room_alone"]),
        (replace(WELL, rooms=[replace(ROOM, phase="waiting", worker=None)]), []),
        (replace(WELL, rooms=[replace(ROOM, trouble="disk_full")]), ["not_recorded"]),
        (replace(WELL, disks=[WELL.disks[0], Disk("recordings", 10**8, 10**11)]), ["disk.recordings"]),
    ],
)
def test_what_needs_a_look(found: Status, codes: list[str]) -> None:
    assert [trouble.code for trouble in troubles_of(found, str)] == codes


@pytest.mark.media
async def test_an_organiser_reads_how_the_server_does_and_no_other_tenants_rooms(tmp_path: Path) -> None:
    async with running_worker(tmp_path) as worker, aiohttp.ClientSession(worker.url) as http:
        await other_tenant(worker.app[DATABASE])
        await worker.app[OWN_DOOR].own(RoomId(HERE))

        async def read(caller: Caller) -> str:
            brought = await proof(worker, caller, "organiser", "watch", HERE)
            headers = {"Cookie": f"expo_login={brought.cookie}; expo_lang=vi", "Accept": "text/html"}
            async with http.get("/status", headers=headers) as answer:
                assert answer.status == 200
                return html.unescape(await answer.text())

        own = await read("allowed")
        assert f'href="/run/{HERE}"' in own
        assert "Mọi thứ hoạt động tốt." in own
        assert "Tiến trình máy chủ 1" in own
        assert "0/250 người xem" in own
        assert f'href="/run/{HERE}"' not in await read("other tenant")
