"""One tree of errors; a code is stable and the same over HTTP and socket.

    ExpoError(code, detail)
    ├── Invalid           400  the request is malformed or cannot be done as asked
    ├── Unauthenticated   401  no proof, or expired or forged proof, of who asks
    ├── Forbidden         403  known, but without the grant
    ├── NotFound          404
    ├── Conflict          409  clashes with the present state
    ├── TooMany           429  over a rate or size limit of the caller
    └── Unavailable       503  over a budget of ours or a plane is away; `retry_after_s` says when

Every code has a message in each UI language (`error.<code>` in the catalogue).
"""

from __future__ import annotations


class ExpoError(Exception):
    """Base of all errors a user can meet.

    `code` is dotted and stable (`media.no_usable_codec`); `detail` is English for logs and API users and holds no
    personal data; `status` may be narrowed per instance where HTTP has a finer answer (405, 412, 415, 422, 428).
    """

    status = 500

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        status: int | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail
        self.retry_after_s = retry_after_s
        if status is not None:
            self.status = status


class Invalid(ExpoError):
    status = 400


class Unauthenticated(ExpoError):
    status = 401


class Forbidden(ExpoError):
    status = 403


class NotFound(ExpoError):
    status = 404


class Conflict(ExpoError):
    status = 409


class TooMany(ExpoError):
    status = 429


class Unavailable(ExpoError):
    status = 503
