"""The company and accounts choose from which warehouses orders are filled."""

import sqlalchemy as sa
from alembic import op

revision = "0031_sourcing"
down_revision = "0030_phone"


def upgrade() -> None:
    op.create_table(
        "sourcing_rule",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid()),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "rule in ('nearest', 'fewest_splits', 'priority')", name=op.f("ck_sourcing_rule_rule")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_sourcing_rule_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sourcing_rule")),
        sa.UniqueConstraint(
            "account_id",
            name=op.f("uq_sourcing_rule_account_id"),
            postgresql_nulls_not_distinct=True,
        ),
    )
