"""Background tasks with an owner and a name: nothing runs that nobody closes, nothing fails unseen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

from expo.kit.logging import get_logger

log = get_logger(__name__)


@dataclass(slots=True)
class Backoff:
    """Pauses before the next try: `first_s`, doubling to `most_s`; from `first_s` again after `healthy_s` of work."""

    first_s: float = 0.2
    most_s: float = 10.0
    healthy_s: float = 30.0
    _next_s: float = field(default=0.0, init=False)

    def pause_s(self, ran_s: float) -> float:
        """The pause after a try that worked for `ran_s` (0 when it never did)."""
        pause_s = self.first_s if ran_s >= self.healthy_s or not self._next_s else self._next_s
        self._next_s = min(pause_s * 2, self.most_s)
        return pause_s


class Nursery:
    """Owns tasks for the life of its owner; a task that fails is logged and counted, the others go on.

    `close()` cancels what still runs and waits for it; it is idempotent, and a closed nursery starts nothing.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._tasks: set[asyncio.Task[object]] = set()
        self._closed = False
        self.failures = 0

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, name: str, work: Coroutine[object, object, object]) -> asyncio.Task[object]:
        """Run `work` in a task called `<nursery>.<name>`. Raises RuntimeError when closed."""
        if self._closed:
            work.close()
            raise RuntimeError(f"nursery {self._name} is closed")
        task: asyncio.Task[object] = asyncio.create_task(work, name=f"{self._name}.{name}")
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def keep(self, name: str, work: Callable[[], Coroutine[object, object, object]]) -> asyncio.Task[object]:
        """Run `work()` and, whenever it fails, again after a pause (`Backoff`)."""
        return self.start(name, self._keep(name, work))

    async def close(self) -> None:
        """Cancel every task and wait until all have ended."""
        self._closed = True
        while self._tasks:
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _keep(self, name: str, work: Callable[[], Coroutine[object, object, object]]) -> None:
        backoff = Backoff()
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await work()
            except Exception:
                self.failures += 1
                log.exception("task failed, starting it again", task=f"{self._name}.{name}")
            else:
                return
            await asyncio.sleep(backoff.pause_s(loop.time() - began))

    def _done(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            self.failures += 1
            log.error("task failed", task=task.get_name(), exc_info=error)
