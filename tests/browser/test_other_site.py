"""A page of another site watches with a token: preflights and exposed headers as a real browser asks for them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser

from expo.accounts.rules import RoomGrant
from expo.clock import utc_now
from expo.ids import ParticipantId, RoomId
from tests.support.browser import Site, context, publish

pytestmark = [pytest.mark.browser, pytest.mark.media, pytest.mark.asyncio(loop_scope="session")]


@contextlib.asynccontextmanager
async def other_site() -> AsyncGenerator[str]:
    """The address of an empty page that is none of ours."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>Another site</title>", content_type="text/html")

    app = web.Application()
    app.add_routes([web.get("/", page)])
    async with TestServer(app) as server:
        yield str(server.make_url("/"))


async def test_another_sites_page_watches_trickles_and_leaves(browser: Browser, site: Site) -> None:
    publisher = await publish(browser, site)
    live = RoomId(site.seeded.live)
    grant = RoomGrant(live, ParticipantId("viewer"), "Viewer", frozenset({"watch"}), utc_now() + timedelta(hours=1))
    async with other_site() as elsewhere:
        readers = await context(browser)
        page = await readers.new_page()
        await page.goto(elsewhere)
        ways = {"url": f"{site.url}/whep/{live}", "token": site.tokens.sign(grant)}
        assert await page.evaluate(_WATCH, ways) == [201, 204, 200]
        await readers.close()
    await publisher.stop()


_WATCH = r"""async ({ url, token }) => {
  const connection = new RTCPeerConnection({ iceServers: [], bundlePolicy: "max-bundle" });
  const video = document.createElement("video");
  video.muted = true;
  connection.addTransceiver("video", { direction: "recvonly" });
  connection.ontrack = ({ track }) => {
    video.srcObject = new MediaStream([track]);
    void video.play();
  };
  await connection.setLocalDescription();
  const ask = (where, method, type, body, more = {}) =>
    fetch(where, { method, body, headers: { Authorization: `Bearer ${token}`, "Content-Type": type, ...more } });
  const answer = await ask(url, "POST", "application/sdp", connection.localDescription.sdp);
  await connection.setRemoteDescription({ type: "answer", sdp: await answer.text() });
  await new Promise((seen) => video.requestVideoFrameCallback(seen));
  const resource = new URL(answer.headers.get("Location"), answer.url);
  const tag = { "If-Match": answer.headers.get("ETag") };
  const fragment = "a=end-of-candidates\r\n";
  const trickled = await ask(resource, "PATCH", "application/trickle-ice-sdpfrag", fragment, tag);
  const left = await ask(resource, "DELETE", "text/plain", undefined);
  connection.close();
  return [answer.status, trickled.status, left.status];
}"""
