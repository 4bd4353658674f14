"""Signed text that people, encoders and players carry: room tokens, role links, guests' cookies, keys of replays.

Pure; time is an argument.

`KEY.PAYLOAD.SIGNATURE`, all base64url: the name of the secret that signed it, msgspec JSON, and HMAC-SHA256 under a
key derived per kind, so that a link can never pass as a room token. Nothing inside is secret from its bearer.
Secrets that have a row (invitations, logins) are not signed but random, and the row keeps only their `digest`.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeVar

import msgspec
from itsdangerous import Signer, base64_decode, base64_encode
from itsdangerous.exc import BadData

from expo.accounts.rules import Can, Role, RoomGrant
from expo.errors import Forbidden, Unauthenticated
from expo.ids import ALPHABET, ExhibitorId, GuestId, ParticipantId, PersonId, RoomId, ShowcaseId

MAX_CHARS = 2048
"""Longer ones are refused before any work; ours stay under 1,600 with the longest names that rows allow."""
MIN_SECRET_BYTES = 16
SECRET_CHARS = 39
"""Of five bits each."""

_Claims = TypeVar("_Claims", bound="_Timed")


@dataclass(frozen=True, slots=True)
class RoleLink:
    """An invitation: opens the site as one person in one role, and leads to `showcase_id` if it names one."""

    person: PersonId
    role: Role
    showcase: ShowcaseId | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Guest:
    """A buyer who gave a name and a company once, and no proof of either."""

    id: GuestId
    name: str
    company: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ReplayKey:
    """Opens what `reader` may see of one recording; `epoch` is that of its rights when the key was made.

    `person` is None for a stranger.
    """

    room: RoomId
    reader: str
    exhibitor: ExhibitorId | None
    person: PersonId | None
    epoch: int
    expires_at: datetime


class _Timed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Every kind of token ends; `e` is in whole seconds of Unix time."""

    e: int


class _RoomClaims(_Timed, frozen=True, forbid_unknown_fields=True, kw_only=True):
    r: str
    p: str
    n: str
    c: tuple[Can, ...]
    o: Role | Literal["guest", ""] = ""
    x: str | None = None
    y: str = ""


class _PersonClaims(_Timed, frozen=True, forbid_unknown_fields=True, kw_only=True):
    p: str
    o: Role
    s: str | None = None


class _GuestClaims(_Timed, frozen=True, forbid_unknown_fields=True, kw_only=True):
    g: str
    n: str
    y: str


class _ReplayClaims(_Timed, frozen=True, forbid_unknown_fields=True, kw_only=True):
    r: str
    a: str
    n: int
    x: str | None = None
    p: str | None = None


def new_secret() -> str:
    """195 random bits for a link or a cookie: letters and digits, for messengers may cut a sign off a link's end."""
    return "".join(secrets.choice(ALPHABET) for _ in range(SECRET_CHARS))


def digest(secret: str) -> str:
    """What a row keeps of a random secret; it needs no salt, since nobody guesses that many bits."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


class Tokens:
    """Signs and verifies under one cluster secret.

    Verifying raises Unauthenticated with the kind's own codes (`token.*`, `link.*`, `guest.*`, `replay.*`): `missing`
    (none or empty), `malformed` (not one of ours), `foreign` (signed under another secret), `forged` (changed after
    signing), `expired`.
    """

    def __init__(self, secret: str | bytes) -> None:
        key = secret.encode() if isinstance(secret, str) else secret
        if len(key) < MIN_SECRET_BYTES:
            raise ValueError(f"a secret has at least {MIN_SECRET_BYTES} bytes")
        self._key_name = base64_encode(hashlib.sha256(b"expo.key-name:" + key).digest()[:6]).decode()
        self._room = _signer(key, "expo.room.v1")
        self._link = _signer(key, "expo.link.v1")
        self._guest = _signer(key, "expo.guest.v1")
        self._replay = _signer(key, "expo.replay.v1")
        self._fingerprints = hmac.digest(key, b"expo.fingerprint.v1", hashlib.sha256)

    def sign(self, grant: RoomGrant) -> str:
        """A room token, for `Authorization: Bearer`."""
        claims = _RoomClaims(
            r=grant.room,
            p=grant.participant,
            n=grant.name,
            c=tuple(sorted(grant.can)),
            e=_seconds(grant.expires_at),
            o=grant.role,
            x=grant.exhibitor,
            y=grant.company,
        )
        return self._write(self._room, claims)

    def verify(self, token: str | None, now: datetime, *, room: RoomId | None = None) -> RoomGrant:
        """The grant of a room token. With `room`, raises Forbidden `token.wrong_room` if it opens another one."""
        claims = self._read(self._room, _RoomClaims, "token", token, now)
        if room is not None and claims.r != room:
            raise Forbidden("token.wrong_room", "this token opens another room")
        return RoomGrant(
            room=RoomId(claims.r),
            participant=ParticipantId(claims.p),
            name=claims.n,
            can=frozenset(claims.c),
            expires_at=_moment(claims.e),
            role=claims.o,
            exhibitor=None if claims.x is None else ExhibitorId(claims.x),
            company=claims.y,
        )

    def sign_link(self, link: RoleLink) -> str:
        """The last part of an `/enter/...` address."""
        return self._write(
            self._link, _PersonClaims(p=link.person, o=link.role, s=link.showcase, e=_seconds(link.expires_at))
        )

    def verify_link(self, token: str | None, now: datetime) -> RoleLink:
        """What a role link says, codes `link.*`; that its person still exists is for the caller to see."""
        claims = self._read(self._link, _PersonClaims, "link", token, now)
        return RoleLink(PersonId(claims.p), claims.o, _showcase(claims.s), _moment(claims.e))

    def sign_guest(self, guest: Guest) -> str:
        """The value of the guest cookie; characters need no quoting."""
        claims = _GuestClaims(g=guest.id, n=guest.name, y=guest.company, e=_seconds(guest.expires_at))
        return self._write(self._guest, claims)

    def verify_guest(self, value: str | None, now: datetime) -> Guest:
        """Whom a guest cookie names, codes `guest.*`."""
        claims = self._read(self._guest, _GuestClaims, "guest", value, now)
        return Guest(GuestId(claims.g), claims.n, claims.y, _moment(claims.e))

    def sign_replay(self, key: ReplayKey) -> str:
        """The part of a replay's addresses that opens them; characters need no quoting."""
        claims = _ReplayClaims(
            r=key.room, a=key.reader, n=key.epoch, x=key.exhibitor, p=key.person, e=_seconds(key.expires_at)
        )
        return self._write(self._replay, claims)

    def verify_replay(self, key: str | None, now: datetime) -> ReplayKey:
        """What a key opens, codes `replay.*`; that its epoch is still the present one is for the caller to see."""
        claims = self._read(self._replay, _ReplayClaims, "replay", key, now)
        return ReplayKey(
            room=RoomId(claims.r),
            reader=claims.a,
            exhibitor=None if claims.x is None else ExhibitorId(claims.x),
            person=None if claims.p is None else PersonId(claims.p),
            epoch=claims.n,
            expires_at=_moment(claims.e),
        )

    def fingerprint(self, text: str) -> str:
        """What may be kept of a short secret or an address: nobody finds it by trying all without the cluster's key."""
        return hmac.digest(self._fingerprints, text.encode("utf-8", "replace"), hashlib.sha256).hex()

    def _write(self, signer: Signer, claims: _Timed) -> str:
        payload = base64_encode(msgspec.json.encode(claims)).decode()
        return signer.sign(f"{self._key_name}.{payload}").decode()

    def _read(self, signer: Signer, kind: type[_Claims], family: str, token: str | None, now: datetime) -> _Claims:
        if not token:
            raise Unauthenticated(f"{family}.missing", "nothing was given")
        parts = token.split(".") if len(token) <= MAX_CHARS and token.isascii() else []
        if len(parts) != 3 or not all(parts):
            raise Unauthenticated(f"{family}.malformed", "this is not one of our tokens")
        if parts[0] != self._key_name:
            raise Unauthenticated(f"{family}.foreign", "another server's secret signed this")
        # Compared as text, not as decoded bytes: base64 has several spellings of one signature, and one must do.
        if not hmac.compare_digest(signer.sign(f"{parts[0]}.{parts[1]}").decode(), token):
            raise Unauthenticated(f"{family}.forged", "the signature does not fit")
        try:
            claims = msgspec.json.decode(base64_decode(parts[1]), type=kind)
        except (BadData, msgspec.MsgspecError) as error:
            raise Unauthenticated(f"{family}.malformed", "signed by us, but not as this version writes it") from error
        if now.timestamp() >= claims.e:
            raise Unauthenticated(f"{family}.expired", "its time is over")
        return claims


def _signer(key: bytes, salt: str) -> Signer:
    return Signer(key, salt=salt, sep=".", key_derivation="hmac", digest_method=hashlib.sha256)


def _showcase(value: str | None) -> ShowcaseId | None:
    return None if value is None else ShowcaseId(value)


def _seconds(moment: datetime) -> int:
    if moment.tzinfo is None:
        raise ValueError("a naive time says nothing")
    return int(moment.timestamp())


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
