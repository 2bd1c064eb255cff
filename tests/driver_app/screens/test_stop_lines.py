"""What a stop tells before the driver is there: when that will be, and what the door looks like."""

import hashlib
from dataclasses import replace
from datetime import timedelta

from driver_app.core.doors import Doors
from driver_app.core.store import Store
from driver_app.device.picture import encode_png
from driver_app.screens.app import PostriderApp
from driver_app.screens.design.components import DoorPhoto
from driver_app.screens.page import clock_time
from driver_app.screens.stop import StopPage
from driver_app.screens.today import RunPage
from tests.driver_app.phones import START_AT
from tests.driver_app.screens import window
from tests.driver_app.screens.handsets import a_full_run


def test_forecast_is_shown_instead_of_the_plan_and_follows_the_newest_manifest(
    app: PostriderApp, phone_store: Store
) -> None:
    early, late = (clock_time(START_AT + timedelta(minutes=each)) for each in (44, 57))
    app.open(StopPage, stop_id="S2")
    assert any(text.startswith(f"Expected {early} to {late}") for text in window.texts())
    manifest = a_full_run(version=2)
    soon = replace(manifest.stops[1], eta_until_at=START_AT + timedelta(minutes=50))
    phone_store.save_manifest(replace(manifest, stops=(manifest.stops[0], soon)))
    app.look()
    sooner = clock_time(START_AT + timedelta(minutes=50))
    assert any(text.startswith(f"Expected {early} to {sooner}") for text in window.texts())
    app.open(RunPage)
    window.frames(3)
    assert any(text.startswith(f"{early}–{sooner}") for text in window.texts())


def test_door_is_shown_as_it_looked_as_far_as_the_phone_has_the_photo(
    app: PostriderApp, phone_store: Store
) -> None:
    photo = encode_png([bytes(range(0, 240, 6))] * 30)
    name = hashlib.sha256(photo).hexdigest()
    manifest = a_full_run(version=2)
    first = replace(manifest.stops[0], photos=(name, "f" * 64))
    phone_store.save_manifest(replace(manifest, stops=(first, *manifest.stops[1:])))
    app.open(StopPage, stop_id="S1")
    assert not list(window.widgets(DoorPhoto))
    Doors(phone_store).keep(name, photo)
    app.pages[-1].refresh()
    window.frames(3)
    (shown,) = window.widgets(DoorPhoto)
    assert shown.texture.size == (40, 30)
    assert "At the last visits" in window.texts()
