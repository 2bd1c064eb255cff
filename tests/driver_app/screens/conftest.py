"""The app on a small phone, paired, on duty, with one of everything in its run."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("kivy")

from driver_app.core.store import Store
from driver_app.screens.app import PostriderApp
from tests.driver_app.phones import FrozenClock, pairing_with
from tests.driver_app.screens import window
from tests.driver_app.screens.handsets import Handset, a_full_run

Open = Callable[[], PostriderApp]


@pytest.fixture
def handset(tmp_path: Path) -> Handset:
    return Handset(tmp_path)


@pytest.fixture
def phone_store(tmp_path: Path) -> Iterator[Store]:
    """What the background has written before the app is opened."""
    store = Store(tmp_path)
    store.save_pairing(pairing_with("http://127.0.0.1:9", "token"))
    store.save_manifest(a_full_run())
    store.put_setting("shift", "on")
    yield store
    store.close()


@pytest.fixture
def app(tmp_path: Path, phone_store: Store, handset: Handset) -> Iterator[PostriderApp]:
    app = window.start(tmp_path, handset.device(), FrozenClock())
    yield app
    window.stop(app)
