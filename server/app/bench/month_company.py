"""The company of the generated month: customers of several VAT countries, goods, vans, prices."""

import random
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts import service as accounts
from server.billing import service as billing
from server.billing.service import (
    Buyer,
    Company,
    PostalAddress,
    Rules,
    TariffDraft,
    VatRateView,
)
from server.billing.tariff_rules import CashFee, Flat, Fuel, Reattempt, ReturnFee
from server.dispatch import service as dispatch
from server.inventory import service as inventory
from server.inventory.service import Component, NewSku
from server.kit.db import Database
from server.kit.geo import Position
from server.orders.service import Party
from server.places import service as places

BY = "bench"
PRICES_MINOR = {"TEA": 1290, "CUP": 2450, "POT": 5900, "SET": 6190}
KIT, PARTS = "SET", {"TEA": 2, "CUP": 1}
DOORS = 40
DRIVERS_PER_DEPOT = 3
DEPOTS = (Position(10.00, 53.55), Position(11.58, 48.14))

HAMBURG = PostalAddress(street="Kehrwieder 8", postcode="20457", city="Hamburg", country="DE")
VIENNA = PostalAddress(street="Graben 19", postcode="1010", city="Wien", country="AT")
ZURICH = PostalAddress(street="Limmatquai 1", postcode="8001", city="Zürich", country="CH")

US = Company(
    name="Month Courier GmbH",
    address=HAMBURG,
    vat_id="DE136695976",
    email="office@month.example",
    iban="DE89370400440532013000",
    timezone="Europe/Berlin",
)

BUYERS = (
    Buyer(company="US", name="Hanse GmbH", address=HAMBURG, vat_id="DE129273398"),
    Buyer(company="US", name="Hafen KG", address=HAMBURG, invoice_rule="per_order"),
    Buyer(company="US", name="Wien GmbH", address=VIENNA, vat_id="ATU13585627"),
    Buyer(company="US", name="A. Private", address=VIENNA, invoice_rule="per_order"),
    Buyer(company="US", name="Zürich AG", address=ZURICH, vat_rule="outside_scope"),
)
"""At home with and without a VAT id; in the union with one (reverse charge) and without; beyond."""


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """Whose goods we keep and bring. sku_ids, prices_minor: by the code of the SKU; kits have no
    stock of their own. Pickers tell goods by their codes, so no two customers have the same."""

    account_id: UUID
    buyer: Buyer
    sku_ids: dict[str, UUID]
    prices_minor: dict[str, int]
    stocked: tuple[str, ...]


class Firm(msgspec.Struct, frozen=True, kw_only=True):
    db: Database
    customers: tuple[Customer, ...]
    doors: tuple[Party, ...]
    warehouse_id: UUID
    shelf_ids: tuple[UUID, ...]
    quarantine_id: UUID
    crews: tuple[tuple[UUID, UUID], ...]
    """Drivers, with their vehicles."""


async def open_firm(db: Database, dice: random.Random, *, opens_at: datetime) -> Firm:
    async with db.transaction() as session:
        await billing.put_company(session, "US", US, by=BY)
        standard = VatRateView(
            country="DE", code="standard", valid_from=(opens_at - timedelta(days=900)).date(),
            rate_bp=1900,
        )  # fmt: skip
        await billing.put_vat_rate(session, standard, by=BY)
        warehouse_id = await _place(session, "warehouse", "W")
        shelves = [await _place(session, "bin", f"S{each}", warehouse_id) for each in range(6)]
        quarantine_id = await _place(session, "quarantine", "Q", warehouse_id)
        customers = [await _customer(session, number, buyer) for number, buyer in enumerate(BUYERS)]
        rules = Rules(
            flat=Flat(minor=590),
            cash_fee=CashFee(minor=180),
            return_fee=ReturnFee(minor=420),
            reattempt=Reattempt(minor=250),
        )
        await set_prices(session, rules, valid_from=opens_at - timedelta(days=1))
        crews, doors = await _depots(session, dice)
    return Firm(
        db=db,
        customers=tuple(customers),
        doors=doors,
        warehouse_id=warehouse_id,
        shelf_ids=tuple(shelves),
        quarantine_id=quarantine_id,
        crews=crews,
    )


async def raise_prices(session: AsyncSession, *, valid_from: datetime) -> None:
    """In the middle of the month: dearer, and with a surcharge for fuel."""
    rules = Rules(
        flat=Flat(minor=635),
        fuel=Fuel(percent_bp=475),
        cash_fee=CashFee(minor=180, percent_bp=50),
        return_fee=ReturnFee(minor=450),
        reattempt=Reattempt(minor=275),
    )
    await set_prices(session, rules, valid_from=valid_from)


async def set_prices(session: AsyncSession, rules: Rules, *, valid_from: datetime) -> None:
    draft = TariffDraft(
        name=f"From {valid_from:%d.%m.}", currency="EUR", valid_from=valid_from, rules=rules
    )
    tariff = await billing.create_tariff(session, draft, by=BY)
    await billing.activate_tariff(session, tariff.id, replace=True, by=BY)


async def _place(
    session: AsyncSession,
    kind: inventory.LocationKind,
    code: str,
    parent_id: UUID | None = None,
) -> UUID:
    made = await inventory.create_location(
        session, kind=kind, code=code, parent_id=parent_id, by=BY
    )
    return made.id


async def _customer(session: AsyncSession, number: int, buyer: Buyer) -> Customer:
    code = f"C{number}"
    account = await accounts.create_account(session, name=buyer.name, code=code, by=BY)
    await billing.put_buyer(session, account.id, buyer, by=BY)
    parts = tuple(
        Component(sku=f"{name}-{number}", quantity=quantity) for name, quantity in PARTS.items()
    )
    sku_ids = {}
    for name in PRICES_MINOR:
        sku = f"{name}-{number}"
        new = NewSku(code=sku, name=name.title(), components=parts if name == KIT else ())
        sku_ids[sku] = (await inventory.create_sku(session, new, account_id=account.id, by=BY)).id
    return Customer(
        account_id=account.id,
        buyer=buyer,
        sku_ids=sku_ids,
        prices_minor={f"{name}-{number}": minor for name, minor in PRICES_MINOR.items()},
        stocked=tuple(f"{name}-{number}" for name in PRICES_MINOR if name != KIT),
    )


async def _depots(
    session: AsyncSession, dice: random.Random
) -> tuple[tuple[tuple[UUID, UUID], ...], tuple[Party, ...]]:
    crews, doors = [], []
    for number, here in enumerate(DEPOTS):
        at = await places.create_place(session, f"Depot {number}", position=here)
        depot = await dispatch.create_depot(
            session, name=f"Depot {number}", place_id=at.id, timezone="Europe/Berlin", by=BY
        )
        for each in range(DRIVERS_PER_DEPOT):
            name = f"driver-{number}-{each}"
            driver = await dispatch.create_driver(
                session, depot_id=depot.id, name=name, email=f"{name}@month.example", by=BY
            )
            vehicle = await dispatch.create_vehicle(
                session,
                depot_id=depot.id,
                label=name,
                capacity_weight_g=10_000_000,
                capacity_volume_ml=10_000_000,
                capacity_parcels=1000,
                by=BY,
            )
            crews.append((driver.id, vehicle.id))
        for each in range(DOORS // len(DEPOTS)):
            door = Position(
                here.lon + dice.uniform(-0.04, 0.04), here.lat + dice.uniform(-0.03, 0.03)
            )
            place = await places.create_place(session, f"Street {number} {each}", position=door)
            doors.append(Party(name=f"Consignee {number}-{each}", place_id=place.id))
    return tuple(crews), tuple(doors)
