"""The synthetic exhibitor, a process of its own (`python -m expo.demo.synthetic`): encodes live, publishes by WHIP.

Its orders come as JSON in the environment variable ORDERS, not in the arguments, which every user of the machine could
read. SIGTERM ends it with a DELETE; while the server is away it keeps trying.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from http import HTTPStatus

import aiohttp
import msgspec

from expo.demo.orders import ORDERS, Orders
from expo.demo.programme import EncodedFrame, Programme
from expo.demo.script import Script
from expo.kit.logging import configure, get_logger
from expo.media.aiortc_seam import Certificate
from expo.media.codecs import packetize_h264
from expo.media.peer import Peer, PeerFailed, PeerOptions
from expo.media.peer_http import Refused, keep_joined

OPTIONS = PeerOptions(consent_interval_s=0.5, consent_timeout_s=2.5)
"""A worker that was killed is missed within 2.5 s; RFC 7675's 30 s would leave the stage dark for as long."""

log = get_logger(__name__)


class Exhibitor:
    """One programme and whatever connection it has at the moment."""

    def __init__(self, script: Script, *, av_check: bool) -> None:
        self._peer: Peer | None = None
        self._programme = Programme(script, self._send, av_check=av_check)
        self._certificate = Certificate.generate()
        self._told = ""

    async def present(self, whip_url: str, whip_token: str) -> None:
        """Publish until cancelled."""
        self._programme.start()
        try:
            await self._programme.begun()  # a stage that is on air without a picture would look broken
            async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
                group.create_task(self._programme.ended(), name="synthetic.programme")
                group.create_task(
                    keep_joined(http, whip_url, whip_token, self._new_peer, self._use, self._failed),
                    name="synthetic.connection",
                )
        finally:
            await self._programme.close()

    def _new_peer(self) -> Peer:
        peer = Peer.publisher(self._certificate, OPTIONS)
        peer.on_key_frame_request = self._programme.request_key_frame
        return peer

    async def _use(self, peer: Peer) -> None:
        log.info("synthetic exhibitor is on air")
        self._told = ""
        self._peer = peer
        self._programme.request_key_frame()
        try:
            await peer.closed.wait()
        finally:
            self._peer = None
            log.info("synthetic exhibitor is off air", reason=peer.reason or "stopping")

    def _send(self, frame: EncodedFrame) -> None:
        peer = self._peer
        if peer is None:
            return
        if frame.kind == "video":
            peer.send_frame("video", packetize_h264(frame.payload), frame.at_us)
        else:
            peer.send_frame("audio", [frame.payload], frame.at_us, frame.level_dbov)

    def _failed(self, error: PeerFailed) -> None:
        if str(error) != self._told:  # once for each reason, not at every try
            self._told = str(error)
            log.warning("synthetic exhibitor cannot publish", error=str(error))
        if isinstance(error, Refused) and error.status == HTTPStatus.UNAUTHORIZED:
            raise error  # our token's time is over; whoever started us has a new one


async def _run(orders: Orders) -> int:
    presenting = asyncio.create_task(
        Exhibitor(orders.script, av_check=orders.av_check).present(orders.whip_url, orders.whip_token),
        name="synthetic.present",
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, presenting.cancel)
    code = 0
    try:
        await presenting
    except* asyncio.CancelledError:
        pass
    except* Refused:
        code = 1  # said already
    return code


def main() -> int:
    """Entry point of the process; 1 when its token was refused."""
    orders = msgspec.json.decode(os.environ.pop(ORDERS), type=Orders)
    configure(orders.log_format, worker="synthetic")
    return asyncio.run(_run(orders))


if __name__ == "__main__":
    sys.exit(main())
