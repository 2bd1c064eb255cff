"""A private PostgreSQL cluster and Redis on 127.0.0.1: made, started and stopped.

Should even the keepers be killed, the next start at the same home stops what is left of the old
servers before it starts anew.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from server.kit.ports import free_port
from server.kit.services.binaries import EXTENSIONS, Binaries
from server.kit.services.errors import DataOfAnotherVersion, StartFailed
from server.kit.services.keeper import LOCALE, STOP_TIMEOUT_S, Account, Server

_DATABASE = "postrider"
_TRIES = 10
_PASSING_TROUBLES = (
    "Address already in use",  # another program took the port between our look and the bind
    "shared memory block",  # processes of a killed PostgreSQL are still on their way out
)
_FAST = [f"-c{name}=off" for name in ("fsync", "synchronous_commit", "full_page_writes")]


@dataclass(frozen=True)
class Site:
    """Where and how the servers of one home run. Logs stay in the home, data where it can be."""

    home: Path
    account: Account
    binaries: Binaries
    durable: bool

    @property
    def store(self) -> Path:
        return self.account.folder(self.home)

    @property
    def cluster(self) -> Path:
        return self.store / "postgres"

    def command(self, program: str, *arguments: str) -> list[str]:
        return [str(self.binaries.postgres / program), *arguments]


@dataclass
class PrivateServers:
    """The running pair, and the URLs to reach it."""

    database_url: str
    redis_url: str
    postgres: Server
    redis: Server

    @classmethod
    def start(cls, site: Site, say: Callable[[str], None]) -> Self:
        site.store.mkdir(parents=True, exist_ok=True, mode=0o700)
        site.account.give(site.store)
        _stop_what_is_left(site.store, site.cluster)
        if not site.cluster.exists():
            say("Making the database ...")
            _make_cluster(site)
        major = (site.cluster / "PG_VERSION").read_text().strip()
        if major != (found := _major(site.binaries)):
            raise DataOfAnotherVersion(site.home, major, found)
        password = (site.cluster / "postrider.password").read_text()

        say("Starting PostgreSQL and Redis ...")
        postgres, postgres_port = _start_on_free_port(partial(_start_postgres, site))
        try:
            redis, redis_port = _start_on_free_port(partial(_start_redis, site, password))
        except BaseException:
            postgres.stop()
            raise
        return cls(
            f"postgresql+asyncpg://{_DATABASE}:{password}@127.0.0.1:{postgres_port}/{_DATABASE}",
            _redis_url(password, redis_port),
            postgres,
            redis,
        )

    def keep_running(self, say: Callable[[str], None]) -> None:
        for server in (self.redis, self.postgres):
            server.keep_running(say)

    def stop(self) -> None:
        for server in (self.redis, self.postgres):
            server.ask_to_stop()
        for server in (self.redis, self.postgres):
            server.stop()


def write_secret(path: Path, text: str) -> None:
    """A file that only its owner may read, from the first byte on."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(text)


def answers(redis_url: str) -> bool:
    """Whether the Redis at this URL is up and takes its password."""
    return _tell_redis(redis_url, "PING") == b"+OK\r\n+PONG\r\n"


def _make_cluster(site: Site) -> None:
    """Made under another name and renamed at the end, so that a cluster is never half made."""
    unfinished = site.store / "postgres.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    password = site.store / "postrider.password"
    write_secret(password, secrets.token_hex(24))
    site.account.give(password)
    log = site.home / "initdb.log"
    log.unlink(missing_ok=True)

    def run(command: list[str], script: str = "") -> None:
        process = site.account.open_process(command, site.binaries.environ, log)
        process.communicate(script.encode())
        said = log.read_text(errors="replace")
        # The single-user server goes on after an error; stopping at the first by exit_on_error
        # would stop at those that the extension's own script expects and catches.
        if process.returncode or "ERROR:" in said:
            raise StartFailed("PostgreSQL", said)

    run(
        site.command(
            "initdb",
            f"--pgdata={unfinished}",
            f"--username={_DATABASE}",
            f"--pwfile={password}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            f"--locale={LOCALE}",
            "--data-checksums",
            "--no-sync",
        )
    )
    single = site.command("postgres", "--single", "-j", "-D", str(unfinished))
    single += [] if site.durable else _FAST
    run([*single, "postgres"], f"create database {_DATABASE};\n\n")
    extensions = "".join(f"create extension {name};\n\n" for name in EXTENSIONS)
    run([*single, _DATABASE], extensions)
    password.rename(unfinished / password.name)
    if site.durable:
        os.sync()
    unfinished.rename(site.cluster)


def _start_postgres(site: Site, port: int) -> Server:
    settings = {
        "port": port,
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "max_connections": 200,
        "shared_buffers": "256MB",
        "jit": "off",
        "timezone": "GMT",  # known to PostgreSQL even where no time zone data is installed
        "log_timezone": "GMT",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    command = site.command("postgres", "-D", str(site.cluster), *options)
    command += [] if site.durable else _FAST
    log = site.home / "postgres.log"
    server = Server(site.account, command, site.binaries.environ, log, stop="INT")
    server.wait_until(lambda: _postmaster(site.cluster)[7:8] == ["ready"])
    return server


def _start_redis(site: Site, password: str, port: int) -> Server:
    url = _redis_url(password, port)
    settings = site.store / "redis.conf"
    write_secret(
        settings,
        f'bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir "{site.store}"\n'
        'save ""\nappendonly no\n',  # Redis may be lost at any time
    )
    site.account.give(settings)
    command = [str(site.binaries.redis), str(settings)]
    log = site.home / "redis.log"
    server = Server(site.account, command, site.binaries.environ, log, stop="TERM")
    server.wait_until(lambda: answers(url))
    return server


def _start_on_free_port(start: Callable[[int], Server]) -> tuple[Server, int]:
    """Start, and again on another port when the first start meets a trouble that passes."""
    for _ in range(_TRIES):
        port = free_port()
        try:
            return start(port), port
        except StartFailed as error:
            if not any(trouble in str(error) for trouble in _PASSING_TROUBLES):
                raise
            failure = error
            time.sleep(0.2)
    raise failure


def _stop_what_is_left(store: Path, cluster: Path) -> None:
    """Stop servers that have outlived their owner; wait for those that are stopping already."""
    with suppress(FileNotFoundError):
        settings = dict(
            line.split(" ", 1) for line in (store / "redis.conf").read_text().splitlines()
        )
        _tell_redis(_redis_url(settings["requirepass"], int(settings["port"])), "SHUTDOWN")
    process_id = int((_postmaster(cluster) or ["0"])[0])
    deadline = time.monotonic() + STOP_TIMEOUT_S
    stop = signal.SIGINT
    while str(cluster) in _command_line(process_id):
        with suppress(ProcessLookupError):
            os.kill(process_id, stop)
        if time.monotonic() > deadline:
            stop = signal.SIGKILL
        time.sleep(0.1)
    # Left by a crash. Its process id may by now belong to a stranger, which PostgreSQL would fear.
    (cluster / "postmaster.pid").unlink(missing_ok=True)


def _postmaster(cluster: Path) -> list[str]:
    """The lines of postmaster.pid: the process id first, its state in the eighth."""
    with suppress(FileNotFoundError):
        return [line.strip() for line in (cluster / "postmaster.pid").read_text().splitlines()]
    return []


def _command_line(process_id: int) -> str:
    if sys.platform == "linux":
        with suppress(FileNotFoundError, ProcessLookupError):
            return Path(f"/proc/{process_id}/cmdline").read_text(errors="replace")
        return ""
    ps = ["ps", "-o", "args=", "-p", str(process_id)]
    return subprocess.run(ps, check=False, capture_output=True, text=True).stdout


def _tell_redis(url: str, command: str) -> bytes:
    """What Redis says to the password and one command; nothing when there is no Redis."""
    parts = urlsplit(url)
    received = b""
    with suppress(OSError), socket.create_connection((parts.hostname, parts.port), 2) as connection:
        connection.sendall(f"AUTH {parts.password}\r\n{command}\r\n".encode())
        while received.count(b"\n") < 2 and (data := connection.recv(4096)):
            received += data
    return received


def _redis_url(password: str, port: int) -> str:
    return f"redis://:{password}@127.0.0.1:{port}/0"


def _major(binaries: Binaries) -> str:
    version = subprocess.run(
        [binaries.postgres / "postgres", "--version"],
        env={**os.environ, **binaries.environ},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return version.split()[2].split(".")[0]
