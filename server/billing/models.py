"""Tables of billing. `consignment_id` and `order_id` name rows of rooms below this one."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

import server.billing.invoice_models  # noqa: F401 - so that one import knows every table
from server.kit.db import Base
from server.kit.ids import new_id

VAT_CODES = ("standard", "reduced", "zero", "exempt")


def is_currency(column: str = "currency") -> CheckConstraint:
    return CheckConstraint(f"{column} ~ '^[A-Z]{{3}}$'", name=column)


class Tariff(Base):
    """One version of a price list. rules: tariff_rules.Rules as JSON.

    account_id, service_level: for whom and what; None means all that have none of their own.
    activated_at: from then on nothing of it changes but `valid_until`; before, it is a draft.
    """

    __tablename__ = "tariff"
    __table_args__ = (
        is_currency(),
        CheckConstraint("valid_from < valid_until", name="validity"),
        Index("ix_tariff_account_id_service_level", "account_id", "service_level"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    service_level: Mapped[str | None]
    name: Mapped[str]
    currency: Mapped[str]
    valid_from: Mapped[datetime]
    valid_until: Mapped[datetime | None]
    rules: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    activated_at: Mapped[datetime | None]


class Charge(Base):
    """One priced line that an account owes, or is owed when negative; append-only by trigger.

    source: the fact it stands for, such as "consignment:<id>:delivery:1"; a repeat of the fact
        charges once. reverses_id: the charge that this one takes back, whole and once.
    trace: how the amount came about, in words and numbers; see `price_lines.recompute`.
    """

    __tablename__ = "charge"
    __table_args__ = (
        is_currency(),
        CheckConstraint(f"vat_code in {VAT_CODES}", name="vat_code"),
        Index("ix_charge_account_id_id", "account_id", "id"),
        Index("ix_charge_order_id", "order_id"),
        Index("ix_charge_consignment_id", "consignment_id"),
        Index(
            "uq_charge_reverses",
            "reverses_id",
            unique=True,
            postgresql_where=text("reverses_id is not null"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    order_id: Mapped[UUID | None] = mapped_column(ForeignKey("orders.id"))
    consignment_id: Mapped[UUID | None] = mapped_column(ForeignKey("consignment.id"))
    kind: Mapped[str]
    description: Mapped[str]
    net_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    vat_code: Mapped[str]
    cost_centre: Mapped[str]
    ship_to_country: Mapped[str] = mapped_column(server_default="")
    occurred_at: Mapped[datetime]
    tariff_id: Mapped[UUID | None] = mapped_column(ForeignKey("tariff.id"))
    trace: Mapped[dict[str, Any]]
    source: Mapped[str] = mapped_column(unique=True)
    reverses_id: Mapped[UUID | None] = mapped_column(ForeignKey("charge.id"))
    created_at: Mapped[datetime]


class BillableWork(Base):
    """A piece of work that is over and has a price, or waits for one.

    source: the fact, such as "consignment:<id>:delivery"; its charges are "<source>:<line>".
    facts: price_facts.Facts as JSON, as they were when it was last looked at.
    reason: why it could not be priced, in words; kept when it could be later.
    settled_at: when it was priced; None while it waits.
    """

    __tablename__ = "billable_work"
    __table_args__ = (
        CheckConstraint("work in ('delivery', 'return', 'attempt')", name="work"),
        CheckConstraint("settled_at is not null or reason is not null", name="reason"),
        CheckConstraint("tariff_id is null or settled_at is not null", name="tariff"),
        Index("ix_billable_work_consignment_id", "consignment_id"),
        Index("ix_billable_work_occurred_at", "occurred_at"),
        Index("ix_billable_work_unpriced", "id", postgresql_where=text("settled_at is null")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    source: Mapped[str] = mapped_column(unique=True)
    work: Mapped[str]
    consignment_id: Mapped[UUID] = mapped_column(ForeignKey("consignment.id"))
    order_id: Mapped[UUID | None] = mapped_column(ForeignKey("orders.id"))
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    service_level: Mapped[str | None]
    occurred_at: Mapped[datetime]
    facts: Mapped[dict[str, Any]]
    tariff_id: Mapped[UUID | None] = mapped_column(ForeignKey("tariff.id"))
    reason: Mapped[str | None]
    noted_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]


class CashTaken(Base):
    """Cash that a driver took at a door, or paid out when negative; append-only.

    account_id: for whom it was taken; None when nobody knows.
    currency: XXX, "no currency", when the consignment names none.
    """

    __tablename__ = "cash_taken"
    __table_args__ = (
        is_currency(),
        CheckConstraint("amount_minor <> 0", name="amount_minor"),
        Index("ix_cash_taken_driver_id_id", "driver_id", "id"),
        Index("ix_cash_taken_account_id_id", "account_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    task_id: Mapped[UUID] = mapped_column(ForeignKey("task.id"), unique=True)
    consignment_id: Mapped[UUID] = mapped_column(ForeignKey("consignment.id"))
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    driver_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    occurred_at: Mapped[datetime]
    noted_at: Mapped[datetime]


class CashDebrief(Base):
    """A driver's cash counted at the end of the day; append-only. reason: of a difference."""

    __tablename__ = "cash_debrief"
    __table_args__ = (
        is_currency(),
        CheckConstraint("counted_minor >= 0", name="counted_minor"),
        CheckConstraint("counted_minor = expected_minor or reason <> ''", name="reason"),
        Index("ix_cash_debrief_driver_id_id", "driver_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    driver_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    currency: Mapped[str]
    expected_minor: Mapped[int] = mapped_column(BigInteger)
    counted_minor: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str]
    debriefed_at: Mapped[datetime]
    debriefed_by: Mapped[str]


class CashDebriefLine(Base):
    """The key is what keeps cash from being counted in two debriefs."""

    __tablename__ = "cash_debrief_line"
    __table_args__ = (Index("ix_cash_debrief_line_debrief_id", "debrief_id"),)

    cash_id: Mapped[UUID] = mapped_column(ForeignKey("cash_taken.id"), primary_key=True)
    debrief_id: Mapped[UUID] = mapped_column(ForeignKey("cash_debrief.id"))


class CashAgreement(Base):
    """withholds_fees: the account lets us keep the cash fees from what we remit."""

    __tablename__ = "cash_agreement"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"), primary_key=True)
    withholds_fees: Mapped[bool]


class Remittance(Base):
    """What an account gets of the cash taken for it; append-only.

    gross_minor: the cash; withheld_minor: the fees that we keep as agreed, a payment on account.
    reference: of the bank transfer.
    """

    __tablename__ = "remittance"
    __table_args__ = (
        is_currency(),
        CheckConstraint("withheld_minor between 0 and gross_minor", name="withheld_minor"),
        Index("ix_remittance_account_id_id", "account_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    currency: Mapped[str]
    gross_minor: Mapped[int] = mapped_column(BigInteger)
    withheld_minor: Mapped[int] = mapped_column(BigInteger)
    reference: Mapped[str]
    remitted_at: Mapped[datetime]
    remitted_by: Mapped[str]


class RemittanceLine(Base):
    """The key is what keeps cash from being remitted twice.

    withheld_minor: the fee that was kept of this cash.
    """

    __tablename__ = "remittance_line"
    __table_args__ = (Index("ix_remittance_line_remittance_id", "remittance_id"),)

    cash_id: Mapped[UUID] = mapped_column(ForeignKey("cash_taken.id"), primary_key=True)
    remittance_id: Mapped[UUID] = mapped_column(ForeignKey("remittance.id"))
    withheld_minor: Mapped[int] = mapped_column(BigInteger)


class PayRule(Base):
    """What drivers earn from a day on, until the next rule of the same driver begins; append-only.

    driver_id: None means all who have none of their own. rates: pay.Rates as JSON.
    """

    __tablename__ = "pay_rule"
    __table_args__ = (
        is_currency(),
        UniqueConstraint("driver_id", "valid_from", postgresql_nulls_not_distinct=True),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    driver_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    valid_from: Mapped[datetime]
    currency: Mapped[str]
    rates: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class PayAdjustment(Base):
    """A bonus, or a deduction when negative, for the next settlement of a driver; append-only.

    corrects_id: the closed settlement that it puts right.
    """

    __tablename__ = "pay_adjustment"
    __table_args__ = (
        is_currency(),
        CheckConstraint("amount_minor <> 0", name="amount_minor"),
        Index("ix_pay_adjustment_driver_id_id", "driver_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    driver_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    reason: Mapped[str]
    occurred_at: Mapped[datetime]
    corrects_id: Mapped[UUID | None] = mapped_column(ForeignKey("settlement.id"))
    created_by: Mapped[str]


class Settlement(Base):
    """What the company owes a driver for a period; it exists from the moment it is closed and is
    append-only. What comes to light later is in the next one."""

    __tablename__ = "settlement"
    __table_args__ = (
        is_currency(),
        CheckConstraint("first_day <= last_day", name="period"),
        UniqueConstraint("driver_id", "currency", "last_day"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    driver_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    currency: Mapped[str]
    first_day: Mapped[date]
    last_day: Mapped[date]
    total_minor: Mapped[int] = mapped_column(BigInteger)
    closed_at: Mapped[datetime]
    closed_by: Mapped[str]


class SettlementLine(Base):
    """One thing that a driver is paid for. source: the fact, which is paid once."""

    __tablename__ = "settlement_line"
    __table_args__ = (Index("ix_settlement_line_settlement_id", "settlement_id"),)

    source: Mapped[str] = mapped_column(primary_key=True)
    settlement_id: Mapped[UUID] = mapped_column(ForeignKey("settlement.id"))
    kind: Mapped[str]
    description: Mapped[str]
    net_minor: Mapped[int] = mapped_column(BigInteger)
    occurred_at: Mapped[datetime]
    trace: Mapped[dict[str, Any]]
