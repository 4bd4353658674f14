"""What an invitation is to: a port that the feature with the showcases fills, since accounts may not know them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from expo.edge.formats import Side
from expo.ids import AgencyId, ExhibitorId, ExpoId, ShowcaseId


@dataclass(frozen=True, slots=True)
class Company:
    """A supplier who may present. `slug` is how people name it in a shell, `names` are those of all languages."""

    id: ExhibitorId
    slug: str
    name: str
    names: frozenset[str]

    def is_called(self, text: str) -> bool:
        """Whether somebody who writes this means the company: its id, its slug, or a name in any language."""
        meant = text.strip().casefold()
        return meant in {self.id, self.slug, *(name.casefold() for name in self.names)}


@dataclass(frozen=True, slots=True)
class Occasion:
    """A showcase as an invitation tells of it, in one reader's language. `clocks` starts with the host's side."""

    showcase_id: ShowcaseId
    agency_id: AgencyId
    expo_id: ExpoId
    agency_name: str
    expo_title: str
    title: str
    image: str
    starts_at: datetime
    announced: bool
    open_to_all: bool
    ended: bool
    clocks: tuple[Side, ...]
    companies: tuple[Company, ...]
    host_language: str
    guest_language: str


class Occasions(Protocol):
    """Implemented by showcases."""

    async def __call__(self, db: AsyncSession, showcase_id: ShowcaseId, language: str) -> Occasion:
        """Raises NotFound `showcase.not_found`."""
        ...
