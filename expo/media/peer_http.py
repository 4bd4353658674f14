"""WHIP and WHEP from the client's side: POST an offer, use the answer, DELETE at the end, come back after a failure."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urljoin

import aiohttp

from expo.media.peer import Peer, PeerFailed

REQUEST_TIMEOUT_S = 10.0
FIRST_PAUSE_S, MOST_PAUSE_S = 0.25, 5.0
HEALTHY_S = 10.0  # a connection that held so long starts the pauses anew
_MAX_ANSWER_BYTES = 65_536


class Refused(PeerFailed):
    """The server answered the POST with an error; `problem` is the start of its body."""

    def __init__(self, status: int, problem: str, retry_after_s: float | None) -> None:
        super().__init__(f"{status} {problem[:300]}")
        self.status = status
        self.problem = problem
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Joined:
    """What a WHIP or WHEP server gave: the SDP answer, the resource's address and its entity tag."""

    answer: str
    resource_url: str
    etag: str | None


async def join(http: aiohttp.ClientSession, url: str, offer: str, token: str | None) -> Joined:
    """POST the offer. Raises Refused, and PeerFailed when the server cannot be reached."""
    try:
        async with (
            asyncio.timeout(REQUEST_TIMEOUT_S),
            http.post(url, data=offer.encode(), headers=_headers(token, "application/sdp")) as response,
        ):
            body = (await response.content.read(_MAX_ANSWER_BYTES)).decode("utf-8", "replace")
            if response.status != 201:
                raise Refused(response.status, body, _seconds(response.headers.get("Retry-After")))
            location = response.headers.get("Location")
            if location is None:
                raise PeerFailed("201 without Location")
            return Joined(body, urljoin(str(response.url), location), response.headers.get("ETag"))
    except (TimeoutError, aiohttp.ClientError) as error:
        raise PeerFailed(f"cannot reach the server: {error or 'timeout'}") from error


async def leave(http: aiohttp.ClientSession, joined: Joined, token: str | None) -> int | None:
    """DELETE the resource; its status, or None when the server cannot be reached. Never raises for either."""
    with contextlib.suppress(TimeoutError, aiohttp.ClientError):
        async with (
            asyncio.timeout(REQUEST_TIMEOUT_S),
            http.delete(joined.resource_url, headers=_headers(token)) as response,
        ):
            return response.status
    return None


@contextlib.asynccontextmanager
async def joined_peer(http: aiohttp.ClientSession, url: str, peer: Peer, token: str | None) -> AsyncGenerator[Joined]:
    """A connected peer for the length of the block; at its end DELETE and close. Raises PeerFailed."""
    try:
        joined = await join(http, url, peer.offer, token)
        try:
            await peer.connect(joined.answer)
            yield joined
        finally:
            if not peer.closed.is_set() or peer.reason == "failed":
                await leave(http, joined, token)
    finally:
        await peer.close()


async def keep_joined(
    http: aiohttp.ClientSession,
    url: str,
    token: str | None,
    new_peer: Callable[[], Peer],
    use: Callable[[Peer], Awaitable[object]],
    on_failure: Callable[[PeerFailed], None] = lambda _error: None,
) -> None:
    """Stay connected until cancelled: a new peer and a new POST whenever the connection ends or `use` returns.

    Pauses double from FIRST_PAUSE_S to MOST_PAUSE_S, with jitter; a Retry-After is obeyed. `use` is cancelled when the
    peer closes.
    """
    loop = asyncio.get_running_loop()
    pause_s = FIRST_PAUSE_S
    while True:
        began = loop.time()
        wait_s = pause_s
        try:
            peer = new_peer()
            async with joined_peer(http, url, peer, token):
                await _while_open(peer, use)
        except Refused as error:
            wait_s = max(pause_s, error.retry_after_s or 0.0)
            on_failure(error)
        except PeerFailed as error:
            on_failure(error)
        if loop.time() - began > HEALTHY_S:
            wait_s = pause_s = FIRST_PAUSE_S
        await asyncio.sleep(wait_s * (0.8 + secrets.randbelow(400) / 1000))
        pause_s = min(pause_s * 2, MOST_PAUSE_S)


async def _while_open(peer: Peer, use: Callable[[Peer], Awaitable[object]]) -> None:
    async with asyncio.TaskGroup() as group:

        async def work() -> None:
            await use(peer)

        using = group.create_task(work(), name="peer.use")
        closed = group.create_task(peer.closed.wait(), name="peer.closed")
        await asyncio.wait({using, closed}, return_when=asyncio.FIRST_COMPLETED)
        using.cancel()
        closed.cancel()


def _headers(token: str | None, content_type: str | None = None) -> dict[str, str]:
    headers = {"Content-Type": content_type} if content_type else {}
    return headers | ({"Authorization": f"Bearer {token}"} if token else {})


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After in seconds; its form as a date is not worth a clock comparison here."""
    return float(retry_after) if retry_after is not None and retry_after.isdigit() else None
