"""A plan that is saved, taken back and deleted on one worker while its room is open on another."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
from socketio.exceptions import ConnectionError as Refused

from expo.cluster import keys
from expo.cluster.redis import Call, Script, Valkey
from expo.ids import RoomId
from expo.ops import rooms
from expo.settings import Settings
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


async def test_a_waiting_room_closes_with_its_announcement_and_goes_with_its_draft(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, AsyncExitStack() as opened:
        organiser, guest = await house.cookies("organiser"), await house.guest("Lan")
        connector = aiohttp.UnixConnector(path=str(house.sockets[1]))
        headers = {**cookie_header(organiser), "Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
        http = await opened.enter_async_context(
            aiohttp.ClientSession("http://worker", connector=connector, headers=headers)
        )

        async def press(path: str, **fields: str) -> str:
            async with http.post(path, data=fields, allow_redirects=False) as answer:
                assert answer.status == 303, await answer.text()
                return answer.headers["Location"]

        made = RoomId((await press("/make", delegation="bac-giang")).rpartition("/")[2])
        desk = await opened.enter_async_context(opened_page(house.sockets[0], made, cookies=organiser))
        assert (await desk.command("open_waiting_room"))["shared"] is True
        far = await opened.enter_async_context(opened_page(house.sockets[1], made, cookies=organiser))
        async with asyncio.timeout(20):
            while (await (await http.get(f"/api/showcases/{made}/plan")).json())["state"] != "scheduled":
                continue  # until the room's facts are written
        buyer = await opened.enter_async_context(opened_page(house.sockets[1], made, cookies=guest))

        await press(f"/make/{made}", do="withdraw")
        for page in (desk, far, buyer):
            await page.event("waiting_room_closed")
        assert (await desk.command("go_live"))["error"]["code"] == "rooms.draft"
        with pytest.raises(Refused) as refused:
            await opened.enter_async_context(opened_page(house.sockets[0], made, cookies=guest))
        assert "rooms.draft" in str(refused.value)

        await press(f"/make/{made}", do="delete")
        for page in (desk, far, buyer):
            await page.until(lambda page=page: page.goodbyes)
            assert page.goodbyes[0]["code"] == "showcase.not_found"
        settings = Settings.from_env({"EXPO_DATA_DIR": str(house.server.data_dir)})
        assert made not in [view.room for view in await rooms.every(settings)]
        valkey = Valkey(settings.effective_redis_url)
        found = [part for part in ("lease", "log", "snapshot", "cursors") if await kept(valkey, made, part)]
        await valkey.close()
        assert found == []


async def kept(valkey: Valkey, room: RoomId, part: str) -> bool:
    """Whether Valkey holds this part of a room."""
    return bool(await valkey.call(Call(Script("return redis.call('EXISTS', KEYS[1])"), [keys.room(room, part)])))
