"""From an encoder nobody here wrote to a player nobody here wrote: FFmpeg 8 by WHIP, aiortc by WHEP."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from expo.ids import ParticipantId
from expo.rooms import commands as do
from tests.support.aiortc_viewer import decoding_viewer
from tests.support.ffmpeg import TONE_HZ, publishing
from tests.support.shows import MAI
from tests.support.stage import ROOM, Directed, Stage, eventually, open_stage

pytestmark = pytest.mark.media
GREEN, BLUE = (0x20, 0xA0, 0x40), (0x30, 0x40, 0xD0)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with open_stage(tmp_path) as opened:
        yield opened


async def test_ffmpegs_picture_and_tone_are_decoded_by_aiortc(stage: Stage) -> None:
    stage.rows.add(ROOM, "scheduled", auto_live=True)
    whip, whep = f"{stage.served.url}/whip/{ROOM}", f"{stage.served.url}/whep/{ROOM}"
    async with decoding_viewer(stage.http, whep) as viewer, publishing(whip, stage.token(["publish"])) as encoder:
        await viewer.until(lambda seen: seen.looks_like(0x20, 0xA0, 0x40) and seen.frames > 15)
        assert (viewer.width, viewer.height) == (320, 180)
        await viewer.until(lambda seen: abs(seen.pitch_hz() - TONE_HZ) < 3)
        await stage.rows.until("published")
        assert stage.host.live_state(ROOM).on_air
        # The first ones come in a burst: FFmpeg encoded them while it was connecting.
        await eventually(lambda: 900 < (stage.host.live_state(ROOM).key_frame_interval_ms or 0) < 1100)
        encoder.interrupt()
        assert await encoder.until_ended() == (255, [])  # 255: interrupted
        await stage.rows.until("unpublished")
    await eventually(lambda: stage.host.rooms == 0)


async def test_an_encoder_that_was_killed_may_publish_again(stage: Stage) -> None:
    token = stage.token(["publish"])
    whip, whep = f"{stage.served.url}/whip/{ROOM}", f"{stage.served.url}/whep/{ROOM}"
    async with decoding_viewer(stage.http, whep) as viewer:
        async with publishing(whip, token) as encoder:
            await viewer.until(lambda seen: seen.looks_like(0x20, 0xA0, 0x40))
            encoder.kill()
            await encoder.until_ended()
        await eventually(lambda: not stage.host.live_state(ROOM).on_air)
        async with publishing(whip, token, colour="0xC02030"):
            await viewer.until(lambda seen: seen.looks_like(0xC0, 0x20, 0x30))


async def test_the_organiser_changes_picture_and_sound_for_a_viewer_that_stays(stage: Stage) -> None:
    whip, whep = f"{stage.served.url}/whip/{ROOM}", f"{stage.served.url}/whep/{ROOM}"
    directed = Directed(stage.host)
    directed.next(1)
    kim, park = (stage.token(["publish"], participant=f"{name}-encoder") for name in ("kim", "park"))
    async with (
        decoding_viewer(stage.http, whep) as viewer,
        publishing(whip, kim),
        publishing(whip, park, colour="0x3040D0", tone_hz=400),
    ):
        await eventually(lambda: len(stage.host.published(ROOM)) == 2, 20)
        for seat, colour, tone_hz in (("kim", GREEN, TONE_HZ), ("park", BLUE, 400), ("kim", GREEN, TONE_HZ)):
            directed.do(MAI, do.PointPicture(seat=ParticipantId(seat)))
            await viewer.until(lambda seen, colour=colour: seen.looks_like(*colour))
            await viewer.until(lambda seen, tone_hz=tone_hz: abs(seen.pitch_hz() - tone_hz) < 3)


async def test_ffmpeg_is_told_when_its_codec_is_not_ours(stage: Stage) -> None:
    whip = f"{stage.served.url}/whip/{ROOM}"
    async with publishing(whip, stage.token(["publish"]), profile="high") as encoder:
        status, complaints = await encoder.until_ended()
    assert status != 0
    assert any("4XX" in line for line in complaints), complaints
