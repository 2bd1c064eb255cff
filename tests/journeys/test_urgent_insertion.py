"""Something urgent comes up while the van is on the road."""

from datetime import timedelta

import pytest

from server.app.simulation.office import Refused
from tests.journeys.company import MORNING, Company, corner, moment


async def test_urgent_order_goes_into_a_run_under_way_and_its_phone_knows_at_once(
    company: Company,
) -> None:
    courier = await company.hire("Nora")
    one, two, three = [await company.take_order(corner(x, 0), name=f"C{x}") for x in (2, 4, 6)]
    await company.publish(await company.plan())
    assert sorted(courier.to_do) == sorted(each.waybill for each in (one, two, three))
    first, second, third = (
        next(b for b in (one, two, three) if b.waybill == waybill) for waybill in courier.to_do
    )
    courier.set_off(first)
    await company.later(minutes=5)
    courier.deliver(first)
    courier.set_off(second)
    await company.later(minutes=2)
    version = courier.phone.store.get_manifest_version()

    urgent = await company.take_order(corner(5, 1), name="Urgent")
    inserted = await company.desk.make_urgent(urgent)
    await company.settle()

    assert inserted["driver_id"] == courier.driver_id
    assert inserted["vehicle_label"] == "Nora's van"
    assert inserted["added_cost_minor"] > 0
    assert inserted["late"] == []
    assert moment(inserted["planned_start_at"]) > company.now
    assert courier.phone.store.get_manifest_version() == version + 1
    shown = [(task.task.waybill, task.state) for stop in courier.stops for task in stop.tasks]
    assert shown[:2] == [(first.waybill, "completed"), (second.waybill, "en_route")]
    assert {waybill for waybill, _ in shown[2:]} >= {third.waybill, urgent.waybill}
    assert courier.task(urgent, "pickup").task.instructions == "Load these parcels at the depot."
    with pytest.raises(Refused) as refused:
        await company.desk.make_urgent(urgent)
    assert refused.value.code == "dispatch.already_in_run"


async def test_who_becomes_late_by_it_is_told(company: Company) -> None:
    courier = await company.hire("Nora")
    soon = (MORNING + timedelta(minutes=20)).isoformat()
    promised = await company.take_order(corner(20, 0), name="Promised", window_end_at=soon)
    await company.assign(promised)
    urgent = await company.take_order(corner(-20, 0), name="Urgent", window_end_at=soon)
    inserted = await company.desk.make_urgent(urgent)
    await company.settle()
    (late,) = inserted["late"]
    assert late["waybill"] in (promised.waybill, urgent.waybill)
    assert moment(late["planned_start_at"]) > moment(late["promised_until"]) == moment(soon)
    assert sorted(courier.to_do) == sorted([promised.waybill, urgent.waybill])
