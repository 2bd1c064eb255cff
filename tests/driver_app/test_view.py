"""What is shown: the manifest, moved forward by what the phone has done."""

import pytest

from driver_app.core.driver import Driver
from driver_app.core.outbox import Outbox
from driver_app.core.store import Store
from server.protocol.to_driver import Manifest
from tests.driver_app.phones import FrozenClock, make_stop, make_task, pairing_with, with_stops


@pytest.fixture
def driver(store: Store, manifest: Manifest, clock: FrozenClock) -> Driver:
    store.save_pairing(pairing_with("https://post.example", "one"))
    store.save_manifest(manifest)
    return Driver(store, clock=clock)


def states(driver: Driver) -> list[str]:
    return [stop.state for stop in driver.view().stops]


def acknowledge_all(store: Store, driver: Driver) -> None:
    Outbox(store).acknowledge([command.id for command in driver.view().on_its_way])


def test_taps_show_at_once(driver: Driver) -> None:
    driver.accept(["T1", "T2"])
    driver.start(["T1"])
    assert states(driver) == ["en_route", "accepted", "assigned"]
    assert driver.view().stops[0].tasks[0].waiting
    driver.arrive(["T1"])
    driver.fail("T1", "not_home")
    assert states(driver) == ["failed", "accepted", "assigned"]
    assert driver.view().finished_stops == 1


def test_next_stop_is_where_the_driver_stands_else_the_first_open_one(driver: Driver) -> None:
    def next_id() -> str | None:
        stop = driver.view().next_stop
        return stop.stop.id if stop else None

    assert next_id() == "S1"
    driver.start(["T3"])
    assert next_id() == "S3"
    driver.arrive(["T2"])
    assert next_id() == "S2"
    for task in ("T1", "T2", "T3"):
        driver.complete(task, "delivered")
    assert next_id() is None


def test_acknowledged_work_stays_shown_until_the_manifest_says_it_too(
    driver: Driver, store: Store, manifest: Manifest
) -> None:
    driver.complete("T1", "delivered")
    driver.start(["T2"])
    acknowledge_all(store, driver)
    assert states(driver) == ["completed", "en_route", "assigned"]
    store.save_manifest(with_stops(manifest, *manifest.stops))
    assert states(driver) == ["completed", "en_route", "assigned"]


def test_task_that_went_away_and_came_back_starts_anew(
    driver: Driver, store: Store, manifest: Manifest
) -> None:
    driver.start(["T1"])
    acknowledge_all(store, driver)
    without = with_stops(manifest, *manifest.stops[1:])
    store.save_manifest(without)
    store.save_manifest(with_stops(without, *manifest.stops))
    assert states(driver)[0] == "assigned"


def test_declined_task_that_is_offered_again_is_open_again(
    driver: Driver, store: Store, manifest: Manifest
) -> None:
    driver.decline("T1", "too heavy")
    assert states(driver)[0] == "declined"
    acknowledge_all(store, driver)
    assert states(driver)[0] == "declined"
    store.save_manifest(with_stops(manifest, *manifest.stops))
    assert states(driver)[0] == "assigned"


def test_unsent_work_on_a_removed_stop_is_kept_and_visible(
    driver: Driver, store: Store, manifest: Manifest
) -> None:
    command_id = driver.complete("T1", "delivered")
    store.save_manifest(with_stops(manifest, *manifest.stops[1:]))
    view = driver.view()
    assert [stop.stop.id for stop in view.stops] == ["S2", "S3"]
    assert [(c.id, c.place) for c in view.elsewhere] == [(command_id, "S1 High Street")]
    assert [command.id for command in view.on_its_way] == [command_id]


def test_unsent_work_follows_its_task_to_another_stop(
    driver: Driver, store: Store, manifest: Manifest
) -> None:
    driver.complete("T1", "delivered")
    moved = with_stops(manifest, make_stop("S5", make_task("T1"), make_task("T4")))
    store.save_manifest(moved)
    (stop,) = driver.view().stops
    assert [task.state for task in stop.tasks] == ["completed", "assigned"]
    assert stop.state == "assigned"
    assert driver.view().elsewhere == ()


def test_work_done_outlives_a_cancellation_that_came_too_late(
    driver: Driver, store: Store, manifest: Manifest
) -> None:
    driver.complete("T1", "delivered")
    driver.start(["T2"])
    cancelled = [make_stop(f"S{n}", make_task(f"T{n}", state="cancelled")) for n in (1, 2)]
    store.save_manifest(with_stops(manifest, *cancelled))
    done, dropped = (stop.tasks[0] for stop in driver.view().stops)
    assert (done.state, done.overruled) == ("completed", True)
    assert (dropped.state, dropped.overruled) == ("cancelled", False)


def test_rejected_command_is_shown_as_such_and_its_task_as_the_server_has_it(
    driver: Driver, store: Store
) -> None:
    command_id = driver.complete("T1", "delivered")
    Outbox(store).reject(command_id, "some.code", "No.")
    view = driver.view()
    assert states(driver)[0] == "assigned"
    assert [c.reject_message for c in view.needs_attention] == ["No."]
    assert view.on_its_way == ()
    driver.complete("T1", "delivered")
    assert states(driver)[0] == "completed"


def test_loaded_parcels_are_remembered_before_and_after_the_ack(
    driver: Driver, store: Store
) -> None:
    driver.scan(["T1-P1", "T2-P1"], "load")
    assert driver.view().loaded_barcodes == {"T1-P1", "T2-P1"}
    acknowledge_all(store, driver)
    assert driver.view().loaded_barcodes == {"T1-P1", "T2-P1"}
    driver.scan(["T2-P1"], "unload")
    assert driver.view().loaded_barcodes == {"T1-P1"}
    acknowledge_all(store, driver)
    assert driver.view().loaded_barcodes == {"T1-P1"}
