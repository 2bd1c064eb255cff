"""The same request twice has one effect: the Idempotency-Key header.

The key is remembered in the transaction of the effect. A repeat with the same body gets the first
answer again, and one with another body is refused; a repeat that comes while the first is still
at work waits for it.
"""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from server.kit import clock
from server.kit.db import Base
from server.kit.errors import Invalid


class KeyUsedForAnotherBody(Invalid):
    """The Idempotency-Key {key!r} was used for a request with another body. Take a new key."""

    code = "idempotency.another_body"


class BadIdempotencyKey(Invalid):
    """An Idempotency-Key has 1 to 200 characters."""

    code = "idempotency.bad_key"


class IdempotencyRecord(Base):
    """scope: whose key it is, such as "orders:<account id>", so that two callers never meet."""

    __tablename__ = "idempotency_record"

    scope: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    body_sha256: Mapped[str]
    answer: Mapped[Any | None] = mapped_column(JSONB)
    created_at: Mapped[datetime]


async def answer_once[T](
    session: AsyncSession,
    *,
    scope: str,
    key: str | None,
    body: Any,
    answer_type: type[T],
    act: Callable[[], Awaitable[T]],
) -> T:
    """`await act()`, or the answer that it gave the first time for this key.

    Without a key it simply acts. `body` and the answer must be encodable by msgspec.
    """
    if key is None:
        return await act()
    if not 1 <= len(key) <= 200:
        raise BadIdempotencyKey
    digest = hashlib.sha256(msgspec.json.encode(body, order="sorted")).hexdigest()
    record = await session.scalar(
        insert(IdempotencyRecord)
        .values(scope=scope, key=key, body_sha256=digest, created_at=clock.now())
        .on_conflict_do_nothing()
        .returning(IdempotencyRecord)
    )
    if record is None:
        first = await session.get_one(IdempotencyRecord, (scope, key))
        if first.body_sha256 != digest:
            raise KeyUsedForAnotherBody(key=key)
        return msgspec.convert(first.answer, answer_type)
    answer = await act()
    record.answer = msgspec.to_builtins(answer)
    return answer
