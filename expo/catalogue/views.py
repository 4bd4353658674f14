"""What pages show of the catalogue: plain values in one reader's language, safe to keep after the transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from expo.ids import DelegationId, ExhibitorId, ExpoId, ProductId


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

    `price` is empty when it is on request. `terms` is price with Incoterm and place (`US$4.20–4.80, FOB Busan`).
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
