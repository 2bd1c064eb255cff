"""What is set aside for an order, over HTTP: whose order it is, only orders can say."""

from uuid import UUID

from litestar import get, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from server.fulfilment.sourcing_rules import SourcingChoice, choose_sourcing, sourcing_for
from server.identity.access import OFFICE, Principal, Role, allow
from server.inventory import service as inventory
from server.inventory.service import OrderStock
from server.orders import service as orders

MAY_READ = allow(*OFFICE, Role.WAREHOUSE, Role.ACCOUNT_USER, scope="stock:read")
MAY_CHOOSE = allow(Role.ADMIN)


@get("/api/orders/{order_id:uuid}/stock", guards=[MAY_READ])
async def get_order_stock(
    order_id: FromPath[UUID],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> OrderStock:
    """The allocations of an order, and what it waits for; empty when there are none."""
    order = await orders.get_order(session, order_id, account_id=principal.own_account_only())
    return await inventory.stock_of_order(session, order.id)


@get("/api/sourcing-rule", guards=[MAY_READ])
async def get_sourcing_rule(
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    *,
    account: FromQuery[UUID | None] = None,
) -> SourcingChoice:
    """From which of several warehouses orders of this account are filled; without one, those of
    accounts that have no rule of their own."""
    return await sourcing_for(session, principal.own_account_only() or account)


@put("/api/sourcing-rule", guards=[MAY_CHOOSE])
async def choose_sourcing_rule(
    data: JSONBody[SourcingChoice],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> SourcingChoice:
    """The company's rule, or an account's own in its place."""
    return await choose_sourcing(session, data, by=principal.label)


STOCK_ROUTES = [get_order_stock, get_sourcing_rule, choose_sourcing_rule]
