"""The world moves on between planning and publishing."""

import pytest

from server.app.simulation.office import Refused
from tests.journeys.company import Company, corner


async def test_new_order_makes_the_plan_stale_and_the_next_plan_holds_it(company: Company) -> None:
    courier = await company.hire("Nora")
    early = await company.take_order(corner(1, 1))
    plan = await company.plan()
    late = await company.take_order(corner(2, 1))

    with pytest.raises(Refused, match=f"{late.waybill} was added") as refused:
        await company.publish(plan)
    assert refused.value.code == "dispatch.stale_plan"
    assert courier.stops == (), "nothing of it went out"
    shown = await company.desk.get(f"/api/plans/{plan['id']}")
    assert (shown["state"], len(shown["changes"])) == ("draft", 1)
    assert (await company.desk.order(early))["state"] == "in_fulfilment"

    await company.publish(await company.plan())
    assert sorted(courier.to_do) == sorted([early.waybill, late.waybill])


async def test_driver_who_sets_off_makes_the_plan_stale(company: Company) -> None:
    courier = await company.hire("Nora")
    first = await company.take_order(corner(1, 1))
    await company.publish(await company.plan())
    await company.take_order(corner(2, 1))
    plan = await company.plan()
    courier.set_off(first)
    await company.settle()
    with pytest.raises(Refused, match="set off") as refused:
        await company.publish(plan)
    assert refused.value.code == "dispatch.stale_plan"
