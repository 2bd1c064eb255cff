"""Fixes that a phone might send."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.kit import clock
from server.kit.geo import Position
from server.kit.ids import new_id
from server.kit.outbox import OutboxEvent
from server.protocol.from_driver import Fix
from server.tracking import service
from server.tracking.service import Ingested

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOME = Position(9.52, 47.14)
DEGREE_M = 111_195.0


class Phone:
    """A phone that is `east_m`, `north_m` from home `at_s` seconds from noon."""

    def __init__(self) -> None:
        self.driver_id = new_id()
        self.device_id = new_id()
        self.seq = 0

    def position(self, east_m: float = 0.0, north_m: float = 0.0) -> Position:
        return Position(HOME.lon + east_m / (DEGREE_M * 0.68022), HOME.lat + north_m / DEGREE_M)

    def fix(
        self, at_s: float = 0.0, *, east_m: float = 0.0, north_m: float = 0.0, **other: Any
    ) -> Fix:
        self.seq += 1
        lon, lat = self.position(east_m, north_m)
        values: dict[str, Any] = {
            "seq": self.seq,
            "taken_at": NOON + timedelta(seconds=at_s),
            "lon": lon,
            "lat": lat,
            "accuracy_m": 5.0,
        }
        return Fix(**(values | other))

    async def send(
        self, session: AsyncSession, *fixes: Fix, received_at: datetime | None = None, **other: Any
    ) -> Ingested:
        return await service.ingest_fixes(
            session,
            driver_id=self.driver_id,
            device_id=self.device_id,
            fixes=fixes,
            received_at=received_at or NOON + timedelta(hours=1),
            **other,
        )

    async def trail(self, session: AsyncSession) -> list[service.TrailPoint]:
        return await service.breadcrumb(
            session,
            self.driver_id,
            since=NOON - timedelta(days=30),
            until=NOON + timedelta(days=30),
        )


@pytest.fixture
def phone() -> Phone:
    return Phone()


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    with clock.running(lambda: NOON):
        yield


class Arrivals(Protocol):
    async def __call__(self, session: AsyncSession) -> list[tuple[UUID, datetime]]: ...


@pytest.fixture
def arrivals() -> Arrivals:
    async def arrivals(session: AsyncSession) -> list[tuple[UUID, datetime]]:
        bodies = await session.scalars(
            select(OutboxEvent.body)
            .where(OutboxEvent.name == "tracking.DriverArrived")
            .order_by(OutboxEvent.id)
        )
        return [
            (UUID(body["subject_id"]), datetime.fromisoformat(body["occurred_at"]))
            for body in bodies
        ]

    return arrivals
