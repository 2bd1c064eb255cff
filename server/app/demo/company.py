"""Sets up the demo's courier company through its own API."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from server.app.demo.orders import Day, address_words
from server.app.simulation.office import Office
from server.kit.geo import Position, haversine_m
from server.places.osm import MapEntry

ACCOUNT = "LANTERN"
VAN = {"capacity_weight_g": 1_200_000, "capacity_volume_ml": 9_000_000}
PARCELS_PER_ORDER = 1.5
"""More than there are, so that all find room, and few enough that every van is needed."""
ROOM_FOR_MORE = 5
"""Parcels that a van can still take during the day."""


LONG_SHIFT = timedelta(hours=6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    account_id: str
    depot_id: str
    driver_ids: tuple[str, ...]
    at: Position


async def found_company(
    office: Office,
    addresses: Sequence[MapEntry],
    day: Day,
    *,
    drivers: int,
    orders: int,
    timezone: str,
) -> Company:
    """An account, a depot in the middle of the map, and `drivers` drivers with vans and shifts."""
    account = await office.post("/api/accounts", {"name": "Lantern Books", "code": ACCOUNT})
    middle = most_central(addresses)
    place = await office.post(
        "/api/places",
        {
            **address_words(middle),
            "name": "Depot",
            "position": {"lon": middle.lon, "lat": middle.lat},
        },
    )
    depot = await office.post(
        "/api/depots", {"name": "Main depot", "place_id": place["id"], "timezone": timezone}
    )
    parcels = math.ceil(orders * PARCELS_PER_ORDER / drivers) + ROOM_FOR_MORE
    van = VAN | {"capacity_parcels": parcels}
    numbers = range(1, drivers + 1)
    ids = [await hire_driver(office, depot["id"], number, day, van) for number in numbers]
    return Company(
        account_id=account["id"],
        depot_id=depot["id"],
        driver_ids=tuple(ids),
        at=Position(middle.lon, middle.lat),
    )


async def hire_driver(
    office: Office, depot_id: str, number: int, day: Day, van: dict[str, int]
) -> str:
    driver: dict[str, Any] = await office.post(
        "/api/drivers",
        {
            "depot_id": depot_id,
            "name": f"Driver {number}",
            "email": f"driver{number}@postrider.example",
        },
    )
    vehicle = await office.post(
        "/api/vehicles", {"depot_id": depot_id, "label": f"Van {number}", **van}
    )
    await office.post(
        "/api/shifts",
        {
            "driver_id": driver["id"],
            "vehicle_id": vehicle["id"],
            "starts_at": day.starts_at.isoformat(),
            "ends_at": day.ends_at.isoformat(),
            "breaks": lunch_breaks(day),
        },
    )
    return str(driver["id"])


def lunch_breaks(day: Day) -> list[dict[str, Any]]:
    """Half an hour in the middle of a shift that is long enough to need it."""
    length = day.ends_at - day.starts_at
    if length < LONG_SHIFT:
        return []
    return [
        {
            "earliest_start_at": (day.starts_at + 0.3 * length).isoformat(),
            "latest_start_at": (day.starts_at + 0.5 * length).isoformat(),
            "duration_s": 1800,
        }
    ]


def most_central(addresses: Sequence[MapEntry]) -> MapEntry:
    """The address nearest to the middle of them all."""
    lon = sum(entry.lon for entry in addresses) / len(addresses)
    lat = sum(entry.lat for entry in addresses) / len(addresses)
    middle = Position(lon, lat)
    return min(addresses, key=lambda entry: haversine_m(Position(entry.lon, entry.lat), middle))
