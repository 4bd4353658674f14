"""A room that this worker owns: one task decides and folds; what happened is shared with the log behind it.

The room goes on while Valkey is away (`expo.rooms.room_sharer`). It ends only when the log refuses its token
(`on_lost`) or when it is closed.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from expo.clock import SteadyClock
from expo.cluster.eventlog import EventLog, StaleTokenError
from expo.cluster.lease import Lease, release
from expo.cluster.redis import Valkey
from expo.errors import Conflict, ExpoError, Unavailable
from expo.ids import ParticipantId
from expo.kit.logging import get_logger
from expo.kit.tasks import Nursery
from expo.rooms.commands import Ack, Actor, Advance, Command
from expo.rooms.events import Entry, write_entry
from expo.rooms.machine import decide, record, reduce
from expo.rooms.model import MAX_RECENT, State
from expo.rooms.projector import Projection, RoomProjector
from expo.rooms.room_sharer import AGAIN_S, Sharer, moved

MAX_MAILBOX = 1000
"""Commands that wait; at 30 us each a hall that presses at once is answered within 30 ms."""
AT_ONCE = 32
"""Commands in one turn of the loop; media has the same thread."""
FLUSH_S = 2.0
"""How long a room that closes tries to share the rest."""

Listener = Callable[[State, Entry], None]
"""Called with the state before and what happened; may not block or raise."""

log = get_logger(__name__)


_room_clock = SteadyClock()


def now_ms() -> int:
    """The room clock: Unix time, which does not jump when the wall clock is set."""
    return _room_clock.now_ms()


@dataclass(frozen=True, slots=True)
class _Letter:
    actor: Actor
    command: Command
    name: str | None = None
    answer: asyncio.Future[int] | None = None


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
        self._clock = clock
        self._on_lost = on_lost
        self._mailbox: asyncio.Queue[_Letter] = asyncio.Queue(MAX_MAILBOX)
        self._names = {_given(name): name for name in state.recent}
        """The commands that may be remembered, by whose they are and their id."""
        self._closing = False
        self._listeners: list[Listener] = []
        self._timer: asyncio.TimerHandle | None = None
        self._nursery = Nursery(f"room.{lease.room}")
        self._projections = [Projection(event_log, lease.room, projector) for projector in projectors]
        self._sharer = Sharer(
            lease,
            event_log,
            lambda: self.state,
            saved=saved,
            projectors=[projector.name for projector in projectors],
            on_progress=self._poke,
            on_stale=self.lose,
            again_s=again_s,
        )
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
        return self._sharer.shared

    def open(self) -> None:
        """Start the tasks."""
        self._nursery.keep("writer", self._write)
        self._nursery.keep("sharer", self._sharer.run)
        for number, projection in enumerate(self._projections):
            self._nursery.keep(f"projection.{number}", projection.run)
        self._aim()

    async def submit(self, actor: Actor, command: Command, command_id: str | None = None) -> Ack:
        """Carry the command out, once per `command_id` of this actor.

        Raises what `decide` raises, Conflict `rooms.id_reused` for an id of another command, Unavailable `rooms.busy`,
        `rooms.unshared` over a bound, `rooms.stopping` and `rooms.moved` when another worker has or will have the room:
        then the effect may be gone.
        """
        if self.lost:
            raise moved()
        if self._closing:
            raise Unavailable("rooms.stopping", "this room is moving", retry_after_s=1)
        name = _name(actor, command_id, command) if command_id else None
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        try:
            self._mailbox.put_nowait(_Letter(actor, command, name, answer))
        except asyncio.QueueFull:
            raise Unavailable("rooms.busy", "too many commands at once", retry_after_s=1) from None
        revision = await answer
        return Ack(revision=revision, shared=await self._sharer.holds(revision))

    def post(self, command: Command) -> bool:
        """Have a command of the kernel carried out; False when that cannot be now. What it reports comes again."""
        if self.lost or self._closing:
            return False
        try:
            self._mailbox.put_nowait(_Letter(self._kernel, command))
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
        await self._sharer.wait(revision)

    def doubt(self) -> None:
        """Valkey came back without this room's token: look what else it has forgotten."""
        self._sharer.doubt()

    def lose(self) -> None:
        """Another owner has the room: stop, drop what was not shared, tell `on_lost`. Idempotent."""
        if self.lost:
            return
        self.lost = True
        log.warning("room lost", room=self.lease.room, dropped=self.state.revision - self.shared)
        self._stop()
        self._on_lost(self)

    async def close(self) -> None:
        """Share and save what is left, give the lease back, end the tasks. Idempotent."""
        if not self._closing:
            self._closing = True
            self._disarm()
            if not self.lost:
                await self._settle()
        await self._nursery.close()
        self._stop()

    async def _settle(self) -> None:
        try:
            async with asyncio.timeout(FLUSH_S):
                await self._mailbox.join()
                await self._sharer.wait(self.state.revision)
                await self._sharer.save()
                for projection in self._projections:
                    await projection.settled()
                await release(self._valkey, self.lease)
            log.info("room released", room=self.lease.room, revision=self.state.revision)
        except (ExpoError, StaleTokenError, TimeoutError) as error:
            log.warning("room left as it is", room=self.lease.room, error=getattr(error, "code", type(error).__name__))

    def _stop(self) -> None:
        self._disarm()
        self._sharer.stop()
        while not self._mailbox.empty():
            self._answer(self._mailbox.get_nowait(), moved())

    def _poke(self) -> None:
        for projection in self._projections:
            projection.poke()

    async def _write(self) -> None:
        while not self.lost:
            self._carry_out(await self._mailbox.get())
            for _ in range(min(AT_ONCE, self._mailbox.qsize())):
                self._carry_out(self._mailbox.get_nowait())
            self._aim()
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
        if letter.name and (known := self._known(letter.name)):
            return known
        if self._sharer.full:
            raise Unavailable("rooms.unshared", "the cluster's store has been away for too long", retry_after_s=5)
        before, at_ms = self.state, self._clock()
        events = decide(before, letter.command, letter.actor, at_ms)
        entries = record(before, events, at_ms, letter.name)
        states = [before]
        for entry in entries:
            states.append(reduce(states[-1], entry))
        lines = [write_entry(entry) for entry in entries]
        self.state = states[-1]  # all or nothing: from here on nothing fails
        self._sharer.add(lines)
        for state, entry in zip(states, entries, strict=False):
            for listener in tuple(self._listeners):
                listener(state, entry)
        return self.state.revision

    def _known(self, name: str) -> int | None:
        """The revision of a command that was carried out before. Conflict `rooms.id_reused`."""
        recent, given = self.state.recent, _given(name)
        before = self._names.get(given)
        if before is not None and before in recent:
            if before != name:
                raise Conflict("rooms.id_reused", "this id was another command's")
            return recent[name]
        self._names[given] = name
        if len(self._names) > 2 * MAX_RECENT:
            self._names = {_given(each): each for each in (*recent, name)}
        return None

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


def _name(actor: Actor, command_id: str, command: Command) -> str:
    """How the log names a command: whose, its id, and a mark of what it says."""
    mark = hashlib.blake2s(repr(command).encode(), digest_size=6).hexdigest()
    return f"{actor.participant}/{command_id}/{mark}"


def _given(name: str) -> str:
    """Whose command it is, and its id."""
    return name.rpartition("/")[0]
