"""A room that this worker owns: one task decides and folds, a second one shares what happened with the log.

The room goes on while Valkey is away; what it could not share yet is shared afterwards, in order, once. It ends only
when the log refuses its token (`on_lost`) or when it is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from expo.cluster.eventlog import APPEND_AT_ONCE, EventLog, StaleTokenError
from expo.cluster.lease import Lease, release
from expo.cluster.redis import Valkey
from expo.errors import ExpoError, Unavailable
from expo.ids import ParticipantId
from expo.kit.logging import get_logger
from expo.kit.tasks import Backoff, Nursery
from expo.rooms.commands import Ack, Actor, Advance, Command
from expo.rooms.events import Entry, write_entry
from expo.rooms.machine import decide, record, reduce
from expo.rooms.model import State
from expo.rooms.projector import Projection, RoomProjector

MAX_MAILBOX = 1000
"""Commands that wait; at 20 us each a hall that presses at once is answered within 20 ms."""
AT_ONCE = 32
"""Commands in one turn of the loop; media has the same thread."""
MAX_UNSHARED = 20_000
"""Events that wait for Valkey: an hour of a busy show, some 6 MB. Beyond them commands are refused."""
KEPT_LINES = 1_000
"""Shared events that stay in memory: a Valkey that forgot the last second is given them again."""
SNAPSHOT_EVERY = 500
GRACE_S = 0.25
"""How long an answer waits for its event to be shared."""
FLUSH_S = 2.0
"""How long a room that closes tries to share the rest."""
AGAIN_S = 0.1
"""First pause before events are shared again; ten times that at most."""

Listener = Callable[[State, Entry], None]
"""Called with the state before and what happened; may not block or raise."""

log = get_logger(__name__)


def now_ms() -> int:
    """The room clock: Unix time."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class _Letter:
    actor: Actor
    command: Command
    name: str | None
    answer: asyncio.Future[int] | None


class Room:
    """Live state with one writer. Opened by `RoomOwner`; `open` starts its tasks, `close` ends them.

    `saved` is the revision of the newest snapshot.
    """

    def __init__(
        self,
        lease: Lease,
        state: State,
        *,
        saved: int,
        valkey: Valkey,
        event_log: EventLog,
        projectors: Sequence[RoomProjector] = (),
        clock: Callable[[], int] = now_ms,
        on_lost: Callable[[Room], None] = lambda _: None,
        again_s: float = AGAIN_S,
    ) -> None:
        self.lease = lease
        self.state = state
        self.lost = False
        self._valkey = valkey
        self._log = event_log
        self._clock = clock
        self._on_lost = on_lost
        self._again_s = again_s
        self._base = self._shared = state.revision
        self._saved = saved
        self._lines: deque[str] = deque()
        """The newest events as the log takes them, the last one that of `state.revision`."""
        self._mailbox: asyncio.Queue[_Letter] = asyncio.Queue(MAX_MAILBOX)
        self._news = asyncio.Event()
        self._unsure = False
        self._away = False
        self._closing = False
        self._progress: set[asyncio.Future[None]] = set()
        self._listeners: list[Listener] = []
        self._timer: asyncio.TimerHandle | None = None
        self._nursery = Nursery(f"room.{lease.room}")
        self._projections = [Projection(event_log, lease.room, projector) for projector in projectors]
        self._projectors = tuple(projector.name for projector in projectors)
        self._kernel = Actor(
            room=lease.room,
            participant=ParticipantId("kernel"),
            name="",
            can=frozenset({"kernel"}),
            expires_at_ms=1 << 62,
        )

    @property
    def shared(self) -> int:
        """The last revision that the log holds."""
        return self._shared

    def open(self) -> None:
        """Start the tasks."""
        self._nursery.keep("writer", self._write)
        self._nursery.keep("sharer", self._share)
        for number, projection in enumerate(self._projections):
            self._nursery.keep(f"projection.{number}", projection.run)
        self._aim()
        self._news.set()

    async def submit(self, actor: Actor, command: Command, command_id: str | None = None) -> Ack:
        """Carry the command out, once per `command_id` of this actor.

        Raises what `decide` raises, Unavailable `rooms.busy`, `rooms.unshared` over a bound, `rooms.stopping` and
        `rooms.moved` when another worker has or will have the room: then the effect may be gone.
        """
        if self.lost:
            raise _moved()
        if self._closing:
            raise Unavailable("rooms.stopping", "this room is moving", retry_after_s=1)
        name = f"{actor.participant}/{command_id}" if command_id else None
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        try:
            self._mailbox.put_nowait(_Letter(actor, command, name, answer))
        except asyncio.QueueFull:
            raise Unavailable("rooms.busy", "too many commands at once", retry_after_s=1) from None
        revision = await answer
        return Ack(revision=revision, shared=await self._is_shared(revision))

    def post(self, command: Command) -> bool:
        """Have a command of the kernel carried out; False when that cannot be now. What it reports comes again."""
        if self.lost or self._closing:
            return False
        try:
            self._mailbox.put_nowait(_Letter(self._kernel, command, None, None))
        except asyncio.QueueFull:
            log.warning("a room is flooded", room=self.lease.room, command=type(command).__name__)
            return False
        return True

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Hear every event from now on, shared or not; call the result to hear no more."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    async def wait_shared(self, revision: int) -> None:
        """Return once the log holds `revision`. Raises Unavailable `rooms.moved`."""
        while self._shared < revision:
            await self._progressed()

    def doubt(self) -> None:
        """Valkey came back without this room's token: look what else it has forgotten."""
        self._unsure = True
        self._news.set()

    def lose(self) -> None:
        """Another owner has the room: stop, drop what was not shared, tell `on_lost`. Idempotent."""
        if self.lost:
            return
        self.lost = True
        log.warning("room lost", room=self.lease.room, dropped=self.state.revision - self._shared)
        self._disarm()
        while not self._mailbox.empty():
            self._answer(self._mailbox.get_nowait(), _moved())
        self._moved_on()
        self._on_lost(self)

    async def close(self) -> None:
        """Share and save what is left, give the lease back, end the tasks. Idempotent."""
        if not self._closing:
            self._closing = True
            self._disarm()
            if not self.lost:
                await self._settle()
        await self._nursery.close()
        while not self._mailbox.empty():
            self._answer(self._mailbox.get_nowait(), _moved())
        self._moved_on()

    async def _settle(self) -> None:
        try:
            async with asyncio.timeout(FLUSH_S):
                await self._mailbox.join()
                await self.wait_shared(self.state.revision)
                await self._save()
                for projection in self._projections:
                    await projection.settled()
                await release(self._valkey, self.lease)
            log.info("room released", room=self.lease.room, revision=self.state.revision)
        except (ExpoError, StaleTokenError, TimeoutError) as error:
            log.warning("room left as it is", room=self.lease.room, error=getattr(error, "code", type(error).__name__))

    # --- the writer ---

    async def _write(self) -> None:
        while not self.lost:
            self._carry_out(await self._mailbox.get())
            for _ in range(min(AT_ONCE, self._mailbox.qsize())):
                self._carry_out(self._mailbox.get_nowait())
            self._aim()
            self._news.set()
            await asyncio.sleep(0)

    def _carry_out(self, letter: _Letter) -> None:
        try:
            self._answer(letter, self._apply(letter))
        except ExpoError as error:
            self._answer(letter, error)
        except Exception as error:
            log.exception("a command failed", room=self.lease.room, command=type(letter.command).__name__)
            self._answer(letter, error)
        finally:
            self._mailbox.task_done()

    def _apply(self, letter: _Letter) -> int:
        if letter.name and (known := self.state.recent.get(letter.name)):
            return known
        if self.state.revision - self._shared >= MAX_UNSHARED:
            raise Unavailable("rooms.unshared", "the cluster's store has been away for too long", retry_after_s=5)
        before, at_ms = self.state, self._clock()
        events = decide(before, letter.command, letter.actor, at_ms)
        entries = record(before, events, at_ms, letter.name)
        states = [before]
        for entry in entries:
            states.append(reduce(states[-1], entry))
        lines = [write_entry(entry) for entry in entries]
        self.state = states[-1]  # all or nothing: from here on nothing fails
        self._lines.extend(lines)
        for state, entry in zip(states, entries, strict=False):
            for listener in tuple(self._listeners):
                listener(state, entry)
        return self.state.revision

    def _answer(self, letter: _Letter, result: int | Exception) -> None:
        if letter.answer is None or letter.answer.done():
            return
        if isinstance(result, int):
            letter.answer.set_result(result)
        else:
            letter.answer.set_exception(result)

    def _aim(self) -> None:
        """Have the countdown's end carried out when it is due, also that of an owner before."""
        self._disarm()
        if self.state.armed and not self._closing and not self.lost:
            wait_s = max(0.001, (self.state.armed.due_ms - self._clock()) / 1000)
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._due)

    def _disarm(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _due(self) -> None:
        if not self.post(Advance()):
            self._timer = asyncio.get_running_loop().call_later(0.01, self._due)

    # --- the sharer ---

    async def _share(self) -> None:
        backoff = self._backoff()
        while not self.lost:
            await self._news.wait()
            self._news.clear()
            try:
                await self._catch_up()
            except StaleTokenError:
                self.lose()
            except Unavailable as error:
                if not self._away:
                    log.warning("events are not shared", room=self.lease.room, error=error.code)
                self._away = True
                self._moved_on()
                self._news.set()
                await asyncio.sleep(backoff.pause_s(0.0))
            else:
                if self._away:
                    log.info("events are shared again", room=self.lease.room)
                    backoff = self._backoff()
                self._away = False

    def _backoff(self) -> Backoff:
        return Backoff(first_s=self._again_s, most_s=self._again_s * 10)

    async def _catch_up(self) -> None:
        while self._unsure or self._shared < self.state.revision:
            self._unsure, was_unsure = False, self._unsure
            first = self._shared + 1
            try:
                held = await self._log.append(self.lease, self._base, first, self._from(first))
            except Unavailable:
                self._unsure = was_unsure
                raise
            if held < self._shared:
                await self._remind(held)
            else:
                self._moved_on(held)
        if self.state.revision - self._saved >= SNAPSHOT_EVERY:
            await self._save()

    async def _remind(self, held: int) -> None:
        """Valkey has forgotten what came behind `held`: give it that again, or all of it as a snapshot."""
        log.warning("valkey has forgotten events", room=self.lease.room, held=held, shared=self._shared)
        self._saved = -SNAPSHOT_EVERY
        if held >= self.state.revision - len(self._lines):
            self._shared = held
        else:
            await self._save()

    async def _save(self) -> None:
        """Keep a snapshot of this moment; all of it counts as shared afterwards."""
        state = self.state
        text = msgspec.json.encode(state).decode()
        await self._log.save(self.lease, state.revision, text, projectors=self._projectors)
        self._saved = state.revision
        self._moved_on(max(self._shared, state.revision))

    def _from(self, first: int) -> list[str]:
        start = first - (self.state.revision - len(self._lines)) - 1
        return [self._lines[index] for index in range(start, min(start + APPEND_AT_ONCE, len(self._lines)))]

    def _moved_on(self, shared: int | None = None) -> None:
        """Wake those who wait for the log."""
        if shared is not None:
            self._shared = shared
            while len(self._lines) > KEPT_LINES and self.state.revision - len(self._lines) < self._shared:
                self._lines.popleft()
            for projection in self._projections:
                projection.poke()
        for waiting in self._progress:
            if not waiting.done():
                waiting.set_result(None)

    async def _progressed(self) -> None:
        """Return when an attempt to share has ended, well or not. Raises Unavailable `rooms.moved`."""
        if self.lost:
            raise _moved()
        progress: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._progress.add(progress)
        try:
            await progress
        finally:
            self._progress.discard(progress)
        if self.lost:
            raise _moved()

    async def _is_shared(self, revision: int) -> bool:
        """Whether the log holds `revision`, after a moment's waiting if Valkey is there."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S):
                while self._shared < revision and not self._away:
                    await self._progressed()
        if self.lost and self._shared < revision:
            raise _moved()
        return self._shared >= revision


def _moved() -> Unavailable:
    return Unavailable("rooms.moved", "another worker has this room now", retry_after_s=0)
