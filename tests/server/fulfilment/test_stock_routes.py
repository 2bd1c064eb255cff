"""What is set aside for an order is shown to those whose order it is."""

from collections.abc import Awaitable, Callable

import pytest

from server.accounts import service as accounts
from server.accounts.service import AccountView
from server.identity.access import Role
from server.inventory import service as inventory
from server.inventory.service import Received
from server.kit.db import Database
from server.kit.geo import Position
from server.kit.relay import relay_pending
from server.orders.service import OrderView
from tests.conftest import SignIn
from tests.server.fulfilment.conftest import House


async def test_the_stock_of_an_order_does_not_exist_for_other_accounts(
    db: Database,
    account: AccountView,
    capture: Callable[..., Awaitable[OrderView]],
    sign_in: SignIn,
) -> None:
    order = await capture()
    async with db.transaction() as session:
        other = await accounts.create_account(session, name="Other", code="OTHER", by="test")
    path = f"/api/orders/{order.id}/stock"
    mine = await (await sign_in(Role.ACCOUNT_USER, account.id)).get(path)
    theirs = await (await sign_in(Role.ACCOUNT_USER, other.id)).get(path)
    assert mine.json() == {"allocations": [], "backorders": []}
    assert (theirs.status_code, theirs.json()["code"]) == (404, "orders.unknown_order")


FAR, NEAR = Position(10.52, 47.14), Position(9.53, 47.14)


async def two_warehouses(house: House, *, far: int, near: int) -> None:
    """FAR comes first in the company's order; NEAR is next to the consignee."""
    await house.sku("TEA")
    for code, units, priority, there in (("FAR", far, 1, FAR), ("NEAR", near, 2, NEAR)):
        async with house.db.transaction() as session:
            made = await inventory.create_location(
                session, kind="warehouse", code=code, priority=priority, position=there, by="test"
            )
            goods = [Received(sku="TEA", quantity=units)]
            await inventory.receive_stock(
                session, account_id=house.account_id, location_id=made.id, goods=goods, by="test"
            )


@pytest.mark.parametrize(
    ("rule", "taken"),
    [
        (None, {"FAR": 4}),
        ("fewest_splits", {"FAR": 4}),
        ("nearest", {"NEAR": 3, "FAR": 1}),
        ("priority", {"FAR": 4}),
    ],
)
async def test_orders_are_filled_from_warehouses_by_the_accounts_own_rule(
    house: House, sign_in: SignIn, rule: str | None, taken: dict[str, int]
) -> None:
    desk = await sign_in(Role.ADMIN)
    await two_warehouses(house, far=5, near=3)
    account = str(house.account_id)
    if rule is not None:
        await desk.put("/api/sourcing-rule", json={"rule": "priority"})
        own = await desk.put("/api/sourcing-rule", json={"rule": rule, "account_id": account})
        assert own.json() == {"rule": rule, "account_id": account}
        said = (await desk.get("/api/sourcing-rule", params={"account": account})).json()
        assert said == own.json()
        assert (await desk.get("/api/sourcing-rule")).json()["rule"] == "priority"
    address = {"street": "Main Street", "house_number": "1", "lon": 9.52, "lat": 47.14}
    order = {
        "consignee": {"name": "Ada", "address": address},
        "lines": [{"sku": "TEA", "quantity": 4}],
    }
    shop = await sign_in(Role.ACCOUNT_USER, house.account_id)
    taken_in = (await shop.post("/api/orders", json=order)).json()
    await relay_pending(house.db)
    stock = (await desk.get(f"/api/orders/{taken_in['id']}/stock")).json()
    tree = (await desk.get("/api/locations")).json()["items"]
    codes = {each["id"]: each["path"] for each in tree}
    assert {codes[each["location_id"]]: each["quantity"] for each in stock["allocations"]} == taken


async def test_only_an_administrator_chooses_the_rule_and_only_one_of_the_three(
    house: House, sign_in: SignIn
) -> None:
    clerk, admin = await sign_in(Role.CLERK), await sign_in(Role.ADMIN)
    assert (await clerk.put("/api/sourcing-rule", json={"rule": "nearest"})).status_code == 403
    for wrong in ({"rule": "cheapest"}, {}, {"rule": "nearest", "account_id": "x"}):
        assert (await admin.put("/api/sourcing-rule", json=wrong)).status_code == 422
    nobody = {"rule": "nearest", "account_id": str(house.warehouse)}
    answer = await admin.put("/api/sourcing-rule", json=nobody)
    assert (answer.status_code, answer.json()["code"]) == (404, "accounts.unknown_account")
    assert (await clerk.get("/api/sourcing-rule")).json()["rule"] == "fewest_splits"
