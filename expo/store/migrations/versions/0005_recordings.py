"""Recordings: consents, what organisers changed in chapters, deletions, how often was watched."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_SCOPES = "('everyone', 'invited', 'nobody')"


def upgrade() -> None:
    """Forward."""
    _create(
        "recording",
        {"id": "showcase"},
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("visibility", sa.String(length=10), nullable=False),
        sa.Column("keep_days", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.UniqueConstraint("agency_id", "id", name=op.f("uq_recording_agency_id_id")),
        sa.CheckConstraint(f"visibility IN {_SCOPES}", name=op.f("ck_recording_visibility_known")),
        sa.CheckConstraint("keep_days BETWEEN 1 AND 3650", name=op.f("ck_recording_keep_days_sane")),
        sa.CheckConstraint("epoch > 0", name=op.f("ck_recording_epoch_from_one")),
    )
    _create(
        "consent",
        {"showcase_id": "showcase", "person_id": "person", "exhibitor_id": "exhibitor"},
        sa.Column("showcase_id", sa.String(length=26), nullable=False),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("exhibitor_id", sa.String(length=26), nullable=True),
        sa.Column("record", sa.Boolean(), nullable=False),
        sa.Column("publish", sa.String(length=10), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("showcase_id", "person_id", "number", name=op.f("uq_consent_showcase_id_person_id_number")),
        sa.CheckConstraint(f"publish IN {_SCOPES}", name=op.f("ck_consent_publish_known")),
        sa.CheckConstraint("record OR publish = 'nobody'", name=op.f("ck_consent_published_is_recorded")),
    )
    _create(
        "chapter_edit",
        {"recording_id": "recording"},
        sa.Column("recording_id", sa.String(length=26), nullable=False),
        sa.Column("segment_id", sa.String(length=26), nullable=False),
        sa.Column("title", sa.JSON(), nullable=True),
        sa.Column("trim_start_s", sa.Integer(), nullable=False),
        sa.Column("trim_end_s", sa.Integer(), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.UniqueConstraint("recording_id", "segment_id", name=op.f("uq_chapter_edit_recording_id_segment_id")),
        sa.CheckConstraint("trim_start_s >= 0 AND trim_end_s >= 0", name=op.f("ck_chapter_edit_trims_cut_away")),
    )
    _create(
        "deletion",
        {"recording_id": "recording", "person_id": "person"},
        sa.Column("recording_id", sa.String(length=26), nullable=False),
        sa.Column("person_id", sa.String(length=26), nullable=True),
        sa.Column("cause", sa.String(length=10), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("cause IN ('organiser', 'retention')", name=op.f("ck_deletion_cause_known")),
    )
    _create(
        "watched",
        {"recording_id": "recording"},
        sa.Column("recording_id", sa.String(length=26), nullable=False),
        sa.Column("segment_id", sa.String(length=26), nullable=False),
        sa.Column("day", sa.DateTime(timezone=True), nullable=False),
        sa.Column("minute", sa.Integer(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("starts", sa.Integer(), nullable=False),
        sa.UniqueConstraint(
            "recording_id", "segment_id", "day", "minute", name=op.f("uq_watched_recording_id_segment_id_day_minute")
        ),
        sa.CheckConstraint("minute >= 0 AND minutes >= 0 AND starts >= 0", name=op.f("ck_watched_counts_up")),
    )


def downgrade() -> None:
    """Back."""
    for table in ("watched", "deletion", "chapter_edit", "consent", "recording"):
        op.drop_table(table)


def _create(table: str, within: dict[str, str], *own: sa.schema.SchemaItem) -> None:
    op.create_table(
        table,
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("agency_id", sa.String(length=26), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        *own,
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f(f"fk_{table}_agency_id")),
        *(
            sa.ForeignKeyConstraint(
                ["agency_id", column],
                [f"{other}.agency_id", f"{other}.id"],
                name=op.f(f"fk_{table}_agency_id_{column}"),
            )
            for column, other in within.items()
        ),
    )
