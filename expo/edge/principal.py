"""Who asks: the answer of a login, as far as HTTP needs to know it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from expo.ids import AgencyId, ExhibitorId, ExpoId, LoginId, PersonId, ShowcaseId


@dataclass(frozen=True, slots=True)
class Principal:
    """A known person. `role` is one of `organiser exhibitor buyer interpreter moderator technician operator`.

    A role counts in `expo_id` of `agency_id` and nowhere else. `showcase_id` is where the person's link led.
    """

    person_id: PersonId
    role: str
    name: str
    language: str
    showcase_id: ShowcaseId | None
    agency_id: AgencyId
    expo_id: ExpoId
    exhibitor_id: ExhibitorId | None
    login_id: LoginId


@dataclass(frozen=True, slots=True)
class Entry:
    """Somebody who has just come in: `cookie` is the login cookie's value, good for `life_s` seconds."""

    principal: Principal
    cookie: str
    life_s: int


class PrincipalLoader(Protocol):
    """What accounts hands up to HTTP; wired in `expo.app`."""

    async def by_link(self, token: str, present: str | None, now: datetime) -> Entry:
        """Sign this browser in by a role link; `present` is its login cookie.

        Unauthenticated (`link.*`) when the link is malformed, forged or names nobody.
        """
        ...

    async def by_cookie(self, value: str, now: datetime) -> Principal | None:
        """The person of a login cookie; None when it is stale, revoked, forged or names nobody."""
        ...

    async def sign_out(self, value: str) -> None:
        """End the login of a cookie; nothing happens when there is none."""
        ...
