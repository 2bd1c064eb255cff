"""The company that every journey begins with."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest_asyncio

from server.identity import service as identity
from server.identity.access import Role
from server.kit import clock
from server.kit.blobs import Blobs
from server.kit.db import Database
from server.kit.feed import Feed
from server.kit.settings import Settings
from tests.journeys.company import Company, Desk
from tests.server.live.web_process import serving


@pytest_asyncio.fixture
async def company(
    settings: Settings, own_db: Database, feed: Feed, blobs: Blobs, tmp_path: Path
) -> AsyncIterator[Company]:
    """With an account, a depot and somebody in the office; couriers are hired by the story."""
    async with AsyncExitStack() as stack:
        web = await stack.enter_async_context(serving(settings, own_db, feed, blobs))
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=web.url, timeout=60))
        company = Company(web, Desk(client), stack, tmp_path)
        stack.enter_context(clock.running(lambda: company.now))
        async with own_db.transaction() as session:
            person = await identity.create_person(
                session, name="Dee", email="dee@example.org", role=Role.ADMIN, by="test"
            )
            signed_in = await identity.open_session(session, person.id)
        client.cookies.set("postrider_session", signed_in.token)
        client.headers["X-CSRF-Token"] = signed_in.csrf_token
        await company.found()
        yield company
        await company.check_reactions()
