"""`postrider bench`: the figures of orders and stock, of the live path, of faults and of the
console, as a table or as JSON."""

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from server.app.bench.conditions import Conditions, conditions_now
from server.app.bench.console import measure_console
from server.app.bench.console_figures import ConsoleFigures
from server.app.bench.faults import FaultFigures, measure_faults
from server.app.bench.fight import Fight, measure_fight
from server.app.bench.intake import Intake, measure_intake
from server.app.bench.live import LiveFigures, measure_live
from server.app.bench.month import Month, measure_month
from server.app.bench.options import ORDERS_PARTS
from server.app.bench.outages import move_to_own_mounts
from server.app.bench.overload import Overload, measure_overload
from server.app.bench.scale import Scale, measure_scale
from server.app.bench.soak import Soak, measure_soak

Say = Callable[[str], None]


class Figures(msgspec.Struct, kw_only=True):
    """What was measured; null for a part that was left out."""

    conditions: Conditions
    intake: Intake | None = None
    fight: Fight | None = None
    scale: Scale | None = None
    month: Month | None = None

    def wrong(self) -> list[str]:
        """The parts whose figures are not as good as they have to be."""
        parts = {
            "intake": self.intake,
            "fight": self.fight,
            "scale": self.scale,
            "month": self.month,
        }
        return [name for name, part in parts.items() if part is not None and not part.is_right]


AnyFigures = Figures | LiveFigures | Soak | Overload | FaultFigures | ConsoleFigures


def run_bench(options: argparse.Namespace, say: Say) -> int:
    """0 when every figure is as good as it has to be."""
    # Ended by a signal, it still cleans up.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    if options.what == "faults":
        move_to_own_mounts()
    for name in ("DATABASE_URL", "REDIS_URL"):  # a bench never writes into a company's database
        os.environ.pop(name, None)
    with tempfile.TemporaryDirectory(prefix="postrider-bench-") as folder:
        figures = asyncio.run(_measure(options, Path(folder), say))
    plain = msgspec.to_builtins(figures)
    match figures:
        case ConsoleFigures() | FaultFigures() | LiveFigures():
            lines: Iterable[str] = figures.table()
        case _:
            lines = _table(plain)
    print(json.dumps(plain, indent=2) if options.json else "\n".join(lines))
    for part in figures.wrong():
        say(f"NOT AS IT SHOULD BE: {part}")
    return 1 if figures.wrong() else 0


async def _measure(options: argparse.Namespace, home: Path, say: Say) -> AnyFigures:
    match options.what:
        case "orders":
            return await _measure_orders(options, home, say)
        case "live":
            return await measure_live(
                phones=options.phones, rate=options.rate, seconds=8, rounds=options.rounds, say=say
            )
        case "soak":
            return await measure_soak(drivers=options.drivers, seconds=options.seconds, say=say)
        case "overload":
            return await measure_overload(seconds=options.seconds, say=say)
        case "faults":
            return await measure_faults(
                witnesses=options.clients,
                outage_s=float(options.outage),
                only=options.fault,
                is_spread=options.spread,
                say=say,
            )
        case _:
            return await measure_console(only=options.only or (), minutes=options.minutes, say=say)


async def _measure_orders(options: argparse.Namespace, home: Path, say: Say) -> Figures:
    figures = Figures(conditions=conditions_now())
    parts = options.only or ORDERS_PARTS
    if "intake" in parts:
        figures.intake = await measure_intake(
            home / "intake",
            orders=options.orders,
            rounds=options.rounds,
            compare=not options.alone,
            say=say,
        )
    if "fight" in parts:
        figures.fight = await measure_fight(
            home / "fight", clients=options.clients, units=options.units, say=say
        )
    if "scale" in parts:
        figures.scale = await measure_scale(
            home / "scale", orders=options.scale_orders, rounds=options.rounds, say=say
        )
    if "month" in parts:
        figures.month = await measure_month(home / "month", orders=options.month_orders, say=say)
    return figures


def _table(plain: dict[str, Any], *, indent: str = "") -> Iterator[str]:
    """The figures for a person: a line each, parts indented."""
    for name, value in plain.items():
        match value:
            case None:
                continue
            case dict():
                yield f"{indent}{name}"
                yield from _table(value, indent=f"{indent}  ")
            case list():
                yield f"{indent}{name}"
                yield from (f"{indent}  {_line(each)}" for each in value or ["none"])
            case _:
                yield f"{indent}{name:<22} {value}"


def _line(value: Any) -> str:
    if isinstance(value, dict):
        return "  ".join(f"{name} {each}" for name, each in value.items())
    return str(value)
