"""A hall of readers in a process of its own: `python -m tests.bench.hall BASE_URL ROOM SOCKETS LINES_A_SECOND`.

Bare WebSockets that take what comes, as browsers do; a few of them write. It says `ready` when all are in, writes from
the line `talk` on its standard input until the line `still`, and answers that with a line of JSON (`Heard`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys

import aiohttp
import msgspec

WRITERS = 5
"""They share the lines, for a socket may not send more than five a second."""
_SETTLE_S = 20.0
_COME_AT_ONCE = 8


class Heard(msgspec.Struct, frozen=True):
    """How many lines were written and acknowledged, and how few the worst-off socket got of them."""

    said: int
    least: int
    refused: int


class Seat:
    """One socket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self.said = self.lines = self.refused = 0

    async def come_in(self, room: str) -> None:
        await self._socket.receive_str()  # engine.io's own greeting
        await self._socket.send_str("40" + json.dumps({"v": 1, "room": room}))
        while not (packet := await self._socket.receive_str()).startswith('42["hello"'):
            if packet.startswith("44"):
                raise RuntimeError(f"not let in: {packet}")
            await self._pong(packet)

    async def listen(self) -> None:
        while True:
            packet = await self._socket.receive_str()
            if packet.startswith('42["events"'):
                self.lines += packet.count('"type":"said"')
            elif packet.startswith("43"):
                self.refused += '"error"' in packet
                self.said += '"error"' not in packet
            else:
                await self._pong(packet)

    async def say(self, number: int) -> None:
        body = {"v": 1, "id": f"line-{number}", "command": {"type": "say", "text": f"line {number}"}}
        await self._socket.send_str(f"42{number}" + json.dumps(["command", body]))

    async def _pong(self, packet: str) -> None:
        if packet == "2":
            await self._socket.send_str("3")


class Hall:
    """All sockets of one room."""

    def __init__(self, base_url: str, room: str, opened: contextlib.AsyncExitStack) -> None:
        self._base_url = base_url
        self._room = room
        self._opened = opened
        self._tasks: list[asyncio.Task[None]] = []
        self.seats: list[Seat] = []

    async def fill(self, sockets: int) -> None:
        for first in range(0, sockets, _COME_AT_ONCE):
            count = min(_COME_AT_ONCE, sockets - first)
            self.seats += await asyncio.gather(*(self._come(first + number < WRITERS) for number in range(count)))
        self._tasks = [asyncio.create_task(seat.listen(), name="hall.seat") for seat in self.seats]

    async def talk(self, lines_a_second: float, number: int, enough: asyncio.Event) -> int:
        """Write from line `number` on until it is `enough`; the number of the line behind the last."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while not enough.is_set():
            await self.seats[number % WRITERS].say(number)
            number += 1
            due += 1 / lines_a_second
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(enough.wait(), max(0.0, due - loop.time()))
        return number

    @property
    def _said(self) -> int:
        return sum(seat.said for seat in self.seats[:WRITERS])

    @property
    def _answered(self) -> int:
        return self._said + sum(seat.refused for seat in self.seats[:WRITERS])

    async def heard(self, written: int) -> Heard:
        """Once everybody has all, or nothing more comes."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE_S):
                while min(self._answered - written, *(seat.lines - self._said for seat in self.seats)) < 0:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)  # a waiter for each line and socket would be most of the load
        for task in self._tasks:
            if task.done():
                task.result()  # a socket that was cut off
        return Heard(self._said, min(seat.lines for seat in self.seats), self._answered - self._said)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _come(self, writes: bool) -> Seat:
        http = await self._opened.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)))
        if writes:
            async with http.post(f"{self._base_url}/api/guests", json={"name": "Hoa", "company": "Sao Mai"}) as answer:
                answer.raise_for_status()
        url = f"{self._base_url}/socket.io/?EIO=4&transport=websocket"
        # Browsers offer to compress each message (RFC 7692), 15 bits of window: so does this.
        seat = Seat(await self._opened.enter_async_context(http.ws_connect(url, max_msg_size=0, compress=15)))
        await seat.come_in(self._room)
        return seat


async def main(base_url: str, room: str, sockets: int, lines_a_second: float) -> None:
    loop = asyncio.get_running_loop()
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    async with contextlib.AsyncExitStack() as opened:
        hall = Hall(base_url, room, opened)
        opened.push_async_callback(hall.close)
        await hall.fill(sockets)
        print("ready", flush=True)
        written = 0
        while await orders.readline():
            enough = asyncio.Event()
            talking = asyncio.create_task(hall.talk(lines_a_second, written, enough), name="hall.talk")
            await orders.readline()
            enough.set()
            written = await talking
            print(msgspec.json.encode(await hall.heard(written)).decode(), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))
