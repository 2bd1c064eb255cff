"""A PostgreSQL with PostGIS and a Redis for whoever asks, without Docker and without root.

The ways, tried in this order: the URLs of the environment; the system's own programs; packages
fetched from Debian or Ubuntu into a cache (nothing on the system changes); Docker; else an error
that says what to install. Private servers listen on 127.0.0.1 only, on random ports, behind a
generated password, and keep their data in `home` between starts.

One process owns a home. A second start at the same home becomes a guest: it gets the same URLs,
and its `stop()` leaves the servers alone. When the owner goes, however it goes, the servers stop.

Standard library only, and importing it does nothing: it runs before everything else. What is
kept in the database, and connections to it, do not belong here.
"""

import atexit
import contextlib
import fcntl
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal, Self

from server.kit.services import debian, docker
from server.kit.services.binaries import Binaries, find_binaries, install_line
from server.kit.services.errors import (
    HomeInUse,
    OneUrlMissing,
    ServicesError,
    ServicesUnavailable,
    StartFailed,
)
from server.kit.services.keeper import Account
from server.kit.services.private import PrivateServers, Site, answers, write_secret

__all__ = [
    "HomeInUse",
    "OneUrlMissing",
    "Services",
    "ServicesError",
    "ServicesUnavailable",
    "Source",
    "StartFailed",
    "running_services",
    "start_services",
]

type Source = Literal["environment", "system", "debian", "docker"]
type Say = Callable[[str], None]

_PROJECT = Path(__file__).resolve().parents[3]
_ATTACH_TIMEOUT_S = 600.0  # the owner may be fetching packages over a slow line


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


@dataclass
class Services:
    """Where PostgreSQL and Redis are. The URLs carry passwords, so they stay out of `repr`."""

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    source: Source
    durable: bool = True
    guest: bool = False
    _on_stop: list[Callable[[], object]] = field(default_factory=list, repr=False)
    _servers: PrivateServers | None = field(default=None, repr=False)

    def keep_running(self, say: Say) -> None:
        """Start a server of ours again whenever it dies. Those of others have keepers of theirs:
        systemd, Docker, or the owner of the home."""
        if self._servers is not None:
            self._servers.keep_running(say)

    def stop(self) -> None:
        """Stop what this start has started; calling it again does nothing."""
        atexit.unregister(self.stop)
        while self._on_stop:
            self._on_stop.pop()()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start_services(
    home: Path,
    *,
    durable: bool = True,
    say: Say = _say,
    only: Source | None = None,
) -> Services:
    """Start, or join, the PostgreSQL and Redis that keep their data in `home`.

    `durable=False` (demo, tests) trades crash safety for speed. `only` allows a single way.
    """
    if only in (None, "environment"):
        if services := _from_environment(os.environ):
            return services
        if only:
            raise ServicesUnavailable("DATABASE_URL and REDIS_URL are not set.", install_line())

    home = home.resolve()
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = _own_or_join(home, durable)
    if isinstance(lock, Services):
        return lock
    on_stop: list[Callable[[], object]] = [lock.close]
    try:
        services = _start_private(home, durable, say, only)
        on_stop += [(home / "services.json").unlink, *services._on_stop]
        services._on_stop = on_stop
        _write_ticket(home, services)
    except BaseException:
        lock.close()
        raise
    atexit.register(services.stop)
    os.register_at_fork(after_in_child=on_stop.clear)  # a forked child must not stop them
    return services


@contextlib.contextmanager
def running_services(
    home: Path,
    *,
    durable: bool = True,
    say: Say = _say,
    only: Source | None = None,
) -> Iterator[Services]:
    """`start_services` for a `with` block."""
    with start_services(home, durable=durable, say=say, only=only) as services:
        yield services


def _from_environment(environ: Mapping[str, str]) -> Services | None:
    database_url, redis_url = environ.get("DATABASE_URL"), environ.get("REDIS_URL")
    if not database_url and not redis_url:
        return None
    if not database_url or not redis_url:
        raise OneUrlMissing("REDIS_URL" if database_url else "DATABASE_URL")
    scheme, _, rest = database_url.partition("://")
    if scheme in ("postgres", "postgresql"):
        database_url = f"postgresql+asyncpg://{rest}"
    return Services(database_url, redis_url, "environment")


def _start_private(home: Path, durable: bool, say: Say, only: Source | None) -> Services:
    reasons: list[str] = []
    if only in (None, "system", "debian"):
        account = Account.choose()
        if binaries := _find_programs(account, home, say, only, reasons):
            source, found = binaries
            servers = PrivateServers.start(Site(home, account, found, durable), say)
            return Services(
                servers.database_url,
                servers.redis_url,
                source,
                durable,
                _on_stop=[servers.stop],
                _servers=servers,
            )
    if only in (None, "docker"):
        if docker.daemon_answers():
            containers = docker.start(home, durable=durable, say=say)
            return Services(
                containers.database_url,
                containers.redis_url,
                "docker",
                durable,
                _on_stop=[containers.stop],
            )
        reasons.append("No Docker daemon with compose answers.")
    raise ServicesUnavailable(" ".join(reasons), install_line())


def _find_programs(
    account: Account, home: Path, say: Say, only: Source | None, reasons: list[str]
) -> tuple[Source, Binaries] | None:
    major = account.data_major(home)
    if only in (None, "system"):
        if binaries := find_binaries(Path("/"), major):
            return "system", binaries
        wanted = f"PostgreSQL {major}" if major else "PostgreSQL"
        reasons.append(f"The system has no {wanted} with PostGIS together with Redis.")
    if only in (None, "debian"):
        try:
            return "debian", debian.fetch_binaries(_cache(account), say)
        except debian.PackagesUnavailable as error:
            reasons.append(str(error))
    return None


def _cache(account: Account) -> Path:
    if chosen := os.environ.get("POSTRIDER_CACHE"):
        return Path(chosen).resolve()
    return account.folder(_PROJECT / ".postrider") / "services"


def _own_or_join(home: Path, durable: bool) -> IO[str] | Services:
    """The lock of the home when it is free, else the services of the process that holds it."""
    lock = (home / "services.lock").open("a")
    # A forked child must not keep the lock alive after its parent.
    os.register_at_fork(after_in_child=lock.close)
    deadline = time.monotonic() + _ATTACH_TIMEOUT_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            guest = _read_ticket(home)
            if guest and answers(guest.redis_url):
                lock.close()
                if durable and not guest.durable:
                    raise HomeInUse(home, "without crash safety") from None
                return guest
        else:
            (home / "services.json").unlink(missing_ok=True)
            return lock
        if time.monotonic() > deadline:
            lock.close()
            raise HomeInUse(home, "and does not get its servers ready")
        time.sleep(0.05)


def _write_ticket(home: Path, services: Services) -> None:
    """Leave the URLs for guests."""
    ticket = {
        "database_url": services.database_url,
        "redis_url": services.redis_url,
        "source": services.source,
        "durable": services.durable,
    }
    unfinished = home / "services.json.new"
    write_secret(unfinished, json.dumps(ticket))
    unfinished.replace(home / "services.json")


def _read_ticket(home: Path) -> Services | None:
    try:
        return Services(**json.loads((home / "services.json").read_text()), guest=True)
    except FileNotFoundError:
        return None
