"""The step between an order's arrival and its fulfilment: is there anything against it?"""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts import service as accounts
from server.orders import service as orders
from server.orders.service import Credit, OrderView


async def verify_order(session: AsyncSession, order_id: UUID, *, by: str) -> OrderView:
    """Accept the order, or hold it for all that speaks against it; see orders.accept_order."""

    async def credit_of(account_id: UUID) -> Credit:
        account = await accounts.get_account(session, account_id)
        return Credit(
            limit_minor=account.credit_limit_minor,
            owed_minor=account.owed_minor,
            currency=account.currency,
            active=account.active,
        )

    return await orders.accept_order(session, order_id, credit_of=credit_of, by=by)
