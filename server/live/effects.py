"""Which room each command of a phone takes effect in."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from server.dispatch import service as dispatch
from server.protocol.from_driver import (
    AcceptTasks,
    AddEvidence,
    ArriveAtTasks,
    CollectReturn,
    CompleteTask,
    DeclineTask,
    FailTask,
    ReportCost,
    ScanParcels,
    SendMessage,
    SetShift,
    StartTasks,
)
from server.returns import service as returns


async def collect_return(
    session: AsyncSession,
    *,
    driver_id: UUID,
    command: CollectReturn,
    occurred_at: datetime,
    received_at: datetime,
    command_id: str,
) -> None:
    """Goods that nobody announced were handed over, mostly at the stop of some task. They were,
    whether or not we know that task, or ever gave it to this driver."""
    place_id = consignment_id = None
    if command.at_task_id is not None:
        with suppress(dispatch.UnknownTask):
            place_id, consignment_id = await dispatch.run_context(
                session, command.at_task_id, driver_id=driver_id
            )
    await returns.collect_unannounced(
        session,
        driver_id=driver_id,
        command=command,
        occurred_at=occurred_at,
        received_at=received_at,
        source_id=command_id,
        place_id=place_id,
        original_consignment_id=consignment_id,
    )


EFFECTS: dict[type, Callable[..., Awaitable[None]]] = {
    AcceptTasks: dispatch.accept_tasks,
    DeclineTask: dispatch.decline_task,
    StartTasks: dispatch.start_tasks,
    ArriveAtTasks: dispatch.arrive_at_tasks,
    CompleteTask: dispatch.complete_task,
    FailTask: dispatch.fail_task,
    CollectReturn: collect_return,
    ScanParcels: dispatch.scan_parcels,
    SetShift: dispatch.set_shift,
    AddEvidence: dispatch.add_evidence,
    ReportCost: dispatch.report_cost,
    SendMessage: dispatch.hear_driver,
}
