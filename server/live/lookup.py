"""What somebody may know of a parcel who has its number and the postcode that it goes to: how far
it is, and when it comes. No name, no address, no map, no link to more."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments import service as consignments
from server.consignments.service import ConsignmentView
from server.dispatch import service as dispatch
from server.kit import clock
from server.kit.errors import NotFound
from server.live.public_tracking import OVER, STEPS, Step
from server.live.wishes import home_of
from server.orders import service as orders
from server.places import service as places

ORDERS_LOOKED_AT = 5


class NothingKnown(NotFound):
    """Nothing is known by this number and postcode."""

    code = "live.nothing_known"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """expected_from_at, expected_until_at: None when that has passed, or nothing is to come."""

    step: Step
    is_return: bool
    expected_from_at: datetime | None
    expected_until_at: datetime | None
    seen_at: datetime


async def look_up(session: AsyncSession, account_id: UUID, *, number: str, postcode: str) -> Answer:
    """Of one account's parcels.

    number: of the waybill, or of the order, ours or the shop's.

    Raises
    ------
    NothingKnown
        For a number that never was and for a wrong postcode: the same.
    """
    consignment = await _find(session, account_id, number.strip())
    if consignment is None or not await _goes_to(session, consignment, postcode):
        raise NothingKnown
    step, now = STEPS[consignment.state], clock.now()
    from_at, until_at = consignment.window_start_at, consignment.window_end_at
    progress = None if step in OVER else await dispatch.stop_progress(session, consignment.id)
    if progress is not None and progress.eta_from_at is not None:
        from_at, until_at = max(progress.eta_from_at, now), progress.eta_until_at
    is_to_come = step not in OVER and until_at is not None and until_at > now
    return Answer(
        step=step,
        is_return=consignment.kind == "return",
        expected_from_at=from_at if is_to_come else None,
        expected_until_at=until_at if is_to_come else None,
        seen_at=now,
    )


async def _find(session: AsyncSession, account_id: UUID, number: str) -> ConsignmentView | None:
    found = await consignments.consignment_of_waybill(session, number.upper())
    if found is not None:
        return found if found.account_id == account_id else None
    page = await orders.list_orders(
        session, account_id=account_id, text=number, limit=ORDERS_LOOKED_AT
    )
    for order in page.items:
        if number in (order.number, order.external_id):
            return await consignments.consignment_of_order(session, order.id)
    return None


async def _goes_to(session: AsyncSession, consignment: ConsignmentView, postcode: str) -> bool:
    """Whether this is the consignee's own postcode, also while it goes to a pickup point."""
    home_id = await home_of(session, consignment)
    home = (await places.get_places(session, [home_id])).get(home_id) if home_id else None
    return home is not None and home.postcode != "" and _bare(home.postcode) == _bare(postcode)


def _bare(postcode: str) -> str:
    return "".join(each for each in postcode.casefold() if each.isalnum())
