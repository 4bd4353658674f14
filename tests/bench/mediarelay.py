"""aiortc's MediaRelay as the server to compare with: a child process that decodes once and encodes for every viewer."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator

import aiohttp
from aiohttp import web
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaRelay

from expo.media.aiortc_seam import Certificate
from expo.media.peer import Peer
from tests.bench.place import SERVER_CORE, pinned

PORT = 18089
_START_S = 30.0
_STOP_S = 10.0


class Relay:
    """A running relay, as `fanout` uses it."""

    def __init__(self, pid: int, http: aiohttp.ClientSession) -> None:
        self.pids = [pid]
        self._http = http

    async def publish(self, peer: Peer) -> None:
        await peer.connect(await self._answer("publish", peer))

    async def watch(self, peer: Peer) -> str:
        return await self._answer("watch", peer)

    async def _answer(self, path: str, peer: Peer) -> str:
        async with self._http.post(f"http://127.0.0.1:{PORT}/{path}", data=peer.offer) as answer:
            answer.raise_for_status()
            return await answer.text()


@contextlib.asynccontextmanager
async def relay_server(_certificate: Certificate) -> AsyncGenerator[Relay]:
    """The relay on the servers' core."""
    with pinned(SERVER_CORE):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.bench.mediarelay", stdout=asyncio.subprocess.PIPE
        )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_START_S):
            await process.stdout.readline()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as http:
            yield Relay(process.pid, http)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(_STOP_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def main() -> None:
    """The child: what the examples of aiortc do."""
    relay = MediaRelay()
    tracks: list[MediaStreamTrack] = []
    connections: set[RTCPeerConnection] = set()

    async def answer(connection: RTCPeerConnection, offer: RTCSessionDescription) -> web.Response:
        await connection.setRemoteDescription(offer)
        for transceiver in connection.getTransceivers():
            track = next((track for track in tracks if track.kind == transceiver.kind), None)
            if track is not None and transceiver.receiver.track not in tracks:
                connection.addTrack(relay.subscribe(track))
        await connection.setLocalDescription(await connection.createAnswer())
        return web.Response(text=connection.localDescription.sdp)

    def connect() -> RTCPeerConnection:
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connections.add(connection)
        return connection

    async def publish(request: web.Request) -> web.Response:
        connection = connect()
        connection.on("track", tracks.append)
        return await answer(connection, RTCSessionDescription(await request.text(), "offer"))

    async def watch(request: web.Request) -> web.Response:
        return await answer(connect(), RTCSessionDescription(await request.text(), "offer"))

    app = web.Application()
    app.add_routes([web.post("/publish", publish), web.post("/watch", watch)])
    web.run_app(app, host="127.0.0.1", port=PORT)


if __name__ == "__main__":
    main()
