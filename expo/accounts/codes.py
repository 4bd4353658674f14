"""One-time codes: who is signed in here signs in on another browser, within a minute and once.

Valkey keeps a code as a fingerprint, so that any worker redeems it; scripts make and take it in one step. What stands
behind it are the rows: a code lets in whom its login would let in at that moment, and nobody when the login, its
invitation or its person was revoked.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import cast

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from expo.accounts import queries
from expo.accounts.invitations import devices_used
from expo.accounts.rules import (
    CODE_ALPHABET,
    CODE_CHARS,
    CODE_LIFE,
    CODE_REMEMBERED,
    WRONG_CODES,
    WRONG_CODES_PER_NETWORK,
    WRONG_CODES_WITHIN,
    link_state,
    plain_code,
)
from expo.accounts.service import MOST_LINKED, entry_again, sign_in
from expo.accounts.tables import Login
from expo.accounts.tokens import Tokens, digest
from expo.cluster import keys
from expo.cluster.redis import Call, Script, Valkey
from expo.edge.principal import Entry, Principal
from expo.errors import NotFound, TooMany
from expo.ids import InvitationId, LoginId, PersonId, ShowcaseId
from expo.store.db import Database

_MAKE = Script("""
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
local before = redis.call('GET', KEYS[3])
if before then redis.call('DEL', before) end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('SET', KEYS[2], 'open', 'PX', ARGV[3])
redis.call('SET', KEYS[3], KEYS[1], 'PX', ARGV[2])
return 1
""")
"""KEYS claim, fate, login; ARGV claim, its life and how long it is remembered in ms. 0: this code was there lately."""

_TAKE = Script("""
for i = 3, #KEYS do
  if tonumber(redis.call('GET', KEYS[i]) or '0') >= tonumber(ARGV[i]) then
    return {'wait', tostring(redis.call('PTTL', KEYS[i]))}
  end
end
local claim = redis.call('GET', KEYS[1])
if claim then
  redis.call('DEL', KEYS[1])
  redis.call('SET', KEYS[2], 'used', 'PX', ARGV[1])
  return {'claim', claim}
end
local fate = redis.call('GET', KEYS[2])
if fate then return {fate, ''} end
for i = 3, #KEYS do
  if redis.call('INCR', KEYS[i]) == 1 then redis.call('PEXPIRE', KEYS[i], ARGV[2]) end
end
return {'wrong', ''}
""")
"""KEYS claim, fate, and the counts of wrong tries; ARGV how long a code is remembered and wrong tries are counted, in
ms, then the most of each count. A count that is full stays as it is, so that its wait ends."""


class Claim(msgspec.Struct, frozen=True):
    """Who comes in by a code: the person, in the showcase, of a login; `path` is a page of ours to lead to."""

    person: PersonId
    login: LoginId
    showcase: ShowcaseId | None
    path: str
    v: int = 1


class Codes:
    """Makes and takes one-time codes. Both raise Unavailable `cluster.away` while Valkey is away, or `store.*`."""

    def __init__(self, tokens: Tokens, database: Database, valkey: Valkey) -> None:
        self._tokens = tokens
        self._database = database
        self._valkey = valkey

    async def make(self, principal: Principal, path: str) -> str:
        """A new code for this login, good for `CODE_LIFE` and once; the one before it ends."""
        claim = Claim(principal.person_id, principal.login_id, principal.showcase_id, path)
        arguments = (msgspec.json.encode(claim).decode(), _ms(CODE_LIFE), _ms(CODE_REMEMBERED))
        while True:
            code = "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_CHARS))
            made = await self._valkey.call(
                Call(_MAKE, (*self._keys(code), keys.codes(f"login:{principal.login_id}")), arguments)
            )
            if made:
                return code

    async def take(self, typed: str, network: str, cookie: str | None, now: datetime) -> tuple[Entry, str]:
        """Sign the browser with this login cookie in by a code; also the path that the code leads to.

        `network` is where it comes from (`edge.origin.network_of`). Raises NotFound `code.wrong`, `code.expired`,
        `code.used`, `code.withdrawn` (whose login has ended), Conflict `invitation.devices_used`, TooMany
        `code.too_many`.
        """
        claim = await self._claim(typed, network)
        async with self._database.write() as db:
            return await _come_over(db, claim, cookie, now), claim.path

    async def _claim(self, typed: str, network: str) -> Claim:
        code = plain_code(typed)
        if code is None:
            raise _wrong()
        counts = (keys.codes(f"wrong:{self._tokens.fingerprint(network)}"), keys.codes("wrong"))
        bounds = (str(WRONG_CODES_PER_NETWORK), str(WRONG_CODES))
        call = Call(_TAKE, (*self._keys(code), *counts), (_ms(CODE_REMEMBERED), _ms(WRONG_CODES_WITHIN), *bounds))
        found, told = cast("list[str]", await self._valkey.call(call))
        match found:
            case "claim":
                return msgspec.json.decode(told, type=Claim)
            case "open":
                raise NotFound("code.expired", f"a code lasts {CODE_LIFE.seconds} seconds", status=410)
            case "used":
                raise NotFound("code.used", "a code works once", status=410)
            case "wait":
                raise TooMany("code.too_many", "too many wrong codes", retry_after_s=max(1, -(-int(told) // 1000)))
            case _:
                raise _wrong()

    def _keys(self, code: str) -> tuple[str, str]:
        # Found by its fingerprint under a key of ours: no comparison whose time could tell how much was right.
        mark = self._tokens.fingerprint(code)
        return keys.codes(f"claim:{mark}"), keys.codes(f"fate:{mark}")


async def _come_over(db: AsyncSession, claim: Claim, cookie: str | None, now: datetime) -> Entry:
    """A login like the one that made the code, as long as that one would last; again the own one if there is one."""
    found = await queries.login_of(db, claim.login)
    if found is None or found[1].id != claim.person:
        raise _withdrawn()
    login, row = found
    if login.revoked_at is not None or row.revoked_at is not None or login.expires_at <= now:
        raise _withdrawn()
    present = await queries.login(db, digest(cookie), now) if cookie else None
    if cookie and present and _same_way(present[0], login):
        return entry_again(present[0], row, cookie, now)
    invitation_id = None if login.invitation_id is None else InvitationId(login.invitation_id)
    if invitation_id is not None:
        await _require_place(db, invitation_id, now)
    entry = await sign_in(db, row, login.showcase_id, invitation_id, login.expires_at, now)
    if invitation_id is None:
        await queries.sweep(db, row.id, now, MOST_LINKED)
    if cookie:
        await queries.sign_out(db, digest(cookie))
    return entry


async def _require_place(db: AsyncSession, invitation_id: InvitationId, now: datetime) -> None:
    """Raise unless one device more may come in by this invitation; others wait until the transaction ends."""
    found = await queries.invitation_of(db, invitation_id, to_change=True)
    if found is None:
        raise _withdrawn()
    invitation, row = found
    state = link_state(
        expires_at=invitation.expires_at,
        revoked=invitation.revoked_at is not None or row.revoked_at is not None,
        devices=await queries.devices_in_use(db, invitation_id, now),
        known=False,
        now=now,
    )
    if state == "full":
        raise devices_used()
    if state != "open":
        raise _withdrawn()


def _same_way(one: Login, other: Login) -> bool:
    """Whether both are the same person's, by the same link, to the same showcase."""
    return (one.person_id, one.invitation_id, one.showcase_id) == (
        other.person_id,
        other.invitation_id,
        other.showcase_id,
    )


def _wrong() -> NotFound:
    return NotFound("code.wrong", "no such code")


def _withdrawn() -> NotFound:
    return NotFound("code.withdrawn", "the login that made this code has ended", status=410)


def _ms(span: timedelta) -> str:
    return str(round(span.total_seconds() * 1000))
