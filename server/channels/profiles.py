"""Mapping profiles: how an account calls the columns of its files."""

from uuid import UUID

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.channels.columns import check_fields
from server.channels.models import ImportProfile
from server.kit import clock
from server.kit.errors import NotFound
from server.kit.ids import new_id


class UnknownProfile(NotFound):
    """There is no mapping profile {name!r}. Look at /api/import-profiles."""

    code = "channels.unknown_profile"


class ProfileView(msgspec.Struct, frozen=True, kw_only=True):
    """columns: header -> field; "" for a column to ignore."""

    name: str
    columns: dict[str, str]


async def save_profile(
    session: AsyncSession, *, account_id: UUID, name: str, columns: dict[str, str], by: str
) -> ProfileView:
    """Make the profile, or replace the one of this name."""
    check_fields(columns.values())
    await session.execute(
        insert(ImportProfile)
        .values(
            id=new_id(),
            account_id=account_id,
            name=name,
            columns=columns,
            created_at=clock.now(),
            created_by=by,
        )
        .on_conflict_do_update(index_elements=["account_id", "name"], set_={"columns": columns})
    )
    return ProfileView(name=name, columns=columns)


async def list_profiles(session: AsyncSession, *, account_id: UUID) -> list[ProfileView]:
    rows = await session.scalars(
        select(ImportProfile)
        .where(ImportProfile.account_id == account_id)
        .order_by(ImportProfile.name)
        .execution_options(populate_existing=True)
    )
    return [ProfileView(name=row.name, columns=row.columns) for row in rows]


async def profile_columns(session: AsyncSession, *, account_id: UUID, name: str) -> dict[str, str]:
    for profile in await list_profiles(session, account_id=account_id):
        if profile.name == name:
            return profile.columns
    raise UnknownProfile(name=name)


async def delete_profile(session: AsyncSession, *, account_id: UUID, name: str) -> None:
    deleted = await session.scalar(
        delete(ImportProfile)
        .where(ImportProfile.account_id == account_id, ImportProfile.name == name)
        .returning(ImportProfile.id)
    )
    if deleted is None:
        raise UnknownProfile(name=name)
