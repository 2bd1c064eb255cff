"""What was picked for an order that was given up goes back to its shelf."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.fulfilment.errors import UnknownPutBack, WrongShelf
from server.fulfilment.fulfilments import lock_fulfilment
from server.fulfilment.lifecycle import TASK
from server.fulfilment.models import Fulfilment, PickTask
from server.fulfilment.picking import PickTaskView, task_views
from server.identity.service import record_audit
from server.inventory import service as inventory
from server.kit import clock


async def list_put_backs(
    session: AsyncSession,
    *,
    warehouse_id: UUID | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[PickTaskView]:
    """What waits to be put back, oldest first."""
    query = (
        select(PickTask)
        .where(PickTask.kind == "put_back", PickTask.state == "open")
        .order_by(PickTask.id)
        .limit(limit)
    )
    if warehouse_id:
        query = query.join(Fulfilment, Fulfilment.id == PickTask.fulfilment_id).where(
            Fulfilment.warehouse_id == warehouse_id
        )
    if after:
        query = query.where(PickTask.id > after)
    return await task_views(session, (await session.scalars(query)).all())


async def put_back_scanned(
    session: AsyncSession, task_id: UUID, *, location: str, by: str
) -> PickTaskView:
    """The goods lie on their shelf again; told twice, they do so once.

    Raises
    ------
    UnknownPutBack, WrongShelf, IllegalMove
    """
    task = await session.get(PickTask, task_id)
    if task is None or task.kind != "put_back":
        raise UnknownPutBack(task_id=task_id)
    await lock_fulfilment(session, task.fulfilment_id)
    await session.refresh(task)
    (view,) = await task_views(session, [task])
    if location != view.location:
        raise WrongShelf(location=view.location, scanned=location)
    if task.state == "done":
        return view
    TASK.check(task.state, "done")
    await inventory.put_back(session, [task.allocation_id])
    task.state, task.by, task.done_at = "done", by, clock.now()
    subject = f"fulfilment:{task.fulfilment_id}"
    details = {"sku": view.sku, "quantity": view.quantity}
    await record_audit(session, by=by, action="goods.put_back", subject=subject, details=details)
    await session.flush()
    return (await task_views(session, [task]))[0]
