from __future__ import annotations

import asyncio

import pytest

from expo.kit.tasks import Backoff, Nursery


async def test_a_failing_task_is_counted_and_the_others_go_on() -> None:
    nursery = Nursery("test")
    other = asyncio.Event()

    async def fails() -> None:
        raise ValueError("broken")

    nursery.start("other", other.wait())
    await asyncio.wait([nursery.start("fails", fails())])

    assert nursery.failures == 1
    assert len(nursery) == 1
    await nursery.close()


async def test_closing_ends_every_task_and_is_harmless_twice() -> None:
    nursery = Nursery("test")
    cleaned = asyncio.Event()
    began = asyncio.Event()

    async def works() -> None:
        try:
            began.set()
            await asyncio.Event().wait()
        finally:
            cleaned.set()

    nursery.start("works", works())
    await began.wait()
    await nursery.close()
    await nursery.close()

    assert cleaned.is_set()
    assert len(nursery) == 0


async def test_a_closed_nursery_starts_nothing() -> None:
    nursery = Nursery("test")
    await nursery.close()

    with pytest.raises(RuntimeError, match="closed"):
        nursery.start("late", asyncio.Event().wait())


async def test_kept_work_starts_again_after_a_failure() -> None:
    nursery = Nursery("test")
    tries: list[int] = []

    async def fails_once() -> None:
        tries.append(1)
        if len(tries) == 1:
            raise ValueError("broken")

    await asyncio.wait([nursery.keep("work", fails_once)])

    assert len(tries) == 2
    assert nursery.failures == 1
    await nursery.close()


async def test_tasks_carry_their_owners_name() -> None:
    nursery = Nursery("owner")

    task = nursery.start("work", asyncio.Event().wait())

    assert task.get_name() == "owner.work"
    await nursery.close()


def test_backoff_doubles_to_its_bound_and_starts_over_after_health() -> None:
    backoff = Backoff()

    pauses = [backoff.pause_s(0.0) for _ in range(8)]

    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]
    assert backoff.pause_s(29.9) == 10.0
    assert backoff.pause_s(30.0) == 0.2
    assert backoff.pause_s(0.0) == 0.4
