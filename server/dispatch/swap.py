"""An exchange at the door: what is brought and what is taken for it are two tasks of one stop.

The driver is told by the instructions what to do when the old goods are not there. What was done
is a fact; where only one of the two legs succeeded, a person is told, with the account's rule.
"""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts import service as accounts
from server.consignments.service import ConsignmentView
from server.dispatch.exceptions import raise_exception
from server.dispatch.facts import Report
from server.dispatch.models import Task

ENDED = ("completed", "failed")


async def judge_swap(
    session: AsyncSession, report: Report, task: Task, consignment: ConsignmentView
) -> None:
    """Called when a task has ended; says something once its other leg at this stop has too."""
    if consignment.linked_consignment_id is None or task.stop_id is None:
        return
    other = await session.scalar(
        select(Task).where(
            Task.consignment_id == consignment.linked_consignment_id,
            Task.stop_id == task.stop_id,
            Task.state.in_(ENDED),
        )
    )
    if other is None or other.state == task.state:
        return
    done = task if task.state == "completed" else other
    policy = await accounts.get_return_policy(session, consignment.account_id)
    raise_exception(
        session,
        "swap_without_old" if done.kind == "delivery" else "swap_without_new",
        task=done,
        driver_id=report.driver_id,
        other_task_id=(other if done is task else task).id,
        allowed=done.kind == "delivery" and policy.swap_without_old,
    )
