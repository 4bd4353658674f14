"""Rows of showcases and their segments, and of what happened in their rooms."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from expo.accounts.rules import NAME_CHARS
from expo.rooms.model import MAX_ID_CHARS, MAX_NAME_CHARS, MAX_TEXT_CHARS
from expo.rooms.policy import MAX_BPS
from expo.showcases.rules import STATES
from expo.store.base import ID_CHARS, PATH_CHARS, Base, Line, Moment, Row, Worded, one_of, tenant_key, within
from expo.store.words import Words

TITLE_CHARS = 120
SUMMARY_CHARS = 400
KINDS = ("chat", "question")


class Showcase(Row, Base):
    """A delegation's live programme. Its id is its room's id.

    `auto_live` goes live when its encoder connects; `open_to_all` lets anybody watch without a token.
    """

    __tablename__ = "showcase"
    __table_args__ = (
        tenant_key(),
        within("delegation_id", "delegation"),
        within("pinned_product_id", "product"),
        one_of("state", STATES),
        CheckConstraint("starts_at < ends_at", name="ends_after_start"),
        CheckConstraint("state IN ('draft', 'scheduled') OR went_live_at IS NOT NULL", name="live_has_a_time"),
        CheckConstraint("(state = 'ended') = (ended_at IS NOT NULL)", name="ended_has_a_time"),
        CheckConstraint("max_bps BETWEEN 100000 AND 20000000", name="max_bps_sane"),
    )

    delegation_id: Mapped[str] = mapped_column(String(ID_CHARS), index=True)
    title: Mapped[Words] = mapped_column(Worded(TITLE_CHARS))
    summary: Mapped[Words] = mapped_column(Worded(SUMMARY_CHARS))
    image: Mapped[str] = mapped_column(Line(PATH_CHARS))
    state: Mapped[str] = mapped_column(Line(10), default="draft")
    auto_live: Mapped[bool] = mapped_column(Boolean, default=False)
    open_to_all: Mapped[bool] = mapped_column(Boolean, default=False)
    starts_at: Mapped[datetime] = mapped_column(Moment(), index=True)
    ends_at: Mapped[datetime] = mapped_column(Moment())
    went_live_at: Mapped[datetime | None] = mapped_column(Moment())
    ended_at: Mapped[datetime | None] = mapped_column(Moment())
    max_bps: Mapped[int] = mapped_column(Integer, default=MAX_BPS)
    pinned_product_id: Mapped[str | None] = mapped_column(String(ID_CHARS))


class Segment(Row, Base):
    """One company's part of a showcase; `position` counts from 1. It is on from `started_at` until `ended_at`."""

    __tablename__ = "segment"
    __table_args__ = (
        tenant_key(),
        within("showcase_id", "showcase"),
        within("exhibitor_id", "exhibitor"),
        UniqueConstraint("showcase_id", "position"),
        CheckConstraint("position > 0", name="position_from_one"),
        CheckConstraint("length_s BETWEEN 30 AND 14400", name="length_sane"),
        CheckConstraint("ended_at IS NULL OR started_at IS NOT NULL", name="ends_after_start"),
    )

    showcase_id: Mapped[str] = mapped_column(String(ID_CHARS))
    exhibitor_id: Mapped[str] = mapped_column(String(ID_CHARS), index=True)
    position: Mapped[int] = mapped_column(Integer)
    title: Mapped[Words] = mapped_column(Worded(TITLE_CHARS))
    length_s: Mapped[int] = mapped_column(Integer)
    started_at: Mapped[datetime | None] = mapped_column(Moment())
    ended_at: Mapped[datetime | None] = mapped_column(Moment())


class LeftOut(Row, Base):
    """A product that its company does not show in this segment; what has no row is shown, also what is new."""

    __tablename__ = "left_out"
    __table_args__ = (
        within("segment_id", "segment"),
        within("product_id", "product"),
        UniqueConstraint("segment_id", "product_id"),
    )

    segment_id: Mapped[str] = mapped_column(String(ID_CHARS))
    product_id: Mapped[str] = mapped_column(String(ID_CHARS))


class Projection(Row, Base):
    """How far a room's facts stand in the rows: its events up to `revision`.

    The rest is what the last change of segment replaced (`rooms.model.Undo`), for as long as it can be taken back.
    """

    __tablename__ = "projection"
    __table_args__ = (within("showcase_id", "showcase"), UniqueConstraint("showcase_id"))

    showcase_id: Mapped[str] = mapped_column(String(ID_CHARS))
    revision: Mapped[int] = mapped_column(BigInteger)
    began_id: Mapped[str | None] = mapped_column(String(MAX_ID_CHARS))
    back_id: Mapped[str | None] = mapped_column(String(MAX_ID_CHARS))
    back_pin_id: Mapped[str | None] = mapped_column(String(MAX_ID_CHARS))


class Message(Row, Base):
    """A line of the chat or a question; `revision` is its id in the room. A withdrawn one has no text any more."""

    __tablename__ = "message"
    __table_args__ = (
        within("showcase_id", "showcase"),
        within("product_id", "product"),
        UniqueConstraint("showcase_id", "revision"),
        one_of("kind", KINDS),
        CheckConstraint("NOT withdrawn OR text = ''", name="withdrawn_is_wordless"),
    )

    showcase_id: Mapped[str] = mapped_column(String(ID_CHARS))
    revision: Mapped[int] = mapped_column(BigInteger)
    said_at: Mapped[datetime] = mapped_column(Moment())
    kind: Mapped[str] = mapped_column(Line(10))
    participant: Mapped[str] = mapped_column(Line(MAX_ID_CHARS))
    name: Mapped[str] = mapped_column(Line(MAX_NAME_CHARS))
    company: Mapped[str] = mapped_column(Line(MAX_NAME_CHARS))
    text: Mapped[str] = mapped_column(Line(MAX_TEXT_CHARS))
    product_id: Mapped[str | None] = mapped_column(String(ID_CHARS))
    hidden: Mapped[bool] = mapped_column(Boolean, default=False)
    withdrawn: Mapped[bool] = mapped_column(Boolean, default=False)
    answered: Mapped[bool] = mapped_column(Boolean, default=False)


class ProductPin(Row, Base):
    """A product pinned from one moment to another; at most one of a showcase has no end yet."""

    __tablename__ = "product_pin"
    __table_args__ = (
        within("showcase_id", "showcase"),
        within("product_id", "product"),
        UniqueConstraint("showcase_id", "revision"),
        CheckConstraint("pinned_from <= pinned_until", name="ends_after_start"),
    )

    showcase_id: Mapped[str] = mapped_column(String(ID_CHARS))
    revision: Mapped[int] = mapped_column(BigInteger)
    product_id: Mapped[str] = mapped_column(String(ID_CHARS), index=True)
    pinned_from: Mapped[datetime] = mapped_column(Moment())
    pinned_until: Mapped[datetime | None] = mapped_column(Moment())


class Lead(Row, Base):
    """Interest of one participant in one product, once a showcase. `minute` of the show counts from 0, null outside it.

    `person_id` is null for a guest. `name` and `company` are as they were then, empty where nobody told them.
    `revision` is the room's, or below zero for interest that came from outside it.
    """

    __tablename__ = "lead"
    __table_args__ = (
        within("showcase_id", "showcase"),
        within("product_id", "product"),
        within("exhibitor_id", "exhibitor"),
        within("person_id", "person"),
        UniqueConstraint("showcase_id", "product_id", "participant"),
        UniqueConstraint("showcase_id", "revision"),
    )

    showcase_id: Mapped[str] = mapped_column(String(ID_CHARS))
    revision: Mapped[int] = mapped_column(BigInteger)
    shown_at: Mapped[datetime] = mapped_column(Moment())
    minute: Mapped[int | None] = mapped_column(Integer)
    product_id: Mapped[str] = mapped_column(String(ID_CHARS))
    exhibitor_id: Mapped[str] = mapped_column(String(ID_CHARS), index=True)
    participant: Mapped[str] = mapped_column(Line(MAX_ID_CHARS))
    person_id: Mapped[str | None] = mapped_column(String(ID_CHARS))
    name: Mapped[str] = mapped_column(Line(NAME_CHARS))
    company: Mapped[str] = mapped_column(Line(TITLE_CHARS))


class AudienceMinute(Row, Base):
    """How many watched in the minute that begins at `minute`: at most, and at its end. No row: as before."""

    __tablename__ = "audience_minute"
    __table_args__ = (within("showcase_id", "showcase"), UniqueConstraint("showcase_id", "minute"))

    showcase_id: Mapped[str] = mapped_column(String(ID_CHARS))
    minute: Mapped[datetime] = mapped_column(Moment())
    most: Mapped[int] = mapped_column(Integer)
    last: Mapped[int] = mapped_column(Integer)


class KnownGuest(Row, Base):
    """What a guest who came into one of the agency's rooms last called themselves; their own cookie says it."""

    __tablename__ = "guest"
    __table_args__ = (UniqueConstraint("agency_id", "guest_id"),)

    guest_id: Mapped[str] = mapped_column(Line(MAX_ID_CHARS))
    name: Mapped[str] = mapped_column(Line(NAME_CHARS))
    company: Mapped[str] = mapped_column(Line(TITLE_CHARS))
