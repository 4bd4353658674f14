"""Pages' end of the live socket: real Socket.IO clients of one worker, and what each of them was told."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any, cast

import aiohttp
import socketio
from socketio.exceptions import ConnectionError as Refused

Told = dict[str, Any]
"""A message as a page gets it."""


class Page:
    """One connected page. `view` is its latest snapshot's state; `events` what came behind it, in order."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self.hello: Told = {}
        self.snapshots: list[Told] = []
        self.events: list[Told] = []
        self.goodbyes: list[Told] = []
        self._changed = asyncio.Condition()
        self._number = 0
        self.told_ns = 0
        """When the last events came, by the monotonic clock."""
        self._prefix = secrets.token_hex(4)  # ids must not meet those of an earlier page of this person
        self._io = cast("Any", socketio.AsyncClient(http_session=http, reconnection=False))
        self._io.on("hello", self._hello)
        self._io.on("events", self._events)
        self._io.on("snapshot", self._snapshot)
        self._io.on("goodbye", self._goodbye)
        self._io.on("connect_error", self._refused)
        self._io.on("disconnect", self._disconnected)
        self.gone = asyncio.Event()
        self._refusal: object = None

    async def connect(self, url: str, room: str, token: str | None = None) -> None:
        """Raises `Refused`, whose last argument is what the server said."""
        auth = {"v": 1, "room": room} | ({"token": token} if token else {})
        try:
            await self._io.connect(url, auth=auth, transports=["websocket"], wait_timeout=20)
        except Refused as error:
            raise Refused(*error.args, self._refusal) from None
        await self.until(lambda: self.hello)

    async def close(self) -> None:
        await self._io.disconnect()

    async def command(self, kind: str, command_id: str | None = None, **members: object) -> Told:
        """The answer to a command."""
        self._number += 1
        body = {"v": 1, "id": command_id or f"{self._prefix}-{self._number}", "command": {"type": kind, **members}}
        return await self.ask("command", body)

    async def ask(self, name: str, body: object = None) -> Told:
        """The answer to a message. ConnectionResetError when the server hangs up first."""
        if self.gone.is_set():
            raise ConnectionResetError
        asking = asyncio.create_task(self._io.call(name, body, timeout=20), name=f"page.{name}")
        going = asyncio.create_task(self.gone.wait(), name="page.gone")
        try:
            await asyncio.wait({asking, going}, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                raise ConnectionResetError
            return cast("Told", asking.result())
        finally:
            asking.cancel()
            going.cancel()

    async def until(self, condition: Callable[[], object], seconds: float = 20.0) -> None:
        """Wait for something that a message brings about."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(condition)

    async def event(self, kind: str) -> Told:
        """The first event of this type, as soon as it is there."""
        await self.until(lambda: any(each["event"]["type"] == kind for each in self.events))
        return next(each for each in self.events if each["event"]["type"] == kind)

    async def next_event_ns(self, kind: str) -> int:
        """When the next event of this type comes, by the monotonic clock."""
        seen = len(self.events)
        await self.until(lambda: any(each["event"]["type"] == kind for each in self.events[seen:]))
        return self.told_ns

    async def _hello(self, told: Told) -> None:
        self.hello = told
        await self._notify()

    async def _events(self, told: list[Told]) -> None:
        self.told_ns = time.monotonic_ns()
        self.events += told
        await self._notify()

    async def _snapshot(self, told: Told) -> None:
        self.snapshots.append(told)
        await self._notify()

    async def _goodbye(self, told: Told) -> None:
        self.goodbyes.append(told)
        await self._notify()

    async def _disconnected(self, *_reason: object) -> None:
        self.gone.set()

    async def _refused(self, told: object) -> None:
        self._refusal = told

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def cookie_header(cookies: dict[str, str]) -> dict[str, str]:
    """What a browser with these cookies sends, to whichever address."""
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())} if cookies else {}


@contextlib.asynccontextmanager
async def opened_page(
    private_socket: Path, room: str, *, cookies: dict[str, str] | None = None, token: str | None = None
) -> AsyncGenerator[Page]:
    """A page on the worker behind this socket, signed in by its cookies."""
    connector = aiohttp.UnixConnector(path=str(private_socket))
    async with aiohttp.ClientSession(connector=connector, headers=cookie_header(cookies or {})) as http:
        page = Page(http)
        await page.connect("http://worker", room, token)
        try:
            yield page
        finally:
            await page.close()
