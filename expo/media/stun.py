"""STUN for ICE connectivity checks: RFC 8489 messages with the attributes of RFC 8445 7.1 and 16.1."""

from __future__ import annotations

import hmac
import socket
import struct
import zlib
from enum import IntEnum

import msgspec

from expo.media.rtp import Malformed

BINDING = 1
# A check fits any path's MTU; more is not one.
MAX_BYTES = 1500

_COOKIE = 0x2112A442
_COOKIE_BYTES = _COOKIE.to_bytes(4, "big")
_FINGERPRINT_XOR = 0x5354554E
_HEAD = struct.Struct("!HHI12s")
_ATTRIBUTE = struct.Struct("!HH")
_HEAD_SIZE = 20
_INTEGRITY_SIZE = 24
_FINGERPRINT_SIZE = 8

_USERNAME = 0x0006
_MESSAGE_INTEGRITY = 0x0008
_ERROR_CODE = 0x0009
_UNKNOWN_ATTRIBUTES = 0x000A
_MESSAGE_INTEGRITY_SHA256 = 0x001C
_XOR_MAPPED_ADDRESS = 0x0020
_PRIORITY = 0x0024
_USE_CANDIDATE = 0x0025
_FINGERPRINT = 0x8028
_ICE_CONTROLLED = 0x8029
_ICE_CONTROLLING = 0x802A

# Known to the protocol and harmless to a check: not to be answered with 420.
_TOLERATED = frozenset({0x0001, 0x0014, 0x0015, 0x001D, 0x001E, _UNKNOWN_ATTRIBUTES, _MESSAGE_INTEGRITY_SHA256})


class MessageClass(IntEnum):
    REQUEST = 0
    INDICATION = 1
    SUCCESS = 2
    ERROR = 3


class StunMessage(msgspec.Struct, frozen=True, gc=False):
    """One parsed message; absent attributes are None or False.

    Only what precedes MESSAGE-INTEGRITY is read: what follows is not covered by it (RFC 8489 14.5).
    """

    method: int
    message_class: MessageClass
    transaction_id: bytes
    raw: bytes
    integrity_at: int = 0
    username: str | None = None
    priority: int | None = None
    use_candidate: bool = False
    ice_controlling: int | None = None
    ice_controlled: int | None = None
    error_code: int | None = None
    xor_mapped_address: tuple[str, int] | None = None
    unknown_required: tuple[int, ...] = ()

    @property
    def has_integrity(self) -> bool:
        return self.integrity_at > 0

    def integrity_ok(self, password: str) -> bool:
        """Whether MESSAGE-INTEGRITY is there and was made with this short-term password (RFC 8489 14.5)."""
        at = self.integrity_at
        if not at:
            return False
        expected = _integrity(self.raw[:at], password)
        return hmac.compare_digest(expected, self.raw[at + 4 : at + _INTEGRITY_SIZE])


def parse_stun(data: bytes) -> StunMessage:
    """Parse one datagram (RFC 8489 5, 14); raises Malformed. A FINGERPRINT must be right and last; none is accepted.

    Integrity is not checked here: the password depends on the username.
    """
    size = len(data)
    if not _HEAD_SIZE <= size <= MAX_BYTES:
        raise Malformed("stun: impossible size")
    kind, length, cookie, transaction_id = _HEAD.unpack_from(data)
    if kind > 0x3FFF or cookie != _COOKIE or length % 4 or length + _HEAD_SIZE != size:
        raise Malformed("stun: not a STUN header")
    message_class = MessageClass(kind >> 4 & 1 | kind >> 7 & 2)
    method = kind & 0xF | kind >> 1 & 0x70 | kind >> 2 & 0xF80
    values, integrity_at = _parse_attributes(data, size)
    username = values.get(_USERNAME)
    error = values.get(_ERROR_CODE)
    mapped = values.get(_XOR_MAPPED_ADDRESS)
    return StunMessage(
        method,
        message_class,
        transaction_id,
        data,
        integrity_at,
        None if username is None else _parse_username(username),
        _parse_int(values.get(_PRIORITY), 4),
        _USE_CANDIDATE in values,
        _parse_int(values.get(_ICE_CONTROLLING), 8),
        _parse_int(values.get(_ICE_CONTROLLED), 8),
        None if error is None else _parse_error(error),
        None if mapped is None else _parse_address(mapped, transaction_id),
        tuple([kind for kind in values if kind < 0x8000 and kind not in _READ and kind not in _TOLERATED]),
    )


def build_request(
    transaction_id: bytes,
    username: str,
    password: str,
    *,
    priority: int | None = None,
    controlling: int | None = None,
    controlled: int | None = None,
    use_candidate: bool = False,
) -> bytes:
    """A connectivity check; `controlling` and `controlled` are tie-breakers of 64 bits (RFC 8445 7.1)."""
    body = _attribute(_USERNAME, username.encode())
    if priority is not None:
        body += _attribute(_PRIORITY, priority.to_bytes(4, "big"))
    if controlling is not None:
        body += _attribute(_ICE_CONTROLLING, controlling.to_bytes(8, "big"))
    if controlled is not None:
        body += _attribute(_ICE_CONTROLLED, controlled.to_bytes(8, "big"))
    if use_candidate:
        body += _attribute(_USE_CANDIDATE, b"")
    return _message(MessageClass.REQUEST, transaction_id, body, password)


def build_success(transaction_id: bytes, address: tuple[str, int, *tuple[int, ...]], password: str) -> bytes:
    """The answer to a check from `address` (as a socket gives it; an IPv4-mapped IPv6 address is told as IPv4)."""
    body = _attribute(_XOR_MAPPED_ADDRESS, _build_address(address[0], address[1], transaction_id))
    return _message(MessageClass.SUCCESS, transaction_id, body, password)


def build_error(
    transaction_id: bytes, code: int, reason: str, password: str | None, *, unknown: tuple[int, ...] = ()
) -> bytes:
    """An error answer (RFC 8489 14.8); UNKNOWN-ATTRIBUTES where given, no integrity without a password."""
    body = _attribute(_ERROR_CODE, bytes((0, 0, code // 100, code % 100)) + reason.encode())
    if unknown:
        body += _attribute(_UNKNOWN_ATTRIBUTES, struct.pack(f"!{len(unknown)}H", *unknown))
    return _message(MessageClass.ERROR, transaction_id, body, password)


_READ = frozenset({_USERNAME, _MESSAGE_INTEGRITY, _ERROR_CODE, _XOR_MAPPED_ADDRESS, _PRIORITY, _USE_CANDIDATE})


def _parse_attributes(data: bytes, size: int) -> tuple[dict[int, bytes], int]:
    """The first occurrence of every attribute before the integrity, and where the integrity stands (0: nowhere)."""
    values: dict[int, bytes] = {}
    integrity_at = 0
    protected = False
    at = _HEAD_SIZE
    while at < size:
        kind, length = _ATTRIBUTE.unpack_from(data, at)
        start = at + 4
        if start + length > size:
            raise Malformed("stun: attribute longer than the message")
        if kind == _FINGERPRINT:
            if length != 4 or start + 4 != size:
                raise Malformed("stun: fingerprint is not the last attribute")
            if int.from_bytes(data[start:], "big") != zlib.crc32(data[:at]) ^ _FINGERPRINT_XOR:
                raise Malformed("stun: wrong fingerprint")
        elif not protected:
            if kind == _MESSAGE_INTEGRITY:
                if length != 20:
                    raise Malformed("stun: integrity of another length")
                integrity_at = at
                protected = True
            elif kind == _MESSAGE_INTEGRITY_SHA256:
                protected = True
            else:
                values.setdefault(kind, data[start : start + length])
        at = start + (length + 3 & ~3)
    return values, integrity_at


def _parse_username(value: bytes) -> str:
    if len(value) > 512:
        raise Malformed("stun: username too long")
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise Malformed("stun: username is not UTF-8") from None


def _parse_int(value: bytes | None, size: int) -> int | None:
    if value is None:
        return None
    if len(value) != size:
        raise Malformed("stun: number of another length")
    return int.from_bytes(value, "big")


def _parse_error(value: bytes) -> int:
    if len(value) < 4:
        raise Malformed("stun: error without a code")
    return (value[2] & 7) * 100 + value[3]


def _parse_address(value: bytes, transaction_id: bytes) -> tuple[str, int]:
    if len(value) not in (8, 20) or value[1] != (1 if len(value) == 8 else 2):
        raise Malformed("stun: address of another family")
    port = (value[2] << 8 | value[3]) ^ _COOKIE >> 16
    packed = _xor(value[4:], transaction_id)
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed), port


def _build_address(host: str, port: int, transaction_id: bytes) -> bytes:
    if host.startswith("::ffff:") and "." in host:
        host = host[7:]
    if ":" in host:
        family, packed = 2, socket.inet_pton(socket.AF_INET6, host.partition("%")[0])
    else:
        family, packed = 1, socket.inet_pton(socket.AF_INET, host)
    return struct.pack("!BBH", 0, family, port ^ _COOKIE >> 16) + _xor(packed, transaction_id)


def _xor(packed: bytes, transaction_id: bytes) -> bytes:
    size = len(packed)
    key = (_COOKIE_BYTES + transaction_id)[:size]
    return (int.from_bytes(packed, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")


def _attribute(kind: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(kind, len(value)) + value + bytes(-len(value) % 4)


def _message(message_class: MessageClass, transaction_id: bytes, body: bytes, password: str | None) -> bytes:
    kind = BINDING | (message_class & 1) << 4 | (message_class & 2) << 7
    size = len(body)
    message = _HEAD.pack(kind, size, _COOKIE, transaction_id) + body
    if password is not None:
        message += _attribute(_MESSAGE_INTEGRITY, _integrity(message, password))
        size += _INTEGRITY_SIZE
    message = message[:2] + (size + _FINGERPRINT_SIZE).to_bytes(2, "big") + message[4:]
    return message + _attribute(_FINGERPRINT, (zlib.crc32(message) ^ _FINGERPRINT_XOR).to_bytes(4, "big"))


def _integrity(before: bytes, password: str) -> bytes:
    """HMAC-SHA1 over what precedes, its length field counting up to the end of the integrity itself."""
    length = len(before) - _HEAD_SIZE + _INTEGRITY_SIZE
    return hmac.digest(password.encode(), before[:2] + length.to_bytes(2, "big") + before[4:], "sha1")
