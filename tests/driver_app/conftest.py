"""A phone in a temporary folder, and the reference server that it talks to."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from driver_app.core.driver import Driver
from driver_app.core.store import Store
from server.protocol.to_driver import Manifest
from tests.driver_app.phones import FrozenClock, make_manifest, pairing_with
from tests.driver_app.reference_server import Account, ReferenceServer


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "phone")
    yield store
    store.close()


@pytest.fixture
def manifest() -> Manifest:
    return make_manifest(version=1, stops=3)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[ReferenceServer]:
    server = ReferenceServer()
    await server.start()
    yield server
    await server.close()


@pytest.fixture
def account(server: ReferenceServer, manifest: Manifest) -> Account:
    return server.add_driver("secret-token", manifest)


@pytest.fixture
def driver(
    store: Store, clock: FrozenClock, server: ReferenceServer, account: Account, manifest: Manifest
) -> Driver:
    """A paired phone that holds the manifest and whose driver is on duty, with nothing unsent."""
    store.save_pairing(pairing_with(server.url, account.token))
    store.save_manifest(manifest)
    store.put_setting("shift", "on")
    return Driver(store, clock=clock)
