"""Rows of showcases and their segments."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Boolean, CheckConstraint, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from expo.rooms.policy import MAX_BPS
from expo.showcases.rules import STATES
from expo.store.base import ID_CHARS, PATH_CHARS, Base, Line, Moment, Row, Worded, one_of, tenant_key, within
from expo.store.words import Words

TITLE_CHARS = 120
SUMMARY_CHARS = 400


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
