"""`back`: how long everybody is away when the worker that owns a live room is killed.

Three people with what our pages do when a line is lost, in the pages' own delays (`web/src/live/room.ts`,
`web/src/media/link.ts`): an organiser whose socket was with the worker that dies, an exhibitor, a viewer.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import timedelta
from functools import partial

import aiohttp
from socketio.exceptions import ConnectionError as Refused

from expo.accounts.rules import RoomGrant
from expo.accounts.tokens import Tokens
from expo.clock import utc_now
from expo.cluster.lease import owner_of
from expo.cluster.redis import Valkey
from expo.cluster.workers import index_of
from expo.ids import ParticipantId, RoomId
from expo.kit.tasks import Nursery
from expo.media.aiortc_seam import Certificate
from expo.media.peer import Peer, PeerFailed
from expo.media.peer_http import Joined, join, leave
from expo.settings import Settings
from tests.bench.calm import calmest
from tests.bench.cpu import Meter
from tests.bench.figures import Figure, Spread
from tests.bench.live import House, house
from tests.bench.place import processes_below, show
from tests.support.live import Page, Told, opened_page
from tests.support.room import OPTIONS, Source, Watching

KILLS = 5
"""In one try; the slowest counts."""
BACK_S = 30.0
"""Who is not back then stays away."""
FRAME_S = 0.033
REJOIN_S, REJOIN_JITTER_S = 1.0, 0.5
VIEWER_QUIET_S, PUBLISHER_QUIET_S = 1.0, 1.5
FIRST_SIGN_S, TRANSPORT_S, LOOK_S = 1.0, 4.0, 0.25


class Line:
    """One WHIP or WHEP connection that heals itself as `Link` does. `up` is called with every connected peer."""

    def __init__(self, url: str, token: str | None, quiet_s: float, peer: Callable[[], Peer]) -> None:
        self._url = url
        self._token = token
        self._quiet_s = quiet_s
        self._new_peer = peer
        self._heard_s = 0.0
        self.up: Callable[[Peer], None] = lambda _: None

    def heard(self, *_: object) -> None:
        """Something came from the server."""
        self._heard_s = time.monotonic()

    async def run(self) -> None:
        """Until cancelled."""
        failures, joined = 0, None
        async with aiohttp.ClientSession() as http:
            while True:
                if joined is not None:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(leave(http, joined, self._token), deadline_s(failures))
                peer = self._new_peer()
                try:
                    async with asyncio.timeout(8.0 if joined is None else deadline_s(failures)):
                        joined = await join(http, self._url, peer.offer, self._token)
                    await peer.connect(joined.answer, TRANSPORT_S)
                except (TimeoutError, PeerFailed):
                    await peer.close(bye=False)
                    failures += 1
                    await asyncio.sleep(delay_s(failures))
                    continue
                failures = 0
                self.heard()
                self.up(peer)
                try:
                    await self._watch(http, joined)
                finally:
                    await peer.close(bye=False)
                await asyncio.sleep(delay_s(0))

    async def _watch(self, http: aiohttp.ClientSession, joined: Joined) -> None:
        """Return when the connection has to be given up."""
        lost = 0
        while True:
            await asyncio.sleep(LOOK_S)
            if time.monotonic() - self._heard_s < self._quiet_s:
                continue
            try:
                async with asyncio.timeout(deadline_s(lost) if lost else FIRST_SIGN_S):
                    if not await self._is_known(http, joined):
                        return
            except (TimeoutError, aiohttp.ClientError):
                lost += 1
                await asyncio.sleep(delay_s(lost))
                continue
            if lost:
                return

    async def _is_known(self, http: aiohttp.ClientSession, joined: Joined) -> bool:
        headers = {"Content-Type": "application/trickle-ice-sdpfrag", "If-Match": joined.etag or "*"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        async with http.patch(joined.resource_url, data=b"a=end-of-candidates\r\n", headers=headers) as answer:
            return answer.status not in (404, 410, 412)


class Stage:
    """A live room with its three people."""

    def __init__(self, place: House, cookies: dict[str, str], valkey: Valkey, nursery: Nursery) -> None:
        self._place = place
        self._cookies = cookies
        self._valkey = valkey
        self._nursery = nursery
        self._room = RoomId(place.seeded.live)
        certificate, base = Certificate.generate(), place.server.base_url
        grant = RoomGrant(
            self._room, ParticipantId("bench"), "Bench", frozenset({"publish", "takeover"}),
            utc_now() + timedelta(hours=1),
        )  # fmt: skip
        token = Tokens(place.secret).sign(grant)
        self._sending = Line(
            f"{base}/whip/{self._room}", token, PUBLISHER_QUIET_S, lambda: Peer.publisher(certificate, OPTIONS)
        )
        self._watching = Line(
            f"{base}/whep/{self._room}", None, VIEWER_QUIET_S, lambda: Peer.viewer(certificate, OPTIONS)
        )
        self._sending.up = self._sends
        self._watching.up = self._watches
        self._source: Source | None = None
        self._viewer: Peer | None = None
        self._dead: Peer | None = None
        """The viewer's connection to a worker that was killed; what still lies in its socket does not count."""
        self._connected = asyncio.Event()
        self._seen = asyncio.Event()

    def begin(self) -> None:
        self._nursery.keep("sending", self._sending.run)
        self._nursery.keep("watching", self._watching.run)
        self._nursery.keep("frames", self._frames)

    async def flows(self) -> None:
        """Return once a frame that is sent from now on is seen."""
        self._seen.clear()
        async with asyncio.timeout(BACK_S):
            await self._seen.wait()

    async def kill(self) -> dict[str, float]:
        """Seconds from the kill of the owner's process until each is back."""
        owner = await owner_of(self._valkey, self._room)
        index = index_of(owner or "")
        if index is None:
            raise RuntimeError(f"nobody owns the room: {owner}")
        async with opened_page(self._place.sockets[index], self._room, cookies=self._cookies) as desk:
            product = random.choice(
                [one for each in desk.hello["snapshot"]["state"]["segments"] for one in each["products"]]
            )
            if (await desk.command("pin", product=product)).get("shared") is not True:
                raise RuntimeError("the pin was not shared")
            before = substance(await desk.ask("snapshot"))
            process = self._place.server.children()[f"worker-{index}"]
            self._connected.clear()
            os.kill(process, signal.SIGKILL)
            self._dead = self._viewer
            self._seen.clear()
            began_s = time.monotonic()
            async with asyncio.timeout(BACK_S), asyncio.TaskGroup() as group:
                back = {
                    "organiser": group.create_task(
                        since(began_s, partial(self._returns, desk, before)), name="organiser"
                    ),
                    "exhibitor": group.create_task(since(began_s, self._connected.wait), name="exhibitor"),
                    "viewer": group.create_task(since(began_s, self._seen.wait), name="viewer"),
                }
        await self._running(index, process)
        return {role: task.result() for role, task in back.items()}

    async def _returns(self, desk: Page, before: Told) -> None:
        """As `Room` does: connect again, and ask for something."""
        await desk.gone.wait()
        while True:
            await asyncio.sleep(REJOIN_S + random.random() * REJOIN_JITTER_S)
            async with aiohttp.ClientSession(cookies=self._cookies) as http:
                page = Page(http)
                try:
                    await page.connect(self._place.server.base_url, self._room)
                    if substance(page.hello["snapshot"]) != before:
                        raise RuntimeError(f"not the room as it was: {page.hello['snapshot']['state']}")
                    if (await page.command("unpin")).get("shared") is True:
                        return
                except (Refused, TimeoutError, ConnectionResetError):
                    continue
                finally:
                    await page.close()

    async def _running(self, index: int, before: int) -> None:
        """Return once the killed worker has a successor that answers."""
        async with asyncio.timeout(BACK_S):
            while self._place.server.children().get(f"worker-{index}") in (before, None):  # noqa: ASYNC110 - a file says it
                await asyncio.sleep(0.05)
            connector = aiohttp.UnixConnector(path=str(self._place.sockets[index]))
            async with aiohttp.ClientSession("http://worker", connector=connector) as http:
                while True:
                    with contextlib.suppress(aiohttp.ClientError, OSError):
                        async with http.get("/readyz") as answer:
                            if answer.status == 200:
                                return
                    await asyncio.sleep(0.05)

    def _sends(self, peer: Peer) -> None:
        source = Source(peer)
        source.frames = self._source.frames if self._source else 0
        peer.on_rtcp = self._sending.heard
        self._source = source
        self._connected.set()

    def _watches(self, peer: Peer) -> None:
        self._viewer, watching = peer, Watching(peer)
        take = peer.on_packet

        def hear(*packet: object) -> None:
            self._watching.heard()
            take(*packet)  # type: ignore[arg-type]
            if watching.video and peer is not self._dead:
                self._seen.set()
            watching.video.clear()

        peer.on_packet = hear

    async def _frames(self) -> None:
        while True:
            await asyncio.sleep(FRAME_S)
            if self._source is not None:
                self._source.send()
                self._source.sent.clear()


async def back(tries: int) -> Figure:
    """From SIGKILL until the organiser's command is acknowledged and shared, media is sent again, and seen again."""
    async with _opened() as stage:
        await stage.flows()

        async def once() -> tuple[Figure, float]:
            meter = Meter(partial(processes_below, os.getpid()), None)
            rounds: list[dict[str, float]] = []
            for _ in range(KILLS):
                rounds.append(await stage.kill())
                show(", ".join(f"{role} back in {after_s:.2f} s" for role, after_s in rounds[-1].items()))
                await stage.flows()
            foreign = meter.foreign_share(meter.stop().cpu_ns)
            spreads = {role: Spread.of([each[role] for each in rounds]) for role in rounds[0]}
            for role, spread in spreads.items():
                show(f"{role} back in {spread} s, slowest {spread.high:.2f} s")
            figure = Figure(
                name="back",
                what=f"everybody back after the room's worker is killed, the slowest of {KILLS}",
                value=round(max(spread.high for spread in spreads.values()), 2),
                unit="s",
                target=5,
                details={
                    f"{role}_s": [round(spread.middle, 2), round(spread.high, 2)] for role, spread in spreads.items()
                },
            )
            return figure, foreign

        return await calmest(once, tries)


@contextlib.asynccontextmanager
async def _opened() -> AsyncGenerator[Stage]:
    async with house(core=None) as place:
        settings = Settings.from_env({"EXPO_DATA_DIR": str(place.server.data_dir)})
        valkey, nursery = Valkey(settings.effective_redis_url), Nursery("back")
        try:
            stage = Stage(place, await place.organiser(), valkey, nursery)
            stage.begin()
            yield stage
        finally:
            await nursery.close()
            await valkey.close()


async def since(began_s: float, what: Callable[[], Awaitable[object]]) -> float:
    """When `what` is done."""
    await what()
    return time.monotonic() - began_s


def substance(snapshot: Told) -> Told:
    """What must be the same afterwards: the show, not who happens to be connected."""
    kept = ("phase", "segments", "current", "armed", "pin", "messages", "interest", "removed")
    return {member: snapshot["state"][member] for member in kept}


def delay_s(attempt: int) -> float:
    """`delayMs` of `web/src/media/backoff.ts`."""
    return min(800, 100 * 2 ** min(attempt, 8)) * (0.5 + random.random() / 2) / 1000


def deadline_s(attempt: int) -> float:
    """`deadlineMs` of `web/src/media/backoff.ts`."""
    if attempt < 4:
        return 1.5
    return 8.0 if attempt % 3 == 2 else 2.5
