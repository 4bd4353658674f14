"""Rows of expos, delegations, exhibitors and products."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, BigInteger, CheckConstraint, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from expo.store.base import ID_CHARS, PATH_CHARS, Base, Line, Moment, Row, Worded, one_of, tenant_key, within
from expo.store.words import Words

SLUG_CHARS = 60
TITLE_CHARS = 120
SUMMARY_CHARS = 400
ABOUT_CHARS = 2000

INCOTERMS = ("EXW", "FCA", "CPT", "CIP", "DAP", "DPU", "DDP", "FAS", "FOB", "CFR", "CIF")
"""Incoterms 2020, the eleven rules of the International Chamber of Commerce."""


class Expo(Row, Base):
    """An event. Both sides' clocks are shown everywhere: `host_*` is where its buyers are, `guest_*` the suppliers."""

    __tablename__ = "expo"
    __table_args__ = (
        tenant_key(),
        UniqueConstraint("agency_id", "slug"),
        CheckConstraint("starts_at < ends_at", name="ends_after_start"),
    )

    slug: Mapped[str] = mapped_column(Line(SLUG_CHARS))
    title: Mapped[Words] = mapped_column(Worded(TITLE_CHARS))
    starts_at: Mapped[datetime] = mapped_column(Moment())
    ends_at: Mapped[datetime] = mapped_column(Moment())
    host_zone: Mapped[str] = mapped_column(Line(40))
    host_city: Mapped[Words] = mapped_column(Worded(TITLE_CHARS))
    host_language: Mapped[str] = mapped_column(Line(35))
    guest_zone: Mapped[str] = mapped_column(Line(40))
    guest_city: Mapped[Words] = mapped_column(Worded(TITLE_CHARS))
    guest_language: Mapped[str] = mapped_column(Line(35))


class Delegation(Row, Base):
    """Companies of one province or city, shown together."""

    __tablename__ = "delegation"
    __table_args__ = (tenant_key(), within("expo_id", "expo"), UniqueConstraint("expo_id", "slug"))

    expo_id: Mapped[str] = mapped_column(String(ID_CHARS))
    slug: Mapped[str] = mapped_column(Line(SLUG_CHARS))
    position: Mapped[int] = mapped_column(Integer)
    name: Mapped[Words] = mapped_column(Worded(TITLE_CHARS))
    province: Mapped[Words] = mapped_column(Worded(TITLE_CHARS))
    country: Mapped[str] = mapped_column(Line(2))
    sectors: Mapped[Words] = mapped_column(Worded(SUMMARY_CHARS))
    image: Mapped[str] = mapped_column(Line(PATH_CHARS))


class Exhibitor(Row, Base):
    """A supplier company. `mark` is one character that stands for it where a logo would."""

    __tablename__ = "exhibitor"
    __table_args__ = (tenant_key(), within("delegation_id", "delegation"), UniqueConstraint("delegation_id", "slug"))

    delegation_id: Mapped[str] = mapped_column(String(ID_CHARS))
    slug: Mapped[str] = mapped_column(Line(SLUG_CHARS))
    position: Mapped[int] = mapped_column(Integer)
    name: Mapped[Words] = mapped_column(Worded(TITLE_CHARS))
    mark: Mapped[str] = mapped_column(Line(4))
    tagline: Mapped[Words] = mapped_column(Worded(SUMMARY_CHARS))
    about: Mapped[Words] = mapped_column(Worded(ABOUT_CHARS))
    presenter: Mapped[Words] = mapped_column(Worded(80))
    presenter_title: Mapped[Words | None] = mapped_column(Worded(TITLE_CHARS))


class Product(Row, Base):
    """What an exhibitor sells. Prices are in the currency's minor unit (cents); none means on request."""

    __tablename__ = "product"
    __table_args__ = (
        tenant_key(),
        within("exhibitor_id", "exhibitor"),
        UniqueConstraint("exhibitor_id", "slug"),
        one_of("incoterm", INCOTERMS),
        CheckConstraint("price_low_minor > 0 AND price_high_minor >= price_low_minor", name="price_range"),
        CheckConstraint("(price_low_minor IS NULL) = (price_high_minor IS NULL)", name="price_whole"),
        CheckConstraint("moq_quantity > 0", name="moq_positive"),
        CheckConstraint("lead_time_days >= 0", name="lead_time_not_negative"),
        CheckConstraint("length(hs_code) = 6", name="hs_code_six_digits"),
        CheckConstraint("length(currency) = 3", name="currency_iso_4217"),
    )

    exhibitor_id: Mapped[str] = mapped_column(String(ID_CHARS))
    slug: Mapped[str] = mapped_column(Line(SLUG_CHARS))
    position: Mapped[int] = mapped_column(Integer)
    name: Mapped[Words] = mapped_column(Worded(TITLE_CHARS))
    summary: Mapped[Words] = mapped_column(Worded(SUMMARY_CHARS))
    image: Mapped[str] = mapped_column(Line(PATH_CHARS))
    hs_code: Mapped[str] = mapped_column(Line(6))
    price_low_minor: Mapped[int | None] = mapped_column(BigInteger)
    price_high_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Line(3))
    price_unit: Mapped[Words | None] = mapped_column(Worded(40))
    incoterm: Mapped[str] = mapped_column(Line(3))
    incoterm_place: Mapped[Words] = mapped_column(Worded(TITLE_CHARS))
    moq_quantity: Mapped[int] = mapped_column(Integer)
    moq_unit: Mapped[Words] = mapped_column(Worded(40))
    moq_note: Mapped[Words | None] = mapped_column(Worded(SUMMARY_CHARS))
    lead_time_days: Mapped[int] = mapped_column(Integer)
    certificates: Mapped[list[str]] = mapped_column(JSON)
