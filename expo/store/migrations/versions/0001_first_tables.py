"""The first tables: agency, people, catalogue, showcases."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "agency",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.JSON(), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agency")),
    )
    op.create_table(
        "expo",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("agency_id", sa.String(length=26), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("slug", sa.String(length=60), nullable=False),
        sa.Column("title", sa.JSON(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("host_zone", sa.String(length=40), nullable=False),
        sa.Column("host_city", sa.JSON(), nullable=False),
        sa.Column("host_language", sa.String(length=35), nullable=False),
        sa.Column("guest_zone", sa.String(length=40), nullable=False),
        sa.Column("guest_city", sa.JSON(), nullable=False),
        sa.Column("guest_language", sa.String(length=35), nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_expo_ends_after_start")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_expo_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_expo")),
        sa.UniqueConstraint("agency_id", "id", name=op.f("uq_expo_agency_id_id")),
        sa.UniqueConstraint("agency_id", "slug", name=op.f("uq_expo_agency_id_slug")),
    )
    op.create_table(
        "delegation",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("agency_id", sa.String(length=26), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expo_id", sa.String(length=26), nullable=False),
        sa.Column("slug", sa.String(length=60), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.JSON(), nullable=False),
        sa.Column("province", sa.JSON(), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("sectors", sa.JSON(), nullable=False),
        sa.Column("image", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["agency_id", "expo_id"], ["expo.agency_id", "expo.id"], name=op.f("fk_delegation_agency_id_expo_id")
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_delegation_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delegation")),
        sa.UniqueConstraint("agency_id", "id", name=op.f("uq_delegation_agency_id_id")),
        sa.UniqueConstraint("expo_id", "slug", name=op.f("uq_delegation_expo_id_slug")),
    )
    op.create_table(
        "exhibitor",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("agency_id", sa.String(length=26), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delegation_id", sa.String(length=26), nullable=False),
        sa.Column("slug", sa.String(length=60), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.JSON(), nullable=False),
        sa.Column("mark", sa.String(length=4), nullable=False),
        sa.Column("tagline", sa.JSON(), nullable=False),
        sa.Column("about", sa.JSON(), nullable=False),
        sa.Column("presenter", sa.JSON(), nullable=False),
        sa.Column("presenter_title", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["agency_id", "delegation_id"],
            ["delegation.agency_id", "delegation.id"],
            name=op.f("fk_exhibitor_agency_id_delegation_id"),
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_exhibitor_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exhibitor")),
        sa.UniqueConstraint("agency_id", "id", name=op.f("uq_exhibitor_agency_id_id")),
        sa.UniqueConstraint("delegation_id", "slug", name=op.f("uq_exhibitor_delegation_id_slug")),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("agency_id", sa.String(length=26), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expo_id", sa.String(length=26), nullable=False),
        sa.Column("exhibitor_id", sa.String(length=26), nullable=True),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("organisation", sa.String(length=120), nullable=False),
        sa.CheckConstraint(
            "role IN ('organiser', 'exhibitor', 'buyer', 'interpreter', 'moderator', 'technician', 'operator')",
            name=op.f("ck_person_role_known"),
        ),
        sa.ForeignKeyConstraint(
            ["agency_id", "exhibitor_id"],
            ["exhibitor.agency_id", "exhibitor.id"],
            name=op.f("fk_person_agency_id_exhibitor_id"),
        ),
        sa.ForeignKeyConstraint(
            ["agency_id", "expo_id"], ["expo.agency_id", "expo.id"], name=op.f("fk_person_agency_id_expo_id")
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_person_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("agency_id", "id", name=op.f("uq_person_agency_id_id")),
    )
    op.create_index(op.f("ix_person_exhibitor_id"), "person", ["exhibitor_id"], unique=False)
    op.create_index(op.f("ix_person_expo_id"), "person", ["expo_id"], unique=False)
    op.create_table(
        "product",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("agency_id", sa.String(length=26), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("exhibitor_id", sa.String(length=26), nullable=False),
        sa.Column("slug", sa.String(length=60), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.JSON(), nullable=False),
        sa.Column("summary", sa.JSON(), nullable=False),
        sa.Column("image", sa.String(length=200), nullable=False),
        sa.Column("hs_code", sa.String(length=6), nullable=False),
        sa.Column("price_low_minor", sa.BigInteger(), nullable=True),
        sa.Column("price_high_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("price_unit", sa.JSON(), nullable=True),
        sa.Column("incoterm", sa.String(length=3), nullable=False),
        sa.Column("incoterm_place", sa.JSON(), nullable=False),
        sa.Column("moq_quantity", sa.Integer(), nullable=False),
        sa.Column("moq_unit", sa.JSON(), nullable=False),
        sa.Column("moq_note", sa.JSON(), nullable=True),
        sa.Column("lead_time_days", sa.Integer(), nullable=False),
        sa.Column("certificates", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            "incoterm IN ('EXW', 'FCA', 'CPT', 'CIP', 'DAP', 'DPU', 'DDP', 'FAS', 'FOB', 'CFR', 'CIF')",
            name=op.f("ck_product_incoterm_known"),
        ),
        sa.CheckConstraint(
            "(price_low_minor IS NULL) = (price_high_minor IS NULL)", name=op.f("ck_product_price_whole")
        ),
        sa.CheckConstraint("lead_time_days >= 0", name=op.f("ck_product_lead_time_not_negative")),
        sa.CheckConstraint("length(currency) = 3", name=op.f("ck_product_currency_iso_4217")),
        sa.CheckConstraint("length(hs_code) = 6", name=op.f("ck_product_hs_code_six_digits")),
        sa.CheckConstraint("moq_quantity > 0", name=op.f("ck_product_moq_positive")),
        sa.CheckConstraint(
            "price_low_minor > 0 AND price_high_minor >= price_low_minor", name=op.f("ck_product_price_range")
        ),
        sa.ForeignKeyConstraint(
            ["agency_id", "exhibitor_id"],
            ["exhibitor.agency_id", "exhibitor.id"],
            name=op.f("fk_product_agency_id_exhibitor_id"),
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_product_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
        sa.UniqueConstraint("agency_id", "id", name=op.f("uq_product_agency_id_id")),
        sa.UniqueConstraint("exhibitor_id", "slug", name=op.f("uq_product_exhibitor_id_slug")),
    )
    op.create_table(
        "showcase",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("agency_id", sa.String(length=26), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delegation_id", sa.String(length=26), nullable=False),
        sa.Column("title", sa.JSON(), nullable=False),
        sa.Column("summary", sa.JSON(), nullable=False),
        sa.Column("image", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("auto_live", sa.Boolean(), nullable=False),
        sa.Column("open_to_all", sa.Boolean(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("went_live_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("max_bps", sa.Integer(), nullable=False),
        sa.Column("pinned_product_id", sa.String(length=26), nullable=True),
        sa.CheckConstraint("(state = 'ended') = (ended_at IS NOT NULL)", name=op.f("ck_showcase_ended_has_a_time")),
        sa.CheckConstraint(
            "state IN ('draft', 'scheduled') OR went_live_at IS NOT NULL", name=op.f("ck_showcase_live_has_a_time")
        ),
        sa.CheckConstraint("state IN ('draft', 'scheduled', 'live', 'ended')", name=op.f("ck_showcase_state_known")),
        sa.CheckConstraint("max_bps BETWEEN 100000 AND 20000000", name=op.f("ck_showcase_max_bps_sane")),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_showcase_ends_after_start")),
        sa.ForeignKeyConstraint(
            ["agency_id", "delegation_id"],
            ["delegation.agency_id", "delegation.id"],
            name=op.f("fk_showcase_agency_id_delegation_id"),
        ),
        sa.ForeignKeyConstraint(
            ["agency_id", "pinned_product_id"],
            ["product.agency_id", "product.id"],
            name=op.f("fk_showcase_agency_id_pinned_product_id"),
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_showcase_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_showcase")),
        sa.UniqueConstraint("agency_id", "id", name=op.f("uq_showcase_agency_id_id")),
    )
    op.create_index(op.f("ix_showcase_delegation_id"), "showcase", ["delegation_id"], unique=False)
    op.create_index(op.f("ix_showcase_starts_at"), "showcase", ["starts_at"], unique=False)
    op.create_table(
        "segment",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("agency_id", sa.String(length=26), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("showcase_id", sa.String(length=26), nullable=False),
        sa.Column("exhibitor_id", sa.String(length=26), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("title", sa.JSON(), nullable=False),
        sa.Column("length_s", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("ended_at IS NULL OR started_at IS NOT NULL", name=op.f("ck_segment_ends_after_start")),
        sa.CheckConstraint("length_s BETWEEN 30 AND 14400", name=op.f("ck_segment_length_sane")),
        sa.CheckConstraint("position > 0", name=op.f("ck_segment_position_from_one")),
        sa.ForeignKeyConstraint(
            ["agency_id", "exhibitor_id"],
            ["exhibitor.agency_id", "exhibitor.id"],
            name=op.f("fk_segment_agency_id_exhibitor_id"),
        ),
        sa.ForeignKeyConstraint(
            ["agency_id", "showcase_id"],
            ["showcase.agency_id", "showcase.id"],
            name=op.f("fk_segment_agency_id_showcase_id"),
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_segment_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segment")),
        sa.UniqueConstraint("agency_id", "id", name=op.f("uq_segment_agency_id_id")),
        sa.UniqueConstraint("showcase_id", "position", name=op.f("uq_segment_showcase_id_position")),
    )
    op.create_index(op.f("ix_segment_exhibitor_id"), "segment", ["exhibitor_id"], unique=False)


def downgrade() -> None:
    """Back."""
    op.drop_index(op.f("ix_segment_exhibitor_id"), table_name="segment")
    op.drop_table("segment")
    op.drop_index(op.f("ix_showcase_starts_at"), table_name="showcase")
    op.drop_index(op.f("ix_showcase_delegation_id"), table_name="showcase")
    op.drop_table("showcase")
    op.drop_table("product")
    op.drop_index(op.f("ix_person_expo_id"), table_name="person")
    op.drop_index(op.f("ix_person_exhibitor_id"), table_name="person")
    op.drop_table("person")
    op.drop_table("exhibitor")
    op.drop_table("delegation")
    op.drop_table("expo")
    op.drop_table("agency")
