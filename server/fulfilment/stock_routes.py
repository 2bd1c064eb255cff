"""What is set aside for an order, over HTTP: whose order it is, only orders can say."""

from uuid import UUID

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from server.identity.access import OFFICE, Principal, Role, allow
from server.inventory import service as inventory
from server.inventory.service import OrderStock
from server.orders import service as orders

MAY_READ = allow(*OFFICE, Role.WAREHOUSE, Role.ACCOUNT_USER, scope="stock:read")


@get("/api/orders/{order_id:uuid}/stock", guards=[MAY_READ])
async def get_order_stock(
    order_id: FromPath[UUID],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> OrderStock:
    """The allocations of an order, and what it waits for; empty when there are none."""
    order = await orders.get_order(session, order_id, account_id=principal.own_account_only())
    return await inventory.stock_of_order(session, order.id)


STOCK_ROUTES = [get_order_stock]
