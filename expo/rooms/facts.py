"""Brings what happened in rooms back to their feature; a store that is away delays it and loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from expo.errors import ExpoError, NotFound
from expo.ids import RoomId
from expo.kit.logging import get_logger
from expo.rooms.policy import RoomPolicy

TELL_S = 10.0
FIRST_PAUSE_S = 0.2
MOST_PAUSE_S = 5.0

log = get_logger(__name__)


class Facts:
    """The newest fact per room (published or not) until the policy has taken it; bounded by the number of rooms."""

    def __init__(self, policy: RoomPolicy, told: Callable[[RoomId], None]) -> None:
        """`told` is called when the policy has taken that a room is published."""
        self._policy = policy
        self._told = told
        self._untold: dict[RoomId, bool] = {}
        self._news = asyncio.Event()

    def tell(self, room: RoomId, *, published: bool) -> None:
        """Remember the fact and return at once."""
        self._untold[room] = published
        self._news.set()

    async def run(self) -> None:
        """Tell until cancelled."""
        pause_s = FIRST_PAUSE_S
        while True:
            await self._news.wait()
            self._news.clear()
            for room in tuple(self._untold):
                await self._tell(room)
            if not self._untold:
                pause_s = FIRST_PAUSE_S
                continue
            self._news.set()
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, MOST_PAUSE_S)

    async def _tell(self, room: RoomId) -> None:
        published = self._untold[room]
        try:
            async with asyncio.timeout(TELL_S):
                await (self._policy.published(room) if published else self._policy.unpublished(room))
        except NotFound:
            log.info("a room's rows have gone", room=room)
        except (ExpoError, TimeoutError) as error:
            log.warning("a fact is not told yet", room=room, error=getattr(error, "code", "timeout"))
            return
        if self._untold.get(room) is published:
            del self._untold[room]
        if published:
            self._told(room)
