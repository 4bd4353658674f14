"""Headers on every answer: what a browser may do with our pages, and who may read the media endpoints."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from expo.edge.keys import REQUEST_ID

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "media-src 'self' blob:",
        "worker-src 'self' blob:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
"""No inline script or style; JSON blocks are data and not covered."""

SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": (
        "camera=(self), microphone=(self), display-capture=(self), screen-wake-lock=(self), autoplay=(self), "
        "fullscreen=(self), geolocation=(), payment=(), usb=()"
    ),
}

CORS_PREFIXES = ("/whip/", "/whep/")
"""Any page may publish or watch with a token (`csrf`): these endpoints ignore cookies, so `*` gives nothing away."""
CORS_HEADERS: Mapping[str, str] = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Location, ETag, Link, Accept-Patch, Retry-After, X-Request-Id",
}


async def dress(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Add the headers that the handler has not set itself; for `Application.on_response_prepare`."""
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    if request.path.startswith(CORS_PREFIXES):
        for name, value in CORS_HEADERS.items():
            response.headers.setdefault(name, value)
    if isinstance(request, web.Request) and REQUEST_ID in request:
        response.headers["X-Request-Id"] = request[REQUEST_ID]
    response.headers["Server"] = "expo"
