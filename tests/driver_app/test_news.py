"""What others tell the driver, and what is offered."""

from dataclasses import replace
from datetime import timedelta

from driver_app.core.driver import Driver
from driver_app.core.news import find_offer, list_heard, list_said
from driver_app.core.store import Store
from server.protocol.to_driver import Manifest, ManifestMessage, Notice
from tests.driver_app.phones import START_AT, FrozenClock, make_stop, make_task, with_stops


def test_both_sides_of_the_talk_stand_in_the_order_in_which_they_were_said(
    driver: Driver, store: Store, clock: FrozenClock, manifest: Manifest
) -> None:
    said = ManifestMessage(id="M1", text="Where are you?", said_at=START_AT)
    store.save_manifest(replace(manifest, version=2, messages=(said,)))
    clock.forward(minutes=1)
    driver.write_to_office("  At the bridge.  ")
    clock.forward(minutes=1)
    store.add_notice(Notice(message="Thank you."), clock.now)
    run = driver.view()
    lines = [(line.text, line.by_driver) for line in list_said(run, driver.list_written())]
    assert lines == [("Thank you.", False), ("At the bridge.", True), ("Where are you?", False)]
    assert [line.text for line in list_heard(run)] == ["Thank you.", "Where are you?"]


def test_offer_holds_both_legs_until_it_is_answered_or_over(
    driver: Driver, store: Store, clock: FrozenClock, manifest: Manifest
) -> None:
    until = START_AT + timedelta(minutes=5)
    legs = [make_task(f"U{n}", answer_by_at=until) for n in (1, 2)]
    stops = (make_stop("A", legs[0]), *manifest.stops, make_stop("B", legs[1]))
    store.save_manifest(with_stops(manifest, *stops))
    offer = find_offer(driver.view(), clock.now)
    assert offer is not None
    assert (offer.stop.stop.id, offer.task_ids, offer.until) == ("A", ("U1", "U2"), until)
    assert find_offer(driver.view(), until) is None
    driver.accept(offer.task_ids)
    assert find_offer(driver.view(), clock.now) is None


def test_offer_that_was_declined_is_gone(
    driver: Driver, store: Store, clock: FrozenClock, manifest: Manifest
) -> None:
    job = make_task("U1", answer_by_at=START_AT + timedelta(minutes=5))
    store.save_manifest(with_stops(manifest, make_stop("A", job)))
    driver.decline("U1", "offer_declined")
    assert find_offer(driver.view(), clock.now) is None
