"""Rows of recordings: only what people decided. What was kept stands in the files, what was shown in the showcases."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from expo.archive.rules import CAUSES, KEEP_DAYS, MOST_KEEP_DAYS, SCOPES, TITLE_CHARS
from expo.store.base import ID_CHARS, Base, Line, Moment, Row, Worded, one_of, tenant_key, within
from expo.store.words import Words


class Recording(Row, Base):
    """One showcase's recording; its id is the showcase's id. `epoch` rises with every change of rights.

    It is there once something was kept, or before that once somebody has decided who may see it.
    `deleted_at` says since when there are no files; what people decided and how many watched stays.
    """

    __tablename__ = "recording"
    __table_args__ = (
        tenant_key(),
        within("id", "showcase"),
        one_of("visibility", SCOPES),
        CheckConstraint(f"keep_days BETWEEN 1 AND {MOST_KEEP_DAYS}", name="keep_days_sane"),
        CheckConstraint("epoch > 0", name="epoch_from_one"),
    )

    begun_at: Mapped[datetime] = mapped_column(Moment())
    visibility: Mapped[str] = mapped_column(Line(10), default="nobody")
    keep_days: Mapped[int] = mapped_column(Integer, default=KEEP_DAYS)
    epoch: Mapped[int] = mapped_column(Integer, default=1)
    deleted_at: Mapped[datetime | None] = mapped_column(Moment())


class Consent(Row, Base):
    """What one person decided about being recorded and shown; never changed, the latest counts.

    `exhibitor_id` is the company that they speak for, null for hosts. After `ends_at` the consent is over.
    """

    __tablename__ = "consent"
    __table_args__ = (
        within("showcase_id", "showcase"),
        within("person_id", "person"),
        within("exhibitor_id", "exhibitor"),
        UniqueConstraint("showcase_id", "person_id", "number"),
        one_of("publish", SCOPES),
        CheckConstraint("record OR publish = 'nobody'", name="published_is_recorded"),
    )

    showcase_id: Mapped[str] = mapped_column(String(ID_CHARS))
    person_id: Mapped[str] = mapped_column(String(ID_CHARS))
    number: Mapped[int] = mapped_column(Integer)
    exhibitor_id: Mapped[str | None] = mapped_column(String(ID_CHARS))
    record: Mapped[bool] = mapped_column(Boolean)
    publish: Mapped[str] = mapped_column(Line(10))
    ends_at: Mapped[datetime | None] = mapped_column(Moment())
    decided_at: Mapped[datetime] = mapped_column(Moment())


class ChapterEdit(Row, Base):
    """What an organiser changed in one segment's chapter; no row: nothing. Trims are seconds off its start and end."""

    __tablename__ = "chapter_edit"
    __table_args__ = (
        within("recording_id", "recording"),
        UniqueConstraint("recording_id", "segment_id"),
        CheckConstraint("trim_start_s >= 0 AND trim_end_s >= 0", name="trims_cut_away"),
    )

    recording_id: Mapped[str] = mapped_column(String(ID_CHARS))
    segment_id: Mapped[str] = mapped_column(String(ID_CHARS))
    title: Mapped[Words | None] = mapped_column(Worded(TITLE_CHARS))
    trim_start_s: Mapped[int] = mapped_column(Integer, default=0)
    trim_end_s: Mapped[int] = mapped_column(Integer, default=0)
    hidden: Mapped[bool] = mapped_column(Boolean, default=False)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Moment())


class Deletion(Row, Base):
    """A recording's files that were deleted for good: by whom (null: its time was over), and how much it was."""

    __tablename__ = "deletion"
    __table_args__ = (within("recording_id", "recording"), within("person_id", "person"), one_of("cause", CAUSES))

    recording_id: Mapped[str] = mapped_column(String(ID_CHARS))
    person_id: Mapped[str | None] = mapped_column(String(ID_CHARS))
    cause: Mapped[str] = mapped_column(Line(10))
    deleted_at: Mapped[datetime] = mapped_column(Moment())
    files: Mapped[int] = mapped_column(Integer)
    bytes: Mapped[int] = mapped_column(BigInteger)


class Watched(Row, Base):
    """How often one minute of a chapter was watched on one day (midnight, UTC), and how often watching began there.

    Sums alone: no row says who, when on that day, or what else somebody watched.
    """

    __tablename__ = "watched"
    __table_args__ = (
        within("recording_id", "recording"),
        UniqueConstraint("recording_id", "segment_id", "day", "minute"),
        CheckConstraint("minute >= 0 AND minutes >= 0 AND starts >= 0", name="counts_up"),
    )

    recording_id: Mapped[str] = mapped_column(String(ID_CHARS))
    segment_id: Mapped[str] = mapped_column(String(ID_CHARS))
    day: Mapped[datetime] = mapped_column(Moment())
    minute: Mapped[int] = mapped_column(Integer)
    minutes: Mapped[int] = mapped_column(Integer)
    starts: Mapped[int] = mapped_column(Integer)
