"""A plan that is saved on one worker while its waiting room is open on another."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest

from tests.support.house import open_house
from tests.support.live import cookie_header, opened_page

pytestmark = [pytest.mark.cluster]
ROOM = "daegu"


async def test_a_plan_saved_on_another_worker_reaches_the_open_room_and_a_new_order_there_is_a_new_version(
    tmp_path: Path,
) -> None:
    async with open_house(tmp_path) as house:
        organiser = await house.cookies("organiser")
        connector = aiohttp.UnixConnector(path=str(house.sockets[1]))
        async with (
            opened_page(house.sockets[0], ROOM, cookies=organiser) as desk,
            aiohttp.ClientSession("http://worker", connector=connector, headers=cookie_header(organiser)) as http,
        ):
            path = f"/api/showcases/{ROOM}/plan"
            plan = await (await http.get(path)).json()
            told = {key: plan[key] for key in ("version", "delegation", "titles", "starts", "minutes", "openToAll")}
            wanted = {**told, "autoLive": plan["autoLive"], "parts": plan["parts"][::-1]}
            answer = await http.post(path, json=wanted)
            assert (answer.status, (await answer.json())["shared"]) == (200, True)
            programme = (await desk.event("programme_set"))["event"]["segments"]
            assert [segment["exhibitor"] for segment in programme] == [part["company"] for part in wanted["parts"]]

            kept = (await answer.json())["version"]
            moved = await desk.command("reorder", segments=[segment["id"] for segment in programme[::-1]])
            assert moved["shared"] is True
            async with asyncio.timeout(20):
                while (await (await http.get(path)).json())["version"] == kept:
                    continue  # until the room's facts are written
            refused = await http.post(path, json={**wanted, "version": kept})
            assert (refused.status, (await refused.json())["code"]) == (409, "showcase.plan_changed")
