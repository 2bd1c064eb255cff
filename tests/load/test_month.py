"""A month of trade at a size that takes seconds; the whole one is for ./postrider bench orders."""

from server.app.bench.month import month
from server.kit.db import Database


def quiet(_: str) -> None:
    return None


async def test_a_small_month_of_trade_leaves_true_books(own_db: Database) -> None:
    seen = await month(own_db, orders=8, days=2, say=quiet)
    assert not seen.proof.wrong, seen
    assert seen.orders == 8
    assert seen.did["delivered"]
    assert seen.did["payments"]
    assert len(seen.proof.charges_by_tariff) == 2
