"""Typed bodies, queries and answers: msgspec decodes, bounds and refuses; a handler never sees a bare dict.

Request structs say `forbid_unknown_fields=True` and carry their bounds (`Annotated[str, msgspec.Meta(max_length=80)]`).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from typing import TypeVar

import msgspec
from aiohttp import web

from expo.errors import Invalid

BODY_DEADLINE_S = 10.0
"""A body must be whole by then: aiohttp itself waits for ever for one that drips."""
MAX_BODY_BYTES = 64 * 1024
JSON = "application/json"

_BODY = web.RequestKey("body", bytes)

StructT = TypeVar("StructT", bound=msgspec.Struct)


async def read_body(
    request: web.Request, *, limit_bytes: int = MAX_BODY_BYTES, deadline_s: float = BODY_DEADLINE_S
) -> bytes:
    """The whole body, the same when asked again.

    Invalid `request.too_large` (413) over the limit, `request.too_slow` (408) past the deadline.
    """
    if (known := request.get(_BODY)) is not None:
        return known
    if request.content_length is not None and request.content_length > limit_bytes:
        raise _too_large(limit_bytes)
    chunks: list[bytes] = []
    left = limit_bytes
    try:
        async with asyncio.timeout(deadline_s):
            async for chunk in request.content.iter_any():
                left -= len(chunk)
                if left < 0:
                    raise _too_large(limit_bytes)
                chunks.append(chunk)
    except TimeoutError:
        raise Invalid("request.too_slow", f"the body was not whole after {deadline_s:g} s", status=408) from None
    except web.RequestPayloadError as error:
        raise Invalid("request.malformed", "the body cannot be read") from error
    request[_BODY] = whole = b"".join(chunks)
    return whole


def require_content_type(request: web.Request, media_type: str) -> None:
    """Invalid `request.content_type` (415) unless the body is declared as this media type."""
    if request.content_type != media_type:
        raise Invalid("request.content_type", f"send {media_type}", status=415)


async def body(request: web.Request, struct: type[StructT], *, limit_bytes: int = MAX_BODY_BYTES) -> StructT:
    """The JSON body as a struct; Invalid `request.malformed` (400), `request.refused` (422: type, bound, unknown)."""
    require_content_type(request, JSON)
    raw = await read_body(request, limit_bytes=limit_bytes)
    try:
        return msgspec.json.decode(raw, type=struct)
    except msgspec.ValidationError as error:
        raise Invalid("request.refused", str(error), status=422) from error
    except msgspec.DecodeError as error:
        raise Invalid("request.malformed", "the body is not JSON") from error


def query(request: web.Request, struct: type[StructT]) -> StructT:
    """The query as a struct; Invalid `request.refused` (400) for types, bounds, unknown and repeated names."""
    values: dict[str, str] = {}
    for name, value in request.query.items():
        if name in values:
            raise Invalid("request.refused", f"query parameter {name!r} stands twice")
        values[name] = value
    try:
        return msgspec.convert(values, struct, strict=False)
    except msgspec.ValidationError as error:
        raise Invalid("request.refused", str(error)) from error


def answer(value: msgspec.Struct, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A JSON answer."""
    return web.Response(body=msgspec.json.encode(value), status=status, content_type=JSON, headers=headers)


def answer_tagged(request: web.Request, value: msgspec.Struct, tagged: object) -> web.Response:
    """A JSON answer with an ETag over `tagged` (what matters of the value), or 304 when the reader has it already."""
    tag = hashlib.blake2s(msgspec.json.encode(tagged), digest_size=9).hexdigest()
    if request.if_none_match and any(known.value in {tag, "*"} for known in request.if_none_match):
        response: web.Response = web.Response(status=304)
    else:
        response = answer(value)
    response.etag = tag
    response.headers["Cache-Control"] = "no-cache"
    return response


def _too_large(limit_bytes: int) -> Invalid:
    return Invalid("request.too_large", f"the body may have {limit_bytes} bytes", status=413)
