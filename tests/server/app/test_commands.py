"""What is typed wrong or lies in ruins gives one clear line and exit code 1 or 2, no traceback."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from server.__main__ import parser
from server.accounts import service as accounts
from server.identity.people import FIRST_ADMIN_EMAIL
from server.kit.db import Database
from server.kit.services import Services
from server.kit.settings import ROOT, read_settings
from tests.conftest import Databases

NOWHERE = {
    "DATABASE_URL": "postgresql+asyncpg://postrider@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1",
}
COMMANDS = (
    "demo",
    "up",
    "web",
    "gateway",
    "worker",
    "migrate",
    "roads",
    "import",
    "simulate",
    "driver",
    "doctor",
    "reconcile",
    "test",
    "bench",
)
IMAGE = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00"

Postrider = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def postrider(tmp_path: Path) -> Postrider:
    """`postrider("import", "map", "x.pbf", DATABASE_URL=...)` runs the command to its end."""
    ours = ("DATABASE_URL", "REDIS_URL", "POSTRIDER_")
    inherited = {name: each for name, each in os.environ.items() if not name.startswith(ours)}

    def run(*arguments: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "server", *arguments],
            cwd=ROOT,
            env={**inherited, "POSTRIDER_HOME": str(tmp_path / "home"), **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest_asyncio.fixture(scope="module")
async def migrated(databases: Databases, services: Services) -> AsyncIterator[dict[str, str]]:
    """The environment of a command that has services; in their database, the account ACME."""
    name = await databases.copy()
    db = Database(databases.url(name))
    async with db.transaction() as session:
        await accounts.create_account(session, name="Acme", code="ACME", by="test")
    await db.close()
    yield {"DATABASE_URL": databases.url(name), "REDIS_URL": services.redis_url}
    await databases.drop(name)


def complaint(ran: subprocess.CompletedProcess[str], code: int = 1) -> str:
    """The one line that says what is wrong."""
    assert ran.returncode == code, ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stdout == ""
    last = ran.stderr.strip().splitlines()[-1]
    assert len(last) > 20
    return last


def file(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_says_in_one_line_what_it_does(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args([command, "--help"])
    assert ended.value.code == 0
    usage, description, *_ = capsys.readouterr().out.split("\n\n")
    assert usage.startswith(f"usage: postrider {command}")
    assert description.endswith(".") and "\n" not in description


def test_help_lists_these_commands_and_no_other(postrider: Postrider) -> None:
    helped = postrider("--help").stdout
    assert re.findall(r"^    ([a-z]+)\b", helped, re.M) == list(COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "COMMAND"),
        (("fly",), "invalid choice: 'fly'"),
        (("import", "map"), "file"),
        (("import", "map", "nowhere.osm.pbf"), "there is no file nowhere.osm.pbf"),
        (("import", "map", "/"), "there is no file /"),
        (("roads", "mend", "x"), "invalid choice: 'mend'"),
        (("up", "--port", "99999"), "99999 is not a port"),
        (("web", "--port", "x"), "x is not a port"),
        (("demo", "--orders", "-5"), "-5 is not a number from 1 up"),
        (("demo", "--osm", "nowhere.osm.pbf"), "there is no file"),
        (("doctor", "--mend"), "--mend"),
        (("bench",), "WHAT"),
        (("bench", "live", "--drivers", "5"), "--drivers"),
        (("bench", "orders", "--only", "board"), "invalid choice: 'board'"),
        (("bench", "faults", "--clients", "0"), "0 is not a number from 1 up"),
    ],
)
def test_what_is_typed_wrong_is_refused(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


def test_a_command_that_there_is_not_ends_with_code_2(postrider: Postrider) -> None:
    assert "invalid choice: 'fly'" in complaint(postrider("fly"), code=2)


@pytest.mark.parametrize("command", ["web", "gateway", "worker"])
def test_processes_without_settings_name_the_one_that_is_missing(
    postrider: Postrider, command: str
) -> None:
    assert "DATABASE_URL is not set" in complaint(postrider(command))


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"DATABASE_URL": ""}, "DATABASE_URL is not set"),
        ({"DATABASE_URL": "sqlite://"}, "DATABASE_URL must start with postgresql"),
        ({"REDIS_URL": "localhost"}, "REDIS_URL must start with redis://"),
        ({"POSTRIDER_PORT": "http"}, "POSTRIDER_PORT is http"),
        ({"POSTRIDER_TIMEZONE": "Mars/Base"}, "POSTRIDER_TIMEZONE is Mars/Base"),
    ],
)
def test_settings_that_cannot_be_right_are_named(environ: dict[str, str], said: str) -> None:
    with pytest.raises(SystemExit, match=said):
        read_settings(NOWHERE | environ)


def test_one_url_alone_is_refused(postrider: Postrider) -> None:
    ran = postrider("migrate", DATABASE_URL=NOWHERE["DATABASE_URL"])
    assert "REDIS_URL is not set" in complaint(ran)


def test_database_that_does_not_answer_is_said_to_be_away(postrider: Postrider) -> None:
    assert "database does not answer" in complaint(postrider("migrate", **NOWHERE))


async def test_database_without_tables_is_said_to_need_migrating(
    postrider: Postrider, databases: Databases, services: Services, tmp_path: Path
) -> None:
    plain = {"DATABASE_URL": services.database_url, "REDIS_URL": services.redis_url}
    orders = file(tmp_path, "orders.csv", b"to_name,to_address\nAda,Main Street 1\n")
    ran = postrider("import", "orders", orders, "--account", "ACME", **plain)
    assert "postrider migrate" in complaint(ran)


def test_map_that_cannot_be_read_is_refused(
    postrider: Postrider, tmp_path: Path, migrated: dict[str, str]
) -> None:
    path = file(tmp_path, "town.osm.pbf", IMAGE)
    assert "town.osm.pbf cannot be read" in complaint(postrider("import", "map", path, **migrated))


def test_roads_of_a_map_that_cannot_be_read_are_not_built(
    postrider: Postrider, tmp_path: Path
) -> None:
    path = file(tmp_path, "town.osm.pbf", IMAGE)
    assert "map file" in complaint(postrider("roads", "build", path))


def test_file_that_holds_no_orders_is_refused(
    postrider: Postrider, tmp_path: Path, migrated: dict[str, str]
) -> None:
    path = file(tmp_path, "orders.csv", b"Dear all,\n")
    ran = postrider("import", "orders", path, "--account", "ACME", **migrated)
    assert "No column tells" in complaint(ran)


def test_orders_of_an_account_that_there_is_not_are_refused(
    postrider: Postrider, tmp_path: Path, migrated: dict[str, str]
) -> None:
    path = file(tmp_path, "orders.csv", b"to_name,to_address\nAda,Main Street 1\n")
    unknown = postrider("import", "orders", path, "--account", "NOBODY", **migrated)
    assert "There is no account 'NOBODY'" in complaint(unknown)
    assert "which account pays" in complaint(postrider("import", "orders", path, **migrated))


def test_home_that_is_no_folder_is_named(postrider: Postrider, tmp_path: Path) -> None:
    home = file(tmp_path, "home", b"")
    assert str(home) in complaint(postrider("doctor", POSTRIDER_HOME=str(home)))


def test_up_opens_itself_to_others_only_with_a_secret(postrider: Postrider) -> None:
    ran = postrider("up", "--host", "0.0.0.0", POSTRIDER_SECRET="secret")
    assert "set POSTRIDER_SECRET to at least 16 random characters" in complaint(ran)


def test_up_does_not_start_where_another_program_listens(postrider: Postrider) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ran = postrider("up", "--port", str(port))
    assert f"Port {port} of 127.0.0.1 cannot be used" in complaint(ran)


def test_simulation_of_a_server_that_is_not_there_says_so(postrider: Postrider) -> None:
    without = complaint(postrider("simulate"), code=2)
    assert "POSTRIDER_PASSWORD" in without
    for server in ("http://127.0.0.1:1", "nonsense"):
        ran = postrider("simulate", "--server", server, POSTRIDER_PASSWORD="x")
        assert "server does not answer" in complaint(ran)


def test_simulation_signs_in_as_the_first_administrator() -> None:
    assert parser().parse_args(["simulate"]).email == FIRST_ADMIN_EMAIL
