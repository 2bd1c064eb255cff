"""`postrider reconcile` says whether the levels are what the moves add up to, and where not."""

from dataclasses import replace

import pytest
from sqlalchemy import text

from server.app.reconcile import reconcile
from server.kit.db import Database
from server.kit.settings import Settings
from tests.server.inventory.conftest import Shop


async def test_a_level_that_nobody_moved_is_printed_with_what_it_should_be(
    own_db: Database, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    here = replace(settings, database_url=own_db.engine.url.render_as_string(hide_password=False))
    shop = Shop(own_db)
    await shop.open()
    sku_id = await shop.stocked("TEA", 5)
    assert await reconcile(here)
    assert capsys.readouterr().out == "1 stock levels, 0 discrepancies\n"
    async with own_db.transaction() as session:
        await session.execute(text("update stock_level set on_hand = 7"))
    assert not await reconcile(here)
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "1 stock levels, 1 discrepancies"
    assert lines[0].startswith(f"on_hand of SKU {sku_id} at location {shop.bin_a}")
    assert lines[0].endswith("the level says 7, it is 5")
