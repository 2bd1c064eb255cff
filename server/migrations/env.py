"""Alembic's entry: runs the migrations on a connection given by `migrate`, or on DATABASE_URL."""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection

from server.app.modules import load
from server.kit.db import Base, Database

load("models")


def run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()


async def connect_and_run() -> None:
    db = Database(os.environ["DATABASE_URL"])
    async with db.engine.begin() as connection:
        await connection.run_sync(run)
    await db.close()


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    asyncio.run(connect_and_run())
