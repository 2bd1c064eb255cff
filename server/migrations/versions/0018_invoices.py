"""Invoices, credit notes and payments. What is issued is kept from change by triggers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018_invoices"
down_revision = "0017_charges"

STATES = "('draft', 'issued', 'part_paid', 'paid')"

ISSUED_IS_KEPT = """
create function keep_issued_invoice() returns trigger language plpgsql as $$
begin
    if old.state = 'draft' then
        return coalesce(new, old);
    end if;
    if tg_op = 'UPDATE' and new.state <> 'draft'
        and to_jsonb(new) - 'state' - 'settled_minor' = to_jsonb(old) - 'state' - 'settled_minor'
    then
        return new;
    end if;
    raise exception 'invoice % is issued and never changes', old.number;
end
$$
"""

LINES_ARE_KEPT = """
create function keep_issued_lines() returns trigger language plpgsql as $$
begin
    if exists (
        select from invoice
        where id = coalesce(new.invoice_id, old.invoice_id) and state <> 'draft'
    ) or (tg_op = 'UPDATE' and new.invoice_id <> old.invoice_id) then
        raise exception 'the lines of an issued invoice never change';
    end if;
    return coalesce(new, old);
end
$$
"""

PAYMENT_IS_KEPT = """
create function keep_payment() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and new.id = old.id
        and (old.account_id is null
            or (new.account_id, new.credited_on, new.assigned_at)
                is not distinct from (old.account_id, old.credited_on, old.assigned_at))
        and to_jsonb(new) - 'account_id' - 'credited_on' - 'assigned_at' - 'matched_minor'
            = to_jsonb(old) - 'account_id' - 'credited_on' - 'assigned_at' - 'matched_minor'
    then
        return new;
    end if;
    raise exception 'payment % is recorded and never changes', old.bank_reference;
end
$$
"""


def upgrade() -> None:
    create_profiles()
    create_invoices()
    create_payments()
    for statement in (ISSUED_IS_KEPT, LINES_ARE_KEPT, PAYMENT_IS_KEPT):
        op.execute(statement)
    op.execute(
        "create trigger issued_is_kept before update or delete on invoice"
        " for each row execute function keep_issued_invoice()"
    )
    op.execute(
        "create trigger issued_is_kept before insert or update or delete on invoice_line"
        " for each row execute function keep_issued_lines()"
    )
    op.execute(
        "create trigger payment_is_kept before update or delete on payment"
        " for each row execute function keep_payment()"
    )
    for table in ("invoice", "invoice_line", "payment", "invoice_match"):
        op.execute(
            f"create trigger is_not_emptied before truncate on {table}"
            " for each statement execute function refuse_to_rewrite_history()"
        )


def create_profiles() -> None:
    op.create_table(
        "company_profile",
        sa.Column("code", sa.Text(), primary_key=True),
        sa.Column("invoice_prefix", sa.Text(), nullable=False, unique=True),
        sa.Column("credit_note_prefix", sa.Text(), nullable=False, unique=True),
        sa.Column("profile", postgresql.JSONB(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "billing_profile",
        sa.Column("account_id", sa.Uuid(), sa.ForeignKey("account.id"), primary_key=True),
        sa.Column("company_code", sa.Text(), sa.ForeignKey("company_profile.code"), nullable=False),
        sa.Column("profile", postgresql.JSONB(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "vat_rate",
        sa.Column("country", sa.Text(), primary_key=True),
        sa.Column("code", sa.Text(), primary_key=True),
        sa.Column("valid_from", sa.Date(), primary_key=True),
        sa.Column("rate_bp", sa.Integer(), nullable=False),
        sa.Column("exemption_code", sa.Text(), nullable=False),
        sa.Column("exemption_reason", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.CheckConstraint("rate_bp between 0 and 10000", name="rate"),
        sa.CheckConstraint("code in ('standard', 'reduced', 'zero', 'exempt')", name="code"),
    )
    op.create_table(
        "number_series",
        sa.Column("prefix", sa.Text(), primary_key=True),
        sa.Column("year", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
    )


def create_invoices() -> None:
    op.create_table(
        "invoice",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), unique=True),
        sa.Column("account_id", sa.Uuid(), sa.ForeignKey("account.id"), nullable=False),
        sa.Column("company_code", sa.Text(), sa.ForeignKey("company_profile.code"), nullable=False),
        sa.Column("corrects_id", sa.Uuid(), sa.ForeignKey("invoice.id")),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Uuid()),
        sa.Column("cost_centre", sa.Text(), nullable=False),
        sa.Column("period_from_on", sa.Date(), nullable=False),
        sa.Column("period_to_on", sa.Date(), nullable=False),
        sa.Column("issued_on", sa.Date()),
        sa.Column("issued_at", sa.DateTime(timezone=True)),
        sa.Column("due_on", sa.Date()),
        sa.Column("buyer_reference", sa.Text(), nullable=False),
        sa.Column("seller", postgresql.JSONB(none_as_null=True)),
        sa.Column("buyer", postgresql.JSONB(none_as_null=True)),
        sa.Column("vat", postgresql.JSONB(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("vat_minor", sa.BigInteger(), nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("settled_minor", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.CheckConstraint("kind in ('invoice', 'credit_note')", name="kind"),
        sa.CheckConstraint(f"state in {STATES}", name="state"),
        sa.CheckConstraint("gross_minor = net_minor + vat_minor", name="gross"),
        sa.CheckConstraint("net_minor >= 0 and vat_minor >= 0", name="not_negative"),
        sa.CheckConstraint("settled_minor between 0 and gross_minor", name="settled"),
        sa.CheckConstraint("(state = 'draft') = (number is null)", name="number"),
        sa.CheckConstraint("kind = 'credit_note' or corrects_id is null", name="corrects"),
    )
    op.create_index("ix_invoice_account_id_id", "invoice", ["account_id", "id"])
    op.create_index("ix_invoice_corrects_id", "invoice", ["corrects_id"])
    op.create_index("ix_invoice_issued_at", "invoice", ["issued_at"])
    op.create_index(
        "ix_invoice_open",
        "invoice",
        ["account_id", "due_on"],
        postgresql_where=sa.text("state in ('issued', 'part_paid')"),
    )
    op.create_table(
        "invoice_line",
        sa.Column("invoice_id", sa.Uuid(), sa.ForeignKey("invoice.id"), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("charge_id", sa.Uuid(), sa.ForeignKey("charge.id")),
        sa.Column("credits_line", sa.Integer()),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("occurred_on", sa.Date(), nullable=False),
        sa.Column("cost_centre", sa.Text(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("vat_code", sa.Text(), nullable=False),
        sa.Column("treatment", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint("net_minor >= 0", name="net"),
    )
    op.create_index("ix_invoice_line_charge_id", "invoice_line", ["charge_id"], unique=True)


def create_payments() -> None:
    op.create_table(
        "payment",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("account_id", sa.Uuid(), sa.ForeignKey("account.id")),
        sa.Column("company_code", sa.Text(), sa.ForeignKey("company_profile.code")),
        sa.Column("paid_into", sa.Text(), nullable=False),
        sa.Column("bank_reference", sa.Text(), nullable=False, unique=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("remittance", sa.Text(), nullable=False),
        sa.Column("matched_minor", sa.BigInteger(), nullable=False),
        sa.Column("credited_on", sa.Date()),
        sa.Column("assigned_at", sa.DateTime(timezone=True)),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name="amount"),
        sa.CheckConstraint("matched_minor between 0 and amount_minor", name="matched"),
        sa.CheckConstraint("(account_id is null) = (credited_on is null)", name="credited"),
        sa.CheckConstraint("paid_into in ('bank', 'fees_withheld')", name="paid_into"),
    )
    op.create_index("ix_payment_account_id_id", "payment", ["account_id", "id"])
    op.create_index("ix_payment_recorded_at", "payment", ["recorded_at"])
    op.create_index("ix_payment_assigned_at", "payment", ["assigned_at"])
    op.create_index(
        "ix_payment_unmatched",
        "payment",
        ["id"],
        postgresql_where=sa.text("matched_minor < amount_minor"),
    )
    op.create_table(
        "invoice_match",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("invoice_id", sa.Uuid(), sa.ForeignKey("invoice.id"), nullable=False),
        sa.Column("payment_id", sa.Uuid(), sa.ForeignKey("payment.id")),
        sa.Column("credit_note_id", sa.Uuid(), sa.ForeignKey("invoice.id")),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("matched_on", sa.Date(), nullable=False),
        sa.Column("matched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("matched_by", sa.Text(), nullable=False),
        sa.Column("undone_on", sa.Date()),
        sa.Column("undone_by", sa.Text()),
        sa.CheckConstraint("amount_minor > 0", name="amount"),
        sa.CheckConstraint("(payment_id is null) <> (credit_note_id is null)", name="source"),
        sa.CheckConstraint("(undone_on is null) = (undone_by is null)", name="undone"),
    )
    for column in ("invoice_id", "payment_id", "credit_note_id"):
        op.create_index(f"ix_invoice_match_{column}", "invoice_match", [column])
