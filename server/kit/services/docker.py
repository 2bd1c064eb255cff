"""The last way: PostgreSQL with PostGIS and Redis as two containers of a private compose project.

The containers keep running when their owner is killed; the next start takes them over.
"""

import json
import secrets
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from server.kit.services.binaries import EXTENSIONS
from server.kit.services.errors import StartFailed
from server.kit.services.private import write_secret

_DATABASE = "postrider"


@dataclass(frozen=True)
class Containers:
    """The running pair, and the URLs to reach it."""

    database_url: str
    redis_url: str
    project: tuple[str, ...]

    def stop(self) -> None:
        _run(*self.project, "stop")


def daemon_answers() -> bool:
    """Whether `docker compose` is here and can reach a daemon."""
    if not shutil.which("docker"):
        return False
    asked = (["docker", "compose", "version"], ["docker", "version", "--format", "{{.Server}}"])
    return all(
        subprocess.run(
            command, check=False, capture_output=True, stdin=subprocess.DEVNULL
        ).returncode
        == 0
        for command in asked
    )


def start(home: Path, *, durable: bool, say: Callable[[str], None]) -> Containers:
    """Start, or take over, the containers of this home. Their data lives in a named volume."""
    password = _password(home)
    fast = [] if durable else ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
    postgres = ["postgres", "-cjit=off", "-cmax_connections=200", *(f"-c{line}" for line in fast)]
    plan = {
        "services": {
            "postgis": {
                "image": "postgis/postgis:17-3.5",
                "command": postgres,
                "environment": {"POSTGRES_USER": _DATABASE, "POSTGRES_PASSWORD": password},
                "ports": ["127.0.0.1::5432"],
                "volumes": ["data:/var/lib/postgresql/data"],
                "healthcheck": {
                    # By TCP: while the image prepares the data it listens on a socket only.
                    "test": ["CMD", "pg_isready", "-h", "127.0.0.1", "-U", _DATABASE],
                    "interval": "1s",
                    "retries": 120,
                },
            },
            "redis": {
                "image": "redis:7-alpine",
                "command": [
                    "redis-server", "--save", "", "--appendonly", "no", "--requirepass", password
                ],
                "ports": ["127.0.0.1::6379"],
            },
        },
        "volumes": {"data": {}},
    }  # fmt: skip
    path = home / "compose.json"
    write_secret(path, json.dumps(plan))
    name = f"postrider-{sha256(bytes(home)).hexdigest()[:12]}"
    project = ("docker", "compose", "--project-name", name, "--file", str(path))
    say("Starting PostgreSQL and Redis in Docker ...")
    _run(*project, "up", "--detach", "--wait")
    for extension in EXTENSIONS:
        sql = f"create extension if not exists {extension}"
        _run(*project, "exec", "-T", "postgis", "psql", "-qU", _DATABASE, "-c", sql)
    postgres_address = _run(*project, "port", "postgis", "5432").strip()
    redis_address = _run(*project, "port", "redis", "6379").strip()
    return Containers(
        f"postgresql+asyncpg://{_DATABASE}:{password}@{postgres_address}/{_DATABASE}",
        f"redis://:{password}@{redis_address}/0",
        project,
    )


def _password(home: Path) -> str:
    path = home / "docker.password"
    if not path.exists():
        write_secret(path, secrets.token_hex(24))
    return path.read_text()


def _run(*command: str) -> str:
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        raise StartFailed("Docker", done.stderr)
    return done.stdout
