"""One way to answer a page: language, messages for its scripts, page data, a cache rule that fits personal pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec
from aiohttp import web

from expo.edge.formats import Formats
from expo.edge.i18n import LANGUAGE_NAMES
from expo.edge.keys import CATALOGUES, LANDING, LANGUAGE, PRINCIPAL, TEMPLATES
from expo.edge.templates import json_block

COMPRESS_FROM_BYTES = 1024


def render(
    request: web.Request,
    template: str,
    *,
    areas: Sequence[str] = ("common",),
    page_data: msgspec.Struct | Mapping[str, object] | None = None,
    status: int = 200,
    **context: object,
) -> web.Response:
    """Answer a template of `web/templates` in the reader's language.

    Every template sees `t(key, **values)`, `language`, `languages` (code to own name), `formats` (dates, numbers,
    prices), `principal` (or None) and `own_page` (the path of their role's page), `path` (of this request, to come back
    to), `asset(source)` and `page_data`: the JSON for `<script type="application/json" id="page-data">`, which is the
    given value (a Struct keeps its own naming) plus `language` and `messages` of the areas.
    """
    language = request[LANGUAGE]
    catalogues = request.app[CATALOGUES]
    values: dict[str, object] = msgspec.to_builtins(page_data) if page_data is not None else {}
    block = {"language": language, **values, "messages": catalogues.messages(areas, language)}
    principal, landing = request.get(PRINCIPAL), request.app.get(LANDING)
    text = request.app[TEMPLATES].render(
        template,
        {
            "t": translator(request),
            "language": language,
            "languages": LANGUAGE_NAMES,
            "formats": Formats(language),
            "principal": principal,
            "own_page": landing(principal) if principal is not None and landing is not None else "/",
            "path": request.rel_url.path_qs,
            **context,
            "page_data": json_block(block),
        },
    )
    response = web.Response(text=text, content_type="text/html", status=status)
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Content-Language"] = language
    response.headers["Vary"] = "Accept-Language, Cookie"
    if len(text) >= COMPRESS_FROM_BYTES:
        response.enable_compression()
    return response


def translator(request: web.Request) -> Callable[..., str]:
    """`t(key, **values)` in the reader's language."""
    language, catalogues = request[LANGUAGE], request.app[CATALOGUES]

    def t(key: str, /, **values: object) -> str:
        return catalogues.text(key, language, **values)

    return t
