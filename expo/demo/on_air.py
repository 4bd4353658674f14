"""Proof that a showcase is on air: join like any viewer and wait for a key frame and for sound."""

from __future__ import annotations

import asyncio

import aiohttp

from expo.errors import Unavailable
from expo.media.codecs import h264_starts_key_frame
from expo.media.peer import Peer, PeerFailed
from expo.media.peer_http import joined_peer
from expo.media.peer_streams import Incoming
from expo.media.rtp import RtpPacket

ON_AIR_S = 60.0
"""Slides and speech are made first, on a machine that may be building pages in its other core."""
_LOOK_S = 20.0
"""A viewer who came before the publisher gets the picture when it begins; one whose server restarted does not."""
_PAUSE_S = 0.3


async def wait_until_on_air(whep_url: str, token: str | None) -> None:
    """Return when picture and sound flow. Raises Unavailable("demo.not_on_air") with the last reason."""
    reason = "nothing was sent"
    try:
        async with asyncio.timeout(ON_AIR_S), aiohttp.ClientSession() as http:
            while True:
                try:
                    if await _look(http, whep_url, token):
                        return
                except PeerFailed as error:
                    reason = str(error)
                await asyncio.sleep(_PAUSE_S)
    except TimeoutError:
        raise Unavailable("demo.not_on_air", f"{whep_url} shows nothing: {reason}") from None


async def _look(http: aiohttp.ClientSession, whep_url: str, token: str | None) -> bool:
    """Watch for a few seconds; whether both a key frame and sound came."""
    seen = asyncio.Event()
    heard = asyncio.Event()

    def take(incoming: Incoming, packet: RtpPacket) -> None:
        if incoming.kind == "audio":
            heard.set()
        elif h264_starts_key_frame(packet.payload):
            seen.set()

    peer = Peer.viewer()
    peer.on_packet = take
    async with joined_peer(http, whep_url, peer, token):
        try:
            async with asyncio.timeout(_LOOK_S):
                await seen.wait()
                await heard.wait()
        except TimeoutError:
            return False
    return True
