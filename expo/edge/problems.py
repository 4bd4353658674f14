"""Problem bodies (RFC 9457), and how an error of any kind becomes one."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from aiohttp import web

from expo.edge.i18n import DEFAULT_LANGUAGE, Catalogues
from expo.errors import ExpoError

PROBLEM_TYPE = "application/problem+json"
SERVER_ERROR = "server.error"

_CODES: Mapping[int, str] = {
    404: "request.unknown_address",
    405: "request.method",
    413: "request.too_large",
    415: "request.content_type",
}
"""Our codes for what aiohttp itself refuses."""


class Problem(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """RFC 9457 members plus ours: `code` is stable, `title` is in the reader's language, `detail` is English."""

    type: str
    title: str
    status: int
    code: str
    detail: str = ""
    retry_after_s: int | None = None


def problem_type(code: str) -> str:
    """The `type` member: a URI that names the problem and needs no web page."""
    return f"urn:expo:problem:{code}"


def problem(error: ExpoError, catalogues: Catalogues, language: str) -> Problem:
    """The body for an error; a code without a message is told as `server.error` (a test finds such codes first)."""
    return Problem(
        type=problem_type(error.code),
        title=title(error.code, catalogues, language),
        status=error.status,
        code=error.code,
        detail=error.detail,
        retry_after_s=error.retry_after_s,
    )


def title(code: str, catalogues: Catalogues, language: str) -> str:
    """The message of an error code, `error.<code>` in the catalogues."""
    for key, tongue in ((code, language), (code, DEFAULT_LANGUAGE), (SERVER_ERROR, language)):
        if catalogues.has(f"error.{key}", tongue):
            return catalogues.text(f"error.{key}", tongue)
    return "Something went wrong"


def problem_response(body: Problem, *, bearer_sent: bool) -> web.Response:
    """The problem as an answer, with the headers that its status asks for (RFC 9110, RFC 6750 3)."""
    response = web.Response(status=body.status, body=msgspec.json.encode(body), content_type=PROBLEM_TYPE)
    response.headers["Cache-Control"] = "no-store"
    if body.retry_after_s is not None:
        response.headers["Retry-After"] = str(body.retry_after_s)
    if body.status == 401:
        response.headers["WWW-Authenticate"] = (
            'Bearer realm="expo", error="invalid_token"' if bearer_sent else 'Bearer realm="expo"'
        )
    return response


def from_http(error: web.HTTPException) -> ExpoError:
    """aiohttp's own refusal as one of ours."""
    return ExpoError(_CODES.get(error.status, "request.malformed"), error.reason, status=error.status)
