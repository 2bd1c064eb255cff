"""The private servers: every way to get them, whoever asks, and that they never outlive us."""

import asyncio
import json
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
import redis

from server.kit.ports import free_port
from server.kit.services import (
    HomeInUse,
    OneUrlMissing,
    Services,
    ServicesUnavailable,
    StartFailed,
    debian,
    keeper,
    running_services,
    start_services,
)
from server.kit.services.binaries import Binaries, find_binaries, install_line, read_system
from server.kit.services.keeper import Account
from server.kit.services.private import PrivateServers, Site
from server.kit.settings import ROOT

NOBODY = 65534
RUNS_APT = pytest.mark.skipif(
    not shutil.which("apt-get"), reason="packages come from apt: only on Debian and Ubuntu"
)


@pytest.fixture(scope="module")
def open_folder() -> Iterator[Path]:
    """A folder that every account of the machine can enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="postrider-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def as_ordinary_user(act: Callable[[], Any]) -> Any:
    """What `act` returns when an ordinary user does it: a child of ours that gives up root."""
    if os.geteuid() != 0:
        return act()
    reader, writer = os.pipe()
    if child := os.fork():
        os.close(writer)
        with os.fdopen(reader) as answer:
            said = answer.read()
        os.waitpid(child, 0)
        assert said.startswith("{"), said
        return json.loads(said)["answer"]
    os.close(reader)
    with os.fdopen(writer, "w") as answer:
        try:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            os.chdir("/")
            os.environ["HOME"] = "/"
            answer.write(json.dumps({"answer": act()}))
        except BaseException:
            answer.write(traceback.format_exc())
        finally:
            answer.flush()
            os._exit(0)


@pytest.fixture(scope="module")
def cache(open_folder: Path) -> Path:
    """Packages fetched by an ordinary user, twice at the same time, on a system whose package
    lists are empty and where a fetch that was killed has left something behind."""
    cache = open_folder / "cache"
    leftover = cache / f"{_tree_name()}.unfinished-killed" / "tree"
    leftover.mkdir(parents=True)
    settings = open_folder / "apt.conf"
    (open_folder / "no-lists").mkdir()
    settings.write_text(f'Dir::State::lists "{open_folder}/no-lists";')
    if os.geteuid() == 0:
        for path in (cache, leftover.parent, leftover):
            os.chown(path, NOBODY, NOBODY)

    def fetch() -> list[str]:
        said: list[str] = []
        with ThreadPoolExecutor(2) as both:
            for fetched in [both.submit(debian.fetch_binaries, cache, said.append) for _ in "12"]:
                fetched.result()
        return said

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("APT_CONFIG", str(settings))
        said = as_ordinary_user(fetch)
    assert [line.split()[0] for line in said] == ["Reading", "Fetching"], "fetched once"
    return cache


@pytest.fixture(scope="module")
def tree(cache: Path) -> Path:
    return cache / _tree_name()


@pytest.fixture
def binaries(tree: Path) -> Binaries:
    found = find_binaries(tree)
    assert found
    return found


@pytest.fixture
def home(open_folder: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="home-", dir=open_folder))
    yield folder
    assert not processes_of(folder), "a test left servers running"


@pytest.fixture(autouse=True)
def no_urls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)


def _tree_name() -> str:
    system = read_system()
    return f"{system.get('ID')}-{system.get('VERSION_ID', 'rolling')}-{os.uname().machine}"


def quiet(_: str) -> None:
    pass


def query(services: Services, sql: str) -> Any:
    async def ask() -> Any:
        url = services.database_url.replace("postgresql+asyncpg", "postgresql")
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    with asyncio.Runner() as runner:
        return runner.run(ask())


def ping(services: Services) -> bool:
    with closing(redis.Redis.from_url(services.redis_url)) as client:
        return bool(client.ping())


def processes_of(home: Path) -> dict[int, str]:
    """The live processes whose command names a file of this home, and all below them."""
    found: dict[int, str] = {}
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                parents[int(folder.name)] = int(parent)
                if f"{home}/" in command:
                    found[int(folder.name)] = command
    while more := {child for child, parent in parents.items() if parent in found} - set(found):
        found |= dict.fromkeys(more, "")
    return found


def wait_until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline, "it did not happen within 20 s"
        time.sleep(0.02)


@dataclass
class Owner:
    """`python -m server.kit.services`, another process that owns the servers of a home."""

    process: subprocess.Popen[str]
    services: Services


@pytest.fixture
def owner(home: Path, cache: Path) -> Iterator[Owner]:
    process = subprocess.Popen(
        [sys.executable, "-m", "server.kit.services", home],
        env={**os.environ, "PYTHONPATH": str(ROOT), "POSTRIDER_CACHE": str(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout
    database_url, redis_url = (process.stdout.readline().split("=", 1)[1].strip() for _ in "12")
    yield Owner(process, Services(database_url, redis_url, "debian"))
    process.kill()
    process.wait()
    process.stdout.close()
    wait_until(lambda: not processes_of(home))


# -- the ways


def test_urls_of_the_environment_come_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://me@db/mail")
    monkeypatch.setenv("REDIS_URL", "redis://cache/0")
    services = start_services(home)
    assert services.source == "environment"
    assert services.database_url == "postgresql+asyncpg://me@db/mail"
    assert services.redis_url == "redis://cache/0"


@pytest.mark.parametrize(
    ("given", "missing"), [("DATABASE_URL", "REDIS_URL"), ("REDIS_URL", "DATABASE_URL")]
)
def test_one_url_alone_is_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch, given: str, missing: str
) -> None:
    monkeypatch.setenv(given, "some://where")
    with pytest.raises(OneUrlMissing, match=f"{missing} is not set"):
        start_services(home)


@RUNS_APT
def test_fetched_packages_give_postgis_trigrams_and_redis(
    home: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTRIDER_CACHE", str(cache))
    with running_services(home, durable=False, only="debian", say=quiet) as services:
        metres = query(
            services,
            "select st_distance(st_point(9.5, 47.1)::geography, st_point(9.5, 47.2)::geography)",
        )
        assert 11_000 < metres < 11_200
        assert query(services, "select st_x(st_transform(st_point(9.5, 47, 4326), 3857))") > 1e6
        assert query(services, "select similarity('Vaduz', 'vadus')") > 0.4
        assert query(services, "select upper('zürich')") == "ZÜRICH"
        assert query(services, "show jit") == query(services, "show fsync") == "off"
        assert ping(services)
    assert not processes_of(home)


@RUNS_APT
def test_fetching_leaves_only_the_whole_tree(tree: Path) -> None:
    assert sorted(path.name for path in tree.parent.iterdir()) == sorted([tree.name, "fetch.lock"])


@RUNS_APT
def test_fetched_packages_are_not_fetched_again(tree: Path) -> None:
    said: list[str] = []
    debian.fetch_binaries(tree.parent, said.append)
    assert said == []


@RUNS_APT
def test_failed_fetch_says_why_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "apt.conf"
    (tmp_path / "empty").mkdir()
    settings.write_text(
        f'Dir::State::lists "{tmp_path}/empty"; Dir::Etc "{tmp_path}/empty";'
        f'Dir::Etc::sourcelist "{tmp_path}/empty/none"; Dir::Etc::sourceparts "{tmp_path}/empty";'
    )
    monkeypatch.setenv("APT_CONFIG", str(settings))
    monkeypatch.setenv("POSTRIDER_CACHE", str(tmp_path / "cache"))
    with pytest.raises(ServicesUnavailable, match="have no PostGIS"):
        start_services(tmp_path / "home", only="debian", say=quiet)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["fetch.lock"]


@RUNS_APT
def test_installed_programs_are_found_and_newest_wins(tree: Path, tmp_path: Path) -> None:
    """The same finder looks at `/` and at an extracted tree."""
    found = find_binaries(tree)
    assert found
    assert (found.postgres / "postgres").exists()
    major = found.postgres.parent.name
    for version, extensions in (("9", ["postgis", "pg_trgm"]), ("99", ["pg_trgm"])):
        programs = tmp_path / f"usr/lib/postgresql/{version}/bin/postgres"
        programs.parent.mkdir(parents=True)
        programs.touch()
        for name in extensions:
            control = tmp_path / f"usr/share/postgresql/{version}/extension/{name}.control"
            control.parent.mkdir(parents=True, exist_ok=True)
            control.touch()
    assert find_binaries(tmp_path) is None, "there is no Redis"
    (tmp_path / "usr/bin").mkdir()
    (tmp_path / "usr/bin/redis-server").symlink_to(found.redis)
    (tmp_path / f"usr/lib/postgresql/{major}").symlink_to(found.postgres.parent)
    (tmp_path / f"usr/share/postgresql/{major}").symlink_to(tree / f"usr/share/postgresql/{major}")
    newest = find_binaries(tmp_path)
    assert newest
    assert newest.postgres.parent.name == major, "99 has no PostGIS and 9 is older"
    assert find_binaries(tmp_path, major="42") is None


@RUNS_APT
def test_programs_of_the_system_come_before_packages(
    home: Path, binaries: Binaries, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_system(root: Path, major: str | None = None) -> Binaries:
        assert root == Path("/")
        return binaries

    monkeypatch.setattr("server.kit.services.find_binaries", find_system)
    with running_services(home, durable=False, say=quiet) as services:
        assert services.source == "system"
        assert query(services, "select postgis_lib_version()")


def test_docker_is_asked_last_and_only_when_its_daemon_answers(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    calls = tmp_path / "calls"
    docker = programs / "docker"
    docker.write_text(f"""#!/bin/sh
echo "$*" >>{calls}
case "$*" in
    "compose version") exit ${{NO_COMPOSE:-0}} ;;
    *" port postgis 5432") echo 127.0.0.1:10001 ;;
    *" port redis 6379") echo 127.0.0.1:10002 ;;
esac
""")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    services = start_services(home, only="docker", say=quiet)
    assert services.source == "docker"
    assert urlsplit(services.database_url).port == 10001
    assert urlsplit(services.redis_url).port == 10002
    plan = json.loads((home / "compose.json").read_text())["services"]
    assert (
        urlsplit(services.database_url).password
        == (plan["postgis"]["environment"]["POSTGRES_PASSWORD"])
    )
    assert all(
        port.startswith("127.0.0.1:") for service in plan.values() for port in service["ports"]
    )
    assert stat.S_IMODE((home / "compose.json").stat().st_mode) == 0o600
    services.stop()
    assert calls.read_text().splitlines()[-1].endswith(" stop")

    monkeypatch.setenv("NO_COMPOSE", "1")
    with pytest.raises(ServicesUnavailable, match="No Docker daemon"):
        start_services(home, only="docker", say=quiet)


def test_machine_without_any_way_says_what_to_install(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("server.kit.services.find_binaries", lambda *_: None)
    with pytest.raises(ServicesUnavailable) as refused:
        start_services(home, say=quiet)
    message = str(refused.value)
    assert "DATABASE_URL" in message
    assert "There is no apt-get here." in message
    assert "No Docker daemon" in message
    assert message.endswith(install_line())


@pytest.mark.parametrize(
    ("system", "command"),
    [
        ({"ID": "debian"}, "apt-get install"),
        ({"ID": "linuxmint", "ID_LIKE": "ubuntu debian"}, "apt-get install"),
        ({"ID": "fedora"}, "dnf install"),
        ({"ID": "rocky", "ID_LIKE": "rhel centos fedora"}, "dnf install"),
        ({"ID": "arch"}, "pacman -S"),
        ({"ID": "macos"}, "brew install"),
        ({"ID": "plan9"}, "with your packages"),
    ],
)
def test_install_line_fits_the_system(system: dict[str, str], command: str) -> None:
    assert command in install_line(system)
    assert "postgis" in install_line(system).lower()


# -- who runs them


@RUNS_APT
def test_ordinary_user_gets_servers(
    open_folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTRIDER_CACHE", str(cache))
    home = Path(tempfile.mkdtemp(prefix="home-", dir=open_folder))
    if os.geteuid() == 0:
        os.chown(home, NOBODY, NOBODY)

    def run() -> list[str]:
        with start_services(home, durable=False, only="debian", say=quiet) as services:
            return [query(services, "select postgis_lib_version()"), str(ping(services))]

    version, answered = as_ordinary_user(run)
    assert version.startswith("3")
    assert answered == "True"
    assert not processes_of(home)


@RUNS_APT
@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to step aside")
def test_root_without_user_namespaces_runs_them_as_a_system_account(
    open_folder: Path, binaries: Binaries, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The home is one that only root may enter; the data then lies elsewhere."""
    monkeypatch.setattr(keeper, "_SYSTEM_FOLDER", open_folder / "var")
    monkeypatch.setattr(keeper, "_USER_NAMESPACE", ("unshare", "--of-something-unheard-of"))
    account = Account.choose()
    assert account.user_id in {
        entry.pw_uid for entry in pwd.getpwall() if entry.pw_name in ("postgres", "nobody")
    }
    home = Path(tempfile.mkdtemp(dir=open_folder))
    for _ in "made", "found again":
        site = Site(home, account, binaries, durable=False)
        servers = PrivateServers.start(site, quiet)
        services = Services(servers.database_url, servers.redis_url, "system")
        owners = {Path(f"/proc/{pid}").stat().st_uid for pid in processes_of(site.store)}
        assert owners == {account.user_id}
        assert query(services, "select postgis_lib_version()")
        assert ping(services)
        servers.stop()
        assert not processes_of(open_folder / "var")


@RUNS_APT
def test_nobody_gets_in_without_the_password(owner: Owner, home: Path) -> None:
    url = owner.services.database_url
    right = urlsplit(url).password
    assert right
    for password in ("", "wrong"):
        stranger = Services(url.replace(right, password), "", "debian")
        with pytest.raises(asyncpg.InvalidPasswordError):
            query(stranger, "select 1")
        stranger.redis_url = owner.services.redis_url.replace(right, password)
        with pytest.raises(redis.AuthenticationError):
            ping(stranger)
    secrets = [path for path in home.rglob("*") if path.is_file() and right in _text(path)]
    assert secrets
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in secrets)
    assert not any(right in command for command in processes_of(home).values())
    assert right not in repr(owner.services)


def _text(path: Path) -> str:
    return path.read_text(errors="ignore")


@RUNS_APT
def test_servers_listen_on_loopback_only(owner: Owner) -> None:
    ports = {urlsplit(url).port for url in (owner.services.database_url, owner.services.redis_url)}
    listening = {
        (address, int(port, 16))
        for table in ("tcp", "tcp6")
        if Path(f"/proc/net/{table}").exists()
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        for address, _, port in [line.split()[1].partition(":")]
        if line.split()[3] == "0A"
    }
    assert {address for address, port in listening if port in ports} == {"0100007F"}


# -- how long they live


@RUNS_APT
def test_data_is_kept_between_starts(
    home: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTRIDER_CACHE", str(cache))
    said: list[str] = []
    with start_services(home, only="debian", say=said.append) as first:
        assert query(first, "show fsync") == "on"
        query(first, "create table kept as select 42 as answer")
    with start_services(home, only="debian", say=said.append) as second:
        assert query(second, "select answer from kept") == 42
        assert second.database_url != first.database_url, "another random port"
    assert said.count("Making the database ...") == 1


@RUNS_APT
def test_second_start_joins_and_leaves_the_servers_running(owner: Owner, home: Path) -> None:
    guest = start_services(home, say=quiet)
    assert guest.guest
    assert guest.database_url == owner.services.database_url
    guest.stop()
    assert query(owner.services, "select 1") == 1
    assert ping(owner.services)


@RUNS_APT
def test_start_that_wants_crash_safety_does_not_join_servers_without_it(
    home: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTRIDER_CACHE", str(cache))
    with (
        start_services(home, durable=False, only="debian", say=quiet),
        pytest.raises(HomeInUse, match="without crash safety"),
    ):
        start_services(home, durable=True, say=quiet)


@RUNS_APT
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_servers_stop_when_their_owner_is_killed(owner: Owner, home: Path, end: int) -> None:
    assert processes_of(home)
    owner.process.send_signal(end)
    owner.process.wait()
    wait_until(lambda: not processes_of(home))
    assert "database system is shut down" in (home / "postgres.log").read_text()


@RUNS_APT
@pytest.mark.parametrize("postgres_dies_too", [False, True])
def test_start_after_everything_was_killed_finds_the_data(
    owner: Owner, home: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, postgres_dies_too: bool
) -> None:
    query(owner.services, "create table kept as select 42 as answer")
    postgres = int((home / "postgres/postmaster.pid").read_text().split()[0])
    keepers = [pid for pid, command in processes_of(home).items() if command.startswith("sh -c")]
    assert len(keepers) == 4, "two keepers, each with the part of it that watches for our end"
    for pid in [*keepers, owner.process.pid, *([postgres] if postgres_dies_too else [])]:
        os.kill(pid, signal.SIGKILL)
    owner.process.wait()
    if not postgres_dies_too:
        assert query(owner.services, "select answer from kept") == 42, "an orphan still runs"

    monkeypatch.setenv("POSTRIDER_CACHE", str(cache))
    with start_services(home, only="debian", say=quiet) as services:
        assert query(services, "select answer from kept") == 42
        with pytest.raises(OSError):
            ping_port(urlsplit(owner.services.redis_url).port)


@RUNS_APT
def test_server_that_is_killed_comes_back_with_its_data(
    home: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTRIDER_CACHE", str(cache))
    with start_services(home, only="debian", say=quiet) as services:
        said: list[str] = []
        services.keep_running(said.append)
        query(services, "create table kept as select 42 as answer")
        postgres = int((home / "postgres/postmaster.pid").read_text().split()[0])
        with closing(redis.Redis.from_url(services.redis_url)) as client:
            redis_pid = client.info("server")["process_id"]
        for pid in (postgres, redis_pid):
            os.kill(pid, signal.SIGKILL)

        def is_back() -> bool:
            with suppress(OSError, asyncpg.PostgresError, redis.RedisError):
                return ping(services) and query(services, "select answer from kept") == 42
            return False

        wait_until(is_back)
        names = sorted(line.split()[0] for line in said)
        assert set(names) == {"postgres", "redis"}, said
    assert not processes_of(home)


def ping_port(port: int | None) -> None:
    socket.create_connection(("127.0.0.1", port)).close()


@RUNS_APT
def test_lock_file_that_names_a_stranger_is_no_hindrance(
    home: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a crash of the machine, another program may have the process id of the old server."""
    monkeypatch.setenv("POSTRIDER_CACHE", str(cache))
    start_services(home, durable=False, only="debian", say=quiet).stop()
    (home / "postgres/postmaster.pid").write_text(f"{os.getpid()}\n{home}/postgres\n")
    with start_services(home, durable=False, only="debian", say=quiet) as services:
        assert query(services, "select 1") == 1


@RUNS_APT
def test_half_made_database_is_made_anew(
    home: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTRIDER_CACHE", str(cache))
    (home / "postgres.unfinished/base").mkdir(parents=True)
    (home / "postgres.unfinished/PG_VERSION").write_text("15\n")
    with start_services(home, durable=False, only="debian", say=quiet) as services:
        assert query(services, "select postgis_lib_version()")
    assert not (home / "postgres.unfinished").exists()


@RUNS_APT
def test_taken_port_is_left_to_its_owner(
    home: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTRIDER_CACHE", str(cache))
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        taken = stranger.getsockname()[1]
        ports = iter([taken, free_port(), taken, free_port()])
        monkeypatch.setattr("server.kit.services.private.free_port", lambda: next(ports))
        with start_services(home, durable=False, only="debian", say=quiet) as services:
            assert urlsplit(services.database_url).port != taken
            assert urlsplit(services.redis_url).port != taken
            assert ping(services)


@RUNS_APT
def test_server_that_cannot_start_says_its_last_words(
    home: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTRIDER_CACHE", str(cache))
    start_services(home, durable=False, only="debian", say=quiet).stop()
    with (home / "postgres/postgresql.conf").open("a") as settings:
        settings.write("\nunheard_of = 1\n")
    with pytest.raises(StartFailed, match="unheard_of"):
        start_services(home, durable=False, only="debian", say=quiet)
    assert not processes_of(home)


@RUNS_APT
def test_child_that_was_forked_neither_stops_the_servers_nor_keeps_them_alive(
    home: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTRIDER_CACHE", str(cache))
    services = start_services(home, durable=False, only="debian", say=quiet)
    reader, writer = os.pipe()
    if not (child := os.fork()):
        os.close(writer)
        services.stop()
        os.read(reader, 1)
        os._exit(0)
    os.close(reader)
    assert query(services, "select 1") == 1
    services.stop()
    assert not processes_of(home)
    again = start_services(home, durable=False, only="debian", say=quiet)
    assert not again.guest
    again.stop()
    os.close(writer)
    os.waitpid(child, 0)
