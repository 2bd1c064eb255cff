"""Tables of invoices, credit notes and payments.

What is issued never changes: triggers of the database refuse it. Of an issued paper only `state`
and `settled_minor` move, which say what became of it.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from server.billing.invoice_lifecycle import INVOICE
from server.kit.db import Base
from server.kit.ids import new_id


class CompanyProfile(Base):
    """One of our legal entities. profile: an invoice_parties.Company."""

    __tablename__ = "company_profile"

    code: Mapped[str] = mapped_column(primary_key=True)
    invoice_prefix: Mapped[str] = mapped_column(unique=True)
    credit_note_prefix: Mapped[str] = mapped_column(unique=True)
    profile: Mapped[dict[str, Any]]
    changed_at: Mapped[datetime]


class BillingProfile(Base):
    """How an account is invoiced; an invoice_parties.Buyer. Whoever moves an account's invoices or
    payments locks this row first (profiles.lock_books)."""

    __tablename__ = "billing_profile"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"), primary_key=True)
    company_code: Mapped[str] = mapped_column(ForeignKey("company_profile.code"))
    profile: Mapped[dict[str, Any]]
    changed_at: Mapped[datetime]


class VatRate(Base):
    """What a VAT code is worth in a country from a day on, until the next row of the same code.

    label: how the accounting program of the company calls this rate.
    """

    __tablename__ = "vat_rate"
    __table_args__ = (
        CheckConstraint("rate_bp between 0 and 10000", name="rate"),
        CheckConstraint("code in ('standard', 'reduced', 'zero', 'exempt')", name="code"),
    )

    country: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    valid_from: Mapped[date] = mapped_column(primary_key=True)
    rate_bp: Mapped[int]
    exemption_code: Mapped[str]
    exemption_reason: Mapped[str]
    label: Mapped[str]


class NumberSeries(Base):
    """The last number given out in a series; its row is locked until the paper is committed."""

    __tablename__ = "number_series"

    prefix: Mapped[str] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last_number: Mapped[int]


class Invoice(Base):
    """An invoice, or a credit note: the same paper with its sign turned; amounts are positive.

    corrects_id: the invoice that a credit note corrects, if it corrects a single one.
    seller, buyer: invoice_parties.Company and Buyer as they were at issue; None in a draft.
    vat: list of vat.VatGroup. settled_minor: what is paid or credited of it; of a credit note,
    what is used.
    """

    __tablename__ = "invoice"
    __table_args__ = (
        CheckConstraint("kind in ('invoice', 'credit_note')", name="kind"),
        CheckConstraint(f"state in {INVOICE.states}", name="state"),
        CheckConstraint("gross_minor = net_minor + vat_minor", name="gross"),
        CheckConstraint("net_minor >= 0 and vat_minor >= 0", name="not_negative"),
        CheckConstraint("settled_minor between 0 and gross_minor", name="settled"),
        CheckConstraint("(state = 'draft') = (number is null)", name="number"),
        CheckConstraint("kind = 'credit_note' or corrects_id is null", name="corrects"),
        Index("ix_invoice_account_id_id", "account_id", "id"),
        Index("ix_invoice_corrects_id", "corrects_id"),
        Index("ix_invoice_issued_at", "issued_at"),
        Index(
            "ix_invoice_open",
            "account_id",
            "due_on",
            postgresql_where=text("state in ('issued', 'part_paid')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str]
    state: Mapped[str]
    number: Mapped[str | None] = mapped_column(unique=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    company_code: Mapped[str] = mapped_column(ForeignKey("company_profile.code"))
    corrects_id: Mapped[UUID | None] = mapped_column(ForeignKey("invoice.id"))
    reason: Mapped[str]
    currency: Mapped[str]
    order_id: Mapped[UUID | None]
    cost_centre: Mapped[str]
    period_from_on: Mapped[date]
    period_to_on: Mapped[date]
    issued_on: Mapped[date | None]
    issued_at: Mapped[datetime | None]
    due_on: Mapped[date | None]
    buyer_reference: Mapped[str]
    seller: Mapped[dict[str, Any] | None]
    buyer: Mapped[dict[str, Any] | None]
    vat: Mapped[list[Any]]
    net_minor: Mapped[int] = mapped_column(BigInteger)
    vat_minor: Mapped[int] = mapped_column(BigInteger)
    gross_minor: Mapped[int] = mapped_column(BigInteger)
    settled_minor: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class InvoiceLine(Base):
    """One charge, or what is credited of one line.

    charge_id: None on a credit note that a person wrote. credits_line: of the corrected invoice.
    vat_code: what the charge says of itself; treatment: the vat.VatTreatment that follows from it.
    """

    __tablename__ = "invoice_line"
    __table_args__ = (
        CheckConstraint("net_minor >= 0", name="net"),
        Index("ix_invoice_line_charge_id", "charge_id", unique=True),
    )

    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoice.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    charge_id: Mapped[UUID | None] = mapped_column(ForeignKey("charge.id"))
    credits_line: Mapped[int | None]
    description: Mapped[str]
    occurred_on: Mapped[date]
    cost_centre: Mapped[str]
    net_minor: Mapped[int] = mapped_column(BigInteger)
    vat_code: Mapped[str]
    treatment: Mapped[dict[str, Any]]


class Payment(Base):
    """Money that came. Of a recorded payment only the account, once, and matched_minor change.

    company_code: whose account it came to; None for fees that were kept from a remittance.
    paid_into: the ledger account. credited_on: the day on which it counts for the account; None
    while nobody knows whose it is. assigned_at: when somebody said so; None if known at once.
    """

    __tablename__ = "payment"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("matched_minor between 0 and amount_minor", name="matched"),
        CheckConstraint("(account_id is null) = (credited_on is null)", name="credited"),
        Index("ix_payment_account_id_id", "account_id", "id"),
        CheckConstraint("paid_into in ('bank', 'fees_withheld')", name="paid_into"),
        Index("ix_payment_recorded_at", "recorded_at"),
        Index("ix_payment_assigned_at", "assigned_at"),
        Index("ix_payment_unmatched", "id", postgresql_where=text("matched_minor < amount_minor")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    company_code: Mapped[str | None] = mapped_column(ForeignKey("company_profile.code"))
    paid_into: Mapped[str]
    bank_reference: Mapped[str] = mapped_column(unique=True)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    received_on: Mapped[date]
    remittance: Mapped[str]
    matched_minor: Mapped[int] = mapped_column(BigInteger)
    credited_on: Mapped[date | None]
    assigned_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str]


class InvoiceMatch(Base):
    """So much of a payment or of a credit note settles so much of an invoice."""

    __tablename__ = "invoice_match"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("(payment_id is null) <> (credit_note_id is null)", name="source"),
        CheckConstraint("(undone_on is null) = (undone_by is null)", name="undone"),
        Index("ix_invoice_match_invoice_id", "invoice_id"),
        Index("ix_invoice_match_payment_id", "payment_id"),
        Index("ix_invoice_match_credit_note_id", "credit_note_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoice.id"))
    payment_id: Mapped[UUID | None] = mapped_column(ForeignKey("payment.id"))
    credit_note_id: Mapped[UUID | None] = mapped_column(ForeignKey("invoice.id"))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    matched_on: Mapped[date]
    matched_at: Mapped[datetime]
    matched_by: Mapped[str]
    undone_on: Mapped[date | None]
    undone_by: Mapped[str | None]
