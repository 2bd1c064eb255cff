"""The report of goods and money counts what the ledgers say, of its period only."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from server.billing import service as billing
from server.billing.service import NewCharge
from server.identity.access import Role
from server.kit import clock
from server.kit.db import Database
from server.kit.relay import relay_pending

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ADDRESS = {"street": "Main Street 1", "postcode": "9490", "city": "Vaduz", "country": "LI"}


@pytest.fixture
async def desk(sign_in: Callable[[Role], Awaitable[httpx.AsyncClient]]) -> httpx.AsyncClient:
    return await sign_in(Role.ADMIN)


async def send(desk: httpx.AsyncClient, method: str, path: str, body: Any = None) -> Any:
    answer = await desk.request(method, path, json=body)
    assert answer.is_success, answer.text
    return answer.json()


async def report(desk: httpx.AsyncClient, since: datetime) -> dict[str, Any]:
    until = since + timedelta(hours=1)
    asked = {"since": since.isoformat(), "until": until.isoformat()}
    answer = await desk.get("/api/reports/trade", params=asked)
    assert answer.is_success, answer.text
    figures: dict[str, Any] = answer.json()
    return figures


async def test_goods_and_invoices_of_an_hour_are_counted_in_that_hour(
    db: Database, desk: httpx.AsyncClient
) -> None:
    with clock.running(lambda: NOON + timedelta(minutes=30)):
        account = await send(desk, "POST", "/api/accounts", {"name": "Acme", "code": "ACME"})
        own = {"account_id": account["id"]}
        await send(desk, "POST", "/api/skus", {"code": "LAMP", "name": "Lamp"} | own)
        shop = await send(desk, "POST", "/api/locations", {"kind": "warehouse", "code": "W"})
        shelf = {"kind": "zone", "code": "A", "parent_id": shop["id"]}
        zone = await send(desk, "POST", "/api/locations", shelf)
        place = {"kind": "aisle", "code": "01", "parent_id": zone["id"]}
        aisle = await send(desk, "POST", "/api/locations", place)
        place = {"kind": "bin", "code": "01", "parent_id": aisle["id"]}
        box = await send(desk, "POST", "/api/locations", place)
        goods = {"location_id": box["id"], "goods": [{"sku": "LAMP", "quantity": 5}]}
        await send(desk, "POST", "/api/stock/receipts", goods | own)
        order = {
            "account": "ACME",
            "consignee": {"name": "Ada", "address": {"lon": 9.5, "lat": 47.1}},
            "lines": [{"sku": "LAMP", "quantity": 2}],
        }
        await send(desk, "POST", "/api/orders", order)
        await relay_pending(db)
        await invoice(db, desk, account["id"])
        figures = await report(desk, NOON)
        wave = await send(desk, "POST", "/api/pick-waves", {"warehouse_id": shop["id"]})
        taken = {"location": "W/A/01/01", "sku": "LAMP", "quantity": 2}
        await send(desk, "POST", f"/api/pick-waves/{wave['id']}/picks", taken)
        after = await report(desk, NOON)
        later = await report(desk, NOON + timedelta(hours=1))
    assert figures == {
        "skus": 1,
        "allocated": 2,
        "picked": 0,
        "returns_restocked": 0,
        "stock_consistent": True,
        "invoiced_minor": {"EUR": 1081},
        "credited_minor": {},
        "journal_balanced": True,
    }
    assert after == figures | {"picked": 2}
    assert later == figures | {"allocated": 0, "invoiced_minor": {}}


async def invoice(db: Database, desk: httpx.AsyncClient, account_id: str) -> None:
    await send(desk, "PUT", "/api/companies/MAIN", {"name": "We", "address": ADDRESS})
    rate = {"country": "LI", "code": "standard", "valid_from": "2024-01-01", "rate_bp": 810}
    await send(desk, "PUT", "/api/vat-rates", rate)
    buyer = {"company": "MAIN", "name": "Acme", "address": ADDRESS}
    await send(desk, "PUT", f"/api/accounts/{account_id}/billing-profile", buyer)
    charge = NewCharge(
        account_id=account_id,
        kind="flat",
        description="Delivery",
        net_minor=1000,
        currency="EUR",
        occurred_at=NOON,
        source="a delivery",
    )
    async with db.transaction() as session:
        await billing.record_charges(session, [charge])
    asked = {"account_id": account_id, "until": (NOON + timedelta(minutes=30)).isoformat()}
    (draft,) = (await send(desk, "POST", "/api/invoice-drafts", asked))["items"]
    await send(desk, "POST", f"/api/invoices/{draft['id']}/issue")
