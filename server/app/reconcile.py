"""`postrider reconcile`: proves that stock levels are what moves and allocations add up to."""

from server.inventory import service as inventory
from server.kit.db import Database
from server.kit.settings import Settings


async def reconcile(settings: Settings) -> bool:
    """Print every discrepancy; whether there is none."""
    db = Database(settings.database_url)
    try:
        async with db.transaction() as session:
            proof = await inventory.reconcile(session)
    finally:
        await db.close()
    for each in proof.discrepancies:
        lot = f", lot {each.lot_id}" if each.lot_id else ""
        print(
            f"{each.what} of SKU {each.sku_id} at location {each.location_id}{lot}:"
            f" the level says {each.recorded}, it is {each.proven}"
        )
    print(f"{proof.levels} stock levels, {len(proof.discrepancies)} discrepancies")
    return proof.is_consistent
