"""Rows of agencies and people."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from expo.accounts.rules import ROLES
from expo.clock import utc_now
from expo.ids import new_row_id
from expo.store.base import ID_CHARS, Base, Line, Moment, Row, Worded, one_of, tenant_key, within
from expo.store.words import Words

NAME_CHARS = 80
TITLE_CHARS = 120


class Agency(Base):
    """A tenant: the trade agency whose expos, people and rows these are. Its own id is its `agency_id`."""

    __tablename__ = "agency"

    id: Mapped[str] = mapped_column(String(ID_CHARS), primary_key=True, default=new_row_id)
    created_at: Mapped[datetime] = mapped_column(Moment(), default=utc_now)
    name: Mapped[Words] = mapped_column(Worded(TITLE_CHARS))
    country: Mapped[str] = mapped_column(Line(2))


class Person(Row, Base):
    """Somebody with a role at one expo. `name` as the person writes it; `language` is BCP 47.

    `organisation` is a buyer's company in words; an exhibitor's is `exhibitor_id`.
    """

    __tablename__ = "person"
    __table_args__ = (
        tenant_key(),
        within("expo_id", "expo"),
        within("exhibitor_id", "exhibitor"),
        one_of("role", ROLES),
    )

    expo_id: Mapped[str] = mapped_column(String(ID_CHARS), index=True)
    exhibitor_id: Mapped[str | None] = mapped_column(String(ID_CHARS), index=True)
    role: Mapped[str] = mapped_column(Line(16))
    name: Mapped[str] = mapped_column(Line(NAME_CHARS))
    language: Mapped[str] = mapped_column(Line(35))  # RFC 5646 4.4.1: 35 characters hold every tag in use
    organisation: Mapped[str] = mapped_column(Line(TITLE_CHARS), default="")
