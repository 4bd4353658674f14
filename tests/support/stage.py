"""Rooms behind real HTTP: an engine on loopback, the frame of `expo.edge`, rows in a dict, tokens as we sign them."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urljoin

import aiohttp

from expo.accounts.rules import CANS, Can, RoomGrant
from expo.accounts.tokens import Tokens
from expo.clock import utc_now
from expo.errors import ExpoError, NotFound, Unauthenticated
from expo.ids import ParticipantId, ResourceId, RoomId
from expo.media.aiortc_seam import Certificate
from expo.media.engine import EngineConfig, MediaEngine
from expo.media.peer import Peer, PeerOptions
from expo.media.peer_http import Joined, join
from expo.rooms.commands import Actor, Command
from expo.rooms.director import Undirected
from expo.rooms.door import proof_of
from expo.rooms.host import RoomHost
from expo.rooms.media import routes
from expo.rooms.model import State
from expo.rooms.policy import Opening, RoomState
from tests.support.room import LOOPBACK, OPTIONS, Source, Viewer
from tests.support.shows import Show
from tests.support.site import Served, site

SECRET = "the cluster's secret, for tests only"
ROOM = RoomId("room-live")
OTHER_ROOM = RoomId("room-other")


@dataclass
class Rows:
    """The feature's side of the rooms; `trouble` is raised instead of an answer."""

    openings: dict[RoomId, Opening] = field(default_factory=dict[RoomId, Opening])
    facts: list[tuple[str, RoomId]] = field(default_factory=list[tuple[str, RoomId]])
    trouble: ExpoError | None = None
    _told: asyncio.Event = field(default_factory=asyncio.Event)

    def add(
        self, room: RoomId, state: RoomState = "live", *, open_to_all: bool = True, auto_live: bool = False
    ) -> None:
        self.openings[room] = Opening(room, state, open_to_all, auto_live)

    def change(self, room: RoomId, state: RoomState) -> None:
        self.openings[room] = replace(self.openings[room], state=state)

    async def opening(self, room: RoomId) -> Opening:
        if self.trouble is not None:
            raise self.trouble
        try:
            return self.openings[room]
        except KeyError:
            raise NotFound("rooms.absent", "there is no such room") from None

    async def published(self, room: RoomId) -> None:
        self._tell("published", room)

    async def unpublished(self, room: RoomId) -> None:
        self._tell("unpublished", room)

    async def until(self, fact: str, room: RoomId = ROOM) -> None:
        """Wait until the fact has been told."""
        async with asyncio.timeout(10):
            while (fact, room) not in self.facts:
                self._told.clear()
                await self._told.wait()

    def _tell(self, fact: str, room: RoomId) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.facts.append((fact, room))
        self._told.set()


class Directed(Undirected):
    """A room's live state for `RoomHost.director`, without a task or a store; `-encoder` sits on its person's seat."""

    def __init__(self, host: RoomHost) -> None:
        self.show = Show().live()
        self._host = host
        host.director = self

    def seat_of(self, participant: ParticipantId) -> ParticipantId:
        return ParticipantId(participant.removesuffix("-encoder"))

    def state(self, room: RoomId) -> State | None:
        return self.show.state

    def do(self, actor: Actor, command: Command) -> None:
        """Something happens in the room, and the stage follows."""
        self.show.do(actor, command)
        self._host.direct(ROOM)

    def next(self, number: int) -> None:
        """Company `number` is on."""
        self.show.next(number)
        self._host.direct(ROOM)


@dataclass(frozen=True, slots=True)
class Answered:
    """One HTTP answer, read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Stage:
    """The open server and a client for it. Peers it made are closed at the end."""

    served: Served
    engine: MediaEngine
    host: RoomHost
    rows: Rows
    tokens: Tokens
    http: aiohttp.ClientSession
    certificate: Certificate
    peers: list[Peer] = field(default_factory=list[Peer])

    def token(
        self,
        can: Iterable[Can] = CANS,
        *,
        participant: str = "exhibitor-1",
        room: RoomId = ROOM,
        life_s: float = 600,
        tokens: Tokens | None = None,
    ) -> str:
        expires_at = utc_now() + timedelta(seconds=life_s)
        grant = RoomGrant(room, ParticipantId(participant), "Somebody", frozenset(can), expires_at)
        return (tokens or self.tokens).sign(grant)

    async def ask(
        self,
        method: str,
        path: str,
        body: str | bytes | None = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        content_type: str | None = None,
    ) -> Answered:
        """One request; `path` may be a Location."""
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        if content_type is not None:
            sent["Content-Type"] = content_type
        data = body.encode() if isinstance(body, str) else body
        async with self.http.request(method, urljoin(self.served.url, path), data=data, headers=sent) as answer:
            return Answered(answer.status, answer.headers.copy(), await answer.read())

    async def offer(self, path: str, offer: str, token: str | None = None) -> Answered:
        """POST an SDP offer."""
        return await self.ask("POST", path, offer, token=token, content_type="application/sdp")

    async def publish(
        self, token: str | None = None, *, room: RoomId = ROOM, options: PeerOptions = OPTIONS, source: str = ""
    ) -> tuple[Source, Joined]:
        """A connected publisher, by WHIP; `source` is the query's, if any."""
        peer = Peer.publisher(self.certificate, options)
        self.peers.append(peer)
        url = f"{self.served.url}/whip/{room}" + (f"?source={source}" if source else "")
        joined = await join(self.http, url, peer.offer, token or self.token())
        await peer.connect(joined.answer)
        return Source(peer), joined

    async def watch(self, token: str | None = None, *, room: RoomId = ROOM, of: str = "") -> tuple[Viewer, Joined]:
        """A connected viewer, by WHEP; `of` is the query's, if any."""
        peer = Peer.viewer(self.certificate, OPTIONS)
        self.peers.append(peer)
        url = f"{self.served.url}/whep/{room}" + (f"?of={of}" if of else "")
        joined = await join(self.http, url, peer.offer, token)
        downlink = self.host.viewer(room, ResourceId(joined.resource_url.rsplit("/", 1)[1])).media
        viewer = Viewer(peer, downlink)
        await peer.connect(joined.answer)
        return viewer, joined


@contextlib.asynccontextmanager
async def open_stage(folder: Path, *, budget: int = 250, revoke_after: int | None = None) -> AsyncGenerator[Stage]:
    """A server with the room ROOM, live and open to all; after `revoke_after` looks at tokens all count as revoked."""
    rows, tokens = Rows(), Tokens(SECRET)
    looks = itertools.count(1)

    def verify(token: str | None, now: datetime, *, room: RoomId | None = None) -> RoomGrant:
        if revoke_after is not None and next(looks) > revoke_after:
            raise Unauthenticated("token.revoked", "revoked meanwhile")
        return tokens.verify(token, now, room=room)

    rows.add(ROOM)
    rows.add(OTHER_ROOM)
    engine = await MediaEngine.open(EngineConfig(LOOPBACK, 0, (LOOPBACK,), budget))
    host = RoomHost(engine, rows)
    host.open()
    handlers = routes(host, verify, proof_of(SECRET))
    try:
        async with (
            site(folder, handlers) as served,
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
        ):
            stage = Stage(served, engine, host, rows, tokens, http, Certificate.generate())
            try:
                yield stage
            finally:
                for peer in stage.peers:
                    await peer.close()
    finally:
        await host.close()
        await engine.close()


async def eventually(condition: Callable[[], bool], timeout_s: float = 10) -> None:
    """Wait for something that nothing announces: the other side of a network."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - polled, because no event of ours exists for it
            await asyncio.sleep(0.01)
