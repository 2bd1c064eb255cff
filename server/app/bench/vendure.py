"""A Vendure shop to compare our intake with: installed once, started, and asked to take orders.

tests/load/vendure says which Vendure it is and how it is set up.
"""

import asyncio
import json
import os
import shutil
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
from sqlalchemy.engine import make_url

from server.app.bench.node_packages import install_packages, node
from server.kit.ports import free_port
from server.kit.settings import ROOT

SETUP = ROOT / "tests/load/vendure"
DATABASE = "vendure"
START_TIMEOUT_S = 300.0


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


@asynccontextmanager
async def running_vendure(
    database_url: str, *, skus: int, say: Callable[[str], None]
) -> AsyncIterator[Vendure]:
    """A new shop with so many kinds of goods in stock, in a database of its own beside ours.

    Raises
    ------
    NotInstalled, VendureFailed
    """
    folder = await asyncio.to_thread(install_packages, SETUP, say)
    shutil.copy(SETUP / "server.js", folder)
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
