"""Billing over HTTP: clerks keep the prices, accounts read what is theirs."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from server.accounts import service as accounts
from server.identity import service as identity
from server.identity.access import Role
from tests.conftest import SignIn
from tests.server.billing.conftest import Trade
from tests.server.dispatch.conftest import DAY, MORNING, corner


@dataclass
class Office:
    trade: Trade
    clerk: httpx.AsyncClient
    of_acme: httpx.AsyncClient

    async def asks(self, method: str, path: str, status: int, body: Any = None) -> Any:
        answer = await self.clerk.request(method, f"/api/{path}", json=body)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None


@pytest_asyncio.fixture
async def office(trade: Trade, sign_in: SignIn) -> AsyncIterator[Office]:
    yield Office(
        trade,
        clerk=await sign_in(Role.CLERK),
        of_acme=await sign_in(Role.ACCOUNT_USER, trade.account_id),
    )


TARIFF = {
    "name": "Town 2026",
    "currency": "EUR",
    "valid_from": "2026-01-01T00:00:00Z",
    "rules": {
        "zones": [{"code": "all", "prefixes": ["9"]}],
        "flat": {"minor": 450},
        "fuel": {"percent_bp": 750},
        "waiting": {"free_minutes": 5, "unit_minutes": 5, "minor": 100},
        "times_of_day": [
            {
                "hours": {"from_local": "18:00:00", "until_local": "06:00:00"},
                "percent_bp": 2500,
            }
        ],
    },
}


async def test_a_tariff_is_drafted_tried_and_put_into_force(office: Office) -> None:
    drafted = await office.asks("POST", "tariffs", 201, TARIFF)
    path = f"tariffs/{drafted['id']}"
    assert drafted["activated_at"] is None
    dearer = TARIFF | {"rules": {"flat": {"minor": 500}}}
    assert (await office.asks("PUT", path, 200, dearer))["rules"]["flat"] == {"minor": 500}
    in_force = await office.asks("POST", f"{path}/activate", 200, {})
    assert in_force["activated_at"] is not None
    refused = await office.asks("PUT", path, 409, TARIFF)
    assert refused["code"] == "billing.tariff_in_force"
    again = await office.asks("POST", "tariffs", 201, TARIFF)
    overlap = await office.asks("POST", f"tariffs/{again['id']}/activate", 409, {})
    assert overlap["code"] == "billing.tariffs_overlap"
    ended = await office.asks("POST", f"{path}/end", 200, {"valid_until": "2026-02-01T00:00:00Z"})
    assert ended["valid_until"] == "2026-02-01T00:00:00Z"
    listed = await office.asks("GET", "tariffs?limit=1", 200)
    assert [each["id"] for each in listed["items"]] == [again["id"]]
    assert listed["next"] == again["id"]
    tried = await office.asks("POST", f"{path}/dry-run", 200, {})
    assert tried["since"] == "2026-02-01T00:00:00Z"
    assert tried["until"] == "2026-03-01T00:00:00Z"


async def test_unpriced_work_is_shown_and_priced_again(office: Office) -> None:
    trade = office.trade
    driver = await trade.town.add_driver()
    consignment = await trade.deliver(driver, corner(1, 1))
    shown = await office.asks("GET", "charges/unpriced", 200)
    assert [each["consignment_id"] for each in shown["items"]] == [str(consignment.id)]
    assert "No tariff" in shown["items"][0]["reason"]
    tariff = await trade.tariff()
    done = await office.asks("POST", "charges/unpriced/reprice", 200, {})
    assert done == {"priced": 1, "waiting": 0}
    listed = await office.asks("GET", f"charges?consignment_id={consignment.id}", 200)
    (charge,) = listed["items"]
    assert (charge["net_minor"], charge["tariff_id"]) == (500, str(tariff.id))
    taken_back = await office.asks(
        "POST", f"charges/{charge['id']}/reverse", 201, {"reason": "Goodwill"}
    )
    assert (taken_back["net_minor"], taken_back["reverses_id"]) == (-500, charge["id"])


async def test_an_account_reads_its_own_charges_and_no_others(
    office: Office, sign_in: SignIn
) -> None:
    trade = office.trade
    await trade.tariff()
    driver = await trade.town.add_driver()
    await trade.deliver(driver, corner(1, 1), cash_minor=700)
    async with trade.db.transaction() as session:
        beta = await accounts.create_account(session, name="Beta", code="BETA", by="test")
    of_beta = await sign_in(Role.ACCOUNT_USER, beta.id)
    (charge,) = (await office.of_acme.get("/api/charges")).json()["items"]
    assert (await office.of_acme.get(f"/api/charges/{charge['id']}")).status_code == 200
    assert (await of_beta.get("/api/charges")).json()["items"] == []
    theirs = f"/api/charges?account_id={trade.account_id}"
    assert (await of_beta.get(theirs)).json()["items"] == []
    assert (await of_beta.get(f"/api/charges/{charge['id']}")).status_code == 404
    assert (await of_beta.get(f"/api/accounts/{trade.account_id}/cash")).status_code == 404
    (due,) = (await office.of_acme.get(f"/api/accounts/{trade.account_id}/cash")).json()
    assert due["with_drivers_minor"] == 700
    for path in ("tariffs", "charges/unpriced", "pay-rules", "settlements", "cash/debriefs"):
        assert (await office.of_acme.get(f"/api/{path}")).status_code == 403


async def test_cash_is_debriefed_and_remitted_once_for_one_key(office: Office) -> None:
    trade = office.trade
    driver = await trade.town.add_driver()
    await trade.deliver(driver, corner(1, 1), cash_minor=1500)
    (expected,) = await office.asks("GET", f"cash/drivers/{driver}", 200)
    body = {
        "driver_id": str(driver),
        "currency": "EUR",
        "expected_minor": expected["expected_minor"],
        "counted_minor": 1490,
    }
    unexplained = await office.asks("POST", "cash/debriefs", 422, body)
    assert unexplained["code"] == "billing.difference_unexplained"
    office.clerk.headers["Idempotency-Key"] = "count-1"
    body["reason"] = "A coin was lost"
    first = await office.asks("POST", "cash/debriefs", 201, body)
    assert await office.asks("POST", "cash/debriefs", 201, body) == first
    del office.clerk.headers["Idempotency-Key"]
    assert first["difference_minor"] == -10
    cash = await office.asks("GET", f"cash/debriefs/{first['id']}/cash", 200)
    assert [each["amount_minor"] for each in cash] == [1500]
    account = {"account_id": str(trade.account_id), "currency": "EUR"}
    await office.asks(
        "PUT", f"accounts/{trade.account_id}/cash-agreement", 204, {"withholds_fees": True}
    )
    transfer = account | {"gross_minor": 1500, "reference": "SEPA 1"}
    paid = await office.asks("POST", "remittances", 201, transfer)
    assert (await office.asks("POST", "remittances", 409, transfer))["code"] == (
        "billing.nothing_to_remit"
    )
    seen = (await office.of_acme.get("/api/remittances")).json()["items"]
    assert [each["id"] for each in seen] == [paid["id"]]
    theirs = await office.of_acme.get(f"/api/remittances/{paid['id']}/cash")
    assert [each["amount_minor"] for each in theirs.json()] == [1500]


async def test_a_driver_is_settled_over_http(office: Office) -> None:
    trade = office.trade
    driver = await trade.town.add_driver()
    rule = {
        "valid_from": (MORNING - timedelta(days=30)).isoformat(),
        "currency": "EUR",
        "rates": {"per_stop_minor": 180, "day_bonuses": [{"stops_at_least": 1, "minor": 50}]},
    }
    await office.asks("POST", "pay-rules", 201, rule)
    await trade.deliver(driver, corner(1, 1))
    deduction = {
        "amount_minor": -30,
        "currency": "EUR",
        "reason": "Broken mirror",
        "occurred_at": MORNING.isoformat(),
    }
    await office.asks("POST", f"drivers/{driver}/pay-adjustments", 201, deduction)
    trade.town.later(days=1)
    period = {"driver_id": str(driver), "last_day": DAY.isoformat(), "currency": "EUR"}
    preview = await office.asks("POST", "settlements/preview", 200, period)
    closed = await office.asks("POST", "settlements", 201, period)
    assert preview["total_minor"] == closed["total_minor"] == 200
    assert preview["id"] is None
    got = await office.asks("GET", f"settlements/{closed['id']}", 200)
    assert got == closed
    listed = await office.asks("GET", f"settlements?driver_id={driver}", 200)
    assert [each["total_minor"] for each in listed["items"]] == [200]


@pytest.mark.parametrize("action", ["tariff.activated", "charges.repriced", "cash.debriefed"])
async def test_what_touches_money_is_audited(office: Office, action: str) -> None:
    trade = office.trade
    driver = await trade.town.add_driver()
    await trade.deliver(driver, corner(1, 1), cash_minor=5)
    await trade.tariff()
    await office.asks("POST", "charges/unpriced/reprice", 200, {})
    counted = {"currency": "EUR", "expected_minor": 5, "counted_minor": 5}
    await office.asks("POST", "cash/debriefs", 201, counted | {"driver_id": str(driver)})
    async with trade.db.transaction() as session:
        entries = await identity.list_audit(session, limit=100)
    assert action in {entry.action for entry in entries}


async def test_an_order_is_priced_before_it_is_given_and_every_line_says_why(
    office: Office,
) -> None:
    by_way = TARIFF | {"rules": {"flat": {"minor": 450}, "fuel": {"percent_bp": 1000}}}
    drafted = await office.asks("POST", "tariffs", 201, by_way)
    await office.asks("POST", f"tariffs/{drafted['id']}/activate", 200, {})
    asked = {"parcels": [{"weight_g": 2000}], "deliver_at": MORNING.isoformat()}
    answer = await office.of_acme.post("/api/price-estimates", json=asked)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["net_minor"], told["currency"]) == (495, "EUR")
    assert sum(line["net_minor"] for line in told["lines"]) == told["net_minor"]
    assert all(line["trace"]["words"] for line in told["lines"])
    mine = asked | {"account_id": str(office.trade.account_id)}
    assert (await office.asks("POST", "price-estimates", 200, mine))["net_minor"] == 495


async def test_an_estimate_without_a_tariff_or_a_payer_says_what_is_missing(
    office: Office,
) -> None:
    asked = {"parcels": [{}]}
    answer = await office.of_acme.post("/api/price-estimates", json=asked)
    assert answer.status_code == 422
    assert "No tariff in EUR was in force" in answer.json()["detail"]
    assert (await office.clerk.post("/api/price-estimates", json=asked)).status_code == 404
    nothing = await office.clerk.post("/api/price-estimates", json={"parcels": []})
    assert nothing.status_code == 422


async def test_rules_are_tried_on_a_piece_of_work_while_they_are_written(office: Office) -> None:
    sample = {
        "parcels": [{"weight_g": 2_000}],
        "origin": {"postcode": "9490"},
        "destination": {"postcode": "9495"},
        "waited_s": 11 * 60,
        "done_at": "2026-02-03T12:00:00Z",
    }
    asked = {"currency": "EUR", "rules": TARIFF["rules"], "sample": sample}
    told = await office.asks("POST", "tariffs/price-trial", 200, asked)
    assert [line["net_minor"] for line in told["lines"]] == [450, 34, 200]
    assert told["net_minor"] == 684
    assert await office.asks("GET", "tariffs", 200) == {"items": [], "next": None}
    vain = asked | {"sample": sample | {"work": "attempt", "attempt": 1, "waited_s": 0}}
    assert (await office.asks("POST", "tariffs/price-trial", 200, vain))["lines"] == []


@pytest.mark.parametrize(
    ("rules", "code", "field"),
    [
        ({}, "billing.empty_tariff", None),
        (
            {"weight": {"bands": [{"up_to": 5, "minor": 1}, {"up_to": 5, "minor": 2}]}},
            "billing.bad_bands",
            "rules.weight.bands",
        ),
        (
            {"distance": {"bands": [{"up_to": 1000, "minor": 1}]}},
            "billing.unpriceable",
            None,
        ),
    ],
)
async def test_rules_that_make_no_price_say_why(
    office: Office, rules: dict[str, Any], code: str, field: str | None
) -> None:
    asked = {"currency": "EUR", "rules": rules, "sample": {"parcels": [{}]}}
    problem = await office.asks("POST", "tariffs/price-trial", 422, asked)
    assert (problem["code"], problem.get("field")) == (code, field)
