"""The commands of `./postrider`. Each imports what it needs only when it is called."""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from server.app.arguments import existing_file, number, port
from server.app.bench.options import add_bench_options
from server.kit.logs import set_up_logs
from server.kit.settings import ROOT, Settings, read_settings
from server.kit.spans import set_up_spans

HOME = Path(os.environ.get("POSTRIDER_HOME", ROOT / ".postrider"))
"""Where this installation keeps its data."""


def say(line: str) -> None:
    """A progress line for the person at the terminal; results go to standard output."""
    print(f"postrider: {line}", file=sys.stderr, flush=True)


@contextmanager
def settings_here() -> Iterator[Settings]:
    """The settings of the environment; without them, those of the services of this installation,
    which are joined when `up` runs and started for the while when it does not."""
    from server.app.system import secret_of
    from server.kit.services import running_services

    HOME.mkdir(parents=True, exist_ok=True, mode=0o700)
    with running_services(HOME / "services", say=say) as services:
        yield read_settings(
            {
                "POSTRIDER_SECRET": secret_of(HOME),
                "POSTRIDER_DATA": str(HOME),
                **os.environ,
                "DATABASE_URL": services.database_url,
                "REDIS_URL": services.redis_url,
            }
        )


def run_demo(options: argparse.Namespace) -> None:
    from server.app.demo.command import run_demo

    raise SystemExit(run_demo(options, say))


def run_up(options: argparse.Namespace) -> None:
    from server.app.up import run_up

    asyncio.run(
        run_up(HOME, host=options.host, port=options.port, gateways=options.gateways, say=say)
    )


def run_web(options: argparse.Namespace) -> None:
    from server.app.processes import stop_with_supervisor
    from server.app.web import serve

    stop_with_supervisor()
    set_up_spans(os.environ, "web")
    for name, value in (("POSTRIDER_HOST", options.host), ("POSTRIDER_PORT", options.port)):
        if value is not None:
            os.environ[name] = str(value)
    serve(read_settings())


def run_gateway(options: argparse.Namespace) -> None:
    import uvloop

    from server.app.gateway import run_gateway
    from server.app.processes import stop_with_supervisor

    stop_with_supervisor()
    set_up_spans(os.environ, "gateway")
    if options.host is not None:
        os.environ["POSTRIDER_HOST"] = options.host
    uvloop.run(run_gateway(read_settings(), options.port))


def run_worker(_: argparse.Namespace) -> None:
    import uvloop

    from server.app.processes import stop_with_supervisor
    from server.app.worker import run_worker

    stop_with_supervisor()
    set_up_spans(os.environ, "worker")
    uvloop.run(run_worker(read_settings()))


def run_migrate(_: argparse.Namespace) -> None:
    from server.app.migrate import migrate
    from server.kit.db import Database

    async def act(url: str) -> None:
        db = Database(url)
        try:
            await migrate(db)
        finally:
            await db.close()

    with settings_here() as settings:
        asyncio.run(act(settings.database_url))
    say("the database is up to date")


def run_roads(options: argparse.Namespace) -> None:
    from routing.roads import build_roads

    data = Path(os.environ.get("POSTRIDER_DATA", HOME))
    build_roads(options.file, data / "roads", progress=say)
    say(f"the roads of {options.file.name} are ready; restart web and worker to use them")


def run_import(options: argparse.Namespace) -> None:
    from server.app.imports import import_map, import_orders

    with settings_here() as settings:
        if options.what == "map":
            asyncio.run(import_map(settings, options.file, say))
        else:
            report = asyncio.run(
                import_orders(settings, options.file, options.account, options.dry_run, say)
            )
            print(json.dumps(report, indent=2))


def run_simulate(options: argparse.Namespace) -> None:
    from server.app.simulation.command import run_simulate

    raise SystemExit(run_simulate(options, say))


def run_driver(options: argparse.Namespace) -> None:
    from server.app.phone_window import run_driver

    raise SystemExit(asyncio.run(run_driver(options.phone, options.server, options.code, say)))


def run_doctor(options: argparse.Namespace) -> None:
    from server.app.doctor import examine, retry

    with settings_here() as settings:
        if options.retry:
            say(f"{asyncio.run(retry(settings))} given-up reactions will be tried again")
        healthy = asyncio.run(examine(settings))
    raise SystemExit(0 if healthy else 1)


def run_bench(options: argparse.Namespace) -> None:
    from server.app.bench.command import run_bench

    raise SystemExit(run_bench(options, say))


def run_reconcile(_: argparse.Namespace) -> None:
    from server.app.reconcile import reconcile

    with settings_here() as settings:
        consistent = asyncio.run(reconcile(settings))
    raise SystemExit(0 if consistent else 1)


def run_test(options: argparse.Namespace) -> None:
    from server.app.checks import run_checks

    raise SystemExit(run_checks(options.arguments, say))


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="postrider", description="Runs a courier company: orders, runs, drivers, doors."
    )
    commands = top.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, line: str, run: object) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=line, description=line)
        command.set_defaults(run=run)
        return command

    add_demo_options(
        add("demo", "Plays a courier's day: map, orders, plan, drivers, all of it.", run_demo)
    )

    up = add("up", "Runs everything on this machine for real use, until Ctrl-C.", run_up)
    up.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    up.add_argument("--port", type=port, default=8000, help="port to listen on (8000)")
    up.add_argument("--gateways", type=number, default=2, help="processes for sockets (2)")

    web = add("web", "Runs one web process on the services of DATABASE_URL and REDIS_URL.", run_web)
    web.add_argument("--host", help="address to listen on (POSTRIDER_HOST or 127.0.0.1)")
    web.add_argument("--port", type=port, help="port to listen on (POSTRIDER_PORT or 8000)")

    gateway = add("gateway", "Runs one gateway: the sockets of phones and screens.", run_gateway)
    gateway.add_argument("--host", help="address to listen on (POSTRIDER_HOST or 127.0.0.1)")
    gateway.add_argument(
        "--port",
        type=port,
        help="port for a proxy (none: only the web processes of this machine hand sockets over)",
    )

    add("worker", "Runs one worker process: reactions, planning, timers.", run_worker)
    add("migrate", "Brings the database to the newest schema.", run_migrate)

    roads = add("roads", "Builds the road network that plans are made on.", run_roads)
    roads.add_argument("action", choices=["build"])
    roads.add_argument("file", type=existing_file, help="a map as .osm.pbf")

    imports = add("import", "Reads a map's addresses, or a file of orders.", run_import)
    imports.add_argument("what", choices=["map", "orders"])
    imports.add_argument("file", type=existing_file, help=".osm.pbf for a map, .csv or .xlsx")
    imports.add_argument("--account", help="code of the account whose orders these are")
    imports.add_argument("--dry-run", action="store_true", help="check every row, keep none")

    simulate = add("simulate", "Drives simulated drivers through the real protocol.", run_simulate)
    simulate.add_argument("--server", default="http://127.0.0.1:8000", help="where the server is")
    simulate.add_argument("--email", default="admin@postrider.local", help="who pairs phones")
    simulate.add_argument("--drivers", type=number, default=None, help="how many (all)")
    simulate.add_argument("--roads", type=Path, default=None, help="folder made by `roads build`")
    simulate.add_argument("--faults", action="store_true", help="no network, kills, lost answers")
    simulate.add_argument("--seed", type=int, default=1, help="same seed, same behaviour")

    add_driver_options(add("driver", "Opens the driver's app in a window.", run_driver))

    doctor = add("doctor", "Says in words what is wrong with this installation.", run_doctor)
    doctor.add_argument("--retry", action="store_true", help="try given-up reactions again")
    add("reconcile", "Proves that stock levels are what the moves add up to.", run_reconcile)

    test = add("test", "Runs every check: lint, types, import contracts, tests.", run_test)
    test.add_argument("arguments", nargs=argparse.REMAINDER, help="only these, passed to pytest")
    add_bench_options(
        add("bench", "Measures how quick, how true and how large, in one run.", run_bench)
    )
    return top


def add_demo_options(demo: argparse.ArgumentParser) -> None:
    demo.add_argument("--once", action="store_true", help="one fast day without a page, then exit")
    demo.add_argument("--json", action="store_true", help="print the day's figures as one object")
    demo.add_argument("--osm", type=existing_file, help="a map as .osm.pbf; else a made-up town")
    demo.add_argument("--orders", type=number, default=None, help="how many orders come in")
    demo.add_argument("--drivers", type=number, default=None, help="how many drivers work")
    demo.add_argument("--seed", type=int, default=1, help="same seed, same orders and faults")
    demo.add_argument("--speed", type=float, default=None, help="times faster than real time")
    demo.add_argument("--faults", action="store_true", help="a bad day: no network, kills, losses")
    demo.add_argument("--port", type=port, default=None, help="port of the page (a free one)")
    demo.add_argument("--with-app", action="store_true", help="be one of the drivers, in a window")


def add_driver_options(driver: argparse.ArgumentParser) -> None:
    driver.add_argument("--server", help="where the server is, such as http://127.0.0.1:8000")
    driver.add_argument("--code", help="pairing code from the dispatcher (else the app asks)")
    driver.add_argument("--phone", type=Path, default=HOME / "phone", help="folder of this phone")


def main() -> None:
    set_up_logs(os.environ)
    options = parser().parse_args()
    try:
        options.run(options)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except Exception as error:
        from server.app.last_words import last_words

        words = last_words(error)
        if words is None:
            raise
        raise SystemExit(f"postrider: {words}") from None


if __name__ == "__main__":
    main()
