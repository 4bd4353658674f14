"""The built assets, held in memory: under 2 MB in all, texts also gzipped once at the start."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from expo.edge.openapi import Answer, Content, Operation, operation
from expo.edge.templates import Templates
from expo.errors import NotFound

IMMUTABLE = "public, max-age=31536000, immutable"
"""For names that carry a hash of their content."""
SHORT = "public, max-age=600"

_TYPES: Mapping[str, str] = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
_TEXTS = frozenset({".js", ".css", ".svg", ".json", ".webmanifest", ".txt"})


@dataclass(frozen=True, slots=True)
class Asset:
    """One file; `zipped` is None where compression gains nothing."""

    body: bytes
    zipped: bytes | None
    content_type: str
    cache: str
    etag: str


class StaticFiles:
    """Answers `/static/{path}` from an index made once: a path that is not in it does not exist, whatever it spells."""

    def __init__(self, folder: Path, templates: Templates) -> None:
        hashed = templates.hashed_files()
        self._assets = {
            name: _read(path, immutable=name in hashed)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and (name := path.relative_to(folder).as_posix()) != "manifest.json"
        }

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/static/{path:.+}", self.get), web.get("/favicon.ico", self.favicon)]

    @operation(
        Operation(
            "A built asset: script, style sheet, picture",
            {200: Answer("The file", Content("*/*")), 304: Answer("Not changed")},
            errors=(404,),
            tag="static",
        )
    )
    async def get(self, request: web.Request) -> web.Response:
        return self._answer(request, request.match_info["path"])

    @operation(
        Operation("The site's icon", {200: Answer("The icon", Content("image/svg+xml"))}, errors=(404,), tag="static")
    )
    async def favicon(self, request: web.Request) -> web.Response:
        return self._answer(request, "favicon.svg")

    def _answer(self, request: web.Request, name: str) -> web.Response:
        asset = self._assets.get(name)
        if asset is None:
            raise NotFound("static.unknown", "there is no such file")
        headers = {"Cache-Control": asset.cache, "ETag": f'"{asset.etag}"', "Vary": "Accept-Encoding"}
        if any(tag.value in {asset.etag, "*"} for tag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        body = asset.body
        if asset.zipped is not None and "gzip" in request.headers.get("Accept-Encoding", "").lower():
            headers["Content-Encoding"] = "gzip"
            body = asset.zipped
        return web.Response(body=body, content_type=asset.content_type, headers=headers)


def _read(path: Path, *, immutable: bool) -> Asset:
    body = path.read_bytes()
    zipped = gzip.compress(body, 9, mtime=0) if path.suffix in _TEXTS else None
    return Asset(
        body=body,
        zipped=zipped if zipped is not None and len(zipped) < len(body) else None,
        content_type=_TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream",
        cache=IMMUTABLE if immutable else SHORT,
        etag=hashlib.blake2s(body, digest_size=9).hexdigest(),
    )
