"""What happened in rooms: messages, pins, leads, the audience; the guests in them; how far the facts are written."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward."""
    _create(
        "guest",
        {},
        sa.Column("guest_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("company", sa.String(length=120), nullable=False),
        sa.UniqueConstraint("agency_id", "guest_id", name=op.f("uq_guest_agency_id_guest_id")),
    )
    _create(
        "projection",
        {"showcase_id": "showcase"},
        sa.Column("showcase_id", sa.String(length=26), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("began_id", sa.String(length=64), nullable=True),
        sa.Column("back_id", sa.String(length=64), nullable=True),
        sa.Column("back_pin_id", sa.String(length=64), nullable=True),
        sa.UniqueConstraint("showcase_id", name=op.f("uq_projection_showcase_id")),
    )
    _create(
        "message",
        {"showcase_id": "showcase", "product_id": "product"},
        sa.Column("showcase_id", sa.String(length=26), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("participant", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("company", sa.String(length=80), nullable=False),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.Column("product_id", sa.String(length=26), nullable=True),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("answered", sa.Boolean(), nullable=False),
        sa.CheckConstraint("NOT withdrawn OR text = ''", name=op.f("ck_message_withdrawn_is_wordless")),
        sa.CheckConstraint("kind IN ('chat', 'question')", name=op.f("ck_message_kind_known")),
        sa.UniqueConstraint("showcase_id", "revision", name=op.f("uq_message_showcase_id_revision")),
    )
    _create(
        "product_pin",
        {"showcase_id": "showcase", "product_id": "product"},
        sa.Column("showcase_id", sa.String(length=26), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.String(length=26), nullable=False),
        sa.Column("pinned_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pinned_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("pinned_from <= pinned_until", name=op.f("ck_product_pin_ends_after_start")),
        sa.UniqueConstraint("showcase_id", "revision", name=op.f("uq_product_pin_showcase_id_revision")),
    )
    op.create_index(op.f("ix_product_pin_product_id"), "product_pin", ["product_id"], unique=False)
    _create(
        "lead",
        {"showcase_id": "showcase", "product_id": "product", "exhibitor_id": "exhibitor", "person_id": "person"},
        sa.Column("showcase_id", sa.String(length=26), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("shown_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("minute", sa.Integer(), nullable=True),
        sa.Column("product_id", sa.String(length=26), nullable=False),
        sa.Column("exhibitor_id", sa.String(length=26), nullable=False),
        sa.Column("participant", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=26), nullable=True),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("company", sa.String(length=120), nullable=False),
        sa.UniqueConstraint(
            "showcase_id", "product_id", "participant", name=op.f("uq_lead_showcase_id_product_id_participant")
        ),
        sa.UniqueConstraint("showcase_id", "revision", name=op.f("uq_lead_showcase_id_revision")),
    )
    op.create_index(op.f("ix_lead_exhibitor_id"), "lead", ["exhibitor_id"], unique=False)
    _create(
        "audience_minute",
        {"showcase_id": "showcase"},
        sa.Column("showcase_id", sa.String(length=26), nullable=False),
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("most", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.UniqueConstraint("showcase_id", "minute", name=op.f("uq_audience_minute_showcase_id_minute")),
    )


def downgrade() -> None:
    """Back."""
    for table in ("audience_minute", "lead", "product_pin", "message", "projection", "guest"):
        op.drop_table(table)


def _create(table: str, within: dict[str, str], *parts: sa.schema.SchemaItem) -> None:
    """A table of an agency's rows; `within` says which column refers to which table of the same agency."""
    op.create_table(
        table,
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("agency_id", sa.String(length=26), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        *parts,
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
