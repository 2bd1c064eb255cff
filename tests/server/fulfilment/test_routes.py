"""A day in the warehouse over HTTP, as scanners live it: repeats, wrong doors, wrong keys."""

from typing import Any

import httpx
import pytest

from server.identity.access import Role
from server.kit.ids import new_id
from server.kit.relay import relay_pending
from tests.conftest import SignIn
from tests.server.fulfilment.conftest import House

KEY = "Idempotency-Key"


async def send(
    client: httpx.AsyncClient, path: str, key: str | None = None, **body: Any
) -> httpx.Response:
    return await client.post(path, json=body, headers={KEY: key} if key else {})


async def made(client: httpx.AsyncClient, path: str, key: str | None = None, **body: Any) -> Any:
    answer = await send(client, path, key, **body)
    assert answer.is_success, answer.text
    return answer.json()


async def test_an_order_is_picked_and_packed_with_a_scanner(house: House, sign_in: SignIn) -> None:
    await house.sku("TEA", length_mm=100, width_mm=100, height_mm=100)
    await house.stock("TEA", 5)
    order = await house.order(("TEA", 2))
    clerk, picker = await sign_in(Role.CLERK), await sign_in(Role.WAREHOUSE)
    box = {
        "code": "BOX",
        "name": "Box",
        "inner_length_mm": 200,
        "inner_width_mm": 200,
        "inner_height_mm": 100,
        "max_weight_g": 5000,
    }
    assert (await clerk.put("/api/cartons", json=box)).status_code == 200
    assert [each["code"] for each in (await picker.get("/api/cartons")).json()] == ["BOX"]
    (one,) = (await picker.get(f"/api/fulfilments?order={order.id}")).json()["items"]
    assert (one["order_number"], one["state"]) == (order.number, "open")

    asked = {"warehouse_id": str(house.warehouse)}
    wave = await made(picker, "/api/pick-waves", "w1", **asked)
    assert await made(picker, "/api/pick-waves", "w1", **asked) == wave
    assert wave["walk_m"] > 0
    url = f"/api/pick-waves/{wave['id']}"
    step = (await picker.get(f"{url}/next")).json()
    scan = {"location": step["task"]["location"], "sku": "TEA", "quantity": 2}
    first = await made(picker, f"{url}/picks", "p1", **scan)
    assert await made(picker, f"{url}/picks", "p1", **scan) == first
    again = await send(picker, f"{url}/picks", **scan)
    assert (again.status_code, again.json()["code"]) == (409, "fulfilment.wave_over")
    assert (await picker.get(url)).json()["wave"]["state"] == "done"

    shown = (await picker.get(f"/api/fulfilments/{one['id']}/cartons")).json()
    assert shown["cartons"][0]["contents"] == {"TEA": 2}
    assert shown["cartons"][0]["filled_percent"] == 50
    pack = {"weight_g": 700, "carton": "BOX", "contents": [{"sku": "TEA", "quantity": 2}]}
    packed = await made(picker, f"/api/fulfilments/{one['id']}/pack", "k1", **pack)
    assert await made(picker, f"/api/fulfilments/{one['id']}/pack", "k1", **pack) == packed
    assert (packed["fulfilment_state"], packed["left"]) == ("ready", 0)
    detail = (await picker.get(f"/api/fulfilments/{one['id']}")).json()
    assert detail["goods"][0]["packed"] == 2
    assert detail["parcel_ids"] == [packed["parcel_id"]]
    refused = await clerk.put("/api/cartons", json=box | {"tare_g": 5})
    assert refused.json()["code"] == "fulfilment.carton_unchangeable"

    admin = await sign_in(Role.ADMIN)
    audit = (await admin.get("/api/audit")).json()["items"]
    done = {entry["action"] for entry in audit}
    assert {"pick_wave.created", "parcel.packed", "carton.saved"} <= done


async def test_shortages_and_put_backs_are_settled_over_http(house: House, sign_in: SignIn) -> None:
    await house.stock("TEA", 3)
    await house.stock("CUP", 3, at="A/2")
    order = await house.order(("TEA", 3))
    clerk, picker = await sign_in(Role.CLERK), await sign_in(Role.WAREHOUSE)
    wave = await made(picker, "/api/pick-waves", warehouse_id=str(house.warehouse))
    scan = {"location": f"{house.code}/A/1", "sku": "TEA", "quantity": 1, "short": True}
    fell = await made(picker, f"/api/pick-waves/{wave['id']}/picks", **scan)
    assert fell["lacking"] == 2
    (lack,) = (await clerk.get("/api/shortages?state=open")).json()["items"]
    refused = await send(picker, f"/api/shortages/{lack['id']}/substitute", sku="CUP")
    assert refused.status_code == 403  # not the picker's to decide
    url = f"/api/shortages/{lack['id']}/substitute"
    settled = await made(clerk, url, sku="CUP")
    assert settled["state"] == "substituted"
    assert (await send(clerk, url, sku="CUP")).status_code == 409
    assert (await send(clerk, url, sku="NONE")).status_code in (404, 409)
    assert (await send(clerk, f"/api/shortages/{new_id()}/leave-out")).status_code == 404

    await house.cancel(order)
    (task,) = (await picker.get(f"/api/put-backs?warehouse={house.warehouse}")).json()["items"]
    wrong = await send(picker, f"/api/put-backs/{task['id']}", location="elsewhere")
    assert wrong.json()["code"] == "fulfilment.wrong_shelf"
    for _ in range(2):
        back = await made(picker, f"/api/put-backs/{task['id']}", location=task["location"])
        assert back["state"] == "done"
    await relay_pending(house.db)
    assert await house.levels("TEA") == {"A/1": (1, 0)}


async def test_substitutes_are_kept_in_their_order(house: House, sign_in: SignIn) -> None:
    for code in ("TEA", "GREEN", "BLACK"):
        await house.sku(code)
    clerk = await sign_in(Role.CLERK)
    url = f"/api/skus/{house.skus['TEA']}/substitutes"
    await clerk.put(url, json={"skus": ["GREEN", "BLACK", "GREEN"]})
    assert [each["code"] for each in (await clerk.get(url)).json()] == ["GREEN", "BLACK"]
    assert (await clerk.put(url, json={"skus": ["TEA"]})).status_code == 422
    assert (await clerk.put(url, json={"skus": ["NONE"]})).status_code == 404
    assert len((await clerk.get(url)).json()) == 2


async def test_a_fulfilment_is_held_and_released_over_http(house: House, sign_in: SignIn) -> None:
    await house.stock("TEA", 3)
    one = await house.fulfilment_of(await house.order(("TEA", 3)))
    picker = await sign_in(Role.WAREHOUSE)
    for _ in range(2):
        held = await made(picker, f"/api/fulfilments/{one.id}/hold", reason="wet")
        assert (held["state"], held["hold_reason"]) == ("on_hold", "wet")
    nothing = await send(picker, "/api/pick-waves", warehouse_id=str(house.warehouse))
    assert nothing.json()["code"] == "fulfilment.nothing_to_pick"
    for _ in range(2):
        assert (await made(picker, f"/api/fulfilments/{one.id}/release"))["state"] == "open"
    wave = await made(picker, "/api/pick-waves", warehouse_id=str(house.warehouse))
    refused = await send(picker, f"/api/fulfilments/{one.id}/hold", reason="wet")
    assert refused.json()["code"] == "fulfilment.cannot_wait"
    cancelled = await made(picker, f"/api/pick-waves/{wave['id']}/cancel")
    assert cancelled["state"] == "cancelled"
    listed = (await picker.get("/api/pick-waves?state=cancelled&limit=1")).json()
    assert [each["id"] for each in listed["items"]] == [wave["id"]]


@pytest.mark.parametrize("zone", ["warehouse", "bin", "other"])
async def test_a_wave_is_made_only_for_a_warehouse_and_what_is_in_it(
    house: House, sign_in: SignIn, zone: str
) -> None:
    picker = await sign_in(Role.WAREHOUSE)
    other = await house.location("warehouse", f"X{new_id().hex[-6:]}")
    body = {
        "warehouse": {"warehouse_id": str(new_id())},
        "bin": {"warehouse_id": str(house.bins["A/1"])},
        "other": {"warehouse_id": str(house.warehouse), "zone_id": str(other)},
    }[zone]
    assert (await send(picker, "/api/pick-waves", **body)).status_code in (404, 422)
    nobody = {"warehouse_id": str(house.warehouse), "picker_id": str(new_id())}
    answer = await send(picker, "/api/pick-waves", **nobody)
    assert answer.json()["code"] == "fulfilment.unknown_picker"


async def test_accounts_and_their_keys_have_no_business_in_the_warehouse(
    house: House, sign_in: SignIn, client: httpx.AsyncClient
) -> None:
    customer = await sign_in(Role.ACCOUNT_USER, house.account_id)
    assert (await customer.get("/api/fulfilments")).status_code == 403
    admin = await sign_in(Role.ADMIN)
    scopes = ["fulfilment:read", "fulfilment:write"]
    for account_id, status in ((str(house.account_id), 403), (None, 200)):
        asked = {"name": "Scanner", "scopes": scopes, "account_id": account_id}
        key = (await admin.post("/api/api-keys", json=asked)).json()["secret"]
        answer = await client.get("/api/fulfilments", headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == status
