"""Accounts, their contacts, and the places that they use again and again."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.kit.db import Base
from server.kit.ids import new_id


class Account(Base):
    """A paying customer. code: the short name that people and files use, such as "ACME".

    owed_minor: what they have been billed and not paid, in `currency`; negative when paid ahead.
    credit_limit_minor: how much they may owe, with what is not billed yet; null for no limit.
    """

    __tablename__ = "account"
    __table_args__ = (
        UniqueConstraint("code"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        CheckConstraint("credit_limit_minor >= 0", name="credit_limit"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    code: Mapped[str]
    name: Mapped[str]
    currency: Mapped[str]
    active: Mapped[bool]
    credit_limit_minor: Mapped[int | None] = mapped_column(BigInteger)
    owed_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    created_at: Mapped[datetime]


class Contact(Base):
    """Whom to call or write to, and about what (`duty`)."""

    __tablename__ = "contact"
    __table_args__ = (Index("ix_contact_account_id", "account_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    name: Mapped[str]
    duty: Mapped[str]
    email: Mapped[str]
    phone: Mapped[str]
    created_at: Mapped[datetime]


class AddressBookEntry(Base):
    """A place under the account's own name for it."""

    __tablename__ = "address_book_entry"
    __table_args__ = (UniqueConstraint("account_id", "label"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    label: Mapped[str]
    place_id: Mapped[UUID] = mapped_column(ForeignKey("place.id"))
    created_at: Mapped[datetime]


class ReturnPolicyRow(Base):
    """See return_policy.ReturnPolicy; an account without a row has agreed on nothing of its own."""

    __tablename__ = "return_policy"
    __table_args__ = (
        CheckConstraint("attempts_max >= 1", name="attempts_max"),
        CheckConstraint("days_to_hand_over >= 1", name="days_to_hand_over"),
    )

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"), primary_key=True)
    attempts_max: Mapped[int]
    days_to_hand_over: Mapped[int]
    swap_without_old: Mapped[bool]


class AccountBrand(Base):
    """How an account wants to look on the tracking pages of its parcels.

    name: as its customers know it. colour: of the page's head, such as #0b5cad. contact: whom to
    ask, one line.
    """

    __tablename__ = "account_brand"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"), primary_key=True)
    name: Mapped[str]
    colour: Mapped[str]
    contact: Mapped[str]
