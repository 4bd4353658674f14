"""Typed forms: what a page posts without script, decoded and bounded as JSON bodies are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from expo.edge import wire
from expo.errors import Invalid

FORM = "application/x-www-form-urlencoded"
MAX_FIELDS = 100

StructT = TypeVar("StructT", bound=msgspec.Struct)


async def form(request: web.Request, struct: type[StructT]) -> StructT:
    """The posted form as a struct; line ends in it are `\\n`.

    Invalid `request.refused` (422: type, bound, unknown or repeated field), and as `fields`.
    """
    values: dict[str, str] = {}
    for name, value in await fields(request):
        if name in values:
            raise Invalid("request.refused", f"field {name!r} stands twice", status=422)
        values[name] = value
    return convert(values, struct)


async def fields(request: web.Request, most: int = MAX_FIELDS) -> list[tuple[str, str]]:
    """The posted form's fields in their order, for forms whose fields repeat; line ends in them are `\\n`.

    Invalid `request.malformed` (400), and as `wire.read_body` and `wire.require_content_type`.
    """
    wire.require_content_type(request, FORM)
    raw = await wire.read_body(request)
    try:
        pairs = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(raw),
            errors="strict",
            max_num_fields=most,
        )
    except ValueError as error:  # UnicodeDecodeError among them
        raise Invalid("request.malformed", "the body is not a form") from error
    return [(name, value.replace("\r\n", "\n")) for name, value in pairs]


def convert(values: Mapping[str, object], struct: type[StructT]) -> StructT:
    """Texts of a form as a struct. Invalid `request.refused` (422: type, bound, unknown field)."""
    try:
        return msgspec.convert(values, struct, strict=False)
    except msgspec.ValidationError as error:
        raise Invalid("request.refused", str(error), status=422) from error
