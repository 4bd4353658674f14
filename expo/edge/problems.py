"""Problem bodies (RFC 9457) and the HTML error page for people."""

from __future__ import annotations

import msgspec

PROBLEM_TYPE = "application/problem+json"


class Problem(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """RFC 9457 members plus ours: `code` is stable, `title` is in the reader's language, `detail` is English."""

    type: str
    title: str
    status: int
    code: str
    detail: str = ""
    retry_after_s: int | None = None
