"""Offers, messages, evidence and costs, by touches."""

from dataclasses import replace
from datetime import timedelta

from driver_app.core.store import Store
from driver_app.screens.afterwards import CostPage
from driver_app.screens.app import PostriderApp
from driver_app.screens.design.components import Field
from driver_app.screens.news import WritePage
from driver_app.screens.offer import OfferPage
from driver_app.screens.proof import ProofPage
from driver_app.screens.stop import StopPage
from driver_app.screens.today import TodayPage
from server.protocol.from_driver import (
    AcceptTasks,
    AddEvidence,
    DeclineTask,
    ReportCost,
    SendMessage,
)
from server.protocol.to_driver import ManifestMessage
from tests.driver_app.phones import START_AT
from tests.driver_app.screens import window
from tests.driver_app.screens.handsets import a_full_run


def offer(app: PostriderApp, store: Store, *, minutes: float = 5) -> None:
    manifest = a_full_run(version=2)
    first = manifest.stops[0]
    job = replace(first.tasks[0], answer_by_at=app.clock() + timedelta(minutes=minutes))
    store.save_manifest(
        replace(manifest, stops=(replace(first, tasks=(job,)), *manifest.stops[1:]))
    )
    app.look()
    window.frames(3)


def acts(app: PostriderApp) -> list[object]:
    return [command.body for command in app.driver.view().on_its_way]


def test_urgent_offer_comes_up_by_itself_and_is_taken_by_one_tap(
    app: PostriderApp, phone_store: Store
) -> None:
    offer(app, phone_store)
    assert isinstance(app.pages[-1], OfferPage)
    window.tap("I take it")
    (act,) = acts(app)
    assert isinstance(act, AcceptTasks) and act.task_ids == ("T1",)
    assert isinstance(app.pages[-1], TodayPage)


def test_offer_does_not_disturb_a_driver_who_enters_something_and_waits_on_the_first_page(
    app: PostriderApp, phone_store: Store
) -> None:
    app.open(ProofPage, task_id="T2")
    offer(app, phone_store)
    assert isinstance(app.pages[-1], ProofPage)
    app.go_home()
    window.frames(3)
    window.tap(next(text for text in window.texts() if text.startswith("Urgent job offered")))
    window.tap("Not me")
    (act,) = acts(app)
    assert isinstance(act, DeclineTask)


def test_offer_that_runs_out_goes_from_the_screen_by_itself(
    app: PostriderApp, phone_store: Store
) -> None:
    offer(app, phone_store)
    started = app.clock()
    app.clock = lambda: started + timedelta(minutes=6)
    app.look()
    window.frames(3)
    assert "This offer is over. The office gives it to somebody else." in window.texts()
    assert acts(app) == []


def test_message_is_shown_until_it_is_read_and_answered_without_a_keyboard(
    app: PostriderApp, phone_store: Store
) -> None:
    said = ManifestMessage(id="M1", text="Where are you?", said_at=START_AT)
    phone_store.save_manifest(replace(a_full_run(version=2), messages=(said,)))
    app.look()
    window.frames(3)
    window.tap("New message: Where are you?")
    window.tap("Write to the office")
    window.tap("I am running late.")
    (act,) = acts(app)
    assert isinstance(act, SendMessage) and act.text == "I am running late."
    assert "I am running late." in window.texts()
    window.tap("Read")
    assert not any("Where are you?" in text for text in window.texts())


def test_photo_can_be_added_after_the_door_was_left(app: PostriderApp) -> None:
    app.driver.fail("T1", "not_home")
    app.open(StopPage, stop_id="S1")
    window.frames(3)
    window.tap("Add a photo to this")
    window.tap("Take a photo")
    window.tap("Add them")
    later = acts(app)[-1]
    assert isinstance(later, AddEvidence) and len(later.proof.photos) == 1


def test_what_was_paid_is_told_with_its_amount(app: PostriderApp) -> None:
    app.open(StopPage, stop_id="S2")
    window.frames(3)
    window.tap("I paid something")
    for digit in "450":
        window.tap(digit)
    assert "4.50 EUR" in window.texts()
    window.tap("Take a photo")
    window.tap("Tell the office")
    (act,) = acts(app)
    assert isinstance(act, ReportCost)
    assert (act.kind, act.amount_minor, act.currency, act.at_task_id) == (
        "parking",
        450,
        "EUR",
        "T2",
    )


def test_phone_that_was_signed_out_shows_no_door_and_says_what_becomes_of_it(
    app: PostriderApp, phone_store: Store
) -> None:
    app.driver.complete("T5", "delivered_to_consignee")
    app.open(StopPage, stop_id="S2")
    pairing = phone_store.get_pairing()
    assert pairing is not None
    phone_store.mark_revoked(pairing)
    app.look()
    window.frames(3)
    assert any("has not sent yet (1)" in text for text in window.texts())
    window.type_into("Pairing code", "ABCD")
    assert phone_store.wipe(replace(pairing, revoked=True), lost=1)
    app.look()
    window.frames(3)
    shown = " | ".join(window.texts())
    assert "Could not be handed in: 1." in shown and "Landstrasse" not in shown
    assert next(each for each in window.widgets(Field) if each.label == "Pairing code").text


def test_nothing_can_be_told_before_it_was_entered(app: PostriderApp) -> None:
    app.open(CostPage)
    window.frames(3)
    window.tap("Tell the office")
    assert acts(app) == [] and window.find("Tell the office").kind == "off"
    window.tap("7")
    assert window.find("Tell the office").kind == "primary"
    app.open(WritePage)
    window.frames(3)
    assert window.find("Send").kind == "off"
    window.type_into("In your own words", "The gate is shut.")
    window.tap("Send")
    (act,) = acts(app)
    assert isinstance(act, SendMessage) and act.text == "The gate is shut."
