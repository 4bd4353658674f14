"""Playlists as they are sent: made and zipped once for all who see the same."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass, field

from aiohttp import web

from expo.media.recording.playlist import Film

LEVEL = 6
"""Of an hour's list 62 kB become 5, at a quarter of a millisecond."""


@dataclass(frozen=True, slots=True)
class List:
    """A playlist's text, plain and zipped; `etag` names it (RFC 9110 8.8.3, without quotes)."""

    body: bytes
    zipped: bytes
    etag: str

    @classmethod
    def of(cls, text: str) -> List:
        body = text.encode()
        return cls(body, gzip.compress(body, LEVEL, mtime=0), hashlib.blake2s(body, digest_size=9).hexdigest())

    def answer(self, request: web.Request, content_type: str, cache: str) -> web.Response:
        """As its asker takes it; 304 where they have it."""
        headers = {"Cache-Control": cache, "ETag": f'"{self.etag}"', "Vary": "Accept-Encoding"}
        if any(known.value in {self.etag, "*"} for known in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        if "gzip" not in request.headers.get("Accept-Encoding", "").lower():
            return web.Response(body=self.body, content_type=content_type, headers=headers)
        headers["Content-Encoding"] = "gzip"
        return web.Response(body=self.zipped, content_type=content_type, headers=headers)


@dataclass(frozen=True, slots=True)
class Playing:
    """What plays for some readers, and the playlists of it that somebody has asked for, by name."""

    film: Film
    lists: dict[str, List] = field(default_factory=dict[str, List])
