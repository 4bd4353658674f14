"""A room's log: a stream whose entry ids are revisions, with a snapshot beside it.

Only the holder of the newest token writes. Revision r stands at the id `r-0`, so whatever is appended again after a
lost answer is already there and harmless. The log is trimmed behind the snapshot and behind every projector's cursor.

What a log and its snapshot hold is the caller's text: JSON without line ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from expo.cluster import keys
from expo.cluster.lease import FENCE, Lease
from expo.cluster.redis import Call, Script, Valkey
from expo.errors import Unavailable
from expo.ids import RoomId
from expo.kit.logging import get_logger

KEPT = 200
"""Entries that stay behind the snapshot, so that readers who lag a little need no new one."""
READ_AT_ONCE = 500
APPEND_AT_ONCE = 256
"""Entries of one append: some milliseconds of Valkey's time."""
AGAIN_S = 0.2
"""Pause between attempts to read while Valkey is away."""

log = get_logger(__name__)

# ARGV: token, base, first revision, "again" or "", entries. The last entry says who wrote it: one above `base` (where
# this owner took over) by another token means that the server forgot a token and two owners wrote; the newer one has
# stepped down here. What is written again may stand in the snapshot already.
_APPEND = Script(
    FENCE
    + """
if newest > mine then return -1 end
local last, writer = 0, nil
local found = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)
if found[1] then
  last = tonumber(string.match(found[1][1], '^%d+'))
  writer = found[1][2][4]
end
if writer and writer ~= ARGV[1] and last > tonumber(ARGV[2]) then return -1 end
local snapshot = tonumber(redis.call('HGET', KEYS[4], 'revision') or '0')
local revision = tonumber(ARGV[3])
local held = math.max(last, ARGV[4] == 'again' and revision - 1 or snapshot)
if revision > held + 1 then return held end
for i = 5, #ARGV do
  if revision > held then
    redis.call('XADD', KEYS[3], string.format('%.0f-0', revision), 'e', ARGV[i], 't', ARGV[1])
    held = revision
  end
  revision = revision + 1
end
return held
"""
)

# ARGV: token, revision, state, kept, projectors. A projector that never read starts at 0 and holds everything.
_SAVE = Script(
    FENCE
    + """
if newest > mine then return -1 end
local revision = tonumber(ARGV[2])
if revision < tonumber(redis.call('HGET', KEYS[4], 'revision') or '0') then return revision end
redis.call('HSET', KEYS[4], 'revision', ARGV[2], 'state', ARGV[3])
local behind = revision - tonumber(ARGV[4])
for i = 5, #ARGV do redis.call('HSETNX', KEYS[5], ARGV[i], '0') end
for _, cursor in ipairs(redis.call('HVALS', KEYS[5])) do behind = math.min(behind, tonumber(cursor)) end
if behind > 0 then redis.call('XTRIM', KEYS[3], 'MINID', string.format('%.0f-0', behind + 1)) end
return revision
"""
)

_REMOVE = Script(
    FENCE
    + """
if newest > mine then return -1 end
redis.call('DEL', KEYS[3], KEYS[4], KEYS[5])
return 0
"""
)

_LOAD = Script("""
local snapshot = redis.call('HMGET', KEYS[2], 'revision', 'state')
local revision = snapshot[1] or '0'
local lines, first = {}, ''
for i, entry in ipairs(redis.call('XRANGE', KEYS[1], '(' .. revision .. '-0', '+')) do
  if i == 1 then first = string.match(entry[1], '^%d+') end
  lines[i] = entry[2][2]
end
return {revision, snapshot[2] or '', first, tostring(#lines), table.concat(lines, '\\n')}
""")

_READ = Script("""
local lines, first = {}, ''
for i, entry in ipairs(redis.call('XRANGE', KEYS[1], '(' .. ARGV[1] .. '-0', '+', 'COUNT', ARGV[2])) do
  if i == 1 then first = string.match(entry[1], '^%d+') end
  lines[i] = entry[2][2]
end
return {first, tostring(#lines), table.concat(lines, '\\n')}
""")

_ADVANCE = Script("""
if tonumber(ARGV[2]) > tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0') then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
end
return 0
""")


class StaleTokenError(Exception):
    """Another owner has this room now; nothing was written."""


@dataclass(frozen=True, slots=True)
class Entries:
    """Consecutive entries of a log, one JSON text a line; `first` is the first one's revision, 0 where none is."""

    first: int = 0
    count: int = 0
    lines: str = ""

    @property
    def last(self) -> int:
        """Revision of the last entry; 0 where there is none."""
        return self.first + self.count - 1 if self.count else 0


@dataclass(frozen=True, slots=True)
class Loaded:
    """A room as Valkey holds it at one moment: the snapshot (`state` "" and revision 0 where none) and what follows.

    Without trouble `entries.first` is `revision + 1`; a server that forgot may leave a gap.
    """

    revision: int
    state: str
    entries: Entries


class EventLog:
    """The logs of all rooms in one Valkey. Every method raises `Unavailable("cluster.away")`."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey

    async def append(self, lease: Lease, base: int, first: int, entries: Sequence[str], *, again: bool = False) -> int:
        """Write `entries` from revision `first` on and return the last revision that the log or its snapshot now holds.

        Lower than `first - 1` means that the server has forgotten what came before, and nothing was written. `base` is
        the last revision of the owner before. No entries: only ask. `again` writes what a snapshot holds and a server
        forgot, for those who read the log. Raises StaleTokenError.
        """
        head = (str(lease.token), str(base), str(first), "again" if again else "")
        held = cast("int", await self._valkey.call(Call(_APPEND, _keys(lease.room), (*head, *entries))))
        if held < 0:
            raise StaleTokenError
        return held

    async def save(self, lease: Lease, revision: int, state: str, *, projectors: Sequence[str] = ()) -> None:
        """Keep `state` as of `revision`, then trim behind it, behind `projectors` and all others with a cursor.

        Raises StaleTokenError.
        """
        arguments = (str(lease.token), str(revision), state, str(KEPT), *projectors)
        if cast("int", await self._valkey.call(Call(_SAVE, _keys(lease.room), arguments))) < 0:
            raise StaleTokenError
        await self._valkey.add_member(keys.rooms(), lease.room)

    async def remove(self, lease: Lease) -> None:
        """Drop a room's log, snapshot and cursors for good; harmless twice. Raises StaleTokenError.

        The token stays, some 60 bytes: without it a write of an owner before, still on its way, would count again.
        """
        if cast("int", await self._valkey.call(Call(_REMOVE, _keys(lease.room), (str(lease.token),)))) < 0:
            raise StaleTokenError
        await self._valkey.remove_member(keys.rooms(), lease.room)

    async def load(self, room: RoomId) -> Loaded:
        """The newest snapshot and all entries behind it, in one step."""
        where = [keys.room(room, "log"), keys.room(room, "snapshot")]
        revision, state, *entries = cast("list[str]", await self._valkey.call(Call(_LOAD, where)))
        return Loaded(int(revision), state, _entries(entries))

    async def read(self, room: RoomId, after: int, *, most: int = READ_AT_ONCE) -> Entries:
        """Up to `most` entries behind revision `after`."""
        call = Call(_READ, [keys.room(room, "log")], (str(after), str(most)))
        return _entries(cast("list[str]", await self._valkey.call(call)))

    async def cursor(self, room: RoomId, projector: str) -> int:
        """The last revision that the projector has made durable."""
        return int(await self._valkey.field(keys.room(room, "cursors"), projector) or 0)

    async def advance(self, room: RoomId, projector: str, revision: int) -> None:
        """Move a projector's cursor on; never back."""
        await self._valkey.call(Call(_ADVANCE, [keys.room(room, "cursors")], (projector, str(revision))))

    async def rooms(self) -> set[RoomId]:
        """All rooms that have a log."""
        return {RoomId(room) for room in await self._valkey.members(keys.rooms())}

    async def wait(self, after: Mapping[RoomId, int]) -> dict[RoomId, Entries]:
        """The next entries of any of these rooms behind their revision; empty when none comes within a second."""
        streams = {keys.room(room, "log"): room for room in after}
        ids = {stream: f"{after[room]}-0" for stream, room in streams.items()}
        found = await self._valkey.wait_for_entries(ids, most=READ_AT_ONCE)
        return {
            streams[stream]: Entries(
                int(entries[0][0].partition("-")[0]), len(entries), "\n".join(fields["e"] for _, fields in entries)
            )
            for stream, entries in found.items()
        }


class Tail:
    """Follows the logs of any number of rooms with one connection. `run` is the task; it belongs to the caller."""

    def __init__(self, event_log: EventLog) -> None:
        self._log = event_log
        self._after: dict[RoomId, int] = {}
        self._heard: dict[RoomId, Callable[[Entries], None]] = {}
        self._changed = asyncio.Event()

    def follow(self, room: RoomId, after: int, heard: Callable[[Entries], None]) -> None:
        """Call `heard` with what comes behind revision `after`. One follower a room; a second replaces the first.

        A gap (`entries.first` beyond the next revision) means that the log was trimmed or the server forgot.
        """
        self._after[room] = after
        self._heard[room] = heard
        self._changed.set()

    def leave(self, room: RoomId) -> None:
        """Follow no more; harmless twice."""
        self._after.pop(room, None)
        self._heard.pop(room, None)

    async def run(self) -> None:
        """Read until cancelled; while Valkey is away, keep trying."""
        while True:
            self._changed.clear()
            try:
                found = await self._read() if self._after else await self._nothing()
            except Unavailable as error:
                log.debug("logs are not read", error=error.code)
                await asyncio.sleep(AGAIN_S)
                continue
            for room, entries in found.items():
                if room in self._heard and entries.first > self._after[room]:
                    self._after[room] = entries.last
                    self._heard[room](entries)

    async def _nothing(self) -> dict[RoomId, Entries]:
        await self._changed.wait()
        return {}

    async def _read(self) -> dict[RoomId, Entries]:
        """What comes next; nothing, and at once, when another room is to be followed."""
        reading = asyncio.create_task(self._log.wait(dict(self._after)), name="tail.reading")
        changed = asyncio.create_task(self._changed.wait(), name="tail.changed")
        try:
            await asyncio.wait([reading, changed], return_when=asyncio.FIRST_COMPLETED)
            return reading.result() if reading.done() else {}
        finally:
            reading.cancel()
            changed.cancel()
            await asyncio.wait([reading, changed])


def _keys(room: RoomId) -> list[str]:
    return [keys.room(room, part) for part in ("lease", "token", "log", "snapshot", "cursors")]


def _entries(answer: Sequence[str]) -> Entries:
    first, count, lines = answer
    return Entries(int(first or 0), int(count), lines)
