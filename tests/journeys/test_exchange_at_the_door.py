"""Old goods for new ones at one door: set aside, planned as one stop, swapped, inspected."""

from typing import Any
from uuid import UUID

from server.inventory import service as inventory
from tests.journeys.company import MORNING, Company, booking_of, corner
from tests.journeys.couriers import Booking, Courier

OLD, NEW = "LAMP-S", "LAMP-L"


async def stocked_company(company: Company) -> tuple[dict[str, str], str]:
    """Two kinds of lamps on a shelf; SKU code -> id, and the shelf."""
    desk = company.desk
    account = (await desk.get("/api/accounts"))["items"][0]
    warehouse = await desk.post("/api/locations", {"kind": "warehouse", "code": "W1"})
    shelf = await desk.post(
        "/api/locations", {"kind": "bin", "code": "A", "parent_id": warehouse["id"]}
    )
    skus = {}
    for code in (OLD, NEW):
        sku = {"code": code, "name": code.title(), "account_id": account["id"]}
        skus[code] = (await desk.post("/api/skus", sku))["id"]
    await desk.post(
        "/api/stock/receipts",
        {
            "account_id": account["id"],
            "location_id": shelf["id"],
            "goods": [{"sku": OLD, "quantity": 3}, {"sku": NEW, "quantity": 1}],
        },
    )
    return skus, shelf["id"]


async def deliver_old(company: Company) -> tuple[Courier, Booking]:
    courier = await company.hire("Nora")
    booking = await company.take_order(
        corner(2, 1),
        name="Ada",
        lines=[{"sku": OLD, "quantity": 1, "unit_price_minor": 4000}],
    )
    await company.assign(booking)
    courier.set_off(booking)
    await company.later(minutes=10)
    courier.deliver(booking)
    await company.later(minutes=5)
    return courier, booking


async def swap(company: Company, sent: Booking, **details: Any) -> tuple[str, Booking, Booking]:
    """The exchange, and its legs: what is brought and what is taken."""
    desk = company.desk
    made = await desk.post(
        "/api/exchanges",
        {
            "order_id": sent.order_id,
            "goods": [{"order_line": 1, "quantity": 1}],
            "replacement": [{"sku": NEW, "quantity": 1, "unit_price_minor": 4900}],
            "window_start_at": MORNING.isoformat(),
            "window_end_at": company.now.replace(hour=17).isoformat(),
        }
        | details,
    )
    assert (made["state"], made["due_minor"]) == ("awaiting_payment", 900)
    payment = {"settlement": "paid", "reference": "card 77"}
    await desk.post(f"/api/exchanges/{made['id']}/payment", payment)
    await company.settle()
    found = await desk.get(f"/api/exchanges/{made['id']}")
    returned = await desk.get(f"/api/returns/{found['return_id']}")
    brings, takes = [
        booking_of((await desk.get(f"/api/consignments/{each}"))["consignment"])
        for each in (found["delivery_consignment_id"], returned["consignment_id"])
    ]
    return made["id"], brings, takes


async def on_shelf(company: Company, sku_id: str) -> dict[str, int]:
    """Last code of the path -> units there, where there are any."""
    async with company.web.db.transaction() as session:
        levels = await inventory.list_levels(session, sku_id=UUID(sku_id))
    return {each.path.split("/")[-1]: each.on_hand for each in levels if each.on_hand}


async def test_old_goods_are_swapped_for_new_ones_at_one_stop_and_go_back_to_the_shelf(
    company: Company,
) -> None:
    desk = company.desk
    skus, shelf = await stocked_company(company)
    courier, sent = await deliver_old(company)
    exchange_id, brings, takes = await swap(company, sent)

    plan = await company.plan()
    assert plan["unassigned"] == []
    (stop,) = [
        stop
        for run in plan["runs"]
        for stop in run["stops"]
        if takes.waybill in [visit["waybill"] for visit in stop["visits"]]
    ]
    assert [visit["waybill"] for visit in stop["visits"]][-2:] == [takes.waybill, brings.waybill]
    await company.publish(plan)
    assert courier.stop(brings, "delivery").stop.id == courier.stop(takes).stop.id, "one stop"
    assert "take back 1 x LAMP-S" in courier.task(brings, "delivery").task.instructions

    courier.set_off(takes)
    await company.later(minutes=10)
    courier.collect(takes, "return_pickup")
    courier.deliver(brings)
    await company.settle()
    assert await desk.raised() == []
    assert (await desk.get(f"/api/exchanges/{exchange_id}"))["state"] == "released"

    courier.phone.driver.scan(takes.barcodes, "unload")
    await company.settle()
    found = await desk.get(f"/api/exchanges/{exchange_id}")
    back = await desk.get(f"/api/returns/{found['return_id']}")
    assert back["state"] == "received"
    (line,) = back["lines"]
    counted = {"counted": [{"line_id": line["id"], "quantity": 1}]}
    await desk.post(f"/api/returns/{back['id']}/receive", counted)
    finding = {"grade": "as_new", "disposition": "restock", "location_id": shelf}
    resolved = await desk.post(f"/api/return-lines/{line['id']}/inspect", finding)
    assert (resolved["state"], resolved["refund_minor"], resolved["due_minor"]) == (
        "resolved",
        0,
        0,
    )
    await company.settle()
    assert (await desk.get(f"/api/exchanges/{exchange_id}"))["state"] == "completed"
    assert await on_shelf(company, skus[OLD]) == {"A": 3}
    assert await on_shelf(company, skus[NEW]) == {}
    await company.check_reactions()


async def test_without_the_old_goods_the_new_ones_stay_on_board_and_both_are_tried_again(
    company: Company,
) -> None:
    desk = company.desk
    await stocked_company(company)
    courier, sent = await deliver_old(company)
    _, brings, takes = await swap(company, sent)
    await company.publish(await company.plan())
    courier.collect(brings)  # at the depot, on the way
    courier.set_off(takes)
    await company.later(minutes=10)
    courier.phone.driver.fail(courier.task(takes).task.id, "not_ready")
    courier.phone.driver.fail(courier.task(brings, "delivery").task.id, "no_exchange")
    await company.later(minutes=30)
    courier.phone.driver.scan(brings.barcodes, "unload")
    await company.settle()
    assert await desk.raised() == []
    for leg in (brings, takes):
        tasks = [task for task in await desk.tasks(leg) if task["kind"] != "pickup"]
        first, second = tasks
        assert (first["state"], second["state"]) == ("failed", "unassigned")


async def test_a_replacement_handed_over_without_the_old_goods_is_told_to_the_dispatcher(
    company: Company,
) -> None:
    desk = company.desk
    await stocked_company(company)
    courier, sent = await deliver_old(company)
    _, brings, takes = await swap(company, sent)
    await company.publish(await company.plan())
    courier.set_off(takes)
    await company.later(minutes=10)
    courier.deliver(brings)
    courier.phone.driver.fail(courier.task(takes).task.id, "nothing_to_collect")
    await company.settle()
    assert sorted(await desk.raised()) == ["pickup_failed", "swap_without_old"]
