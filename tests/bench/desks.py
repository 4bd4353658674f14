"""Organisers in a process of their own: `python -m tests.bench.desks ROOM COOKIES SOCKET...` (COOKIES is JSON).

Each line of its standard input, `[DESK, PRODUCT]`, is a pin by that desk; the answer is a line of JSON (`Pressed`).
Beside two hundred pages in one process an answer would wait until those have read theirs.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
import time
from pathlib import Path

import msgspec

from tests.support.live import opened_page


class Pressed(msgspec.Struct, frozen=True):
    """When a desk pressed and when it was answered, by the monotonic clock (ns); what it was answered if not taken."""

    began_ns: int
    answered_ns: int
    refused: str = ""


async def main(room: str, cookies: str, *sockets: str) -> None:
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    signed_in = msgspec.json.decode(cookies, type=dict[str, str])
    async with contextlib.AsyncExitStack() as opened:
        desks = [await opened.enter_async_context(opened_page(Path(path), room, cookies=signed_in)) for path in sockets]
        gc.disable()
        print("ready", flush=True)
        while line := await orders.readline():
            desk, product = msgspec.json.decode(line, type=tuple[int, str])
            began_ns = time.monotonic_ns()
            answer = await desks[desk].command("pin", product=product)
            answered_ns = time.monotonic_ns()
            taken = not answer.get("error") and answer["shared"]
            told = Pressed(began_ns, answered_ns, "" if taken else str(answer))
            print(msgspec.json.encode(told).decode(), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
