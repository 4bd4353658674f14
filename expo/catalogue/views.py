"""What pages show of the catalogue: plain values in one reader's language, safe to keep after the transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from expo.ids import DelegationId, ExhibitorId, ExpoId, ProductId, ShowcaseId

Phase = Literal["done", "now", "next"]


@dataclass(frozen=True, slots=True)
class Clock:
    """One side's clock: IANA zone, the city's name for the reader, and the BCP 47 language spoken there."""

    zone: str
    city: str
    language: str


@dataclass(frozen=True, slots=True)
class ExpoView:
    """`clocks` starts with the host's side; times are UTC."""

    id: ExpoId
    title: str
    agency_name: str
    starts_at: datetime
    ends_at: datetime
    clocks: tuple[Clock, ...]


@dataclass(frozen=True, slots=True)
class ProductView:
    """A product. `price`, `moq` and `hs` are ready to read (`US$4.20–4.80`, `1,000 bottles`, `3304.99`).

    `price` is empty when it is on request. `terms` is price with Incoterm and place (`US$4.20–4.80, FOB Busan`);
    `incoterm` alone is the three letters of Incoterms 2020.
    `papers` are names of certificates; `moq_note` may be empty. `image` is a path of our own site.
    """

    id: ProductId
    exhibitor_id: ExhibitorId
    exhibitor_name: str
    slug: str
    name: str
    summary: str
    image: str
    price: str
    terms: str
    incoterm: str
    incoterm_place: str
    price_low: Decimal | None
    price_high: Decimal | None
    currency: str
    moq: str
    moq_quantity: int
    moq_note: str
    hs: str
    lead_time_days: int
    papers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExhibitorView:
    """A company. `mark` is its one-character sign; `presenter_title` may be empty; `image` is its first product's."""

    id: ExhibitorId
    slug: str
    name: str
    mark: str
    tagline: str
    about: str
    presenter: str
    presenter_title: str
    delegation_id: DelegationId
    image: str
    products: tuple[ProductView, ...]


@dataclass(frozen=True, slots=True)
class DelegationView:
    """A delegation. `name` is the whole name, `province` the place alone, `sectors` a short list in words."""

    id: DelegationId
    slug: str
    name: str
    province: str
    country: str
    sectors: str
    image: str
    company_count: int


@dataclass(frozen=True, slots=True)
class Again:
    """Where a show, or a company's part of one, plays again: a page and a picture of our own site, and how long."""

    href: str
    length_s: float
    poster: str


@dataclass(frozen=True, slots=True)
class Part:
    """A company's place in a showing; the times are the plan until it has begun, then what happened."""

    exhibitor_id: ExhibitorId
    starts_at: datetime
    ends_at: datetime
    phase: Phase
    again: Again | None = None


@dataclass(frozen=True, slots=True)
class Showing:
    """A live programme as the catalogue sees it: when, and who presents in it. Never a draft."""

    showcase_id: ShowcaseId
    delegation_id: DelegationId
    title: str
    state: Literal["scheduled", "live", "ended"]
    starts_at: datetime
    ends_at: datetime
    parts: tuple[Part, ...]
    again: Again | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """One company's part of one showing. `on_air` is this company now; `live` is its showing now."""

    showing: Showing
    part: Part

    @property
    def live(self) -> bool:
        return self.showing.state == "live"

    @property
    def on_air(self) -> bool:
        return self.live and self.part.phase == "now"


@dataclass(frozen=True, slots=True)
class DelegationPage:
    """A delegation with its companies in their order.

    `showings` are the delegation's, `moments` each company's: live first, then the coming ones soonest first, then the
    ended ones newest first. A company that presents nowhere has no key in `moments`.
    """

    expo: ExpoView
    delegation: DelegationView
    companies: tuple[ExhibitorView, ...]
    showings: tuple[Showing, ...]
    moments: Mapping[ExhibitorId, tuple[Moment, ...]]


@dataclass(frozen=True, slots=True)
class StandPage:
    """A company's stand, in its delegation; `moments` as there."""

    of: DelegationPage
    company: ExhibitorView
    moments: tuple[Moment, ...]


@dataclass(frozen=True, slots=True)
class ProductPage:
    """A product on its company's stand; `before` and `after` are its neighbours among the delegation's products."""

    stand: StandPage
    product: ProductView
    before: ProductView | None
    after: ProductView | None
