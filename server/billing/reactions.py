"""When work in the street is over, it is priced and charged, and its cash is noted.

Every reaction reads the facts afresh and does what is left to do, so repeats and disorder are fine.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from server.billing.cash import note_cash
from server.billing.charging import charge_consignment
from server.billing.fees import (
    charge_cancellation,
    charge_exchange,
    charge_return,
    take_exchange_back,
)
from server.billing.work_facts import BACK
from server.consignments.events import CustodyChanged
from server.dispatch.events import TaskChanged
from server.kit.outbox import reaction
from server.orders.events import OrderCancelled
from server.returns.events import ExchangeCancelled, ExchangeReleased, ReturnResolved

ENDS = ("completed", "failed")


@reaction
async def on_task_changed(session: AsyncSession, event: TaskChanged) -> None:
    """A door was served, or tried in vain."""
    if event.state in ENDS:
        await charge_consignment(session, event.consignment_id)
        await note_cash(session, consignment_id=event.consignment_id)


@reaction
async def on_custody_changed(session: AsyncSession, event: CustodyChanged) -> None:
    """What came to an end without its task: done after it had failed, handed over, brought back."""
    over = BACK if event.kind == "return" else ("delivered", "returned")
    if event.state in over:
        await charge_consignment(session, event.consignment_id)
        await note_cash(session, consignment_id=event.consignment_id)


@reaction
async def on_order_cancelled(session: AsyncSession, event: OrderCancelled) -> None:
    await charge_cancellation(session, event)


@reaction
async def on_return_resolved(session: AsyncSession, event: ReturnResolved) -> None:
    await charge_return(session, event)


@reaction
async def on_exchange_released(session: AsyncSession, event: ExchangeReleased) -> None:
    await charge_exchange(session, event)


@reaction
async def on_exchange_cancelled(session: AsyncSession, event: ExchangeCancelled) -> None:
    await take_exchange_back(session, event)
