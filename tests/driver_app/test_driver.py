"""What a driver can do, and what the phone refuses."""

from datetime import timedelta

import pytest

from driver_app.core.driver import Driver, Evidence, File, make_id
from driver_app.core.errors import (
    AlreadyFinished,
    NothingToSend,
    ProofMissing,
    WrongShiftChange,
)
from driver_app.core.store import Store
from server.protocol.from_driver import (
    AcceptTasks,
    CollectReturn,
    CompleteTask,
    HandedOverParcel,
    ParcelOutcome,
    Position,
)
from server.protocol.to_driver import Manifest, ManifestParcel, ProofDemand
from tests.driver_app.phones import (
    START_AT,
    FrozenClock,
    make_stop,
    make_task,
    pairing_with,
    with_stops,
)


@pytest.fixture
def driver(store: Store, manifest: Manifest, clock: FrozenClock) -> Driver:
    store.save_pairing(pairing_with("https://post.example", "one"))
    store.save_manifest(manifest)
    return Driver(store, clock=clock)


def test_act_carries_the_time_of_the_act_and_the_place(driver: Driver, clock: FrozenClock) -> None:
    clock.forward(minutes=5)
    driver.complete("T1", "delivered", position=Position(lon=9.5, lat=47.1), cash_minor=1250)
    (command,) = driver.view().on_its_way
    assert command.body == CompleteTask(
        task_id="T1",
        outcome_code="delivered",
        occurred_at=START_AT + timedelta(minutes=5),
        position=Position(lon=9.5, lat=47.1),
        cash_minor=1250,
    )


def test_accepting_the_run_is_one_command_per_stop_and_twice_is_nothing_more(
    driver: Driver,
) -> None:
    for _ in range(2):
        driver.accept(["T1", "T2", "T3", "T2"])
    bodies = [command.body for command in driver.view().on_its_way]
    assert bodies == [
        AcceptTasks(task_ids=(task,), occurred_at=START_AT) for task in ("T1", "T2", "T3")
    ]


def test_task_is_finished_only_once(driver: Driver) -> None:
    driver.complete("T1", "delivered")
    for again in (driver.complete, driver.fail):
        with pytest.raises(AlreadyFinished, match="completed already"):
            again("T1", "delivered")
    assert len(driver.view().on_its_way) == 1


def test_task_that_left_the_manifest_is_completed_all_the_same_but_once(
    driver: Driver, store: Store, manifest: Manifest
) -> None:
    store.save_manifest(with_stops(manifest))
    driver.complete("T1", "delivered")
    with pytest.raises(AlreadyFinished):
        driver.complete("T1", "delivered")
    assert [command.body.task_id for command in driver.view().elsewhere] == ["T1"]


def test_every_required_part_of_the_proof_is_asked_for(
    driver: Driver, store: Store, manifest: Manifest
) -> None:
    every = ProofDemand(
        photo="required",
        signature="required",
        name="required",
        pin="required",
        scan="required",
        age_check="required",
    )
    parcels = (ManifestParcel(barcode="A"), ManifestParcel(barcode="B"))
    store.save_manifest(
        with_stops(manifest, make_stop("S1", make_task("T1", proof=every, parcels=parcels)))
    )
    with pytest.raises(ProofMissing) as caught:
        driver.complete("T1", "delivered", Evidence(scans=("A",), age_checked=False))
    assert str(caught.value) == (
        "Still needed here: photo, signature, name, PIN, scan of every parcel, age check."
    )
    evidence = Evidence(
        photos=(File(content=b"p"),),
        signature=File(content=b"s"),
        recipient_name="Ada",
        pin="1234",
        scans=("A",),
        age_checked=True,
    )
    driver.complete(
        "T1", "delivered", evidence, parcels=[ParcelOutcome(barcode="B", outcome="refused")]
    )
    assert driver.view().stops[0].state == "completed"


def test_warned_proof_may_be_left_out(driver: Driver, store: Store, manifest: Manifest) -> None:
    task = make_task("T1", proof=ProofDemand(photo="warned", scan="warned"))
    store.save_manifest(with_stops(manifest, make_stop("S1", task)))
    driver.complete("T1", "delivered")
    assert driver.view().find_task("T1").state == "completed"  # type: ignore[union-attr]


def test_return_that_nobody_announced_is_kept_in_the_lane_of_its_stop(driver: Driver) -> None:
    with pytest.raises(NothingToSend, match="at least one parcel"):
        driver.collect_return([])
    driver.collect_return(
        [HandedOverParcel(description="shoes")],
        at_task_id="T2",
        evidence=Evidence(photos=(File(content=b"shoes"),)),
    )
    driver.collect_return([HandedOverParcel(barcode="X1")], reason="too small")
    at_stop, elsewhere = driver.view().on_its_way
    assert (at_stop.lane, at_stop.place) == ("stop:S2", "S2 High Street")
    assert isinstance(at_stop.body, CollectReturn)
    assert (elsewhere.lane, elsewhere.place) == ("returns", "")


def test_shift_follows_its_order(driver: Driver) -> None:
    driver.set_shift("start", odometer_km=120_000)
    with pytest.raises(WrongShiftChange, match="'on': 'start' does not follow"):
        driver.set_shift("start")
    driver.set_shift("break_start")
    assert driver.view().shift == "break"
    driver.set_shift("break_end")
    driver.set_shift("end")
    assert driver.view().shift == "off"
    assert len(driver.view().on_its_way) == 4
    assert {command.lane for command in driver.view().on_its_way} == {"shift"}


def test_driver_is_not_followed_off_duty_or_on_a_break(driver: Driver, store: Store) -> None:
    assert driver.record_fix(9.5, 47.1, 5) is None
    driver.set_shift("start")
    assert driver.record_fix(9.5, 47.1, 5) is not None
    assert driver.record_fix(float("nan"), 47.1, 5) is None
    driver.set_shift("break_start")
    assert driver.record_fix(9.5, 47.1, 5) is None
    assert store.count_unsent_fixes() == 1


def test_ids_are_in_the_order_of_time_and_all_different() -> None:
    ids = [make_id(START_AT + timedelta(milliseconds=n // 2)) for n in range(100)]
    assert len(set(ids)) == 100
    assert [id[:13] for id in ids] == sorted(id[:13] for id in ids)
    assert {id[14] for id in ids} == {"7"}
    assert {id[19] for id in ids} <= set("89ab")


def test_evidence_that_comes_later_follows_its_own_stop(driver: Driver) -> None:
    driver.complete("T1", "delivered")
    driver.add_evidence("T1", [File(content=b"the door again")])
    done, later = driver.view().on_its_way
    assert later.lane == done.lane
    assert len(later.body.proof.photos) == 1
    task = driver.view().find_task("T1")
    assert task is not None and task.state == "completed"
    with pytest.raises(NothingToSend):
        driver.add_evidence("T1", [])


def test_what_was_paid_needs_an_amount_and_waits_for_no_stop(driver: Driver) -> None:
    driver.report_cost("parking", 450, "EUR", receipts=[File(content=b"receipt")])
    (command,) = driver.view().on_its_way
    assert (command.lane, command.body.amount_minor) == ("costs", 450)
    with pytest.raises(NothingToSend):
        driver.report_cost("parking", 0, "EUR")


def test_time_at_the_door_is_known_until_the_next_shift(
    driver: Driver, store: Store, clock: FrozenClock
) -> None:
    driver.set_shift("start")
    clock.forward(minutes=10)
    driver.arrive(["T1"])
    clock.forward(minutes=5)
    assert driver.here_since("T1") == START_AT + timedelta(minutes=10)
    assert driver.here_since("T2") is None
    driver.set_shift("end")
    driver.set_shift("start")
    assert driver.here_since("T1") is None
