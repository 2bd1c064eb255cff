"""A short day on which much goes wrong; the whole one is `tests.driver_app.day_of_faults`."""

from pathlib import Path

from server.kit.blobs import Blobs
from tests.driver_app.day_of_faults import Plan, play
from tests.server.dispatch.conftest import Town
from tests.server.live.web_process import Web


async def test_every_proof_of_a_bad_day_arrives_once_in_order_with_its_true_time(
    town: Town, web: Web, blobs: Blobs, tmp_path: Path
) -> None:
    plan = Plan(stops=4, kills=3, seed=3, touches=False)
    report = await play(plan, town, web, blobs, tmp_path / "home")
    assert report.wrong == [], report.lines
