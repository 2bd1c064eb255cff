"""Orders are picked and packed, and what is not to go out after all is put back."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from server.fulfilment import service as fulfilment
from tests.server.trade.command import Act, command
from tests.server.trade.trader import Trader

WAVES = """
    select wave.id, (array_agg(f.order_id order by task.sequence))[1]
    from pick_wave wave join pick_task task on task.wave_id = wave.id
    join fulfilment f on f.id = task.fulfilment_id
    where wave.state = 'open' and task.state = 'open' and f.account_id = :account
    group by wave.id
"""
PICKED = """
    select id, order_id from fulfilment where account_id = :account and state = 'picked'
"""
SHORTAGES = """
    select s.id, f.order_id from shortage s join fulfilment f on f.id = s.fulfilment_id
    where f.account_id = :account and s.state = 'open'
"""


@command(
    """
    select distinct f.warehouse_id, min(f.order_id::text)::uuid
    from fulfilment f join allocation a on a.order_id = f.order_id and a.state = 'allocated'
    where f.account_id = :account and f.state in ('open', 'picking') and not exists (
        select from pick_task t where t.allocation_id = a.id and t.state = 'open'
    ) group by f.warehouse_id
    """
)
async def begin_wave(trader: Trader, warehouse_id: UUID, amount: int) -> Act:
    return lambda session: fulfilment.create_wave(
        session, warehouse_id=warehouse_id, max_tasks=amount % 6 + 2, by="test"
    )


@command(WAVES)
async def give_wave_up(trader: Trader, wave_id: UUID, amount: int) -> Act:
    return lambda session: fulfilment.cancel_wave(session, wave_id, by="test")


@command(WAVES)
async def pick(trader: Trader, wave_id: UUID, amount: int) -> Act | None:
    """At the next shelf: all of it, or one unit."""
    return await _pick(trader, wave_id, less=False, one=amount % 4 == 0)


@command(WAVES)
async def pick_short(trader: Trader, wave_id: UUID, amount: int) -> Act | None:
    """There is less on the shelf than there should be."""
    return await _pick(trader, wave_id, less=True, one=False)


async def _pick(trader: Trader, wave_id: UUID, *, less: bool, one: bool) -> Act | None:
    async with trader.db.transaction() as session:
        step = await fulfilment.next_pick(session, wave_id, person_id=trader.person_id)
    task = step.task
    if task is None:
        return None
    units = 1 if one else step.units_here - less
    return lambda session: fulfilment.pick_scanned(
        session,
        wave_id,
        location=task.location,
        sku=task.sku,
        quantity=units,
        short=less,
        person_id=trader.person_id,
        by="picker",
    )


@command(PICKED, any_of="fulfilment")
async def pack(trader: Trader, fulfilment_id: UUID, amount: int) -> Act:
    return lambda session: fulfilment.pack_parcel(session, fulfilment_id, weight_g=500, by="packer")


@command(PICKED, any_of="fulfilment")
async def pack_one_unit(trader: Trader, fulfilment_id: UUID, amount: int) -> Act:
    some = [fulfilment.Packing(sku=("TEA", "TEA", "CUP")[amount % 3], quantity=1)]
    return lambda session: fulfilment.pack_parcel(
        session, fulfilment_id, contents=some, weight_g=500, by="packer"
    )


@command(
    """
    select task.id, f.order_id from pick_task task join fulfilment f on f.id = task.fulfilment_id
    where f.account_id = :account and task.kind = 'put_back' and task.state = 'open'
    """
)
async def put_back(trader: Trader, task_id: UUID, amount: int) -> Act:
    async def act(session: AsyncSession) -> None:
        for task in await fulfilment.list_put_backs(session, warehouse_id=trader.warehouse):
            if task.id == task_id:
                await fulfilment.put_back_scanned(
                    session, task.id, location=task.location, by="picker"
                )

    return act


@command(SHORTAGES)
async def leave_out(trader: Trader, shortage_id: UUID, amount: int) -> Act:
    return lambda session: fulfilment.leave_out(session, shortage_id, by="test")


@command(SHORTAGES)
async def substitute(trader: Trader, shortage_id: UUID, amount: int) -> Act:
    return lambda session: fulfilment.substitute_shortage(
        session, shortage_id, sku=("TEA", "CUP")[amount % 2], by="test"
    )
