"""The kinds of boxes that the company packs in."""

from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.fulfilment.errors import CartonUnchangeable, UnknownCarton
from server.fulfilment.models import Carton, PackedParcel
from server.identity.service import record_audit
from server.kit.inputs import FilledLine

CartonCode = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9._-]+$")]
SideMm = Annotated[int, Meta(ge=1, le=10_000)]
MEASURES = ("inner_length_mm", "inner_width_mm", "inner_height_mm", "max_weight_g", "tare_g")


class CartonType(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """max_weight_g: of what is in it. tare_g: of the empty box."""

    code: CartonCode
    name: FilledLine
    inner_length_mm: SideMm
    inner_width_mm: SideMm
    inner_height_mm: SideMm
    max_weight_g: Annotated[int, Meta(ge=1, le=1_000_000)]
    tare_g: Annotated[int, Meta(ge=0, le=100_000)] = 0
    active: bool = True


async def save_carton(session: AsyncSession, carton: CartonType, *, by: str) -> CartonType:
    """Add the kind of box, or change the one with this code.

    Raises
    ------
    CartonUnchangeable
        When parcels were packed in it and its measures would be others.
    """
    before = await session.get(Carton, carton.code, with_for_update=True)
    used = exists().where(PackedParcel.carton == carton.code)
    if (
        before is not None
        and any(getattr(before, name) != getattr(carton, name) for name in MEASURES)
        and await session.scalar(select(used))
    ):
        raise CartonUnchangeable(carton=carton.code)
    await session.merge(Carton(**msgspec.structs.asdict(carton)))
    await record_audit(
        session,
        by=by,
        action="carton.saved",
        subject=f"carton:{carton.code}",
        details=msgspec.structs.asdict(carton),
    )
    await session.flush()
    return carton


async def list_cartons(session: AsyncSession, *, active_only: bool = True) -> list[Carton]:
    """The rows, within this room, by their codes."""
    query = select(Carton).order_by(Carton.code)
    if active_only:
        query = query.where(Carton.active)
    return list(await session.scalars(query))


async def find_carton(session: AsyncSession, code: str) -> Carton:
    carton = await session.get(Carton, code)
    if carton is None or not carton.active:
        raise UnknownCarton(carton=code)
    return carton


def carton_type(carton: Carton) -> CartonType:
    return msgspec.convert(carton, CartonType, from_attributes=True)
