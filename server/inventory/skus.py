"""SKUs, their kits and their lots."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from server.identity.service import record_audit
from server.inventory.errors import (
    BadKit,
    KitHasNoStock,
    LotExpiresOtherwise,
    LotNeeded,
    NoLots,
    SkuCodeTaken,
    UnknownAccountForSku,
    UnknownLot,
    UnknownSku,
)
from server.inventory.models import KitComponent, Lot, Sku
from server.inventory.stock import (
    Component,
    Count,
    SkuView,
)
from server.kit import clock
from server.kit.ids import new_id
from server.kit.inputs import FilledLine, Line


class NewSku(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """components: makes it a kit, which has no stock of its own."""

    code: FilledLine
    name: FilledLine
    base_unit: Line = "piece"
    weight_g: Count = 0
    length_mm: Count = 0
    width_mm: Count = 0
    height_mm: Count = 0
    components: tuple[Component, ...] = ()
    has_lots: bool = False
    has_serials: bool = False
    safety_stock: Count = 0
    reorder_point: Count = 0
    backorder_allowed: bool = False


class SkuChanges(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out, or null, stays."""

    name: FilledLine | None = None
    weight_g: Count | None = None
    length_mm: Count | None = None
    width_mm: Count | None = None
    height_mm: Count | None = None
    safety_stock: Count | None = None
    reorder_point: Count | None = None
    backorder_allowed: bool | None = None
    active: bool | None = None


async def create_sku(session: AsyncSession, new: NewSku, *, account_id: UUID, by: str) -> SkuView:
    """Keep one more kind of goods for the account.

    Raises
    ------
    SkuCodeTaken, UnknownAccountForSku, UnknownSku, BadKit
    """
    components = await _components(session, new, account_id)
    fields = msgspec.structs.asdict(new)
    del fields["components"]
    row = {
        **fields,
        "id": new_id(),
        "account_id": account_id,
        "is_kit": bool(components),
        "active": True,
        "created_at": clock.now(),
    }
    try:
        async with session.begin_nested():
            created = await session.scalar(
                insert(Sku)
                .values(row)
                .on_conflict_do_nothing(index_elements=["account_id", "code"])
                .returning(Sku)
            )
    except IntegrityError as error:
        raise UnknownAccountForSku(account_id=account_id) from error
    if created is None:
        raise SkuCodeTaken(sku=new.code)
    session.add_all(
        KitComponent(kit_id=created.id, component_id=component_id, quantity=quantity)
        for component_id, quantity in components.items()
    )
    await record_audit(session, by=by, action="sku.created", subject=f"sku:{created.id}")
    await session.flush()
    return (await _views(session, [created]))[0]


async def _components(session: AsyncSession, new: NewSku, account_id: UUID) -> dict[UUID, int]:
    if not new.components:
        return {}
    if new.has_lots or new.has_serials:
        raise BadKit(sku=f"with lots or serial numbers, {new.code}")
    found = await find_skus(session, account_id, [each.sku for each in new.components])
    components: dict[UUID, int] = {}
    for each in new.components:
        sku = found[each.sku]
        if sku.is_kit:
            raise BadKit(sku=sku.code)
        components[sku.id] = components.get(sku.id, 0) + each.quantity
    return components


async def change_sku(
    session: AsyncSession,
    sku_id: UUID,
    changes: SkuChanges,
    *,
    account_id: UUID | None = None,
    by: str,
) -> SkuView:
    sku = await load_sku(session, sku_id, account_id=account_id)
    wanted: dict[str, Any] = {
        name: value
        for name, value in msgspec.structs.asdict(changes).items()
        if value is not None and value != getattr(sku, name)
    }
    for name, value in wanted.items():
        setattr(sku, name, value)
    if wanted:
        subject = f"sku:{sku.id}"
        await record_audit(session, by=by, action="sku.changed", subject=subject, details=wanted)
    await session.flush()
    return (await _views(session, [sku]))[0]


async def get_sku(
    session: AsyncSession, sku_id: UUID, *, account_id: UUID | None = None
) -> SkuView:
    return (await _views(session, [await load_sku(session, sku_id, account_id=account_id)]))[0]


async def list_skus(
    session: AsyncSession,
    *,
    account_id: UUID | None = None,
    code: str = "",
    after: UUID | None = None,
    limit: int = 50,
) -> list[SkuView]:
    """Oldest first; with `code` that one alone."""
    query = select(Sku).order_by(Sku.id).limit(limit)
    if account_id:
        query = query.where(Sku.account_id == account_id)
    if code:
        query = query.where(Sku.code == code)
    if after:
        query = query.where(Sku.id > after)
    return await _views(session, (await session.scalars(query)).all())


async def get_skus(session: AsyncSession, sku_ids: Collection[UUID]) -> dict[UUID, SkuView]:
    """Those that exist, by id."""
    rows = (await session.scalars(select(Sku).where(Sku.id.in_(sku_ids)))).all()
    return {view.id: view for view in await _views(session, rows)}


async def keeps_stock(session: AsyncSession, account_id: UUID) -> bool:
    """Whether the account's goods lie with us; else they come to the depot as packed parcels."""
    found = await session.scalar(select(Sku.id).where(Sku.account_id == account_id).limit(1))
    return found is not None


async def load_sku(session: AsyncSession, sku_id: UUID, *, account_id: UUID | None = None) -> Sku:
    """The row itself, within this room."""
    sku = await session.get(Sku, sku_id)
    if sku is None or (account_id and sku.account_id != account_id):
        raise UnknownSku(sku=sku_id)
    return sku


async def find_skus(
    session: AsyncSession, account_id: UUID, codes: Iterable[str]
) -> dict[str, Sku]:
    """The account's SKUs with all of these codes."""
    wanted = list(dict.fromkeys(codes))
    rows = await session.scalars(
        select(Sku).where(Sku.account_id == account_id, Sku.code.in_(wanted))
    )
    found = {row.code: row for row in rows}
    if missing := [code for code in wanted if code not in found]:
        raise UnknownSku(sku=", ".join(missing))
    return found


def needed_for(codes: Mapping[UUID, Collection[str]]) -> Select[UUID]:
    """Account -> codes of its SKUs. The ids of what has stock of its own among them: of a kit its
    components."""
    asked = aliased(Sku)
    named = [
        and_(asked.account_id == account_id, asked.code.in_(wanted))
        for account_id, wanted in codes.items()
    ]
    return (
        select(func.coalesce(KitComponent.component_id, asked.id))
        .select_from(asked)
        .outerjoin(KitComponent, KitComponent.kit_id == asked.id)
        .where(or_(*named))
    )


async def bills_of(
    session: AsyncSession, kits: Iterable[Sku]
) -> Mapping[UUID, Sequence[KitComponent]]:
    """Kit -> its components."""
    bills: dict[UUID, list[KitComponent]] = {kit.id: [] for kit in kits if kit.is_kit}
    if bills:
        rows = await session.scalars(
            select(KitComponent)
            .where(KitComponent.kit_id.in_(bills))
            .order_by(KitComponent.kit_id, KitComponent.component_id)
        )
        for row in rows:
            bills[row.kit_id].append(row)
    return bills


def require_stock(sku: Sku) -> None:
    if sku.is_kit:
        raise KitHasNoStock(sku=sku.code)


async def find_lot(session: AsyncSession, sku: Sku, code: str | None) -> UUID | None:
    """The lot of the SKU with this code; None for a SKU that is not kept by lots."""
    require_stock(sku)
    if not _names_lot(sku, code):
        return None
    lot_id = await session.scalar(select(Lot.id).where(Lot.sku_id == sku.id, Lot.code == code))
    if lot_id is None:
        raise UnknownLot(sku=sku.code, lot=code)
    return lot_id


async def open_lot(
    session: AsyncSession, sku: Sku, code: str | None, expires_on: date | None
) -> UUID | None:
    """As `find_lot`, and a lot that is not known yet becomes so."""
    require_stock(sku)
    if not _names_lot(sku, code):
        return None
    await session.execute(
        insert(Lot)
        .values(id=new_id(), sku_id=sku.id, code=code, expires_on=expires_on)
        .on_conflict_do_nothing(index_elements=["sku_id", "code"])
    )
    lot = (await session.scalars(select(Lot).where(Lot.sku_id == sku.id, Lot.code == code))).one()
    if expires_on not in (None, lot.expires_on):
        raise LotExpiresOtherwise(sku=sku.code, lot=code, expires_on=lot.expires_on)
    return lot.id


async def lot_codes(session: AsyncSession, lot_ids: Collection[UUID]) -> dict[UUID, str]:
    """What is printed on the lots."""
    rows = await session.execute(select(Lot.id, Lot.code).where(Lot.id.in_(lot_ids)))
    return {row.id: row.code for row in rows}


def _names_lot(sku: Sku, code: str | None) -> bool:
    if sku.has_lots and code is None:
        raise LotNeeded(sku=sku.code)
    if code is not None and not sku.has_lots:
        raise NoLots(sku=sku.code)
    return sku.has_lots


async def _views(session: AsyncSession, skus: Sequence[Sku]) -> list[SkuView]:
    bills = await bills_of(session, skus)
    ids = {each.component_id for bill in bills.values() for each in bill}
    codes = {row.id: row.code for row in await session.scalars(select(Sku).where(Sku.id.in_(ids)))}
    plain = [name for name in SkuView.__struct_fields__ if name != "components"]
    return [
        SkuView(
            **{name: getattr(sku, name) for name in plain},
            components=tuple(
                Component(sku=codes[each.component_id], quantity=each.quantity)
                for each in bills.get(sku.id, ())
            ),
        )
        for sku in skus
    ]
