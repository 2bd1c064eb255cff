"""`postrider simulate`: couriers for a server that runs already."""

import argparse
import asyncio
import os
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from routing.roads import open_roads
from server.app.simulation.fleet import Faults, Fleet
from server.app.simulation.office import Office
from server.app.simulation.person import Doors
from server.kit import clock

LONGEST_WAIT = timedelta(hours=24)


def run_simulate(options: argparse.Namespace, say: Callable[[str], None]) -> int:
    """Sign in, pair a new phone for each driver, drive what they are given; 0 when all was sent."""
    password = os.environ.get("POSTRIDER_PASSWORD")
    if not password:
        say("put the password of an administrator or dispatcher into POSTRIDER_PASSWORD")
        return 2
    return asyncio.run(_simulate(options, password, say))


async def _simulate(options: argparse.Namespace, password: str, say: Callable[[str], None]) -> int:
    roads = open_roads(options.roads)
    try:
        async with Office.signed_in(options.server, options.email, password) as office:
            with clock.running(await office.read_clock()), tempfile.TemporaryDirectory() as folder:
                codes = await office.make_pairing_codes(limit=options.drivers)
                say(f"driving {len(codes)} drivers; Ctrl-C stops them")
                fleet = Fleet(
                    options.server,
                    Path(folder),
                    roads,
                    seed=options.seed,
                    doors=Doors(),
                    faults=Faults() if options.faults else None,
                )
                async with fleet.on_duty(codes):
                    await fleet.work(until=clock.now() + LONGEST_WAIT)
                    await fleet.wait_until_sent()
                for line in fleet.refused():
                    say(f"needs attention: {line}")
                tally = fleet.tally()
                say(f"done: {tally.proofs} proofs, {tally.unannounced_returns} returns handed over")
                return 1 if fleet.refused() else 0
    finally:
        roads.close()
