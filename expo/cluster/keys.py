"""Names of every key in Valkey; nobody else writes one out.

Keys of one room share a hash slot by `{room:ID}`, so that scripts may touch them together on a cluster.
"""

from __future__ import annotations

PREFIX = "expo"
WORKER_TTL_S = 6
"""A worker is gone when three heartbeats, two seconds apart, are missing."""


def worker(name: str) -> str:
    """The record of one worker; expires after `WORKER_TTL_S`."""
    return f"{PREFIX}:worker:{name}"


def workers() -> str:
    """Set of worker names that were registered; a member without a record is gone."""
    return f"{PREFIX}:workers"


def presence(name: str) -> str:
    """Who is connected to rooms by one worker's process; expires within seconds."""
    return f"{PREFIX}:presence:{name}"


def presences() -> str:
    """Set of the processes that had such a record; a member without one has nobody."""
    return f"{PREFIX}:presences"


def revocations() -> str:
    """Channel on which a worker tells the others whose grants no longer count."""
    return f"{PREFIX}:revocations"


def room(room_id: str, part: str) -> str:
    """One part of a room's keys: `lease`, `token`, `log`, `snapshot` or `cursors`, all in one hash slot."""
    return f"{PREFIX}:{{room:{room_id}}}:{part}"


def rooms() -> str:
    """Set of the ids of all rooms that have a log."""
    return f"{PREFIX}:rooms"


def codes(part: str) -> str:
    """One part of what is kept of one-time codes, all in one hash slot.

    Parts: `claim:CODE` (who comes in by it; while it lasts), `fate:CODE` (`open` or `used`; a while longer),
    `login:ID` (the code that a login has made), `wrong:NETWORK` and `wrong` (tries; the second for everybody). Codes
    and networks stand there as fingerprints.
    """
    return f"{PREFIX}:{{codes}}:{part}"
