"""What was agreed with an account about goods that come back."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts.models import ReturnPolicyRow
from server.identity.service import record_audit


class ReturnPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """attempts_max: so often a delivery is attempted before it goes back to its sender.
    days_to_hand_over: so long an approved return may wait for its goods.
    swap_without_old: whether a replacement may be handed over when the old goods are not there.
    """

    attempts_max: Annotated[int, Meta(ge=1, le=10)] = 2
    days_to_hand_over: Annotated[int, Meta(ge=1, le=365)] = 14
    swap_without_old: bool = False


async def get_return_policy(session: AsyncSession, account_id: UUID | None) -> ReturnPolicy:
    """The account's own, or what holds for all who have agreed on nothing else."""
    if account_id is None:
        return ReturnPolicy()
    row = await session.get(ReturnPolicyRow, account_id, populate_existing=True)
    if row is None:
        return ReturnPolicy()
    return msgspec.convert(row, ReturnPolicy, from_attributes=True)


async def set_return_policy(
    session: AsyncSession, account_id: UUID, policy: ReturnPolicy, *, by: str
) -> ReturnPolicy:
    """The account must exist: see `get_account`."""
    values = msgspec.structs.asdict(policy)
    await session.execute(
        insert(ReturnPolicyRow)
        .values(account_id=account_id, **values)
        .on_conflict_do_update(index_elements=["account_id"], set_=values)
    )
    await record_audit(
        session,
        by=by,
        action="account.return_policy_set",
        subject=f"account:{account_id}",
        details=values,
    )
    return policy
