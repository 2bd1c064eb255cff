"""Tables of orders. The table is called `orders` because ORDER is a word of SQL."""

from datetime import datetime, time
from typing import Any, get_args
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    DateTime,
    ForeignKey,
    Index,
    Sequence,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from server.kit.db import Base
from server.kit.ids import new_id
from server.orders import search
from server.orders.lifecycle import ORDER
from server.orders.order import HoldKind, Origin

order_number = Sequence("order_number", metadata=Base.metadata)

KINDS_OF_HOLD = ", ".join(f"'{kind}'" for kind in get_args(HoldKind))
ORIGINS = ", ".join(f"'{origin}'" for origin in get_args(Origin) if origin)
UNBILLED = "'accepted', 'processing', 'in_fulfilment', 'shipped'"
NEXT_NUMBER = text("'O-' || to_char(nextval('order_number'), 'FM999999999000000')")
STATES = ", ".join(f"'{state}'" for state in ORDER.states)


class ServiceLevel(Base):
    """What a service promises to an order that names no window.

    An order in before the cut-off is delivered `days_after` days later, one after it a day later
    still, between the two local times; with `within_s` also that soon after its window opens.
    """

    __tablename__ = "service_level"
    __table_args__ = (
        CheckConstraint("days_after between 0 and 60", name="days_after"),
        CheckConstraint("window_start_local < window_end_local", name="window"),
        CheckConstraint("days_after > 0 or cut_off_local < window_end_local", name="cut_off"),
        CheckConstraint("within_s > 0", name="within"),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    cut_off_local: Mapped[time]
    days_after: Mapped[int]
    window_start_local: Mapped[time]
    window_end_local: Mapped[time]
    within_s: Mapped[int | None]


class Order(Base):
    """parcels: as booked; the real ones are the consignment's. accepted_at: the first time.

    goods_key: the same for two orders of the same goods. ..._place_key: see order.Party; the
    place's id where nothing is known of it. search_words: see `search`. For the rest see
    order.OrderView.
    """

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("account_id", "channel", "external_id"),
        CheckConstraint("kind in ('goods', 'courier')", name="kind"),
        CheckConstraint(f"state in ({STATES})", name="state"),
        CheckConstraint("window_start_at < window_end_at", name="window"),
        CheckConstraint("pickup_window_start_at < pickup_window_end_at", name="pickup_window"),
        CheckConstraint("(kind = 'courier') = (consignor_place_id is not null)", name="consignor"),
        CheckConstraint("cash_minor >= 0", name="cash"),
        CheckConstraint("version >= 1", name="version"),
        CheckConstraint(f"origin in ('', {ORIGINS})", name="origin"),
        CheckConstraint("value_minor >= 0", name="value"),
        CheckConstraint("cancel_fee_minor >= 0", name="cancel_fee"),
        CheckConstraint("state <> 'draft' or quote_expires_at is not null", name="quote"),
        Index("ix_orders_captured_at_id", "captured_at", "id"),
        Index("ix_orders_account_id_captured_at_id", "account_id", "captured_at", "id"),
        Index("ix_orders_state_captured_at_id", "state", "captured_at", "id"),
        Index(
            "ix_orders_account_id_state_captured_at_id", "account_id", "state", "captured_at", "id"
        ),
        Index("ix_orders_account_id_goods_key", "account_id", "goods_key", "captured_at"),
        Index("ix_orders_consignee_place_key", "consignee_place_key", "captured_at"),
        Index(
            "ix_orders_unbilled",
            "account_id",
            postgresql_include=["value_minor", "currency"],
            postgresql_where=text(f"state in ({UNBILLED})"),
        ),
        Index("ix_orders_external_id", "external_id"),
        Index("ix_orders_reference", "reference"),
        Index("ix_orders_quotes", "quote_expires_at", postgresql_where=text("state = 'draft'")),
        Index(
            "ix_orders_search_words",
            "search_words",
            postgresql_using="gin",
            postgresql_with={"fastupdate": "off"},
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[str] = mapped_column(unique=True, default=NEXT_NUMBER)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    kind: Mapped[str]
    state: Mapped[str]
    version: Mapped[int]
    channel: Mapped[str]
    external_id: Mapped[str | None]
    source_sha256: Mapped[str]
    reference: Mapped[str]
    cost_centre: Mapped[str] = mapped_column(server_default="")
    consignor_name: Mapped[str | None]
    consignor_phone: Mapped[str | None]
    consignor_email: Mapped[str | None]
    consignor_place_id: Mapped[UUID | None] = mapped_column(ForeignKey("place.id"))
    consignor_place_key: Mapped[str | None]
    consignor_address: Mapped[str | None]
    consignee_name: Mapped[str]
    consignee_phone: Mapped[str]
    consignee_email: Mapped[str]
    consignee_place_id: Mapped[UUID] = mapped_column(ForeignKey("place.id"))
    consignee_place_key: Mapped[str] = mapped_column(server_default="")
    consignee_address: Mapped[str] = mapped_column(server_default="")
    consignee_phone_digits: Mapped[str] = mapped_column(
        Computed(search.PHONE_DIGITS, persisted=True)
    )
    parcels: Mapped[list[Any]]
    window_start_at: Mapped[datetime]
    window_end_at: Mapped[datetime]
    pickup_window_start_at: Mapped[datetime | None]
    pickup_window_end_at: Mapped[datetime | None]
    service_level: Mapped[str | None] = mapped_column(ForeignKey("service_level.code"))
    instructions: Mapped[str]
    skills: Mapped[list[str]]
    proof: Mapped[dict[str, str]]
    pin: Mapped[str | None]
    cash_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    captured_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    picking_began_at: Mapped[datetime | None]
    goods_key: Mapped[str] = mapped_column(server_default="")
    value_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    origin: Mapped[str] = mapped_column(server_default="")
    origin_order_id: Mapped[UUID | None] = mapped_column(ForeignKey("orders.id"))
    cancel_code: Mapped[str | None]
    cancel_fee_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    quote_expires_at: Mapped[datetime | None]
    price_note: Mapped[str] = mapped_column(server_default="")
    stock_hold_id: Mapped[UUID | None] = mapped_column(ForeignKey("hold.id"))
    search_words: Mapped[str] = mapped_column(
        TSVECTOR, Computed(search.WORDS, persisted=True), deferred=True
    )


class OrderLineRow(Base):
    """position: from 1, in the order in which they were given."""

    __tablename__ = "order_line"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity"),)

    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    sku: Mapped[str]
    quantity: Mapped[int]
    description: Mapped[str]
    unit_price_minor: Mapped[int | None] = mapped_column(BigInteger)


class OrderHold(Base):
    """One reason for which an order waits, or once waited. The same reason stands once."""

    __tablename__ = "order_hold"
    __table_args__ = (
        CheckConstraint(f"kind in ({KINDS_OF_HOLD})", name="kind"),
        Index(
            "uq_order_hold_open",
            "order_id",
            "kind",
            "reason",
            unique=True,
            postgresql_where=text("released_at is null"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    kind: Mapped[str]
    reason: Mapped[str]
    placed_at: Mapped[datetime]
    placed_by: Mapped[str]
    released_at: Mapped[datetime | None]
    released_by: Mapped[str | None]


class OrderEventRow(Base):
    """The log of every change: rows are only ever added."""

    __tablename__ = "order_event"
    __table_args__ = (Index("ix_order_event_order_id_id", "order_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    what: Mapped[str]
    by: Mapped[str]
    occurred_at: Mapped[datetime]
    version: Mapped[int]
    changes: Mapped[dict[str, Any]]
    reason: Mapped[str]


class OrderRules(Base):
    """The company's one row of rules; null switches a rule off. See rulebook.RulesView."""

    __tablename__ = "order_rules"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    duplicate_within_s: Mapped[int | None]
    repeat_within_s: Mapped[int | None]
    cash_limit_minor: Mapped[int | None] = mapped_column(BigInteger)
    new_place_orders: Mapped[int | None]
    cancel_free_until_s: Mapped[int | None]
    cancel_fee_minor: Mapped[int] = mapped_column(BigInteger)


class BlockedConsignee(Base):
    """Whom the company does not deliver to unseen. value: digits, an address or a place key."""

    __tablename__ = "blocked_consignee"
    __table_args__ = (
        UniqueConstraint("kind", "value"),
        CheckConstraint("kind in ('phone', 'email', 'place')", name="kind"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str]
    value: Mapped[str]
    reason: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class StandingOrder(Base):
    """An order that comes again and again. See standing.StandingView.

    template: the order.OrderDraft. skipped: local dates. next_at: when the next occurrence begins;
    null when there is none any more. capture_at: when that one is captured. problem: why the last
    occurrence could not be.
    """

    __tablename__ = "standing_order"
    __table_args__ = (
        CheckConstraint("duration_s > 0 and lead_s >= 0", name="times"),
        CheckConstraint("(next_at is null) = (capture_at is null)", name="next"),
        Index("ix_standing_order_account_id_id", "account_id", "id"),
        Index("ix_standing_order_due", "capture_at", postgresql_where=text("paused_at is null")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    name: Mapped[str]
    template: Mapped[dict[str, Any]]
    rule: Mapped[str]
    starts_local: Mapped[datetime] = mapped_column(DateTime(timezone=False))
    timezone: Mapped[str]
    duration_s: Mapped[int]
    lead_s: Mapped[int]
    skipped: Mapped[list[str]]
    next_at: Mapped[datetime | None]
    capture_at: Mapped[datetime | None]
    paused_at: Mapped[datetime | None]
    problem: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class ConsigneeHabit(Base):
    """What an account's consignee usually wants. See preferences.PreferenceView.

    key: "phone:...", "email:..." or "place:...". seen: the last delivered orders, newest first.
    """

    __tablename__ = "consignee_habit"
    __table_args__ = (UniqueConstraint("account_id", "key"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    key: Mapped[str]
    seen: Mapped[list[Any]]
    window_start_local: Mapped[time | None]
    window_end_local: Mapped[time | None]
    safe_place: Mapped[str]
    access_note: Mapped[str]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]
