"""Bad requests get a clear error, and a viewer who watches meanwhile misses nothing."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest

from expo.accounts.tokens import Tokens
from tests.support.offers import H264, OPUS, VP8, minimal_offer, offer
from tests.support.room import missing_nothing
from tests.support.stage import OTHER_ROOM, ROOM, Answered, Stage, open_stage

pytestmark = pytest.mark.media

WHIP, WHEP = f"/whip/{OTHER_ROOM}", f"/whep/{OTHER_ROOM}"
TIMES = 20
"""Each bad request is sent so often, several at a time."""


@dataclass
class Canary:
    """A room on the air with a viewer in it, on the server that gets the bad input."""

    stage: Stage

    def token(self) -> str:
        return self.stage.token(room=OTHER_ROOM)

    async def refused(
        self, path: str, body: str, token: str | None = None, content_type: str = "application/sdp"
    ) -> str:
        """Status and code with which every one of many such requests is refused."""
        answers = await asyncio.gather(
            *(self.stage.ask("POST", path, body, token=token, content_type=content_type) for _ in range(TIMES))
        )
        (found,) = {_status_and_code(answer) for answer in answers}
        return found


def _status_and_code(answer: Answered) -> str:
    assert answer.headers["Content-Type"].startswith("application/problem+json"), answer.text
    return f"{answer.status} {json.loads(answer.body)['code']}"


@pytest.fixture
async def canary(tmp_path: Path) -> AsyncGenerator[Canary]:
    """Every frame sent before, during and after the test must reach the viewer, byte for byte."""
    async with open_stage(tmp_path) as stage:
        source, _ = await stage.publish()
        viewer, _ = await stage.watch()
        async with missing_nothing(source, viewer):
            yield Canary(stage)
        assert stage.engine.stats.publishers_current == 1
        assert stage.engine.viewers == 1


async def test_an_offer_of_64_kib_is_refused(canary: Canary) -> None:
    base = minimal_offer(OPUS, H264)
    padded = base + "a=x-pad:" + "x" * (65536 - len(base) - 10) + "\r\n"
    assert len(padded) == 65536
    assert await canary.refused(WHIP, padded, canary.token()) == "413 sdp.too_large"
    assert await canary.refused(WHEP, padded + "x") == "413 request.too_large"


async def test_an_offer_of_1000_lines_is_refused(canary: Canary) -> None:
    base = minimal_offer(OPUS, H264)
    long = base + "a=x\r\n" * (1000 - base.count("\n"))
    assert await canary.refused(WHIP, long, canary.token()) == "400 sdp.too_many_lines"
    assert await canary.refused(WHEP, long) == "400 sdp.too_many_lines"


async def test_an_offer_of_100_m_lines_is_refused(canary: Canary) -> None:
    crowded = "v=0\r\n" + "m=video 9 UDP/TLS/RTP/SAVPF 102\r\na=rtpmap:102 H264/90000\r\n" * 100
    assert await canary.refused(WHIP, crowded, canary.token()) == "400 sdp.too_many_media"
    assert await canary.refused(WHEP, crowded) == "400 sdp.too_many_media"


async def test_an_offer_without_a_usable_codec_is_refused(canary: Canary) -> None:
    vp9 = ("video 9 UDP/TLS/RTP/SAVPF 98", "a=rtpmap:98 VP9/90000")
    assert await canary.refused(WHIP, minimal_offer(OPUS, vp9), canary.token()) == "422 sdp.no_usable_codec"
    assert await canary.refused(WHIP, minimal_offer(OPUS, VP8), canary.token()) == "422 sdp.vp8_only"
    watching = minimal_offer(OPUS, VP8, direction="recvonly")
    assert await canary.refused(WHEP, watching) == "422 sdp.viewer_needs_h264"


async def test_a_data_channel_is_refused(canary: Canary) -> None:
    assert await canary.refused(WHEP, offer("chromium-datachannel")) == "400 sdp.data_channel"
    added = ("application 9 UDP/DTLS/SCTP webrtc-datachannel", "a=sctp-port:5000")
    assert await canary.refused(WHIP, minimal_offer(OPUS, H264, added), canary.token()) == "400 sdp.data_channel"


async def test_host_names_in_candidates_are_never_looked_up(canary: Canary, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    name = "4e6a7ad0-1f3b-4e3c.local"

    def spy(host: object, *rest: object, **options: object) -> list[object]:
        asked.append(str(host))
        raise socket.gaierror(socket.EAI_NONAME, "no names in this test")

    for function in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
        monkeypatch.setattr(socket, function, spy)
    candidates = (
        f"a=candidate:1 1 udp 2113937151 {name} 54321 typ host\r\na=candidate:2 1 tcp 1 canary.example 9 typ host"
    )
    watching = minimal_offer(OPUS, (H264[0], f"{H264[1]}\n{candidates}"), direction="recvonly")
    created = await canary.stage.offer(WHEP, watching)
    assert created.status == 201
    patched = await canary.stage.ask(
        "PATCH",
        created.headers["Location"],
        f"a=ice-ufrag:abcd\r\na=ice-pwd:{'p' * 22}\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n{candidates}\r\n",
        content_type="application/trickle-ice-sdpfrag",
        headers={"If-Match": created.headers["ETag"]},
    )
    assert patched.status == 204
    assert (await canary.stage.ask("DELETE", created.headers["Location"])).status == 200
    assert [host for host in asked if host != "127.0.0.1"] == []


async def test_another_content_type_is_refused(canary: Canary) -> None:
    for content_type in ("application/json", "text/plain", "multipart/form-data; boundary=x", ""):
        code = await canary.refused(WHIP, offer("chromium-publish"), canary.token(), content_type)
        assert code == "415 request.content_type"


async def test_an_expired_token_is_refused(canary: Canary) -> None:
    expired = canary.stage.token(room=OTHER_ROOM, life_s=-1)
    assert await canary.refused(WHIP, offer("chromium-publish"), expired) == "401 token.expired"
    assert await canary.refused(WHEP, offer("chromium-watch"), expired) == "401 token.expired"


async def test_a_token_of_another_server_is_refused(canary: Canary) -> None:
    foreign = canary.stage.token(room=OTHER_ROOM, tokens=Tokens("a stranger's secret, just as long"))
    assert await canary.refused(WHIP, offer("chromium-publish"), foreign) == "401 token.foreign"


async def test_a_tampered_token_is_refused(canary: Canary) -> None:
    key, payload, signature = canary.stage.token(["watch"], room=OTHER_ROOM).split(".")
    _, wider, _ = canary.stage.token(["publish"], room=OTHER_ROOM).split(".")
    tampered = f"{key}.{wider}.{signature}"
    assert payload != wider
    assert await canary.refused(WHIP, offer("chromium-publish"), tampered) == "401 token.forged"


async def test_a_token_of_another_room_is_refused(canary: Canary) -> None:
    other = canary.stage.token(room=ROOM)
    assert await canary.refused(WHIP, offer("chromium-publish"), other) == "403 token.wrong_room"


async def test_what_is_not_sdp_at_all_is_refused(canary: Canary) -> None:
    for body in ("", "hello", "{}", "\x00" * 1000, "v=0\r\n" * 500):
        code = await canary.refused(WHIP, body, canary.token())
        assert code in {"400 sdp.malformed", "400 sdp.no_media"}
    answer = await canary.stage.ask(
        "POST", WHIP, b"v=0\r\n\xff\xfe", token=canary.token(), content_type="application/sdp"
    )
    assert _status_and_code(answer) == "400 sdp.malformed"
