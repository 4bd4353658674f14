"""Invitations, logins, and people who can be revoked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward."""
    with op.batch_alter_table("person") as person:
        person.add_column(sa.Column("showcase_id", sa.String(length=26), nullable=True))
        person.add_column(sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True))
        person.create_foreign_key(
            op.f("fk_person_agency_id_showcase_id"),
            "showcase",
            ["agency_id", "showcase_id"],
            ["agency_id", "id"],
        )
    op.create_table(
        "invitation",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("agency_id", sa.String(length=26), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("showcase_id", sa.String(length=26), nullable=False),
        sa.Column("invited_by", sa.String(length=26), nullable=True),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("created_at < expires_at", name=op.f("ck_invitation_ends_after_start")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_invitation_agency_id")),
        *(
            sa.ForeignKeyConstraint(
                ["agency_id", column],
                [f"{table}.agency_id", f"{table}.id"],
                name=op.f(f"fk_invitation_agency_id_{column}"),
            )
            for column, table in (("person_id", "person"), ("showcase_id", "showcase"), ("invited_by", "person"))
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("agency_id", "id", name=op.f("uq_invitation_agency_id_id")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_invitation_secret_hash")),
    )
    op.create_index(op.f("ix_invitation_person_id"), "invitation", ["person_id"], unique=False)
    op.create_index(op.f("ix_invitation_showcase_id"), "invitation", ["showcase_id"], unique=False)
    op.create_table(
        "login",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("agency_id", sa.String(length=26), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("person_id", sa.String(length=26), nullable=False),
        sa.Column("invitation_id", sa.String(length=26), nullable=True),
        sa.Column("showcase_id", sa.String(length=26), nullable=True),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_on", sa.Date(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("created_at < expires_at", name=op.f("ck_login_ends_after_start")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_login_agency_id")),
        *(
            sa.ForeignKeyConstraint(
                ["agency_id", column],
                [f"{table}.agency_id", f"{table}.id"],
                name=op.f(f"fk_login_agency_id_{column}"),
            )
            for column, table in (
                ("person_id", "person"),
                ("invitation_id", "invitation"),
                ("showcase_id", "showcase"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login")),
        sa.UniqueConstraint("agency_id", "id", name=op.f("uq_login_agency_id_id")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_login_secret_hash")),
    )
    op.create_index(op.f("ix_login_invitation_id"), "login", ["invitation_id"], unique=False)
    op.create_index(op.f("ix_login_person_id"), "login", ["person_id"], unique=False)


def downgrade() -> None:
    """Back."""
    op.drop_table("login")
    op.drop_table("invitation")
    with op.batch_alter_table("person") as person:
        person.drop_constraint(op.f("fk_person_agency_id_showcase_id"), type_="foreignkey")
        person.drop_column("revoked_at")
        person.drop_column("showcase_id")
