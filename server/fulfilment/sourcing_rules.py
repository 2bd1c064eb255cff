"""From which of several warehouses orders are filled: the company's rule, and an account's own."""

from uuid import UUID

import msgspec
from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts import service as accounts
from server.fulfilment.models import SourcingRuleRow
from server.identity.service import record_audit
from server.inventory.service import SourcingRule
from server.kit.ids import new_id

UNLESS_CHOSEN: SourcingRule = "fewest_splits"


class SourcingChoice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """nearest: to the consignee; priority: in the order of the warehouses' priorities;
    fewest_splits: as few of them as will do. account_id: whose own rule; None for the company's."""

    rule: SourcingRule
    account_id: UUID | None = None


async def sourcing_for(session: AsyncSession, account_id: UUID | None) -> SourcingChoice:
    """The rule that holds for orders of the account: its own, or else the company's."""
    row = await session.scalar(
        select(SourcingRuleRow)
        .where(or_(SourcingRuleRow.account_id.is_(None), SourcingRuleRow.account_id == account_id))
        .order_by(SourcingRuleRow.account_id.is_(None))
        .limit(1)
        .execution_options(populate_existing=True)
    )
    if row is None:
        return SourcingChoice(rule=UNLESS_CHOSEN)
    return msgspec.convert(row, SourcingChoice, from_attributes=True)


async def rule_for(session: AsyncSession, account_id: UUID) -> SourcingRule:
    return (await sourcing_for(session, account_id)).rule


async def choose_sourcing(
    session: AsyncSession, choice: SourcingChoice, *, by: str
) -> SourcingChoice:
    """Orders that are set aside from now on follow it.

    Raises
    ------
    UnknownAccount
    """
    if choice.account_id is not None:
        await accounts.get_account(session, choice.account_id)
    values = msgspec.structs.asdict(choice)
    await session.execute(
        insert(SourcingRuleRow)
        .values(id=new_id(), **values)
        .on_conflict_do_update(index_elements=["account_id"], set_={"rule": choice.rule})
    )
    await record_audit(
        session,
        by=by,
        action="sourcing_rule.chosen",
        subject=f"sourcing_rule:{choice.account_id or 'company'}",
        details=values,
    )
    return choice
