"""A link that is cut and comes back: the picture is there again within 3 s, and nobody had to do anything."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Browser

from tests.support.namespaces import NEAR_IP, Cable, cable
from tests.support.presenter import (
    CHROMIUM,
    EXHIBITOR,
    FAKE_DEVICES,
    Expo,
    chromium,
    go_on_air,
    mode,
    moves,
    next_frame,
    on_air,
    open_stage,
    picture,
    serving_expo,
    visit,
)

pytestmark = [pytest.mark.browser, pytest.mark.media]
HTTP_PORT = 18080  # a namespace of its own: every port is free
CUT_S = 5.0
BACK_S = 3.0
FLAGS = (*FAKE_DEVICES, f"--unsafely-treat-insecure-origin-as-secure=http://{NEAR_IP}:{HTTP_PORT}")


@contextlib.asynccontextmanager
async def far_side(folder: Path) -> AsyncGenerator[tuple[Expo, Cable, Browser, Browser]]:
    """A server, a browser beside it, and one at the other end of a cable."""
    with cable() as link:
        env = {"EXPO_HTTP_BIND": f"{NEAR_IP}:{HTTP_PORT}", "EXPO_ANNOUNCE": NEAR_IP}
        async with (
            serving_expo(folder, env) as expo,
            chromium(FLAGS) as near,
            chromium(FLAGS, link.program(CHROMIUM, folder)) as far,
        ):
            yield expo, link, near, far


@pytest.mark.parametrize("who", ["presenter", "buyer"])
async def test_five_seconds_without_a_link_heal_by_themselves(
    tmp_path: Path, who: Literal["presenter", "buyer"]
) -> None:
    async with (
        far_side(tmp_path) as (expo, link, near, far),
        visit(far if who == "presenter" else near, expo, person=EXHIBITOR) as studio,
        visit(far if who == "buyer" else near, expo) as buyer,
    ):
        await go_on_air(studio)
        await open_stage(buyer, expo)
        assert await moves(buyer)
        link.cut()
        five_seconds = asyncio.create_task(asyncio.sleep(CUT_S), name="cut")
        await picture(buyer, "frozen")
        if who == "presenter":
            await mode(studio, "healing")
        await five_seconds
        link.mend()
        await next_frame(buyer, timeout_s=BACK_S)
        await picture(buyer, "moving")
        assert await moves(buyer)
        await on_air(studio)
