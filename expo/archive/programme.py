"""What a recording was of: a port that the feature with the showcases fills, since the archive may not know them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from expo.ids import AgencyId, ExhibitorId, ExpoId, ProductId, RoomId, SegmentId
from expo.store.words import Words


@dataclass(frozen=True, slots=True)
class City:
    """One side's clock: an IANA zone and its city's name."""

    zone: str
    city: Words


@dataclass(frozen=True, slots=True)
class ShownPart:
    """A company's part of the show, on from `started_at` until `ended_at`; `logo` is its sign of one character."""

    segment_id: SegmentId
    exhibitor_id: ExhibitorId
    company: Words
    logo: str
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class ShownProduct:
    """A product of one of its companies; `price` and `moq` are ready to read, in each language or in none."""

    id: ProductId
    exhibitor_id: ExhibitorId
    name: Words
    image: str
    price: Words
    moq: Words
    lead_time_days: int
    papers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShownPin:
    """A product pinned from one moment to another, in the order of time; without an end: until the show's."""

    product_id: ProductId
    began_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class ShowProgramme:
    """One show as its recording needs it. `parts` stand in the order of the show; `cities` begin with the host's."""

    room: RoomId
    agency_id: AgencyId
    expo_id: ExpoId
    agency: Words
    title: Words
    image: str
    open_to_all: bool
    state: Literal["draft", "scheduled", "live", "ended"]
    starts_at: datetime
    ended_at: datetime | None
    cities: tuple[City, ...]
    parts: tuple[ShownPart, ...]
    pins: tuple[ShownPin, ...]


@dataclass(frozen=True, slots=True)
class ShowGoods:
    """All products of the companies of a show, and how many watched at once at most while each part was on."""

    products: tuple[ShownProduct, ...]
    audience: Mapping[SegmentId, int]


class Programmes(Protocol):
    """Implemented by showcases."""

    async def programme(self, room: RoomId) -> ShowProgramme | None:
        """The show of this id, None when there is none; asked often. Unavailable `store.*`."""
        ...

    async def goods(self, room: RoomId) -> ShowGoods:
        """What pages tell of it; nothing when there is none. Unavailable `store.*`."""
        ...
