"""What ran low, where a unit is, and what expires can be found, each by its own account only."""

from datetime import date

from server.identity.access import Role
from server.inventory.service import Pick, pick_stock
from server.kit.ids import new_id
from tests.conftest import SignIn
from tests.server.inventory.conftest import Shop


async def stranger_to(shop: Shop, sign_in: SignIn):  # type: ignore[no-untyped-def]
    other = Shop(shop.db)
    await other.open()
    return await sign_in(Role.ACCOUNT_USER, other.account_id)


async def test_what_ran_low_or_out_is_listed_until_more_comes(shop: Shop, sign_in: SignIn) -> None:
    await shop.stocked("LOW", 5, reorder_point=5)
    await shop.stocked("OUT", 2, reorder_point=5, safety_stock=2)
    await shop.stocked("FINE", 6, reorder_point=5)
    await shop.stocked("UNWATCHED", 0)
    await shop.stocked("CLAIMED", 6, reorder_point=5)
    await shop.allocate(("CLAIMED", 1))
    quarantine = await shop.location("quarantine", "Q", shop.warehouse)
    await shop.receive("LOW", 50, at=quarantine)
    mine = await sign_in(Role.ACCOUNT_USER, shop.account_id)

    async def listed() -> list[tuple[str, int, str]]:
        page = (await mine.get("/api/stock/low")).json()
        return [(each["sku"], each["free"], each["state"]) for each in page["items"]]

    assert await listed() == [("LOW", 5, "low"), ("OUT", 2, "out"), ("CLAIMED", 5, "low")]
    await shop.receive("LOW", 1)
    assert await listed() == [("OUT", 2, "out"), ("CLAIMED", 5, "low")]
    first = (await mine.get("/api/stock/low", params={"limit": 1})).json()
    rest = await mine.get("/api/stock/low", params={"after": first["next"]})
    assert [each["sku"] for each in rest.json()["items"]] == ["CLAIMED"]
    other = await (await stranger_to(shop, sign_in)).get("/api/stock/low")
    assert other.json()["items"] == []


async def test_a_serial_number_tells_where_the_unit_is_and_whose_it_will_be(
    shop: Shop, sign_in: SignIn
) -> None:
    await shop.sku("PHONE", has_serials=True)
    await shop.receive("PHONE", 2, serials=("S-1", "S-2"))
    order_id = new_id()
    (allocation,) = (await shop.allocate(("PHONE", 1), order_id=order_id)).allocations
    async with shop.db.transaction() as session:
        pick = Pick(allocation_id=allocation.id, quantity=1, serials=("S-1",))
        await pick_stock(session, [pick])
    mine = await sign_in(Role.ACCOUNT_USER, shop.account_id)

    async def found(serial: str) -> list[tuple[str, str, str | None]]:
        page = (await mine.get("/api/stock/serials", params={"serial": serial})).json()
        return [(each["sku"], each["path"][-1], each["order_id"]) for each in page["items"]]

    assert await found("S-1") == [("PHONE", "A", str(order_id))]
    assert await found("S-2") == [("PHONE", "A", None)]
    assert await found("S-3") == []
    other = await stranger_to(shop, sign_in)
    answer = await other.get("/api/stock/serials", params={"serial": "S-1"})
    assert answer.json()["items"] == []


async def test_lots_that_expire_soon_are_found_with_what_is_left_of_them(
    shop: Shop, sign_in: SignIn
) -> None:
    await shop.sku("MILK", has_lots=True)
    await shop.receive("MILK", 3, lot="L1", expires_on=date(2026, 11, 25))
    await shop.receive("MILK", 2, lot="L1", expires_on=date(2026, 11, 25), at=shop.bin_b)
    await shop.receive("MILK", 4, lot="L2", expires_on=date(2026, 12, 25))
    await shop.allocate(("MILK", 1))
    mine = await sign_in(Role.ACCOUNT_USER, shop.account_id)

    async def found(**asked: str) -> list[tuple[str, int, int]]:
        page = (await mine.get("/api/stock/lots", params=asked)).json()
        return [(each["lot"], each["on_hand"], each["allocated"]) for each in page["items"]]

    assert await found() == [("L1", 5, 1), ("L2", 4, 0)]
    assert await found(expires_by="2026-11-25") == [("L1", 5, 1)]
    assert await found(expires_by="2026-11-24") == []
    assert await found(code="L2", sku=str(shop.skus["MILK"])) == [("L2", 4, 0)]
    other = await (await stranger_to(shop, sign_in)).get("/api/stock/lots")
    assert other.json()["items"] == []
