"""Stock over HTTP: the warehouse works, accounts look at their own, nobody breaks anything."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from server.identity.access import Role
from server.inventory.lifecycle import CUSTOMER
from server.kit.ids import new_id
from tests.conftest import SignIn
from tests.server.inventory.conftest import Shop


async def send(client: httpx.AsyncClient, path: str, **body: Any) -> Any:
    answer = await client.post(path, json=body)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


async def refused(client: httpx.AsyncClient, path: str, **body: Any) -> tuple[int, str]:
    answer = await client.post(path, json=body)
    return answer.status_code, answer.json()["code"]


async def test_goods_are_made_known_received_moved_and_counted(shop: Shop, sign_in: SignIn) -> None:
    client = await sign_in(Role.WAREHOUSE)
    account = str(shop.account_id)
    sku = await send(client, "/api/skus", account_id=account, code="TEA", name="Tea")
    place = {"sku_id": sku["id"], "location_id": str(shop.bin_a)}
    note = await send(
        client,
        "/api/purchase-notes",
        account_id=account,
        number="P-1",
        supplier="Teas Ltd",
        lines=[{"sku": "TEA", "quantity": 9}],
    )
    await send(
        client,
        "/api/stock/receipts",
        account_id=account,
        location_id=str(shop.bin_a),
        goods=[{"sku": "TEA", "quantity": 9}],
        note_id=note["id"],
    )
    await send(
        client,
        "/api/stock/transfers",
        sku_id=sku["id"],
        from_location_id=str(shop.bin_a),
        to_location_id=str(shop.bin_b),
        quantity=4,
    )
    await send(client, "/api/stock/adjustments", **place, change=-1, reason="torn bag")
    assert await send(client, "/api/stock/counts", **place, counted=6) == {"change": 2}
    levels = (await client.get(f"/api/stock/levels?sku={sku['id']}")).json()["items"]
    assert [(each["path"][-1], each["on_hand"]) for each in levels] == [("A", 6), ("B", 4)]
    moves = (await client.get(f"/api/stock/moves?sku={sku['id']}")).json()["items"]
    assert [each["kind"] for each in moves] == ["adjusted", "adjusted", "transferred", "received"]
    found = (await client.get(f"/api/skus/{sku['id']}/availability")).json()
    assert (found["free"], found["available"]) == (10, 10)
    notes = (await client.get("/api/purchase-notes")).json()["items"]
    assert notes[0]["lines"] == [{"sku": "TEA", "ordered": 9, "received": 9}]
    assert (await client.get("/api/stock/reconciliation")).json()["is_consistent"]


async def test_returned_goods_come_in_and_go_back_to_the_shelf(shop: Shop, sign_in: SignIn) -> None:
    client = await sign_in(Role.CLERK)
    sku_id, line = await shop.stocked("TEA", 3), str(new_id())
    order_id = new_id()
    await shop.allocate(("TEA", 2), order_id=order_id)
    await shop.ship(order_id)
    goods = {"return_line_id": line, "sku_id": str(sku_id), "quantity": 2}
    for _ in range(2):
        back = await send(client, "/api/stock/returned", **goods)
        assert back["state"] == "in_inspection"
    decision = {"disposition": "restock", "location_id": str(shop.bin_a)}
    for _ in range(2):
        await send(client, f"/api/stock/returned/{line}/decision", **decision)
    assert await shop.levels("TEA") == {"A": (3, 0), "RETURN_QC": (0, 0)}


async def test_an_account_sees_its_own_stock_only_and_changes_none(
    shop: Shop, sign_in: SignIn
) -> None:
    sku_id = await shop.stocked("TEA", 3)
    other = Shop(shop.db)
    await other.open()
    stranger = await sign_in(Role.ACCOUNT_USER, other.account_id)
    for path in (f"/api/skus/{sku_id}", f"/api/skus/{sku_id}/availability"):
        assert (await stranger.get(path)).status_code == 404
    for path in ("/api/skus", "/api/stock/levels", "/api/stock/moves", "/api/purchase-notes"):
        mine = await stranger.get(path, params={"account": str(shop.account_id)})
        assert mine.json() == {"items": [], "next": None}
    for path in ("/api/stock/adjustments", "/api/stock/receipts", "/api/skus", "/api/locations"):
        assert await refused(stranger, path) == (403, "identity.role_not_allowed")
    for path in ("/api/locations", "/api/stock/reconciliation"):
        assert (await stranger.get(path)).status_code == 403


async def test_a_repeated_receipt_comes_once(shop: Shop, sign_in: SignIn) -> None:
    client = await sign_in(Role.WAREHOUSE)
    await shop.sku("TEA")
    body = {
        "account_id": str(shop.account_id),
        "location_id": str(shop.bin_a),
        "goods": [{"sku": "TEA", "quantity": 5}],
    }
    for _ in range(3):
        answer = await client.post(
            "/api/stock/receipts", json=body, headers={"Idempotency-Key": "dock-7"}
        )
        assert answer.status_code == 201
    assert await shop.levels("TEA") == {"A": (5, 0)}


async def test_lists_are_read_page_by_page(shop: Shop, sign_in: SignIn) -> None:
    client = await sign_in(Role.ADMIN)
    for number in range(5):
        await shop.stocked(f"S{number}", 1)
    for path, parameters in (
        ("/api/skus", {"account": str(shop.account_id)}),
        ("/api/stock/levels", {"account": str(shop.account_id)}),
        ("/api/stock/moves", {"account": str(shop.account_id)}),
    ):
        seen: list[str] = []
        after: dict[str, str] = {}
        while True:
            page = (await client.get(path, params={**parameters, **after, "limit": "2"})).json()
            assert len(page["items"]) <= 2
            seen += [each["id"] for each in page["items"]]
            if page["next"] is None:
                break
            after = {"after": page["next"]}
        assert len(seen) == len(set(seen)) == 5


async def test_the_tree_of_locations_begins_with_the_virtual_ones(
    shop: Shop, sign_in: SignIn
) -> None:
    client = await sign_in(Role.WAREHOUSE)
    made = await send(
        client, "/api/locations", kind="zone", code="Z", parent_id=str(shop.warehouse)
    )
    assert made["path"].endswith("/Z") and made["warehouse_id"] == str(shop.warehouse)
    page = (await client.get("/api/locations")).json()["items"]
    assert [each["path"] for each in page[:6]] == [
        "SUPPLIER",
        "CUSTOMER",
        "TRANSIT",
        "RETURN_QC",
        "SCRAP",
        "ADJUST",
    ]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"change": 0}, 422, "inventory.no_change"),
        ({"change": -4}, 409, "inventory.not_enough_here"),
        ({"sku_id": str(UUID(int=5))}, 404, "inventory.unknown_sku"),
        ({"location_id": str(UUID(int=5))}, 404, "inventory.unknown_location"),
        ({"location_id": str(CUSTOMER)}, 422, "inventory.not_a_shelf"),
        ({"lot": "L1"}, 422, "inventory.no_lots"),
        ({"serials": ["1"]}, 422, "inventory.no_serials"),
        ({"reason": "\x00"}, 422, "invalid_fields"),
        ({"colour": "red"}, 422, "invalid_fields"),
    ],
)
async def test_what_cannot_be_is_refused_with_a_code_and_changes_nothing(
    shop: Shop, sign_in: SignIn, change: dict[str, Any], status: int, code: str
) -> None:
    client = await sign_in(Role.WAREHOUSE)
    sku_id = await shop.stocked("TEA", 3)
    body = {"sku_id": str(sku_id), "location_id": str(shop.bin_a), "change": 1, "reason": "x"}
    assert await refused(client, "/api/stock/adjustments", **{**body, **change}) == (status, code)
    assert await shop.levels("TEA") == {"A": (3, 0)}


async def test_an_unknown_account_keeps_no_goods(shop: Shop, sign_in: SignIn) -> None:
    client = await sign_in(Role.ADMIN)
    nobody = str(UUID(int=5))
    sku = {"account_id": nobody, "code": "TEA", "name": "Tea"}
    assert await refused(client, "/api/skus", **sku) == (422, "inventory.unknown_account")
    await shop.sku("TEA")
    sku["account_id"] = str(shop.account_id)
    assert await refused(client, "/api/skus", **sku) == (409, "inventory.sku_taken")
