"""Every page of the app, on a phone that has something to show on each."""

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

from driver_app.core.doors import Doors
from driver_app.core.store import Store
from driver_app.device.picture import encode_png
from driver_app.screens.afterwards import CostPage, EvidencePage
from driver_app.screens.app import PostriderApp
from driver_app.screens.debrief import DebriefPage
from driver_app.screens.door import FailPage, ReturnPage
from driver_app.screens.load import LoadPage
from driver_app.screens.news import (
    AttentionPage,
    ChangesPage,
    MessagesPage,
    WaitingPage,
    WritePage,
)
from driver_app.screens.offer import OfferPage
from driver_app.screens.page import Page
from driver_app.screens.pair import PairPage
from driver_app.screens.proof import ProofPage
from driver_app.screens.settings import CheckPage, SettingsPage
from driver_app.screens.shift import ShiftPage
from driver_app.screens.stop import StopPage
from driver_app.screens.today import RunPage, TodayPage
from tests.driver_app.screens.handsets import Handset, a_full_run, say_hello

PAGES: tuple[tuple[type[Page], dict[str, Any]], ...] = (
    (TodayPage, {}),
    (RunPage, {}),
    (StopPage, {"stop_id": "S1"}),
    (StopPage, {"stop_id": "S2"}),
    (ProofPage, {"task_id": "T1"}),
    (ProofPage, {"task_id": "T4"}),
    (FailPage, {"task_id": "T1"}),
    (FailPage, {"task_id": "T3"}),
    (ReturnPage, {}),
    (LoadPage, {}),
    (MessagesPage, {}),
    (WritePage, {}),
    (EvidencePage, {"task_id": "T2"}),
    (CostPage, {"at_task_id": "T1"}),
    (OfferPage, {}),
    (ChangesPage, {}),
    (AttentionPage, {}),
    (WaitingPage, {}),
    (ShiftPage, {}),
    (DebriefPage, {}),
    (SettingsPage, {}),
    (CheckPage, {}),
    (PairPage, {}),
)


def make_busy(app: PostriderApp, store: Store, handset: Handset) -> None:
    """With a message, a changed run, something refused and something waiting."""
    handset.denied = {"location", "battery"}
    say_hello(store, "Please ring at the back door of the bookshop today.")
    app.driver.take_note_of_run()
    manifest = a_full_run(version=2)
    door = paint_door()
    name = hashlib.sha256(door).hexdigest()
    first = replace(manifest.stops[0], photos=(name,))
    manifest = replace(manifest, stops=(first, *manifest.stops[1:]))
    Doors(store).keep(name, door)
    offered = manifest.stops[4]
    job = replace(offered.tasks[0], answer_by_at=app.clock() + timedelta(minutes=5))
    stops = (manifest.stops[3], replace(offered, tasks=(job,)), manifest.stops[5])
    store.save_manifest(replace(manifest, stops=(*stops, *manifest.stops[:3])))
    app.driver.arrive(["T2", "T3"])
    app.driver.write_to_office("The lift is broken.")
    command_id = app.driver.fail("T5", "not_home")
    store.db.execute(
        "UPDATE outbox SET state = 'rejected', reject_code = 'phone.file_damaged',"
        " reject_message = 'x' WHERE id = ?",
        (command_id,),
    )


def paint_door() -> bytes:
    """Two leaves and a frame."""
    rows = [
        bytes(
            60 if x < 20 or x > 220 or y < 20 else 200 if abs(x - 120) > 3 else 90
            for x in range(240)
        )
        for y in range(180)
    ]
    return encode_png(rows)


def show(app: PostriderApp, page: type[Page], given: dict[str, Any]) -> None:
    app.pages = []
    app.open(page, **given)
