"""The same journey where the streets are streets: a made-up town, found by its addresses alone."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from routing.roads import build_roads, open_roads
from server.app.demo.day import read_addresses
from server.app.demo.orders import address_words
from server.app.demo.town import write_town
from server.kit.geo import Position, haversine_m
from server.kit.settings import Settings
from server.places import service as places
from server.places.osm import MapEntry
from tests.journeys.company import DEPOT, Company

SEED = 1


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A map, and its roads beside it."""
    folder = tmp_path_factory.mktemp("town")
    write_town(folder / "town.osm.pbf", seed=SEED)
    build_roads(folder / "town.osm.pbf", folder / "roads", progress=lambda _: None)
    return folder


async def test_orders_without_positions_are_found_planned_inserted_and_delivered_on_real_roads(
    company: Company, settings: Settings, town: Path
) -> None:
    settings.data_dir.mkdir(exist_ok=True)
    settings.roads_dir.symlink_to(town / "roads", target_is_directory=True)
    async with company.web.db.transaction() as session:
        await places.import_map(session, town / "town.osm.pbf", lambda _: None)
    addresses = read_addresses(town / "town.osm.pbf")
    step = len(addresses) // 7
    depot, *doors = addresses[step // 2 :: step]
    company.roads = open_roads(town / "roads")
    company.stack.callback(company.roads.close)
    await company.open_depot("Southern depot", Position(depot.lon, depot.lat))
    courier = await company.hire("Nora")
    bookings = [await company.take_order(DEPOT, consignee=someone_at(door)) for door in doors[:-1]]
    assert (await company.desk.get("/api/places", needs_pin=True))["items"] == []
    await company.publish(await company.plan())
    bookings.append(await company.take_order(DEPOT, consignee=someone_at(doors[-1])))
    await company.assign(bookings[-1])

    assert len(courier.to_do) == len(bookings)
    (run,) = (await company.desk.get("/api/runs", driver_id=courier.driver_id))["items"]
    at = [Position(depot.lon, depot.lat)]
    at += [Position(stop.stop.lon, stop.stop.lat) for stop in courier.stops]
    at.append(at[0])
    straight_m = sum(haversine_m(a, b) for a, b in pairwise(at))
    assert run["distance_m"] > 1.05 * straight_m, "streets are longer than the crow's way"
    way = (await company.desk.get(f"/api/runs/{run['id']}/way"))["coordinates"]
    drawn_m = sum(haversine_m(Position(*a), Position(*b)) for a, b in pairwise(way))
    assert drawn_m == pytest.approx(run["distance_m"], rel=0.05), "it is drawn along the streets"
    known = {(round(door.lon, 5), round(door.lat, 5)) for door in doors}
    assert {(round(place.lon, 5), round(place.lat, 5)) for place in at[1:-1]} == known
    for waybill in courier.to_do:
        booking = next(each for each in bookings if each.waybill == waybill)
        courier.set_off(booking)
        await company.later(minutes=6)
        courier.deliver(booking)
    await company.settle()
    assert {(await company.desk.order(each))["state"] for each in bookings} == {"delivered"}


def someone_at(door: MapEntry) -> dict[str, Any]:
    return {"name": "Ada", "address": address_words(door)}
