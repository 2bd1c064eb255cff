"""The step between an order's arrival and its fulfilment: is there anything against it?"""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts import service as accounts
from server.orders import service as orders
from server.orders.service import Credit, OrderView


async def verify_orders(
    session: AsyncSession, order_ids: Collection[UUID], *, by: str
) -> list[OrderView]:
    """Accept the orders, or hold each for all that speaks against it; see orders.accept_orders."""

    async def credit_of(account_id: UUID) -> Credit:
        account = await accounts.get_account(session, account_id)
        return Credit(
            limit_minor=account.credit_limit_minor,
            owed_minor=account.owed_minor,
            currency=account.currency,
            active=account.active,
        )

    return await orders.accept_orders(session, order_ids, credit_of=credit_of, by=by)
