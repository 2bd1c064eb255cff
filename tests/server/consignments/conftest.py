"""Making consignments that hang on nothing else."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments import service
from server.consignments.service import ConsignmentView, NewConsignment, NewParcel, Party

DAY = datetime(2026, 3, 2, 8, tzinfo=UTC)


class MakeConsignment(Protocol):
    async def __call__(
        self, session: AsyncSession, *, parcels: int | tuple[NewParcel, ...] = 1, **details: Any
    ) -> ConsignmentView: ...


class Report(Protocol):
    async def __call__(
        self,
        session: AsyncSession,
        consignment: ConsignmentView,
        state: str,
        *,
        minute: float = 0,
        parcels: Sequence[int] | None = None,
        **details: Any,
    ) -> ConsignmentView: ...


@pytest.fixture
def make_consignment() -> MakeConsignment:
    async def make(
        session: AsyncSession, *, parcels: int | tuple[NewParcel, ...] = 1, **details: Any
    ) -> ConsignmentView:
        values: dict[str, Any] = {
            "kind": "delivery",
            "account_id": None,
            "consignor": Party(name="The shop"),
            "consignee": Party(name="Ada", phone="+423 1"),
            "parcels": (NewParcel(weight_g=1200),) * parcels
            if isinstance(parcels, int)
            else parcels,
        }
        new = NewConsignment(**(values | details))
        return await service.create_consignment(session, new, by="test")

    return make


@pytest.fixture
def report() -> Report:
    """`await report(session, consignment, "loaded", minute=5)`: five minutes into the day, the
    parcels (all, or those with the given numbers) were loaded."""

    async def report(
        session: AsyncSession,
        consignment: ConsignmentView,
        state: str,
        *,
        minute: float = 0,
        parcels: Sequence[int] | None = None,
        **details: Any,
    ) -> ConsignmentView:
        chosen = range(len(consignment.parcels)) if parcels is None else parcels
        at = DAY + timedelta(minutes=minute)
        values = {"occurred_at": at, "received_at": at, "by": "test"} | details
        await service.record_custody(
            session,
            parcel_ids=[consignment.parcels[number].id for number in chosen],
            state=state,
            **values,
        )
        return await service.get_consignment(session, consignment.id)

    return report
