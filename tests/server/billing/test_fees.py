"""Fees beside the work in the street are charged once, to whom they were agreed with."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from server.identity.access import Role
from server.kit.ids import new_id
from server.kit.outbox import emit
from server.kit.relay import relay_pending
from server.returns.events import ExchangeCancelled, ExchangeReleased, ReturnResolved

from .conftest import Trade


async def tell(trade: Trade, *events: Any) -> None:
    async with trade.db.transaction() as session:
        for event in events:
            emit(session, event)
    await relay_pending(trade.db)


def resolved(trade: Trade, **details: Any) -> ReturnResolved:
    values: dict[str, Any] = {
        "return_id": new_id(),
        "rma": "RMA-000001",
        "kind": "asked",
        "order_id": None,
        "account_id": trade.account_id,
        "consignment_id": None,
        "original_consignment_id": None,
        "exchange_id": None,
        "currency": "EUR",
        "goods_minor": 0,
        "fee_minor": 350,
        "fee_payer": "account",
        "credit_minor": 0,
        "refund_minor": 0,
        "due_minor": 0,
        "lines": (),
    }
    return ReturnResolved(**(values | details))


def an_order(trade: Trade, consignee: str, minutes: int) -> dict[str, Any]:
    """Its window opens in so many minutes."""
    opens_at = trade.town.now + timedelta(minutes=minutes)
    return {
        "account": "ACME",
        "consignee": {"name": consignee, "address": {"lon": 9.5, "lat": 47.1}},
        "lines": [{"sku": "LAMP", "quantity": 1}],
        "window_start_at": opens_at.isoformat(),
        "window_end_at": (opens_at + timedelta(hours=2)).isoformat(),
    }


@pytest.mark.parametrize("currency", ["EUR", ""])
async def test_return_that_its_account_pays_is_charged_once(trade: Trade, currency: str) -> None:
    event = resolved(trade, currency=currency)
    await tell(trade, event, event)
    (charge,) = await trade.charges()
    assert (charge.kind, charge.net_minor, charge.currency) == ("return_handling", 350, "EUR")
    assert charge.trace["terms"][0]["minor"] == 350


@pytest.mark.parametrize(
    "details", [{"fee_payer": "consignee"}, {"fee_payer": "company"}, {"fee_minor": 0}]
)
async def test_return_that_somebody_else_pays_is_not_charged(
    trade: Trade, details: dict[str, Any]
) -> None:
    await tell(trade, resolved(trade, **details))
    assert await trade.charges() == []


@pytest.mark.parametrize(("settlement", "charged"), [("on_account", [1200]), ("paid", [])])
async def test_difference_of_an_exchange_is_charged_when_the_account_took_it_over(
    trade: Trade, sign_in: Any, settlement: str, charged: list[int]
) -> None:
    desk = await sign_in(Role.ADMIN)
    order = (await desk.post("/api/orders", json=an_order(trade, "Ada", 60))).json()
    event = ExchangeReleased(
        exchange_id=new_id(),
        return_id=new_id(),
        order_id=UUID(order["id"]),
        account_id=trade.account_id,
        currency="EUR",
        due_minor=1200,
        settlement=settlement,
        reference="",
    )
    await tell(trade, event, event)
    assert [each.net_minor for each in await trade.charges()] == charged
    given_up = ExchangeCancelled(
        exchange_id=event.exchange_id,
        return_id=event.return_id,
        order_id=event.order_id,
        account_id=trade.account_id,
        currency="EUR",
        paid_minor=0,
    )
    await tell(trade, given_up, given_up)
    taken_back = [-minor for minor in charged]
    assert sorted(each.net_minor for each in await trade.charges()) == taken_back + charged


async def test_order_that_is_given_up_late_costs_what_the_rules_say(
    trade: Trade, sign_in: Any
) -> None:
    desk = await sign_in(Role.ADMIN)
    rules = (await desk.get("/api/order-rules")).json()
    rules |= {"cancel_free_until_s": 3600, "cancel_fee_minor": 450}
    assert (await desk.put("/api/order-rules", json=rules)).is_success
    for minutes, code in ((30, "customer_request"), (30, "our_mistake"), (300, "customer_request")):
        taken = (
            await desk.post("/api/orders", json=an_order(trade, f"Ada {minutes} {code}", minutes))
        ).json()
        path = f"/api/orders/{taken['id']}/cancel"
        answer = await desk.post(path, json={"reason": "changed", "code": code})
        assert answer.is_success, answer.text
    await relay_pending(trade.db)
    (charge,) = await trade.charges()
    assert (charge.kind, charge.net_minor) == ("cancellation", 450)
