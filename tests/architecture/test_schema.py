"""The migrations make exactly the tables that the models describe."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from server.app.modules import load
from server.kit.db import Base, Database


def is_ours(name: str | None, kind: str, parents: dict[str, str | None]) -> bool:
    """PostGIS brings a table of its own; partitions are made as the days come."""
    if kind != "table":
        return True
    return name != "spatial_ref_sys" and not (name or "").startswith("fix_2")


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(
        connection, opts={"include_name": is_ours, "compare_type": True}
    )
    return list(compare_metadata(context, Base.metadata))


async def test_models_and_migrations_agree(shared_db: Database) -> None:
    load("models")
    async with shared_db.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
