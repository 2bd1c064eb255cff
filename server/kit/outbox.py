"""Events: facts that happened, written in the transaction that made them true.

A room declares its facts in events.py as frozen structs in the past tense, and says `emit`. Other
rooms react in reactions.py with `@reaction`. The relay (relay.py) carries one to the other after
the commit, at least once, and each reaction takes effect exactly once.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec
from sqlalchemy import Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from server.kit import clock
from server.kit.db import Base
from server.kit.feed import announce
from server.kit.ids import new_id
from server.kit.logs import current_trace

EVENTS: dict[str, type["Event"]] = {}
"""Event name, such as "orders.OrderCaptured" -> class."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A fact. Subclasses are named in the past tense and hold ids and plain values."""

    event_name: ClassVar[str] = ""

    def __init_subclass__(cls, **config: Any) -> None:
        super().__init_subclass__(**config)
        room = cls.__module__.removeprefix("server.").split(".")[0]
        cls.event_name = f"{room}.{cls.__name__}"
        namesake = EVENTS.setdefault(cls.event_name, cls)
        if namesake is not cls:
            # The reactions to one of them would silently never be called.
            raise TypeError(
                f"{namesake.__module__} and {cls.__module__} both declare {cls.event_name};"
                " name one of them after what it tells"
            )


class OutboxEvent(Base):
    """An event on its way. `published_at` is set when every reaction has had it, or is parked.

    trace_id: of the request or reaction that emitted it; its reactions belong to the same trace.
    """

    __tablename__ = "outbox_event"
    __table_args__ = (
        Index("ix_outbox_event_unpublished", "id", postgresql_where=text("published_at is null")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)
    emitted_at: Mapped[datetime]
    trace_id: Mapped[str | None]
    published_at: Mapped[datetime | None]


class OutboxReaction(Base):
    """What one reaction made of one event. The key is what keeps effects from happening twice."""

    __tablename__ = "outbox_reaction"
    __table_args__ = (
        Index(
            "ix_outbox_reaction_parked", "parked_at", postgresql_where=text("parked_at is not null")
        ),
    )

    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    reaction: Mapped[str] = mapped_column(Text, primary_key=True)
    done_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None]
    parked_at: Mapped[datetime | None]
    error: Mapped[str | None]


Handler = Callable[[AsyncSession, Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Reaction:
    """A handler and the name under which its deliveries are recorded. Never rename a handler
    while events are on their way: it would have them again.

    takes_many: it is given those that are due together, in one transaction.
    """

    name: str
    handler: Handler
    takes_many: bool


REACTIONS: dict[type[Event], list[Reaction]] = defaultdict(list)


def reaction(handler: Handler) -> Handler:
    """Register `async def on_order_captured(session, event: OrderCaptured)` for its event.

    A handler whose work is cheaper for many at once says `events: Sequence[OrderCaptured]`. When
    it fails, each event is tried on its own, so that one bad one holds up nobody else.
    """
    hints = get_type_hints(handler)
    del hints["return"]
    event_type = list(hints.values())[1]
    takes_many = get_origin(event_type) is Sequence
    if takes_many:
        (event_type,) = get_args(event_type)
    name = f"{handler.__module__.removeprefix('server.')}.{handler.__name__}"
    REACTIONS[event_type].append(Reaction(name, handler, takes_many))
    return handler


WAKE_CHANNEL = "outbox"
"""Where a process tells the relay that there is something to carry."""


def emit(session: AsyncSession, event: Event) -> None:
    """Write the fact into the caller's transaction."""
    session.add(
        OutboxEvent(
            id=new_id(),
            name=event.event_name,
            body=msgspec.to_builtins(event),
            emitted_at=clock.now(),
            trace_id=current_trace() or None,
        )
    )
    if not session.info.get("wakes_relay"):
        session.info["wakes_relay"] = True
        announce(session, WAKE_CHANNEL, b"")
