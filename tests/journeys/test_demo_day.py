"""A whole day of the company by the one command of the README, on a good and on a bad day."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from server.kit.settings import ROOT

PROMISED = {
    "orders",
    "consignments",
    "delivered",
    "failed",
    "returned",
    "unassigned",
    "on_time_share",
    "planned_km",
    "driven_km",
    "fixes_stored",
    "fixes_rejected",
    "proofs",
    "duplicates_absorbed",
    "wall_s",
    "skus",
    "allocated",
    "picked",
    "invoiced_minor",
    "credited_minor",
    "returns_restocked",
    "stock_consistent",
}


def play(*arguments: str) -> dict[str, Any]:
    """The figures of a day; fails with what the demo said when it did not end as it should."""
    ours = ("DATABASE_URL", "REDIS_URL", "POSTRIDER_")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    done = subprocess.run(
        [sys.executable, "-m", "server", "demo", "--once", "--json", "--speed", "240", *arguments],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    figures: dict[str, Any] = json.loads(done.stdout)
    assert figures.keys() >= PROMISED
    return figures


def check_that_nothing_is_lost(figures: dict[str, Any], orders: int) -> None:
    assert figures["problems"] == []
    assert figures["orders"] == orders + 1, "and the urgent one"
    assert figures["delivered"] + figures["failed"] + figures["returned"] == figures["consignments"]
    assert figures["proofs"] == figures["proofs_given"] >= figures["delivered"]
    assert figures["unannounced_returns"] == figures["returns_handed_over"]
    assert figures["unassigned"] == [] and figures["unfinished_reactions"] == 0
    assert 0 < figures["picked"] <= figures["allocated"]
    assert figures["stock_consistent"] and figures["journal_balanced"]
    assert figures["invoiced_minor"]["EUR"] > figures["credited_minor"]["EUR"] > 0


def test_good_day_delivers_every_order_on_the_planned_roads() -> None:
    figures = play("--orders", "8", "--drivers", "2", "--seed", "3")
    check_that_nothing_is_lost(figures, orders=8)
    assert figures["delivered"] > 0 and figures["fixes_stored"] > 100
    assert figures["driven_km"] == pytest.approx(figures["planned_km"], rel=0.15)


def test_bad_day_loses_and_doubles_nothing() -> None:
    figures = play("--orders", "8", "--drivers", "2", "--seed", "5", "--faults")
    check_that_nothing_is_lost(figures, orders=8)
    faults = figures["faults"]
    kills = [faults[name] for name in ("web_kills", "worker_kills", "gateway_kills")]
    assert kills == [1, 1, 1] and faults["redis_flushes"] == 1
    assert faults["tunnels"] >= 1 and faults["kills"] >= 2 and faults["wrong_clocks"] == 1
    assert faults["weather"]["answers_lost"] > 0
    assert figures["duplicates_absorbed"] >= faults["weather"]["commands_doubled"] // 2 > 0
