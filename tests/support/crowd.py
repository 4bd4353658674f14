"""One of several processes that write to one database: `python -m tests.support.crowd URL TIMES`.

Each time it reads a number, adds one and writes it back, in one `write()` block. Prints how often it failed.
"""

from __future__ import annotations

import asyncio
import sys

from expo.accounts.tables import Agency
from expo.errors import ExpoError
from expo.store.db import Database

COUNTER = "counter"


async def count(url: str, times: int) -> int:
    """How many of `times` increments failed."""
    database = await Database.open(url)
    failures = 0
    try:
        for _ in range(times):
            try:
                async with database.write() as db:
                    row = await db.get_one(Agency, COUNTER, with_for_update=True)
                    row.name = {"en": str(int(row.name["en"]) + 1)}
            except ExpoError as error:
                failures += 1
                print(error, file=sys.stderr)  # noqa: T201
    finally:
        await database.close()
    return failures


if __name__ == "__main__":
    print(asyncio.run(count(sys.argv[1], int(sys.argv[2]))))  # noqa: T201
