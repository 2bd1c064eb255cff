"""What the company promises: express, same day, next day, and what else it adds."""

from collections.abc import Mapping
from datetime import time
from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.kit.inputs import FilledLine
from server.orders.errors import CutOffAfterWindow, UnknownServiceLevel
from server.orders.models import ServiceLevel
from server.orders.order import ServiceLevelCode

LocalTime = Annotated[time, Meta(tz=False)]


class ServiceLevelView(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """See models.ServiceLevel; times are local to the company."""

    code: ServiceLevelCode
    name: FilledLine
    cut_off_local: LocalTime
    days_after: Annotated[int, Meta(ge=0, le=60)]
    window_start_local: LocalTime
    window_end_local: LocalTime
    within_s: Annotated[int, Meta(ge=60, le=86_400)] | None = None


async def list_service_levels(session: AsyncSession) -> list[ServiceLevelView]:
    rows = await session.scalars(select(ServiceLevel).order_by(ServiceLevel.code))
    return [msgspec.convert(row, ServiceLevelView, from_attributes=True) for row in rows]


async def save_service_level(session: AsyncSession, level: ServiceLevelView) -> ServiceLevelView:
    """Add the service level, or change it; orders keep what they were promised."""
    if level.window_start_local >= level.window_end_local or (
        level.days_after == 0 and level.cut_off_local >= level.window_end_local
    ):
        raise CutOffAfterWindow
    await session.merge(ServiceLevel(**msgspec.structs.asdict(level)))
    await session.flush()
    return level


async def all_levels(session: AsyncSession) -> dict[str, ServiceLevel]:
    """The service levels themselves by their codes, within this room."""
    rows = await session.scalars(select(ServiceLevel).order_by(ServiceLevel.code))
    return {row.code: row for row in rows}


def level_called(code: str, levels: Mapping[str, ServiceLevel]) -> ServiceLevel:
    if code not in levels:
        known = ", ".join(levels)
        raise UnknownServiceLevel(field="service_level", service_level=code, known=known)
    return levels[code]
