"""Who was revoked lately, known to every worker at once: room tokens of before then are refused, live media ends.

The rows have the truth. A worker that revokes tells the others over Valkey; one that could not listen for a while (or
has just begun) reads the rows once when it listens again. Nothing is asked again and again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from expo.accounts import queries
from expo.accounts.invitations import Revoked
from expo.accounts.rules import ROOM_GRANT_LIFE, RoomGrant
from expo.accounts.tokens import Tokens
from expo.clock import utc_now
from expo.cluster import keys
from expo.cluster.redis import Valkey
from expo.errors import Unauthenticated, Unavailable
from expo.ids import PersonId, RoomId
from expo.kit.logging import get_logger
from expo.kit.tasks import Nursery
from expo.store.db import Database

RETRY_S = 0.5
"""Pause before Valkey is tried again."""
SWEEP_ABOVE = 1000

log = get_logger(__name__)


class Notice(msgspec.Struct, frozen=True):
    """What travels: a person, and until when grants of theirs count for nothing, in Unix microseconds."""

    person: str
    at_us: int
    v: int = 1


class Revocations:
    """The last moment at which each person was revoked, as far as a token from before it can still be alive.

    Callbacks are called with the person, once per news, in the worker's loop; they close what the person has open.
    """

    def __init__(self, tokens: Tokens, database: Database, valkey: Valkey) -> None:
        self._tokens = tokens
        self._database = database
        self._valkey = valkey
        self._since: dict[PersonId, datetime] = {}
        self._untold: dict[PersonId, datetime] = {}
        self._news = asyncio.Event()
        self._callbacks: list[Callable[[PersonId], object]] = []
        self._nursery = Nursery("revocations")
        self.listening, self.deaf = asyncio.Event(), asyncio.Event()
        """Set while nothing can be missed; set while something may be."""
        self.deaf.set()

    async def open(self) -> None:
        """Read the rows and begin to listen; `close` ends it. Raises Unavailable `store.*`."""
        await self._read_rows()
        self._nursery.keep("listen", self._listen)
        self._nursery.keep("tell", self._tell)

    async def close(self) -> None:
        """End the tasks. Idempotent."""
        await self._nursery.close()

    def on_revoked(self, callback: Callable[[PersonId], object]) -> None:
        """Call back whenever somebody is revoked; it may hear of the same person again."""
        self._callbacks.append(callback)

    def tell(self, revoked: Revoked) -> None:
        """After the commit: take effect here now, and in every other worker as soon as Valkey can tell it."""
        self._hear(revoked.person_id, revoked.at)
        self._untold[revoked.person_id] = revoked.at
        self._news.set()

    def refuses(self, person: PersonId, issued_at: datetime) -> bool:
        """Whether what was given to this person at that moment counts no more."""
        since = self._since.get(person)
        return since is not None and issued_at <= since

    def verify(self, token: str | None, now: datetime, *, room: RoomId | None = None) -> RoomGrant:
        """`Tokens.verify`, and Unauthenticated `token.revoked` for a grant from before its person was revoked."""
        grant = self._tokens.verify(token, now, room=room)
        if self.refuses(grant.person, grant.issued_at):
            raise Unauthenticated("token.revoked", "the person's access was withdrawn after this token was made")
        return grant

    async def _listen(self) -> None:
        away = False
        while True:
            try:
                async with self._valkey.listening(keys.revocations()) as notices:
                    await self._read_rows()
                    if away:
                        log.info("revocations are heard again")
                    away = False
                    self.deaf.clear()
                    self.listening.set()
                    async for text in notices:
                        self._take(text)
            except Unavailable as error:
                if not away:
                    log.warning("revocations are not heard", error=error.code)
                away = True
            finally:
                self.listening.clear()
                self.deaf.set()
            await asyncio.sleep(RETRY_S)

    async def _tell(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while self._untold:
                person, at = next(iter(self._untold.items()))
                try:
                    await publish(self._valkey, Revoked(person, at))
                except Unavailable:
                    await asyncio.sleep(RETRY_S)
                else:
                    if self._untold.get(person) == at:
                        del self._untold[person]

    async def _read_rows(self) -> None:
        async with self._database.read() as db:
            found = await queries.revoked_since(db, utc_now() - ROOM_GRANT_LIFE)
        for person, at in found.items():
            self._hear(PersonId(person), at)

    def _take(self, text: str) -> None:
        try:
            notice = msgspec.json.decode(text, type=Notice)
            at = datetime.fromtimestamp(notice.at_us / 1e6, UTC)
        except (msgspec.MsgspecError, ValueError, OverflowError, OSError) as error:
            log.warning("a notice cannot be read", error=type(error).__name__)
            return
        self._hear(PersonId(notice.person), at)

    def _hear(self, person: PersonId, at: datetime) -> None:
        known = self._since.get(person)
        if known is not None and known >= at:
            return
        self._since[person] = at
        if len(self._since) > SWEEP_ABOVE:
            oldest = utc_now() - ROOM_GRANT_LIFE
            self._since = {one: since for one, since in self._since.items() if since > oldest}
        log.info("person revoked", person=person)
        for callback in self._callbacks:
            try:
                callback(person)
            except Exception:  # the supervisor of callbacks: one that fails keeps none of the others from closing
                log.exception("a callback failed", person=person)


async def publish(valkey: Valkey, revoked: Revoked) -> None:
    """Tell every worker that listens. Raises Unavailable `cluster.away`; then they read the rows when it is back."""
    notice = Notice(person=revoked.person_id, at_us=round(revoked.at.timestamp() * 1e6))
    await valkey.publish(keys.revocations(), msgspec.json.encode(notice).decode())
