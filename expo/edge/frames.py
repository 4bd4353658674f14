"""What may come over a live socket, looked at before engine.io and Socket.IO read it.

Their parsers believe the client: they gather binary attachments without a bound, let an event be called `connect`, and
write a traceback for what they cannot read. Our pages send few kinds of frames; who sends others, or too many, is cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, cast

from aiohttp import web
from engineio.async_drivers.aiohttp import WebSocket

from expo.clock import monotonic_us
from expo.edge.limits import RateLimiter
from expo.errors import TooMany

FRAMES_PER_S = 20.0
FRAME_BURST = 200
"""Of one connection, whatever is in them: what a page sends is answered long before it comes near this."""

MAX_DEPTH = 16


def allowed(names: Iterable[str]) -> re.Pattern[str]:
    """What a frame is or begins with: a pong, a close, CONNECT, DISCONNECT, or one of the events `names`."""
    events = "|".join(map(re.escape, names)) or "(?!)"
    return re.compile(rf"3$|1$|40$|40\{{|41$|42[0-9]{{0,9}}\[\"(?:{events})\"[\],]")


def whole(value: object, depth: int = MAX_DEPTH) -> object:
    """A JSON value without halves of surrogate pairs: text that is cut within an emoji has them, UTF-8 cannot.

    What lies deeper than `depth` is None: nothing of ours does.
    """
    match value:
        case list() | dict() if depth == 0:
            return None
        case str():
            return value if value.isascii() else value.encode("utf-8", "ignore").decode()
        case list():
            return [whole(each, depth - 1) for each in cast("list[object]", value)]
        case dict():
            return {whole(name): whole(each, depth - 1) for name, each in cast("dict[str, object]", value).items()}
        case _:
            return value


def checking(pattern: re.Pattern[str]) -> type[WebSocket]:
    """engine.io's WebSocket, which is cut at the first frame that does not fit or is one too many."""

    class Checked(WebSocket):
        def __init__(self, handler: Any, server: Any) -> None:
            super().__init__(handler, server)
            self._bucket = RateLimiter(per_second=FRAMES_PER_S, burst=FRAME_BURST, max_networks=1)

        async def wait(self) -> str:
            """The next frame. OSError, as engine.io expects it, when there will be no other."""
            frame: str | bytes = await super().wait()
            try:
                self._bucket.admit("", monotonic_us())
            except TooMany as error:
                raise self._cut() from error
            if not isinstance(frame, str) or pattern.match(frame) is None:
                raise self._cut()
            return frame

        def _cut(self) -> OSError:
            request = cast("web.Request", cast("Any", self).environ["aiohttp.request"])
            if request.transport is not None:
                request.transport.abort()
            return OSError("this client does not speak as our pages do")

    return Checked
