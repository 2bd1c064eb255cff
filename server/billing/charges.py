"""Charges: recorded once for every fact, never changed, taken back only by another charge."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.billing.models import Charge
from server.billing.price_lines import Term, Trace
from server.identity.service import record_audit
from server.kit import clock
from server.kit.errors import Conflict, NotFound
from server.kit.ids import new_id

VatCode = Literal["standard", "reduced", "zero", "exempt"]


class UnknownCharge(NotFound):
    """There is no charge {charge_id}, or it is not yours."""

    code = "billing.unknown_charge"


class AlreadyReversed(Conflict):
    """The charge {charge_id} was taken back already, or takes back another one itself."""

    code = "billing.already_reversed"


class NewCharge(msgspec.Struct, frozen=True, kw_only=True):
    """net_minor: in minor units of the currency, negative when the account gets it back.
    source: names the fact; the same one charges once. ship_to_country: ISO 3166, where the goods
    went, if they were sent and an address says so; it decides on VAT."""

    account_id: UUID
    kind: str
    description: str
    net_minor: int
    currency: str
    occurred_at: datetime
    source: str
    order_id: UUID | None = None
    consignment_id: UUID | None = None
    vat_code: VatCode = "standard"
    cost_centre: str = ""
    ship_to_country: str = ""
    tariff_id: UUID | None = None
    trace: dict[str, Any] = {}
    reverses_id: UUID | None = None


class ChargeView(NewCharge, frozen=True, kw_only=True):
    id: UUID
    created_at: datetime


async def record_charges(session: AsyncSession, charges: Sequence[NewCharge]) -> list[ChargeView]:
    """Record each charge unless its source was charged before; all of them as they are on record,
    in the given order. A repeat that comes while the first is at work waits for it."""
    now = clock.now()
    # In one global order, so that two who charge the same facts never wait in a circle.
    for each in sorted(charges, key=lambda charge: charge.source):
        values = msgspec.structs.asdict(each) | {"id": new_id(), "created_at": now}
        await session.execute(
            insert(Charge).values(**values).on_conflict_do_nothing(index_elements=["source"])
        )
    rows = await session.scalars(
        select(Charge).where(Charge.source.in_([charge.source for charge in charges]))
    )
    on_record = {row.source: charge_view(row) for row in rows}
    return [on_record[charge.source] for charge in charges]


async def find_charge(session: AsyncSession, source: str) -> UUID | None:
    """The charge for this fact."""
    found: UUID | None = await session.scalar(select(Charge.id).where(Charge.source == source))
    return found


async def reverse_charge(
    session: AsyncSession, charge_id: UUID, *, reason: str, by: str
) -> ChargeView:
    """Take a charge back by its exact negative.

    Raises
    ------
    UnknownCharge, AlreadyReversed
    """
    row = await session.get(Charge, charge_id)
    if row is None:
        raise UnknownCharge(charge_id=charge_id)
    source = f"charge:{charge_id}:reversal"
    taken_back = await session.scalar(select(Charge.id).where(Charge.source == source))
    if row.reverses_id is not None or taken_back is not None:
        raise AlreadyReversed(charge_id=charge_id)
    (reversal,) = await record_charges(
        session,
        [
            NewCharge(
                account_id=row.account_id,
                order_id=row.order_id,
                consignment_id=row.consignment_id,
                kind=row.kind,
                description=f"Reversal: {row.description}",
                net_minor=-row.net_minor,
                currency=row.currency,
                vat_code=charge_view(row).vat_code,
                cost_centre=row.cost_centre,
                ship_to_country=row.ship_to_country,
                occurred_at=clock.now(),
                tariff_id=row.tariff_id,
                trace=msgspec.to_builtins(_reversal(row, reason)),
                source=source,
                reverses_id=charge_id,
            )
        ],
    )
    await record_audit(
        session,
        by=by,
        action="charge.reversed",
        subject=f"charge:{charge_id}",
        details={"reason": reason, "reversal_id": reversal.id},
    )
    return reversal


def _reversal(row: Charge, reason: str) -> Trace:
    whole = Term(words="the charge", quantity=-1, unit="charge", minor=row.net_minor)
    return Trace(words=f"Takes back the charge {row.id}: {reason}", terms=(whole,))


async def get_charges(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, ChargeView]:
    """Those that exist, by id."""
    rows = await session.scalars(select(Charge).where(Charge.id.in_(ids)))
    return {row.id: charge_view(row) for row in rows}


async def get_charge(
    session: AsyncSession, charge_id: UUID, *, account_id: UUID | None = None
) -> ChargeView:
    """One charge. account_id: only if it is this account's.

    Raises
    ------
    UnknownCharge
    """
    row = await session.get(Charge, charge_id)
    if row is None or account_id not in (None, row.account_id):
        raise UnknownCharge(charge_id=charge_id)
    return charge_view(row)


async def list_charges(
    session: AsyncSession,
    *,
    account_id: UUID | None = None,
    order_id: UUID | None = None,
    consignment_id: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[ChargeView]:
    """Oldest first; `after` is the last id of the page before. since <= occurred_at < until."""
    query = select(Charge).order_by(Charge.id).limit(limit)
    for column, wanted in (
        (Charge.account_id, account_id),
        (Charge.order_id, order_id),
        (Charge.consignment_id, consignment_id),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    if since is not None:
        query = query.where(Charge.occurred_at >= since)
    if until is not None:
        query = query.where(Charge.occurred_at < until)
    if after is not None:
        query = query.where(Charge.id > after)
    return [charge_view(row) for row in await session.scalars(query)]


def charge_view(row: Charge) -> ChargeView:
    return msgspec.convert(row, ChargeView, from_attributes=True)
