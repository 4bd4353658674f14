"""Rows of agencies, people, their invitations and the devices that are signed in."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Date, String
from sqlalchemy.orm import Mapped, mapped_column

from expo.accounts.rules import NAME_CHARS, ROLES
from expo.clock import utc_now
from expo.ids import new_row_id
from expo.store.base import ID_CHARS, Base, Line, Moment, Row, Worded, one_of, tenant_key, within
from expo.store.words import Words

TITLE_CHARS = 120
HASH_CHARS = 64


class Agency(Base):
    """A tenant: the trade agency whose expos, people and rows these are. Its own id is its `agency_id`."""

    __tablename__ = "agency"

    id: Mapped[str] = mapped_column(String(ID_CHARS), primary_key=True, default=new_row_id)
    created_at: Mapped[datetime] = mapped_column(Moment(), default=utc_now)
    name: Mapped[Words] = mapped_column(Worded(TITLE_CHARS))
    country: Mapped[str] = mapped_column(Line(2))


class Person(Row, Base):
    """Somebody with a role at one expo. `name` as the person writes it; `language` is BCP 47.

    `organisation` is a buyer's company in words; an exhibitor's is `exhibitor_id`. An exhibitor without a company
    presents in `showcase_id` alone. Whoever is revoked is nobody: no link, login or token of theirs counts any more.
    """

    __tablename__ = "person"
    __table_args__ = (
        tenant_key(),
        within("expo_id", "expo"),
        within("exhibitor_id", "exhibitor"),
        within("showcase_id", "showcase"),
        one_of("role", ROLES),
    )

    expo_id: Mapped[str] = mapped_column(String(ID_CHARS), index=True)
    exhibitor_id: Mapped[str | None] = mapped_column(String(ID_CHARS), index=True)
    showcase_id: Mapped[str | None] = mapped_column(String(ID_CHARS))
    role: Mapped[str] = mapped_column(Line(16))
    name: Mapped[str] = mapped_column(Line(NAME_CHARS))
    language: Mapped[str] = mapped_column(Line(35))  # RFC 5646 4.4.1: 35 characters hold every tag in use
    organisation: Mapped[str] = mapped_column(Line(TITLE_CHARS), default="")
    revoked_at: Mapped[datetime | None] = mapped_column(Moment())


class Invitation(Row, Base):
    """A link for one person to one showcase; only the hash of its secret is kept. `invited_by` is null for the CLI."""

    __tablename__ = "invitation"
    __table_args__ = (
        tenant_key(),
        within("person_id", "person"),
        within("showcase_id", "showcase"),
        within("invited_by", "person"),
        CheckConstraint("created_at < expires_at", name="ends_after_start"),
    )

    person_id: Mapped[str] = mapped_column(String(ID_CHARS), index=True)
    showcase_id: Mapped[str] = mapped_column(String(ID_CHARS), index=True)
    invited_by: Mapped[str | None] = mapped_column(String(ID_CHARS))
    secret_hash: Mapped[str] = mapped_column(String(HASH_CHARS), unique=True)
    expires_at: Mapped[datetime] = mapped_column(Moment())
    revoked_at: Mapped[datetime | None] = mapped_column(Moment())


class Login(Row, Base):
    """One browser that is signed in, by an invitation or (null) by a role link; signing out deletes the row.

    `last_seen_on` is a day and nothing finer: who works when is nobody's business.
    """

    __tablename__ = "login"
    __table_args__ = (
        tenant_key(),
        within("person_id", "person"),
        within("invitation_id", "invitation"),
        within("showcase_id", "showcase"),
        CheckConstraint("created_at < expires_at", name="ends_after_start"),
    )

    person_id: Mapped[str] = mapped_column(String(ID_CHARS), index=True)
    invitation_id: Mapped[str | None] = mapped_column(String(ID_CHARS), index=True)
    showcase_id: Mapped[str | None] = mapped_column(String(ID_CHARS))
    secret_hash: Mapped[str] = mapped_column(String(HASH_CHARS), unique=True)
    expires_at: Mapped[datetime] = mapped_column(Moment())
    last_seen_on: Mapped[date] = mapped_column(Date())
    revoked_at: Mapped[datetime | None] = mapped_column(Moment())
