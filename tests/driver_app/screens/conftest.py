"""The app on a small phone, paired, on duty, with one of everything in its run."""

import signal
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

if find_spec("kivy") is None:
    pytest.skip("the screens need Kivy", allow_module_level=True)

# First of all that knows Kivy, which reads the environment as soon as it is imported.
from tests.driver_app.screens import window  # isort: skip

from driver_app.core.store import Store
from driver_app.screens.app import PostriderApp
from tests.driver_app.phones import FrozenClock, pairing_with
from tests.driver_app.screens.handsets import Handset, a_full_run

Open = Callable[[], PostriderApp]
LONGEST_TEST_S = 120
"""A window that hangs ends its own test, not the whole run."""


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    def give_up(*_: object) -> None:
        raise TimeoutError(f"no test of the screens may take {LONGEST_TEST_S} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(LONGEST_TEST_S)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


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
