"""A driver brings parcels and fetches returns. What is reported from there is a fact, though it
comes twice, late, or for what was cancelled."""

from typing import Any
from uuid import UUID

from server.consignments import service as consignments
from server.dispatch import service as dispatch
from server.kit.ids import new_id
from server.protocol.from_driver import CompleteTask, FailTask, ScanParcels
from tests.server.trade.command import Act, command
from tests.server.trade.trader import Trader


def _tasks(condition: str) -> str:
    return f"""
        select task.id, c.order_id from task join consignment c on c.id = task.consignment_id
        where c.account_id = :account and task.driver_id = :driver and {condition}
    """


OPEN = "task.state not in ('completed', 'failed', 'cancelled')"


@command(
    """
    select task.consignment_id, c.order_id
    from task join consignment c on c.id = task.consignment_id
    where c.account_id = :account and task.state = 'unassigned'
    and coalesce(task.window_start_at, :now) <= :now
    """
)
async def send_driver(trader: Trader, consignment_id: UUID, amount: int) -> Act:
    return lambda session: dispatch.insert_urgent(
        session, consignment_id, roads=trader.roads, by="test"
    )


@command(_tasks(f"task.kind = 'delivery' and {OPEN}"))
async def deliver(trader: Trader, task_id: UUID, amount: int) -> Act:
    return await _complete(trader, task_id, "delivered_to_consignee")


@command(_tasks(f"task.kind <> 'delivery' and {OPEN}"))
async def collect(trader: Trader, task_id: UUID, amount: int) -> Act:
    return await _complete(trader, task_id, "collected")


@command(_tasks("task.kind = 'delivery' and task.state in ('failed', 'cancelled', 'completed')"))
async def deliver_after_all(trader: Trader, task_id: UUID, amount: int) -> Act:
    """Reported twice, or though it was given up."""
    return await _complete(trader, task_id, "delivered_to_consignee")


@command(_tasks(f"task.kind = 'delivery' and {OPEN}"))
async def fail_at_door(trader: Trader, task_id: UUID, amount: int) -> Act:
    return _fail(trader, task_id, ("not_home", "refused", "damaged")[amount % 3])


@command(_tasks(f"task.kind <> 'delivery' and {OPEN}"))
async def fail_to_collect(trader: Trader, task_id: UUID, amount: int) -> Act:
    return _fail(trader, task_id, ("nothing_to_collect", "not_home")[amount % 2])


@command(
    """
    select c.id, c.order_id from parcel join consignment c on c.id = parcel.consignment_id
    where c.account_id = :account
    and parcel.state in ('attempted', 'refused', 'damaged', 'collected')
    group by c.id
    """
)
async def unload(trader: Trader, consignment_id: UUID, amount: int) -> Act:
    """The driver brings it to the depot."""
    query = """
        select barcode from parcel where consignment_id = :consignment
        and state in ('attempted', 'refused', 'damaged', 'collected') order by barcode
    """
    barcodes = [row[0] for row in await trader.rows(query, consignment=consignment_id)]
    command = ScanParcels(barcodes=tuple(barcodes), purpose="unload", occurred_at=trader.now)
    return lambda session: dispatch.scan_parcels(session, **_said(trader, command))


async def _complete(trader: Trader, task_id: UUID, code: str) -> Act:
    async with trader.db.transaction() as session:
        task = await dispatch.get_task(session, task_id)
        sent = await consignments.get_consignment(session, task.consignment_id)
    command = CompleteTask(
        task_id=str(task_id),
        outcome_code=code,
        occurred_at=trader.now,
        cash_minor=sent.cash_minor or None,
    )
    return lambda session: dispatch.complete_task(session, **_said(trader, command))


def _fail(trader: Trader, task_id: UUID, code: str) -> Act:
    command = FailTask(task_id=str(task_id), outcome_code=code, occurred_at=trader.now)
    return lambda session: dispatch.fail_task(session, **_said(trader, command))


def _said(trader: Trader, command: Any) -> dict[str, Any]:
    return {
        "driver_id": trader.driver_id,
        "command": command,
        "occurred_at": trader.now,
        "received_at": trader.now,
        "command_id": str(new_id()),
    }
