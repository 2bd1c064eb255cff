"""A dispatcher's side of the simulation: the same API that any program of a customer would use."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import httpx

from server.kit import clock

PAGE = 200


class Refused(Exception):
    """The server did not do it; the message is its own sentence."""

    def __init__(self, what: str, problem: dict[str, Any]) -> None:
        self.code = str(problem.get("code", ""))
        super().__init__(f"{what}: {problem.get('detail', problem)}")


class Office:
    """One signed-in person at the API."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    @classmethod
    @asynccontextmanager
    async def signed_in(cls, server_url: str, email: str, password: str) -> AsyncIterator["Office"]:
        async with httpx.AsyncClient(base_url=server_url, timeout=60) as client:
            office = cls(client)
            answer = await office.post("/api/login", {"email": email, "password": password})
            client.headers["X-CSRF-Token"] = answer["csrf_token"]
            yield office

    async def get(self, path: str, **query: Any) -> Any:
        return await self._send("GET", path, params=query)

    async def post(self, path: str, body: Any = None, *, key: str | None = None) -> Any:
        """`key`: an Idempotency-Key; with one, a request that got no answer is sent again."""
        headers = {"Idempotency-Key": key} if key else {}
        return await self._send("POST", path, json=body, headers=headers)

    async def put(self, path: str, body: Any) -> Any:
        return await self._send("PUT", path, json=body)

    async def pages(self, path: str, **query: Any) -> AsyncIterator[Any]:
        """All items of a list, page by page."""
        after = None
        while True:
            page = await self.get(path, limit=PAGE, **query, **({"after": after} if after else {}))
            for item in page["items"]:
                yield item
            if (after := page["next"]) is None:
                return

    async def _send(self, method: str, path: str, **parts: Any) -> Any:
        response = await self._client.request(method, path, **parts)
        answer = response.json() if response.content else None
        if response.is_error:
            raise Refused(f"{method} {path}", answer or {})
        return answer

    async def read_clock(self) -> Callable[[], datetime]:
        """The server's clock, which may run fast."""
        text = (await self.get("/api/health"))["clock"]
        return clock.ScaledClock.parse(text) if text else clock.real_now

    async def make_pairing_codes(self, *, limit: int | None = None) -> list[str]:
        """A new code for each driver."""
        drivers = (await self.get("/api/drivers"))[:limit]
        paths = [f"/api/drivers/{driver['id']}/pairing-codes" for driver in drivers]
        return [(await self.post(path))["code"] for path in paths]
