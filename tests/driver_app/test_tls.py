"""The server's key: the one that the pairing link named, or none."""

import asyncio
import base64
import hashlib
import logging
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from driver_app.core.driver import Driver
from driver_app.core.errors import ServerUnreachable
from driver_app.core.pairing import PairingLink, read_pairing_link
from driver_app.core.store import Store
from driver_app.core.tls import WrongKey, make_tls, read_pin
from server.protocol.to_driver import Manifest
from tests.driver_app.phones import pairing_with, send_all, syncing, until
from tests.driver_app.reference_server import ReferenceServer

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")


def make_certificate(folder: Path, name: str, *, kind: tuple[str, ...]) -> tuple[Path, Path]:
    """Signed by nobody but itself, with a key of that kind."""
    key, certificate = folder / f"{name}.key", folder / f"{name}.pem"
    run("openssl", "genpkey", *kind, "-out", str(key))
    subject = ("-subj", "/CN=localhost", "-days", "2", "-out", str(certificate))
    run("openssl", "req", "-new", "-x509", "-key", str(key), *subject)
    return key, certificate


def run(*command: str) -> bytes:
    return subprocess.run(command, check=True, capture_output=True).stdout


EC = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
KINDS = {"ec": EC, "rsa": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")}


def pin_of(certificate: Path) -> str:
    return read_pin(ssl.PEM_cert_to_DER_cert(certificate.read_text()))


@asynccontextmanager
async def with_tls(server: ReferenceServer, key: Path, certificate: Path) -> AsyncIterator[str]:
    """The reference server behind TLS; its address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    door = await asyncio.start_server(server.accept, "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://127.0.0.1:{door.sockets[0].getsockname()[1]}"
    finally:
        door.close()


@pytest.mark.parametrize("kind", KINDS)
def test_pin_is_what_openssl_says_of_the_key(tmp_path: Path, kind: str) -> None:
    key, certificate = make_certificate(tmp_path, kind, kind=KINDS[kind])
    run("openssl", "pkey", "-in", str(key), "-pubout", "-outform", "DER", "-out", f"{key}.der")
    digest = hashlib.sha256(Path(f"{key}.der").read_bytes()).digest()
    assert pin_of(certificate) == base64.urlsafe_b64encode(digest).decode().rstrip("=")


@pytest.mark.parametrize("rubbish", [b"", b"\x30\x80", b"\x30\x03\x02\x01\x05", b"\xff" * 40])
def test_what_is_no_certificate_opens_nothing(rubbish: bytes) -> None:
    with pytest.raises(WrongKey):
        read_pin(rubbish)


async def test_phone_with_the_pin_talks_by_socket_and_uploads_to_a_certificate_of_ones_own(
    store: Store, server: ReferenceServer, manifest: Manifest, tmp_path: Path
) -> None:
    key, certificate = make_certificate(tmp_path, "own", kind=EC)
    account = server.add_driver("token", manifest)
    async with with_tls(server, key, certificate) as url:
        store.save_pairing(replace(pairing_with(url, "token"), tls_pin=pin_of(certificate)))
        driver = Driver(store)
        async with syncing(store):
            await until(lambda: driver.view().link == "socket")
        driver.start(["T1"])
        server.faults.refuse_sockets = True
        await send_all(store)
    assert len(account.effects) == 1


async def test_phone_says_nothing_to_a_server_with_another_key(
    store: Store,
    server: ReferenceServer,
    manifest: Manifest,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    key, certificate = make_certificate(tmp_path, "other", kind=EC)
    _, own = make_certificate(tmp_path, "own", kind=EC)
    server.add_driver("token", manifest)
    server.codes["CODE"] = "token"
    async with with_tls(server, key, certificate) as url:
        with pytest.raises(ServerUnreachable):
            await asyncio.to_thread(Driver(store).pair, url, "CODE", pin_of(own))
        store.save_pairing(replace(pairing_with(url, "token"), tls_pin=pin_of(own)))
        async with syncing(store):
            await until(lambda: caplog.text.count("not connected") > 2)
    assert server.requests == []


async def test_without_a_pin_the_authorities_decide(
    server: ReferenceServer, store: Store, tmp_path: Path
) -> None:
    key, certificate = make_certificate(tmp_path, "own", kind=EC)
    async with with_tls(server, key, certificate) as url:
        with pytest.raises(ServerUnreachable):
            await asyncio.to_thread(Driver(store).pair, url, "CODE")
    assert make_tls(None).verify_mode == ssl.CERT_REQUIRED


def test_pin_is_kept_with_the_pairing(store: Store) -> None:
    paired = replace(pairing_with("https://host", "token"), tls_pin="a" * 43)
    store.save_pairing(paired)
    assert store.get_pairing() == paired


PIN = "x-_" * 14 + "y"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("https://host/pair#ABCD", PairingLink("https://host", "ABCD", None)),
        (f"https://host/pair#ABCD.{PIN}", PairingLink("https://host", "ABCD", PIN)),
        ("https://host/pair#ABCD.short", None),
        ("https://host/pair", None),
        ("ABCD", None),
    ],
)
def test_pairing_link_may_name_the_key(text: str, read: PairingLink | None) -> None:
    assert read_pairing_link(text) == read
