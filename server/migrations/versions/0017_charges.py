"""Tariffs, charges, cash and driver settlements."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017_charges"
down_revision = "0016_returned_goods"

APPEND_ONLY = (
    "charge",
    "cash_taken",
    "cash_debrief",
    "cash_debrief_line",
    "remittance",
    "remittance_line",
    "pay_rule",
    "pay_adjustment",
    "settlement",
    "settlement_line",
)

TARIFF_IN_FORCE = """
    create function keep_tariff_in_force() returns trigger language plpgsql as $$
    begin
        if old.activated_at is not null and (
            tg_op = 'DELETE'
            or to_jsonb(new) - 'valid_until' is distinct from to_jsonb(old) - 'valid_until'
        ) then
            raise exception 'a tariff in force does not change'
                using errcode = 'restrict_violation';
        end if;
        return coalesce(new, old);
    end $$
"""


def upgrade() -> None:
    create_tariffs()
    create_charges()
    create_work()
    create_cash()
    create_settlements()
    for table in APPEND_ONLY:
        op.execute(
            f"create trigger append_only before update or delete or truncate on {table} "
            "for each statement execute function refuse_to_rewrite_history()"
        )
    op.execute(TARIFF_IN_FORCE)
    op.execute(
        "create trigger tariff_in_force before update or delete on tariff "
        "for each row execute function keep_tariff_in_force()"
    )


def create_tariffs() -> None:
    op.create_table(
        "tariff",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("account_id", sa.Uuid(), sa.ForeignKey("account.id")),
        sa.Column("service_level", sa.Text()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True)),
        sa.Column("rules", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("activated_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        sa.CheckConstraint("valid_from < valid_until", name="validity"),
    )
    op.create_index("ix_tariff_account_id_service_level", "tariff", ["account_id", "service_level"])


def create_charges() -> None:
    op.create_table(
        "charge",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("account_id", sa.Uuid(), sa.ForeignKey("account.id"), nullable=False),
        sa.Column("order_id", sa.Uuid(), sa.ForeignKey("orders.id")),
        sa.Column("consignment_id", sa.Uuid(), sa.ForeignKey("consignment.id")),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("vat_code", sa.Text(), nullable=False),
        sa.Column("cost_centre", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tariff_id", sa.Uuid(), sa.ForeignKey("tariff.id")),
        sa.Column("trace", postgresql.JSONB(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False, unique=True),
        sa.Column("reverses_id", sa.Uuid(), sa.ForeignKey("charge.id")),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        sa.CheckConstraint(
            "vat_code in ('standard', 'reduced', 'zero', 'exempt')", name="vat_code"
        ),
    )
    op.create_index("ix_charge_account_id_id", "charge", ["account_id", "id"])
    op.create_index("ix_charge_order_id", "charge", ["order_id"])
    op.create_index("ix_charge_consignment_id", "charge", ["consignment_id"])
    op.create_index(
        "uq_charge_reverses",
        "charge",
        ["reverses_id"],
        unique=True,
        postgresql_where=sa.text("reverses_id is not null"),
    )


def create_work() -> None:
    op.create_table(
        "billable_work",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("source", sa.Text(), nullable=False, unique=True),
        sa.Column("work", sa.Text(), nullable=False),
        sa.Column("consignment_id", sa.Uuid(), sa.ForeignKey("consignment.id"), nullable=False),
        sa.Column("order_id", sa.Uuid(), sa.ForeignKey("orders.id")),
        sa.Column("account_id", sa.Uuid(), sa.ForeignKey("account.id")),
        sa.Column("service_level", sa.Text()),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("tariff_id", sa.Uuid(), sa.ForeignKey("tariff.id")),
        sa.Column("reason", sa.Text()),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("settled_at is not null or reason is not null", name="reason"),
        sa.CheckConstraint("tariff_id is null or settled_at is not null", name="tariff"),
        sa.CheckConstraint("work in ('delivery', 'return', 'attempt')", name="work"),
    )
    op.create_index("ix_billable_work_consignment_id", "billable_work", ["consignment_id"])
    op.create_index("ix_billable_work_occurred_at", "billable_work", ["occurred_at"])
    op.create_index(
        "ix_billable_work_unpriced",
        "billable_work",
        ["id"],
        postgresql_where=sa.text("settled_at is null"),
    )


def create_cash() -> None:
    op.create_table(
        "cash_taken",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("task_id", sa.Uuid(), sa.ForeignKey("task.id"), nullable=False, unique=True),
        sa.Column("consignment_id", sa.Uuid(), sa.ForeignKey("consignment.id"), nullable=False),
        sa.Column("account_id", sa.Uuid(), sa.ForeignKey("account.id")),
        sa.Column("driver_id", sa.Uuid(), sa.ForeignKey("person.id"), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        sa.CheckConstraint("amount_minor <> 0", name="amount_minor"),
    )
    op.create_index("ix_cash_taken_account_id_id", "cash_taken", ["account_id", "id"])
    op.create_index("ix_cash_taken_driver_id_id", "cash_taken", ["driver_id", "id"])
    op.create_table(
        "cash_debrief",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("driver_id", sa.Uuid(), sa.ForeignKey("person.id"), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("expected_minor", sa.BigInteger(), nullable=False),
        sa.Column("counted_minor", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("debriefed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("debriefed_by", sa.Text(), nullable=False),
        sa.CheckConstraint("counted_minor = expected_minor or reason <> ''", name="reason"),
        sa.CheckConstraint("counted_minor >= 0", name="counted_minor"),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
    )
    op.create_index("ix_cash_debrief_driver_id_id", "cash_debrief", ["driver_id", "id"])
    op.create_table(
        "cash_debrief_line",
        sa.Column("cash_id", sa.Uuid(), sa.ForeignKey("cash_taken.id"), primary_key=True),
        sa.Column("debrief_id", sa.Uuid(), sa.ForeignKey("cash_debrief.id"), nullable=False),
    )
    op.create_index("ix_cash_debrief_line_debrief_id", "cash_debrief_line", ["debrief_id"])
    op.create_table(
        "cash_agreement",
        sa.Column("account_id", sa.Uuid(), sa.ForeignKey("account.id"), primary_key=True),
        sa.Column("withholds_fees", sa.Boolean(), nullable=False),
    )
    op.create_table(
        "remittance",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("account_id", sa.Uuid(), sa.ForeignKey("account.id"), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("withheld_minor", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("remitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("remitted_by", sa.Text(), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        sa.CheckConstraint("withheld_minor between 0 and gross_minor", name="withheld_minor"),
    )
    op.create_index("ix_remittance_account_id_id", "remittance", ["account_id", "id"])
    op.create_table(
        "remittance_line",
        sa.Column("cash_id", sa.Uuid(), sa.ForeignKey("cash_taken.id"), primary_key=True),
        sa.Column("remittance_id", sa.Uuid(), sa.ForeignKey("remittance.id"), nullable=False),
        sa.Column("withheld_minor", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_remittance_line_remittance_id", "remittance_line", ["remittance_id"])


def create_settlements() -> None:
    op.create_table(
        "pay_rule",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("driver_id", sa.Uuid(), sa.ForeignKey("person.id")),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("rates", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        sa.UniqueConstraint("driver_id", "valid_from", postgresql_nulls_not_distinct=True),
    )
    op.create_table(
        "settlement",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("driver_id", sa.Uuid(), sa.ForeignKey("person.id"), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_by", sa.Text(), nullable=False),
        sa.CheckConstraint("first_day <= last_day", name="period"),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        sa.UniqueConstraint("driver_id", "currency", "last_day"),
    )
    op.create_table(
        "pay_adjustment",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("driver_id", sa.Uuid(), sa.ForeignKey("person.id"), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("corrects_id", sa.Uuid(), sa.ForeignKey("settlement.id")),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.CheckConstraint("amount_minor <> 0", name="amount_minor"),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
    )
    op.create_index("ix_pay_adjustment_driver_id_id", "pay_adjustment", ["driver_id", "id"])
    op.create_table(
        "settlement_line",
        sa.Column("source", sa.Text(), primary_key=True),
        sa.Column("settlement_id", sa.Uuid(), sa.ForeignKey("settlement.id"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("trace", postgresql.JSONB(), nullable=False),
    )
    op.create_index("ix_settlement_line_settlement_id", "settlement_line", ["settlement_id"])
