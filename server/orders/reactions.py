"""What orders themselves make of their own facts, later and apart from who told them."""

from sqlalchemy.ext.asyncio import AsyncSession

from server.kit.outbox import reaction
from server.orders.events import OrderDelivered
from server.orders.preferences import learn_preferences


@reaction
async def on_order_delivered(session: AsyncSession, event: OrderDelivered) -> None:
    await learn_preferences(session, event.order_id)
