"""A driver's morning by touches on the real screens, the background beside them in a process of its
own, a server at the other end of TCP; and the network is away for most of it."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from driver_app.core.store import Store
from driver_app.screens.design.components import SignaturePad
from driver_app.screens.dialog import Toast
from driver_app.screens.proof import ProofPage
from server.protocol.from_driver import CollectReturn, CompleteTask, FailTask, SetShift
from tests.driver_app.phones import PATIENCE_S, pairing_with
from tests.driver_app.reference_server import Account, ReferenceServer
from tests.driver_app.screens import window
from tests.driver_app.screens.handsets import Handset, a_full_run

REPO = Path(__file__).parents[3]

BACKGROUND = """
import asyncio, sys
from pathlib import Path
from driver_app.background import work
from tests.driver_app.phones import AFTER_A_KILL
from tests.driver_app.screens.handsets import Handset
folder = Path(sys.argv[1])
asyncio.run(work(folder, Handset(folder).device(), None, AFTER_A_KILL))
"""


class Network:
    """The reference server on a loop of its own, since the test's thread draws frames."""

    def __init__(self) -> None:
        self.server = ReferenceServer()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def up(self) -> None:
        asyncio.run_coroutine_threadsafe(self.server.start(), self._loop).result(PATIENCE_S)

    def down(self) -> None:
        asyncio.run_coroutine_threadsafe(self.server.stop(), self._loop).result(PATIENCE_S)

    def end(self) -> None:
        asyncio.run_coroutine_threadsafe(self.server.close(), self._loop).result(PATIENCE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)


@pytest.fixture
def network() -> Iterator[Network]:
    network = Network()
    network.up()
    yield network
    network.end()


def start_background(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", BACKGROUND, str(folder)],
        cwd=REPO,
        env={**os.environ, "PYTHONPATH": str(REPO)},
    )


def kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def done_by(account: Account, kind: type) -> list[object]:
    return [body for body in account.effects.values() if isinstance(body, kind)]


def test_a_morning_without_network_arrives_once_and_in_order(
    tmp_path: Path, network: Network
) -> None:
    account = network.server.add_driver("token", a_full_run())
    store = Store(tmp_path)
    store.save_pairing(pairing_with(network.server.url, "token"))
    store.save_manifest(a_full_run())
    handset = Handset(tmp_path)
    background = start_background(tmp_path)
    app = window.start(tmp_path, handset.device())
    try:
        window.tap("Start your shift")
        window.tap("I have checked the vehicle")
        for digit in "4021":
            window.tap(digit)
        window.tap("Start the shift")
        window.until(lambda: len(done_by(account, SetShift)) == 1)
        window.until(lambda: "All sent" in window.texts())

        network.down()
        window.until(lambda: any("No network" in text for text in window.texts()))
        window.tap("Next stop")
        window.tap("Set off")
        window.tap("I am here")
        deliver_the_first(handset)
        assert any("waiting" in text for text in window.texts()), " | ".join(window.texts())
        kill(background)
        background = start_background(tmp_path)

        window.tap("Next stop")
        window.tap("Set off")
        window.tap("I am here")
        window.tap("It did not work")
        window.tap("Nobody is there")
        window.tap("Take a photo")
        window.tap("Report it")
        window.tap("Collect the return")
        window.tap("Finish")
        window.tap("Somebody hands me a return")
        window.type_into("What is it?", "a box of shoes")
        window.tap("Add without barcode")
        window.tap("Take 1 parcel along")

        network.up()
        window.until(lambda: "All sent" in window.texts())
        ends = [b for b in account.effects.values() if isinstance(b, CompleteTask | FailTask)]
        assert [end.task_id for end in ends if end.task_id != "T1"] == ["T2", "T3"]
        (first,) = [end for end in ends if end.task_id == "T1"]
        assert isinstance(first, CompleteTask)
        assert (first.cash_minor, first.proof.recipient_name) == (4250, "Dee")
        assert [(p.barcode, p.outcome) for p in first.parcels] == [("00340T13", "refused")]
        assert first.proof.age_checked and first.proof.signature is not None
        assert {photo.sha256 for photo in first.proof.photos} <= set(network.server.blobs)
        assert len(done_by(account, CollectReturn)) == 1
    finally:
        kill(background)
        window.stop(app)
        store.close()


def deliver_the_first(handset: Handset) -> None:
    """With all that it asks for: cash, age, scans, photo, name, signature, one parcel refused."""
    window.tap("Deliver")
    window.tap("Finish")
    assert any(text.startswith("Needed:") for text in window.texts()), "required is required"
    window.touch(next(window.widgets(Toast)).children[0])
    window.tap("Got 42.50 EUR")
    window.tap("I have seen an identity card")
    handset.to_scan = ["00340T11", "00340T12", "not-mine"]
    for _ in range(2):
        window.tap("Scan with the camera")
    window.tap("Take a photo")
    page = next(window.widgets(ProofPage))
    page.name = "Dee"
    page.parcels["00340T13"] = "refused"
    page.refresh()
    window.frames(2)
    window.draw_on(next(window.widgets(SignaturePad)), [(0.1, 0.5), (0.5, 0.2), (0.8, 0.7)])
    window.tap("Finish")
