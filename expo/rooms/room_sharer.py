"""Brings a room's events to its log: in order, once, however often Valkey is away, slow or forgetful."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence

import msgspec

from expo.cluster.eventlog import APPEND_AT_ONCE, EventLog, StaleTokenError
from expo.cluster.lease import Lease
from expo.errors import Unavailable
from expo.kit.logging import get_logger
from expo.kit.tasks import Backoff
from expo.rooms.model import State

MAX_UNSHARED = 20_000
"""Events that wait for Valkey: an hour of a busy show, some 6 MB."""
KEPT_LINES = 1_000
"""Shared events that stay in memory: a Valkey that forgot the last second is given them again."""
SNAPSHOT_EVERY = 500
GRACE_S = 0.25
"""How long an answer waits for its event to be shared."""
AGAIN_S = 0.1
"""First pause before events are shared again; ten times that at most."""

log = get_logger(__name__)


class Sharer:
    """What a room has shared and what it has not. `run` is the task; it belongs to the room.

    `state` gives the room's state now; `saved` is the revision of the newest snapshot; `on_progress` is called when the
    log holds more, `on_stale` once, when it refuses this owner's token.
    """

    def __init__(
        self,
        lease: Lease,
        event_log: EventLog,
        state: Callable[[], State],
        *,
        saved: int,
        projectors: Sequence[str],
        on_progress: Callable[[], None],
        on_stale: Callable[[], None],
        again_s: float,
    ) -> None:
        self._lease = lease
        self._log = event_log
        self._state = state
        self._base = self.shared = state().revision
        self._saved = saved
        self._projectors = projectors
        self._on_progress = on_progress
        self._on_stale = on_stale
        self._again_s = again_s
        self._lines: deque[str] = deque()
        """The newest events as the log takes them, the last one that of the state's revision."""
        self._news = asyncio.Event()
        self._news.set()
        self._unsure = False
        self._forgotten = False
        self._away = False
        self._stopped = False
        self._waiting: set[asyncio.Future[None]] = set()

    @property
    def full(self) -> bool:
        """Whether so much is not shared that no more should happen."""
        return self._state().revision - self.shared >= MAX_UNSHARED

    def add(self, lines: Sequence[str]) -> None:
        """These events have happened; the state has their last revision."""
        self._lines.extend(lines)
        self._news.set()

    def doubt(self) -> None:
        """Valkey came back without this room's token: look what else it has forgotten."""
        self._unsure = True
        self._news.set()

    def stop(self) -> None:
        """Share no more; whoever waits is told that the room has moved. Idempotent."""
        self._stopped = True
        self._wake()

    async def wait(self, revision: int) -> None:
        """Return once the log holds `revision`. Raises Unavailable `rooms.moved`."""
        while self.shared < revision:
            await self._tried()

    async def holds(self, revision: int) -> bool:
        """Whether the log holds `revision`, after a moment's waiting if Valkey is there. Raises like `wait`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S):
                while self.shared < revision and not (self._away and not self._stopped):
                    await self._tried()
        return self.shared >= revision

    async def run(self) -> None:
        """Share until cancelled or refused."""
        backoff = self._backoff()
        while not self._stopped:
            await self._news.wait()
            self._news.clear()
            try:
                await self._catch_up()
            except StaleTokenError:
                self._on_stale()
            except Unavailable as error:
                if not self._away:
                    log.warning("events are not shared", room=self._lease.room, error=error.code)
                self._away = True
                self._wake()
                self._news.set()
                await asyncio.sleep(backoff.pause_s(0.0))
            else:
                if self._away:
                    log.info("events are shared again", room=self._lease.room)
                    backoff = self._backoff()
                self._away = False

    async def save(self) -> None:
        """Keep a snapshot of this moment; all of it counts as shared. Raises Unavailable, StaleTokenError."""
        self._now_holds(max(self.shared, await self._keep()))

    async def _keep(self) -> int:
        state = self._state()
        text = msgspec.json.encode(state).decode()
        await self._log.save(self._lease, state.revision, text, projectors=self._projectors)
        self._saved = state.revision
        return state.revision

    async def _catch_up(self) -> None:
        while self._unsure or self._forgotten or self.shared < self._state().revision:
            if self._forgotten:
                await self._tell_again()
                continue
            self._unsure, was_unsure = False, self._unsure
            try:
                held = await self._log.append(self._lease, self._base, self.shared + 1, self._unshared())
            except Unavailable:
                self._unsure |= was_unsure
                raise
            if held < self.shared:
                self._remind(held)
            else:
                self._now_holds(held)
        if self._state().revision - self._saved >= SNAPSHOT_EVERY:
            await self.save()

    def _remind(self, held: int) -> None:
        """Valkey has forgotten what came behind `held`: give it that again, or all of it as a snapshot."""
        log.warning("valkey has forgotten events", room=self._lease.room, held=held, shared=self.shared)
        self._saved = -SNAPSHOT_EVERY
        if held >= self._before_lines():
            self.shared = held
        else:
            self._forgotten = True

    async def _tell_again(self) -> None:
        """Give it the state as a snapshot, and what is in memory to those who read the log and may lack it."""
        revision = await self._keep()
        before = self._before_lines()
        lines = [self._lines[index] for index in range(revision - before)]
        for start in range(0, len(lines), APPEND_AT_ONCE):
            some = lines[start : start + APPEND_AT_ONCE]
            await self._log.append(self._lease, self._base, before + 1 + start, some, again=True)
        self._forgotten = False
        self._now_holds(max(self.shared, revision))

    def _unshared(self) -> list[str]:
        start = self.shared - self._before_lines()
        return [self._lines[index] for index in range(start, min(start + APPEND_AT_ONCE, len(self._lines)))]

    def _before_lines(self) -> int:
        """The revision in front of the oldest event in memory."""
        return self._state().revision - len(self._lines)

    def _now_holds(self, revision: int) -> None:
        self.shared = revision
        while len(self._lines) > KEPT_LINES and self._before_lines() < revision:
            self._lines.popleft()
        self._on_progress()
        self._wake()

    async def _tried(self) -> None:
        """Return when an attempt to share has ended, well or not. Raises Unavailable `rooms.moved`."""
        if self._stopped:
            raise moved()
        attempt: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(attempt)
        try:
            await attempt
        finally:
            self._waiting.discard(attempt)

    def _wake(self) -> None:
        for attempt in self._waiting:
            if not attempt.done():
                attempt.set_result(None)

    def _backoff(self) -> Backoff:
        return Backoff(first_s=self._again_s, most_s=self._again_s * 10)


def moved() -> Unavailable:
    """Another worker has the room, or soon will."""
    return Unavailable("rooms.moved", "another worker has this room now", retry_after_s=0)
