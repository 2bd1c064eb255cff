"""Whose phone it is: paired, paired anew, revoked; and the token that nobody else sees."""

import asyncio
import logging

import pytest

from driver_app.core.driver import Driver, Evidence, File
from driver_app.core.errors import PairingRefused, ServerUnreachable
from driver_app.core.pairing import normalise_server_url
from driver_app.core.store import Store
from server.protocol.to_driver import Manifest
from tests.driver_app.phones import (
    pairing_with,
    send_all,
    syncing,
    until,
)
from tests.driver_app.reference_server import Account, ReferenceServer

DOOR = Evidence(photos=(File(content=b"door"),))


async def test_phone_that_is_paired_anew_talks_as_its_new_driver_at_once(
    driver: Driver, store: Store, server: ReferenceServer, manifest: Manifest
) -> None:
    other = server.add_driver("other-token", manifest)
    async with syncing(store):
        await until(lambda: driver.view().link == "socket")
        store.save_pairing(pairing_with(server.url, "other-token"))
        await until(lambda: len(other.hellos) == 1)


async def test_phone_is_paired_by_a_code_of_the_dispatcher(
    store: Store, server: ReferenceServer, manifest: Manifest
) -> None:
    server.add_driver("fresh", manifest)
    server.codes["ABCD2345"] = "fresh"
    driver = Driver(store)
    async with syncing(store):
        with pytest.raises(PairingRefused, match="wrong or has expired"):
            await asyncio.to_thread(driver.pair, server.url, "NONSENSE")
        assert not driver.view().paired
        await asyncio.to_thread(driver.pair, server.url, " abcd2345 ")
        await until(lambda: len(driver.view().stops) == 3)
    assert server.accounts["fresh"].confirmed == [1]


async def test_pairing_without_network_says_what_to_check(
    store: Store, server: ReferenceServer
) -> None:
    await server.stop()
    with pytest.raises(ServerUnreachable, match="Check the address and the network"):
        await asyncio.to_thread(Driver(store).pair, server.url, "ABCD2345")


async def test_pairing_with_something_else_than_our_server_says_so(
    store: Store, server: ReferenceServer
) -> None:
    server.faults.login_page = True
    with pytest.raises(PairingRefused):
        await asyncio.to_thread(Driver(store).pair, server.url, "ABCD2345")
    assert not Driver(store).view().paired


async def test_token_is_in_no_log(
    driver: Driver,
    store: Store,
    account: Account,
    server: ReferenceServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    driver.complete("T1", "delivered", DOOR)
    await send_all(store)
    server.faults.refuse_sockets = True
    driver.start(["T2"])
    await send_all(store)
    server.revoke(account)
    async with syncing(store):
        await until(lambda: driver.view().revoked)
    assert "this phone was revoked" in caplog.text
    assert account.token not in caplog.text


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        (" post.example/ ", "https://post.example"),
        ("post.example:8443/base", "https://post.example:8443/base"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
    ],
)
def test_server_is_spoken_to_over_tls_unless_asked_otherwise(typed: str, url: str) -> None:
    assert normalise_server_url(typed) == url


@pytest.mark.parametrize("typed", ["", "ftp://post.example", "https://", "https://[", "a:b"])
def test_address_that_is_none_is_refused_in_words(typed: str) -> None:
    with pytest.raises(ServerUnreachable, match="does not answer"):
        normalise_server_url(typed)
