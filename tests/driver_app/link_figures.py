"""A day's photos over a bad link: `python -m tests.driver_app.link_figures [PHOTOS] [SPEED]`.

450 photos of 100 to 500 kB, each with a small one of 30 to 80 kB, go through a link of 1 Mbit/s on
which 5 of 100 packets are lost: the small ones and the proofs first, by the mobile network, then
the full ones. What TCP makes of a loss is played here, since few kernels may shape their network:
each lost packet costs a wait, and one wait in fifty ends the connection, as radio does. SPEED plays
the link so many times as fast (16 by default), with the same losses: the true volume takes 21
minutes. Exits 1 when a photo went from zero again after half of it had arrived, one is missing, or
it has not ended after ENDS_S.
"""

import asyncio
import hashlib
import os
import random
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from driver_app.core.driver import Driver, Evidence, File
from driver_app.core.store import Store
from driver_app.core.sync import Sync
from server.protocol.from_driver import Heartbeat
from tests.driver_app.phones import FAST, make_manifest, pairing_with
from tests.driver_app.reference_server import ReferenceServer

CALM = replace(FAST, poll_s=0.02, answer_s=20)
PHOTOS, SPEED, SEED = 450, 16.0, 6
PHOTO_BYTES = (100_000, 500_000)
SMALL_BYTES = (30_000, 80_000)
ENDS_S = 280.0
A_STOP = 3
LINK_BYTES_PER_S = 1_000_000 / 8
PACKET_BYTES = 1400
LOST = 0.05
WAIT_S = 0.02
"""For a packet to be sent again, when others are under way: about a round trip's share."""
BREAKS = 0.02
"""Of the losses: the same packet is lost until the connection is given up."""


class BadLink:
    """Between the phone and the server; counts what goes up."""

    def __init__(self, server_port: int, speed: float) -> None:
        self._server_port = server_port
        self._speed = speed
        self._chance = random.Random(SEED)
        self._free_s = 0.0
        self.up_bytes = self.breaks = 0
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, phone: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(phone, answers))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, phone: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._server_port)
        down = asyncio.ensure_future(self._bring_down(reader, answers))
        try:
            while data := await phone.read(16 * PACKET_BYTES):
                arrived = await self._carry(len(data))
                writer.write(data[:arrived])
                await writer.drain()
                if arrived < len(data):
                    self.breaks += 1
                    break
            else:
                await down
        except OSError:
            pass
        finally:
            down.cancel()
            writer.transport.abort()
            answers.transport.abort()

    async def _carry(self, size: int) -> int:
        """Packets in their turn, behind those of the other connections; the bytes that arrive."""
        takes_s, arrived = 0.0, 0
        while arrived < size:
            packet = min(PACKET_BYTES, size - arrived)
            takes_s += packet / LINK_BYTES_PER_S
            if self._chance.random() < LOST:
                takes_s += WAIT_S
                if self._chance.random() < BREAKS:
                    break
            arrived += packet
        now_s = time.monotonic()
        self._free_s = max(self._free_s, now_s) + takes_s / self._speed
        await asyncio.sleep(self._free_s - now_s)
        self.up_bytes += arrived
        return arrived

    async def _bring_down(
        self, reader: asyncio.StreamReader, answers: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(65536):
            answers.write(data)
            await answers.drain()
        answers.close()


async def run(photos: int, speed: float) -> int:
    chance = random.Random(SEED)
    server = ReferenceServer()
    await server.start()
    account = server.add_driver("token", make_manifest(1, photos // A_STOP))
    link = BadLink(server.port, speed)
    await link.start()
    sizes: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as home:
        store = Store(Path(home), fsync=False)
        store.save_pairing(pairing_with(f"http://127.0.0.1:{link.port}", "token"))
        store.save_manifest(account.manifest)
        driver, network = Driver(store), ["cellular"]
        for stop in range(1, photos // A_STOP + 1):
            files = []
            for _ in range(A_STOP):
                full, small = (
                    chance.randbytes(chance.randint(*bounds))
                    for bounds in (PHOTO_BYTES, SMALL_BYTES)
                )
                sizes |= {hashlib.sha256(each).hexdigest(): len(each) for each in (full, small)}
                files.append(File(content=full, small=small))
            driver.complete(f"T{stop}", "delivered", Evidence(photos=tuple(files)))
        sync = Sync(store, pace=CALM, read_health=lambda: Heartbeat(network=network[0]))
        began_s = time.monotonic()
        working = asyncio.ensure_future(sync.run())
        proofs_s = 0.0
        with suppress(TimeoutError):
            async with asyncio.timeout(ENDS_S):
                await sync.wait_until_sent()
                proofs_s = (time.monotonic() - began_s) * speed
                network[0] = "wifi"
                while driver.view().full_photos:
                    await asyncio.sleep(0.1)
        took_s = (time.monotonic() - began_s) * speed
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        left = len(list(store.blob_folder.iterdir()))
        store.close()
    await link.stop()
    await server.close()
    wanted = sum(sizes.values())
    went_on = sum(len(begun) - 1 for begun in server.begun_at.values())
    print(f"load {[round(each, 1) for each in os.getloadavg()]}, seed {SEED}, {speed:g} x speed")
    print(f"{photos} photos in {len(sizes)} files, {wanted / 1e6:.1f} MB")
    print(f"arrived {len(server.blobs)}; left on the phone {left}")
    print(f"connections broken {link.breaks}, photos gone on with {went_on}")
    print(f"begun from zero after half had arrived: {server.begun_anew}")
    print(f"sent {link.up_bytes / 1e6:.1f} MB, {link.up_bytes / wanted:.3f} of the photos")
    print(f"every proof with its small photos after {proofs_s / 60:.1f} min of the link's time")
    print(
        f"the whole took {took_s / 60:.1f} min; by the link's rate alone it is"
        f" {wanted / LINK_BYTES_PER_S / 60:.1f}"
    )
    whole = set(server.blobs) == set(sizes) and len(account.effects) == photos // A_STOP
    return 0 if whole and not server.begun_anew and not left else 1


def main() -> int:
    photos = int(sys.argv[1]) if len(sys.argv) > 1 else PHOTOS
    speed = float(sys.argv[2]) if len(sys.argv) > 2 else SPEED
    return asyncio.run(run(photos, speed))


if __name__ == "__main__":
    sys.exit(main())
