"""Pickup points: kept by the office, offered to customers nearby."""

from typing import Any
from uuid import uuid4

import pytest

from server.identity.access import Role
from server.kit.db import Database
from server.kit.geo import Position
from server.places import service as places

HOME = Position(9.52, 47.14)


async def make_place(api: Any, position: dict[str, float] | None) -> str:
    body = {"street": "Nowhere Lane", "house_number": "3", "city": "Atlantis", "position": position}
    return str((await api.post("/api/places", json=body)).json()["id"])


async def test_point_is_kept_changed_and_listed_by_the_office(sign_in: Any) -> None:
    api = await sign_in(Role.CLERK)
    place_id = await make_place(api, {"lon": HOME.lon, "lat": HOME.lat})
    body = {"name": "Kiosk", "place_id": place_id, "hours": "6-22"}
    made = await api.post("/api/pickup-points", json=body)
    assert made.status_code == 201, made.text
    path = f"/api/pickup-points/{made.json()['id']}"
    changed = await api.patch(path, json={"hours": "7-20", "active": False})
    assert (changed.json()["name"], changed.json()["hours"]) == ("Kiosk", "7-20")
    (listed,) = (await api.get("/api/pickup-points")).json()["items"]
    assert listed == changed.json()
    assert (await api.patch(f"/api/pickup-points/{uuid4()}", json={})).status_code == 404
    audit = (await (await sign_in(Role.ADMIN)).get("/api/audit")).json()["items"]
    assert {"pickup_point.created", "pickup_point.changed"} <= {each["action"] for each in audit}


async def test_point_without_a_place_on_the_map_is_refused(sign_in: Any) -> None:
    api = await sign_in(Role.DISPATCHER)
    place_id = await make_place(api, None)
    refused = await api.post("/api/pickup-points", json={"name": "Kiosk", "place_id": place_id})
    assert (refused.status_code, refused.json()["code"]) == (422, "places.point_without_position")


@pytest.mark.parametrize("role", [Role.WAREHOUSE, Role.DRIVER])
async def test_only_the_office_opens_pickup_points(sign_in: Any, role: Role) -> None:
    api = await sign_in(role)
    asked = await api.post("/api/pickup-points", json={"name": "Kiosk", "place_id": str(uuid4())})
    assert asked.status_code == 403


async def test_nearest_come_first_and_those_too_far_or_closed_not_at_all(db: Database) -> None:
    async with db.transaction() as session:
        for name, east_deg in (("second", 0.02), ("first", 0.01), ("too far", 1.0), ("shut", 0.0)):
            position = Position(HOME.lon + east_deg, HOME.lat)
            place = await places.create_place(session, f"{name} 1", position=position)
            point = await places.create_pickup_point(
                session, name=name, hours="", place_id=place.id, by="test"
            )
            if name == "shut":
                await places.change_pickup_point(session, point.id, active=False, by="test")
        found = await places.pickup_points_near(session, HOME)
    assert [each.name for each in found] == ["first", "second"]
