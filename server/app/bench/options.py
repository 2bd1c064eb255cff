"""What each part of `postrider bench` can be told; it loads nothing that measures."""

import argparse

from server.app.arguments import number

ORDERS_PARTS = ("intake", "fight", "scale", "month")
CONSOLE_PARTS = ("live", "orders", "board", "tracking", "lighthouse", "methods")


def add_bench_options(bench: argparse.ArgumentParser) -> None:
    """The namespace says `what` is measured, and holds that part's own options."""
    parts = bench.add_subparsers(metavar="WHAT", required=True, dest="what")

    def add(name: str, line: str) -> argparse.ArgumentParser:
        part = parts.add_parser(name, help=line, description=line)
        part.add_argument("--json", action="store_true", help="print the figures as one object")
        return part

    orders = add("orders", "Orders and stock: how quick, how honest in a fight, how large.")
    orders.add_argument("--only", action="append", choices=ORDERS_PARTS, help="not all of it")
    _add_rounds(orders)
    orders.add_argument("--orders", type=number, default=300, help="orders a round of intake (300)")
    orders.add_argument("--alone", action="store_true", help="intake without Vendure beside it")
    orders.add_argument("--clients", type=number, default=64, help="who fight for stock (64)")
    orders.add_argument("--units", type=number, default=1000, help="what they fight for (1000)")
    orders.add_argument(
        "--scale-orders", type=number, default=1_000_000, help="orders of the past (1000000)"
    )
    orders.add_argument(
        "--month-orders", type=number, default=3000, help="orders of the month of trade (3000)"
    )

    live = add("live", "What a fix costs from phone to screen, beside others with the same task.")
    _add_rounds(live)
    live.add_argument("--phones", type=number, default=1000, help="who drive (1000)")
    live.add_argument("--rate", type=number, default=40_000, help="fixes a second (40000)")

    soak = add("soak", "Many drivers and screens for long: nothing lost, no memory gained.")
    soak.add_argument("--seconds", type=number, default=600, help="how long (600)")
    soak.add_argument("--drivers", type=number, default=10_000, help="a fix a second each (10000)")

    overload = add("overload", "More fixes than can be stored: what waits stays with the phones.")
    overload.add_argument("--seconds", type=number, default=10, help="how long (10)")

    faults = add("faults", "Kills, cuts, floods, full disks under load: nothing lost or doubled.")
    faults.add_argument("--fault", default="", help="only those whose names hold this (all)")
    faults.add_argument("--clients", type=number, default=64, help="who drive (64)")
    faults.add_argument("--outage", type=number, default=60, help="seconds of PostgreSQL's (60)")
    faults.add_argument(
        "--spread",
        action="store_true",
        help="those of 3 gateways and 2 webs behind HAProxy, on a Redis Cluster",
    )

    console = add("console", "What the console and the tracking page cost who looks at them.")
    console.add_argument("--only", action="append", choices=CONSOLE_PARTS, help="not all of it")
    console.add_argument(
        "--minutes", type=float, default=2, help="how long the live map's memory is watched (2)"
    )


def _add_rounds(part: argparse.ArgumentParser) -> None:
    part.add_argument("--rounds", type=number, default=5, help="rounds, of which the median (5)")
