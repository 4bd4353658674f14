"""Products that their company does not show in a segment."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "left_out",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("agency_id", sa.String(length=26), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("segment_id", sa.String(length=26), nullable=False),
        sa.Column("product_id", sa.String(length=26), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_left_out")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_left_out_agency_id")),
        sa.ForeignKeyConstraint(
            ["agency_id", "segment_id"],
            ["segment.agency_id", "segment.id"],
            name=op.f("fk_left_out_agency_id_segment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["agency_id", "product_id"],
            ["product.agency_id", "product.id"],
            name=op.f("fk_left_out_agency_id_product_id"),
        ),
        sa.UniqueConstraint("segment_id", "product_id", name=op.f("uq_left_out_segment_id_product_id")),
    )


def downgrade() -> None:
    """Back."""
    op.drop_table("left_out")
