"""A company with one of everything, so that every route has something to act on.

Whatever has an owner belongs to the account ACME; the account BETA has nothing.
"""

import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from litestar import Litestar
from sqlalchemy.ext.asyncio import AsyncConnection

from routing.roads import HaversineRoads
from server.billing import service as billing
from server.billing.models import CashTaken
from server.billing.service import NewCharge
from server.consignments import service as consignments
from server.consignments.service import NewProof
from server.dispatch import service as dispatch
from server.dispatch.planner import plan_next
from server.identity import service as identity
from server.identity.access import Role
from server.kit.db import Database
from server.kit.ids import new_id
from server.kit.relay import relay_pending
from server.protocol.from_driver import BlobRef, DeclineTask

MORNING = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
DAY = "2026-03-02"
PHOTO = b"\xff\xd8\xff a photo of a doormat"


@dataclass
class Company:
    """ids: name of a path parameter -> what exists under it."""

    app: Litestar
    db: Database
    connection: AsyncConnection
    stack: AsyncExitStack
    anonymous: httpx.AsyncClient = field(init=False)
    admin: httpx.AsyncClient = field(init=False)
    of_acme: httpx.AsyncClient = field(init=False)
    of_beta: httpx.AsyncClient = field(init=False)
    phone: httpx.AsyncClient = field(init=False)
    ids: dict[str, str] = field(default_factory=dict)

    async def client(self, **headers: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        client = httpx.AsyncClient(
            transport=transport, base_url="http://testserver", headers=headers
        )
        return await self.stack.enter_async_context(client)

    async def sign_in(self, role: Role, account_id: str | None = None) -> httpx.AsyncClient:
        """A browser in which somebody new of that role is signed in."""
        async with self.db.transaction() as session:
            person = await identity.create_person(
                session,
                name=f"A {role}",
                email=f"{new_id().hex}@example.org",
                role=role,
                account_id=UUID(account_id) if account_id else None,
                by="test",
            )
            opened = await identity.open_session(session, person.id)
        client = await self.client(**{"X-CSRF-Token": opened.csrf_token})
        client.cookies.set("postrider_session", opened.token)
        return client


@asynccontextmanager
async def founded_company(
    app: Litestar, db: Database, connection: AsyncConnection
) -> AsyncIterator[Company]:
    async with AsyncExitStack() as stack:
        company = Company(app, db, connection, stack)
        company.anonymous = await company.client()
        await _hire(company)
        await _start_the_day(company)
        await _work(company)
        await _bring_back(company)
        await _fill_the_shelves(company)
        await _invoice(company)
        yield company


async def make(client: httpx.AsyncClient, method: str, path: str, **request: Any) -> dict[str, Any]:
    answer = await client.request(method, path, **request)
    assert answer.is_success, f"{method} {path}: {answer.text}"
    made: dict[str, Any] = answer.json()
    return made


async def _hire(company: Company) -> None:
    company.admin = await company.sign_in(Role.ADMIN)
    acme, beta = [
        await make(company.admin, "POST", "/api/accounts", json={"name": code, "code": code})
        for code in ("ACME", "BETA")
    ]
    company.of_acme = await company.sign_in(Role.ACCOUNT_USER, acme["id"])
    company.of_beta = await company.sign_in(Role.ACCOUNT_USER, beta["id"])
    company.ids["account_id"] = acme["id"]


async def _start_the_day(company: Company) -> None:
    admin, ids = company.admin, company.ids
    place = {"street": "Depot Street", "city": "Vaduz", "position": {"lon": 9.52, "lat": 47.14}}
    ids["place_id"] = (await make(admin, "POST", "/api/places", json=place))["id"]
    depot = {"name": "Depot", "place_id": ids["place_id"], "timezone": "Europe/Vaduz"}
    ids["depot_id"] = (await make(admin, "POST", "/api/depots", json=depot))["id"]
    person = {"depot_id": ids["depot_id"], "name": "Bo", "email": "bo@example.org"}
    driver = await make(admin, "POST", "/api/drivers", json=person)
    ids["driver_id"] = ids["person_id"] = driver["id"]
    van = {
        "depot_id": ids["depot_id"],
        "label": "Van 1",
        "capacity_weight_g": 10**6,
        "capacity_volume_ml": 10**6,
        "capacity_parcels": 100,
    }
    ids["vehicle_id"] = (await make(admin, "POST", "/api/vehicles", json=van))["id"]
    shift = {
        "driver_id": ids["driver_id"],
        "vehicle_id": ids["vehicle_id"],
        "starts_at": MORNING.isoformat(),
        "ends_at": (MORNING + timedelta(hours=10)).isoformat(),
    }
    ids["shift_id"] = (await make(admin, "POST", "/api/shifts", json=shift))["id"]
    code = await make(admin, "POST", f"/api/drivers/{ids['driver_id']}/pairing-codes")
    pairing = {"code": code["code"], "device_model": "A phone"}
    paired = await make(company.anonymous, "POST", "/api/driver/pair", json=pairing)
    ids["device_id"] = paired["device_id"]
    company.phone = await company.client(Authorization=f"Bearer {paired['token']}")


async def _order(company: Company, number: int) -> tuple[str, str]:
    """An order of ACME, and its consignment."""
    address = {"street": "Main Street", "lon": 9.52 + 0.004 * number, "lat": 47.141}
    request = {
        "external_id": f"A-{number}",
        "consignee": {"name": "Ada", "phone": "+423 123 45 67", "address": address},
        "lines": [{"sku": "TEA", "quantity": 1, "unit_price_minor": 500}],
        "window_start_at": (MORNING + timedelta(hours=1)).isoformat(),
        "window_end_at": (MORNING + timedelta(hours=9)).isoformat(),
    }
    order = await make(company.of_acme, "POST", "/api/orders", json=request)
    await relay_pending(company.db)
    found = await make(company.of_acme, "GET", f"/api/consignments?order_id={order['id']}")
    return order["id"], found["items"][0]["id"]


async def _work(company: Company) -> None:
    """One consignment is with the driver, who declines another; a third is in a draft."""
    admin, ids = company.admin, company.ids
    _, declined = await _order(company, 1)
    ids["order_id"], ids["consignment_id"] = await _order(company, 2)
    for consignment_id in (declined, ids["consignment_id"]):
        await make(admin, "POST", f"/api/consignments/{consignment_id}/urgent")
    (task,) = await make(admin, "GET", f"/api/consignments/{declined}/tasks")
    async with company.db.transaction() as session:
        await dispatch.decline_task(
            session,
            driver_id=UUID(ids["driver_id"]),
            command=DeclineTask(task_id=task["id"], reason="no time", occurred_at=MORNING),
            occurred_at=MORNING,
            received_at=MORNING,
            command_id=str(new_id()),
        )
    (raised, *_) = (await make(admin, "GET", "/api/exceptions"))["items"]
    ids["exception_id"] = raised["id"]
    (run,) = (await make(admin, "GET", "/api/runs"))["items"]
    ids["run_id"] = run["id"]
    (task,) = await make(admin, "GET", f"/api/consignments/{ids['consignment_id']}/tasks")
    ids["task_id"] = task["id"]
    consignment = await make(admin, "GET", f"/api/consignments/{ids['consignment_id']}")
    ids["barcode"] = consignment["consignment"]["parcels"][0]["barcode"]
    await make(admin, "POST", f"/api/consignments/{ids['consignment_id']}/tracking-links", json={})
    await _order(company, 3)
    asked = {"depot_id": ids["depot_id"], "day": DAY, "budget_s": 0.5}
    ids["plan_id"] = (await make(admin, "POST", "/api/plans", json=asked))["id"]
    assert await plan_next(company.db, HaversineRoads())
    draft = await make(admin, "GET", f"/api/plans/{ids['plan_id']}")
    ids["stop_id"] = draft["runs"][0]["stops"][0]["id"]


async def _bring_back(company: Company) -> None:
    """A delivered consignment with a proof, whose goods are to come back."""
    ids = company.ids
    _, consignment_id = await _order(company, 4)
    ids["sha256"] = hashlib.sha256(PHOTO).hexdigest()
    photo = BlobRef(sha256=ids["sha256"], size_bytes=len(PHOTO), content_type="image/jpeg")
    await make(company.phone, "PUT", f"/api/driver/blobs/{ids['sha256']}", content=PHOTO)
    await _deliver(company, UUID(consignment_id))
    async with company.db.transaction() as session:
        proof_id = await consignments.record_proof(
            session,
            NewProof(
                consignment_id=UUID(consignment_id),
                kind="POD",
                occurred_at=MORNING,
                received_at=MORNING,
                photos=(photo,),
            ),
        )
    ids["proof_id"] = str(proof_id)
    await relay_pending(company.db)
    goods = [{"order_line": 1, "quantity": 1, "reason": "wrong_item", "photos": [ids["sha256"]]}]
    asked = {"consignment_id": consignment_id, "goods": goods}
    made = await make(company.of_acme, "POST", "/api/returns", json=asked)
    ids["return_id"], ids["line_id"] = made["id"], made["lines"][0]["id"]
    order_id, consignment_id = await _order(company, 5)
    await _deliver(company, UUID(consignment_id))
    known = await make(company.of_acme, "GET", "/api/preferences?phone=%2B423 123 45 67")
    ids["preference_id"] = known["items"][0]["id"]
    goods = [{"order_line": 1, "quantity": 1, "reason": "wrong_item"}]
    swap = {"order_id": order_id, "goods": goods, "replacement": [{"sku": "TEA", "quantity": 1}]}
    made = await make(company.of_acme, "POST", "/api/exchanges", json=swap)
    ids["exchange_id"] = made["id"]


async def _deliver(company: Company, consignment_id: UUID) -> None:
    async with company.db.transaction() as session:
        consignment = await consignments.get_consignment(session, consignment_id)
        await consignments.record_custody(
            session,
            parcel_ids=[parcel.id for parcel in consignment.parcels],
            state="delivered",
            occurred_at=MORNING,
            received_at=MORNING,
            by="test",
        )


async def _fill_the_shelves(company: Company) -> None:
    """What ACME keeps: a key, a contact, an address, a mapping profile, a file of orders."""
    owner, ids = company.of_acme, company.ids
    account = f"/api/accounts/{ids['account_id']}"
    key = {"name": "Shop", "scopes": ["orders:write"]}
    ids["api_key_id"] = (await make(owner, "POST", "/api/api-keys", json=key))["id"]
    contact = await make(owner, "POST", f"{account}/contacts", json={"name": "Cy"})
    ids["contact_id"] = contact["id"]
    entry = {"label": "Depot", "place_id": ids["place_id"]}
    ids["entry_id"] = (await make(owner, "POST", f"{account}/address-book", json=entry))["id"]
    own = {"account_id": ids["account_id"]}
    sku = {"code": "TEA", "name": "Tea"} | own
    ids["sku_id"] = (await make(company.admin, "POST", "/api/skus", json=sku))["id"]
    lines = [{"sku": "TEA", "quantity": 10}]
    note = {"number": "P-1", "supplier": "Tea Ltd", "lines": lines} | own
    ids["note_id"] = (await make(company.admin, "POST", "/api/purchase-notes", json=note))["id"]
    warehouse = {"kind": "warehouse", "code": "W1"}
    ids["location_id"] = (await make(company.admin, "POST", "/api/locations", json=warehouse))["id"]
    ids["name"] = "shop"
    profile = {"columns": {"Name": "to_name"}}
    await make(owner, "PUT", f"/api/import-profiles/{ids['name']}", json=profile)
    file = b"external_id,to_name,to_address,sku,quantity\n1,Ada,Main Street 1,TEA,1\n"
    ids["import_id"] = (await make(owner, "POST", "/api/imports", content=file))["id"]
    order = {
        "consignee": {"name": "Bea", "address": {"street": "Side Street", "lon": 9.5, "lat": 47.1}},
        "lines": [{"sku": "TEA", "quantity": 1}],
    }
    window = {
        "window_start_at": (MORNING + timedelta(days=4)).isoformat(),
        "window_end_at": (MORNING + timedelta(days=4, hours=8)).isoformat(),
    }
    expires_at = (MORNING + timedelta(days=3)).isoformat()
    offer = {"order": order | window, "expires_at": expires_at}
    ids["quote_id"] = (await make(owner, "POST", "/api/quotes", json=offer))["id"]
    rhythm = {
        "name": "Tea",
        "rule": "FREQ=DAILY",
        "starts_local": "2026-03-02T09:00:00",
        "timezone": "Europe/Vaduz",
        "duration_s": 3600,
    }
    standing = {"order": order, "rhythm": rhythm}
    made = await make(owner, "POST", "/api/standing-orders", json=standing)
    ids["standing_id"] = made["id"]


def check_problem(answer: httpx.Response, *statuses: int) -> dict[str, Any]:
    """A refusal that programs can tell by its code, and people by its sentence."""
    assert not statuses or answer.status_code in statuses, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["code"]
    assert problem["detail"].endswith((".", "!", "?")), problem
    return problem


async def _invoice(company: Company) -> None:
    """An invoice to ACME, part of it paid."""
    admin, ids = company.admin, company.ids
    address = {"street": "Main Street 1", "postcode": "9490", "city": "Vaduz", "country": "LI"}
    us = {"name": "We", "address": address, "registration": "FL-1", "peppol_id": "0060:1"}
    ids["company"] = "MAIN"
    await make(admin, "PUT", "/api/companies/MAIN", json=us)
    rate = {"country": "LI", "code": "standard", "valid_from": "2024-01-01", "rate_bp": 810}
    await make(admin, "PUT", "/api/vat-rates", json=rate)
    acme = {"company": "MAIN", "name": "Acme", "address": address, "peppol_id": "0060:2"}
    account_id = ids["account_id"]
    await make(admin, "PUT", f"/api/accounts/{account_id}/billing-profile", json=acme)
    async with company.db.transaction() as session:
        (charge,) = await billing.record_charges(
            session,
            [
                NewCharge(
                    account_id=UUID(account_id),
                    kind="flat",
                    description="Delivery",
                    net_minor=1000,
                    currency="EUR",
                    occurred_at=MORNING - timedelta(days=1),
                    source="test:1",
                )
            ],
        )
    ids["charge_id"] = str(charge.id)
    asked = {"account_id": account_id, "until": MORNING.isoformat()}
    (draft,) = (await make(admin, "POST", "/api/invoice-drafts", json=asked))["items"]
    ids["invoice_id"] = draft["id"]
    await make(admin, "POST", f"/api/invoices/{draft['id']}/issue")
    paid = {
        "company": "MAIN",
        "bank_reference": "B-1",
        "amount_minor": 100,
        "currency": "EUR",
        "received_on": DAY,
        "account_id": account_id,
    }
    ids["payment_id"] = (await make(admin, "POST", "/api/payments", json=paid))["id"]
    match = {"invoice_id": draft["id"], "payment_id": ids["payment_id"]}
    ids["match_id"] = (await make(admin, "POST", "/api/matches", json=match))["id"]
    await _remit(company)


async def _remit(company: Company) -> None:
    """Cash of ACME's, counted and passed on."""
    admin, ids = company.admin, company.ids
    async with company.db.transaction() as session:
        session.add(
            CashTaken(
                task_id=UUID(ids["task_id"]),
                consignment_id=UUID(ids["consignment_id"]),
                account_id=UUID(ids["account_id"]),
                driver_id=UUID(ids["driver_id"]),
                amount_minor=500,
                currency="EUR",
                occurred_at=MORNING,
                noted_at=MORNING,
            )
        )
    counted = {"currency": "EUR", "expected_minor": 500, "counted_minor": 500}
    debrief = {"driver_id": ids["driver_id"]} | counted
    ids["debrief_id"] = (await make(admin, "POST", "/api/cash/debriefs", json=debrief))["id"]
    due = {"account_id": ids["account_id"], "currency": "EUR", "gross_minor": 500}
    remitted = await make(admin, "POST", "/api/remittances", json=due | {"reference": "R-1"})
    ids["remittance_id"] = remitted["id"]
