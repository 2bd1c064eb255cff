"""What is set aside for an order is shown to those whose order it is."""

from collections.abc import Awaitable, Callable

from server.accounts import service as accounts
from server.accounts.service import AccountView
from server.identity.access import Role
from server.kit.db import Database
from server.orders.service import OrderView
from tests.conftest import SignIn


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
