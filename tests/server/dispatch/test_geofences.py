"""Geofences over HTTP. What they tell of is in test_alerts.py."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx
import pytest

from server.dispatch import geofences
from server.identity.access import Role
from server.kit.ids import new_id

from .conftest import Town

PATH = "/api/geofences"
SignIn = Callable[[Role], Awaitable[httpx.AsyncClient]]


def circle(depot_id: UUID, **more: Any) -> dict[str, Any]:
    place = {"lon": 9.52, "lat": 47.14, "radius_m": 300}
    return {"depot_id": str(depot_id), "name": "The old town", "rule": "stay_out"} | place | more


async def test_geofence_is_made_listed_and_deleted(town: Town, sign_in: SignIn) -> None:
    client = await sign_in(Role.DISPATCHER)
    made = [
        (await client.post(PATH, json=circle(town.depot_id, name=name))).json() for name in "abc"
    ]
    first = (await client.get(PATH, params={"limit": 2})).json()
    assert [each["name"] for each in first["items"]] == ["a", "b"]
    rest = (await client.get(PATH, params={"limit": 2, "after": first["next"]})).json()
    assert rest == {"items": [made[2]], "next": None}
    assert (await client.delete(f"{PATH}/{made[0]['id']}")).status_code == 204
    assert (await client.delete(f"{PATH}/{made[0]['id']}")).status_code == 404
    left = (await client.get(PATH, params={"depot_id": str(town.depot_id)})).json()["items"]
    assert left == made[1:]
    assert (await client.get(PATH, params={"depot_id": str(new_id())})).json()["items"] == []


async def test_geofence_is_moved_and_turned(town: Town, sign_in: SignIn) -> None:
    client = await sign_in(Role.DISPATCHER)
    made = (await client.post(PATH, json=circle(town.depot_id))).json()
    other = circle(town.depot_id, name="The valley", rule="stay_in", lon=9.53, radius_m=5_000)
    del other["depot_id"]
    changed = (await client.put(f"{PATH}/{made['id']}", json=other)).json()
    expected = made | {k: other[k] for k in ("name", "rule", "radius_m")}
    assert changed == expected | {"position": [9.53, 47.14]}
    assert (await client.get(PATH)).json()["items"] == [changed]
    wrong = await client.put(f"{PATH}/{made['id']}", json=other | {"radius_m": 1})
    assert wrong.status_code == 422
    await client.delete(f"{PATH}/{made['id']}")
    gone = await client.put(f"{PATH}/{made['id']}", json=other)
    assert (gone.status_code, gone.json()["code"]) == (404, "dispatch.unknown_geofence")


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"radius_m": 49}, 422),
        ({"radius_m": 200_001}, 422),
        ({"lon": 181}, 422),
        ({"rule": "dance"}, 422),
        ({"name": " "}, 422),
        ({"depot_id": "01a208be-0000-7000-8000-000000000000"}, 404),
    ],
)
async def test_geofence_that_makes_no_sense_is_refused(
    town: Town, sign_in: SignIn, wrong: dict[str, Any], status: int
) -> None:
    client = await sign_in(Role.DISPATCHER)
    answer = await client.post(PATH, json=circle(town.depot_id) | wrong)
    assert answer.status_code == status, answer.text


async def test_a_depot_has_no_end_of_geofences(
    town: Town, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(geofences, "GEOFENCES_MAX", 1)
    client = await sign_in(Role.DISPATCHER)
    assert (await client.post(PATH, json=circle(town.depot_id))).status_code == 201
    answer = await client.post(PATH, json=circle(town.depot_id))
    assert (answer.status_code, answer.json()["code"]) == (409, "dispatch.too_many_geofences")


async def test_only_the_office_makes_geofences(town: Town, sign_in: SignIn) -> None:
    client = await sign_in(Role.DRIVER)
    assert (await client.post(PATH, json=circle(town.depot_id))).status_code == 403
