"""One place that keeps other sites from acting with our readers' cookies.

Browsers say where an unsafe request comes from: by `Sec-Fetch-Site` (Fetch Metadata), older ones by `Origin` alone.
A program that says neither has no reader whose cookies it could ride on. SameSite=Lax is the second line.

The media endpoints ignore cookies: with a token any page may publish and watch. Without one only ours may, or whoever
puts a show into their own page would spend our places on their readers.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from expo.edge.headers import CORS_PREFIXES
from expo.errors import Forbidden

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_OWN = frozenset({"same-origin", "none"})
"""`none`: the person did it, not a page."""


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Forbidden `request.cross_site` for what another site's page sends, but for media with a token."""
    if request.method not in SAFE_METHODS and not _brings_a_token(request):
        require_same_origin(request)
    return await handler(request)


def require_same_origin(request: web.Request) -> None:
    """Forbidden `request.cross_site` unless our own page, the person or no browser at all sends this.

    Sockets call this too: their handshake is a GET that browsers let any page make.
    """
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site is not None and site not in _OWN:
        raise _cross_site()
    if site is None and origin is not None and _authority(origin) != _authority(f"http://{request.host}"):
        raise _cross_site()


def _brings_a_token(request: web.Request) -> bool:
    return request.path.startswith(CORS_PREFIXES) and "Authorization" in request.headers


def _authority(url: str) -> str | None:
    """Host and port, without a scheme's own port; None for `null` and what is no address.

    The scheme is left out: behind a proxy that is not trusted we would take every https page for a stranger's.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return None
    return parts.hostname if port in {None, 80, 443} else f"{parts.hostname}:{port}"


def _cross_site() -> Forbidden:
    return Forbidden("request.cross_site", "another site's page sent this")
