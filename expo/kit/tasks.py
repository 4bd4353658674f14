"""Background tasks with an owner and a name: nothing runs that nobody closes, nothing fails unseen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

from expo.kit.logging import get_logger

log = get_logger(__name__)


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

    def keep(
        self,
        name: str,
        work: Callable[[], Coroutine[object, object, object]],
        *,
        first_s: float = 0.2,
        most_s: float = 10.0,
    ) -> asyncio.Task[object]:
        """Run `work()` and, whenever it fails, again after a back-off that doubles from `first_s` to `most_s`."""
        return self.start(name, self._keep(name, work, first_s, most_s))

    async def close(self) -> None:
        """Cancel every task and wait until all have ended."""
        self._closed = True
        while self._tasks:
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _keep(
        self, name: str, work: Callable[[], Coroutine[object, object, object]], first_s: float, most_s: float
    ) -> None:
        pause_s = first_s
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
            if loop.time() - began > most_s:
                pause_s = first_s
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, most_s)

    def _done(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            self.failures += 1
            log.error("task failed", task=task.get_name(), exc_info=error)
