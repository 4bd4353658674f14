"""Boxes of the ISO base media file format (ISO/IEC 14496-12 4.2): writing them, and walking through them."""

from __future__ import annotations

import struct
from collections.abc import Iterator

_HEAD = struct.Struct(">I4s")
_FULL = struct.Struct(">I4sI")


def box(kind: bytes, *content: bytes) -> bytes:
    """A box of this four-character type."""
    body = b"".join(content)
    return _HEAD.pack(8 + len(body), kind) + body


def full_box(kind: bytes, version: int, flags: int, *content: bytes) -> bytes:
    """A box with a version (8 bits) and flags (24 bits)."""
    body = b"".join(content)
    return _FULL.pack(12 + len(body), kind, version << 24 | flags) + body


def walk(content: bytes | memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Types and bodies of the boxes that fill `content`. Raises ValueError where they do not fit in."""
    view = memoryview(content)
    at = 0
    while at < len(view):
        if at + 8 > len(view):
            raise ValueError("a box's head is cut off")
        size, kind = _HEAD.unpack_from(view, at)
        if size < 8 or at + size > len(view):
            raise ValueError(f"box {kind!r} has an impossible size")
        yield kind, view[at + 8 : at + size]
        at += size
