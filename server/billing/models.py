"""Tables of billing. `consignment_id` and `order_id` name rows of rooms below this one."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

import server.billing.invoice_models  # noqa: F401 - so that one import knows every table
from server.kit.db import Base
from server.kit.ids import new_id

VAT_CODES = ("standard", "reduced", "zero", "exempt")


def is_currency(column: str = "currency") -> CheckConstraint:
    return CheckConstraint(f"{column} ~ '^[A-Z]{{3}}$'", name=column)


class Tariff(Base):
    """One version of a price list. rules: pricing.Rules as JSON.

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
    trace: how the amount came about, in words and numbers; see `pricing.recompute`.
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
    occurred_at: Mapped[datetime]
    tariff_id: Mapped[UUID | None] = mapped_column(ForeignKey("tariff.id"))
    trace: Mapped[dict[str, Any]]
    source: Mapped[str] = mapped_column(unique=True)
    reverses_id: Mapped[UUID | None] = mapped_column(ForeignKey("charge.id"))
    created_at: Mapped[datetime]
