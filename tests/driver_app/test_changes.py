"""What moved in a run, told in as few sentences as it takes; and what is handed in at the end."""

from pathlib import Path

from driver_app.core.changes import list_changes
from driver_app.core.driver import Driver
from driver_app.core.store import Store
from server.protocol.from_driver import HandedOverParcel, ParcelOutcome
from server.protocol.to_driver import Manifest
from tests.driver_app.phones import (
    FrozenClock,
    make_manifest,
    make_stop,
    make_task,
    pairing_with,
    with_stops,
)


def told(before: Manifest, after: Manifest) -> list[tuple[str, str]]:
    return [(each.kind, each.place) for each in list_changes(before, after)]


def test_one_stop_that_moves_is_one_change_not_all_that_shift_because_of_it() -> None:
    before = make_manifest(version=1, stops=5)
    first, *rest = before.stops
    after = with_stops(before, *rest, first)
    assert told(before, after) == [("moved", "S1 High Street"), ("next", "S2 High Street")]


def test_new_and_dropped_stops_are_told_and_another_run_is_not_a_change() -> None:
    before = make_manifest(version=1, stops=2)
    new = make_stop("S9", make_task("T9"))
    after = with_stops(before, before.stops[0], new)
    assert told(before, after) == [("removed", "S2 High Street"), ("added", "S9 High Street")]
    assert list_changes(None, after) == ()


def test_what_the_driver_finished_did_not_change_the_run() -> None:
    before = make_manifest(version=1, stops=2)
    done = make_stop("S1", make_task("T1", state="completed"))
    assert told(before, with_stops(before, done, before.stops[1])) == []


def test_debrief_outlives_the_acknowledgement_and_the_app(tmp_path: Path) -> None:
    clock = FrozenClock()
    store = Store(tmp_path)
    store.save_pairing(pairing_with("http://127.0.0.1:9", "token"))
    manifest = make_manifest(version=1, stops=2)
    paid = make_stop("S1", make_task("T1", cash_minor=1250, currency="EUR"))
    store.save_manifest(with_stops(manifest, paid, manifest.stops[1]))
    driver = Driver(store, clock=clock)
    driver.set_shift("start")
    driver.scan(["T1-P1", "T2-P1"], "load")
    driver.complete("T1", "delivered_to_consignee", cash_minor=1250)
    refused = ParcelOutcome(barcode="T2-P1", outcome="refused")
    driver.complete("T2", "delivered_to_consignee", parcels=[refused])
    driver.collect_return([HandedOverParcel(barcode="R-1")])
    store.close()

    store = Store(tmp_path)
    driver = Driver(store, clock=clock)
    day = driver.debrief()
    assert (day.on_board, day.cash_minor, day.done) == (("R-1", "T2-P1"), {"EUR": 1250}, 2)
    driver.scan(["R-1", "T2-P1"], "unload")
    assert driver.debrief().on_board == ()
    store.close()
