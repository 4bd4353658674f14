"""Who asks: the answer of a login, as far as HTTP needs to know it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from expo.ids import PersonId, ShowcaseId


@dataclass(frozen=True, slots=True)
class Principal:
    """A known person. `role` is one of `organiser exhibitor buyer interpreter moderator technician operator`."""

    person_id: PersonId
    role: str
    name: str
    language: str
    showcase_id: ShowcaseId | None


class PrincipalLoader(Protocol):
    """What accounts hands up to HTTP; wired in `expo.app`."""

    async def by_link(self, token: str, now: datetime) -> Principal:
        """The person of a role link; Unauthenticated (`link.*`) when it is malformed, forged or names nobody."""
        ...

    async def by_cookie(self, value: str, now: datetime) -> Principal | None:
        """The person of a login cookie; None when it is stale, forged or names nobody."""
        ...

    def cookie(self, principal: Principal, now: datetime) -> str:
        """The signed value of the login cookie."""
        ...
