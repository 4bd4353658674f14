"""The texts of the demonstration as `seed.toml` holds them: its tables, typed."""

from __future__ import annotations

from typing import Literal

import msgspec

from expo.accounts.rules import Role
from expo.showcases.rules import State
from expo.store.words import Words


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of the content's tables: a misspelt key is an error, not a missing text."""


class AgencyText(Text, frozen=True):
    id: str
    country: str
    name: Words


class ExpoText(Text, frozen=True):
    id: str
    slug: str
    title: Words
    host_zone: str
    host_city: Words
    host_language: str
    guest_zone: str
    guest_city: Words
    guest_language: str


class ProductText(Text, frozen=True):
    slug: str
    name: Words
    summary: Words
    hs_code: str
    price_minor: tuple[int, int]
    incoterm: str
    incoterm_place: Words
    moq_quantity: int
    moq_unit: Words
    lead_time_days: int
    certificates: list[str]
    price_unit: Words | None = None
    moq_note: Words | None = None


class ExhibitorText(Text, frozen=True):
    slug: str
    mark: str
    name: Words
    tagline: Words
    about: Words
    presenter: Words
    presenter_title: Words
    products: list[ProductText]


class DelegationText(Text, frozen=True):
    slug: str
    country: str
    name: Words
    province: Words
    sectors: Words
    exhibitors: list[ExhibitorText]


class ShowcaseText(Text, frozen=True):
    id: str
    delegation: str
    state: State
    title: Words
    summary: Words
    companies: list[str]
    day: int | None = None
    hour: int = 14
    auto_live: bool = False
    open_to_all: bool = False
    image: str | None = None
    pinned: str | None = None


class PersonText(Text, frozen=True):
    id: str
    role: Role
    name: str
    language: Literal["ko", "vi", "en"]
    showcase: str
    exhibitor: str | None = None
    organisation: str = ""


class Texts(Text, frozen=True):
    agency: AgencyText
    expo: ExpoText
    delegations: list[DelegationText]
    showcases: list[ShowcaseText]
    people: list[PersonText]
