"""The company that the bench runs: an account with goods on the shelves of one warehouse."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts import service as accounts
from server.dispatch import service as dispatch
from server.identity import service as identity
from server.identity.access import Principal, Role
from server.inventory import service as inventory
from server.inventory.service import NewSku, Received
from server.kit.geo import Position
from server.places import service as places
from server.places.service import Address

PLENTY = 1_000_000
BY = "bench"


async def open_shop(session: AsyncSession, *, skus: int) -> str:
    """A depot, an account and more than enough of SKU-0, SKU-1 ...; the account's API key."""
    account_id = await open_account(session)
    bins = await build_warehouse(session)
    for number in range(skus):
        sku = f"SKU-{number}"
        new = NewSku(code=sku, name=f"Goods {number}")
        await inventory.create_sku(session, new, account_id=account_id, by=BY)
        await inventory.receive_stock(
            session,
            account_id=account_id,
            location_id=bins[number % len(bins)],
            goods=[Received(sku=sku, quantity=PLENTY)],
            by=BY,
        )
    return await make_key(session, ["orders:write"], account_id=account_id)


async def make_key(
    session: AsyncSession, scopes: list[str], *, account_id: UUID | None = None
) -> str:
    """The API key of a new administrator."""
    person = await identity.create_person(
        session, name="Bench", email="bench@postrider.example", role=Role.ADMIN, by=BY
    )
    key = await identity.create_api_key(
        session,
        name="bench",
        scopes=scopes,
        account_id=account_id,
        by=Principal(role=Role.ADMIN, person_id=person.id),
    )
    return key.secret


async def open_account(session: AsyncSession) -> UUID:
    """With a depot to deliver from."""
    place = await places.create_place(
        session, Address(name="Depot", street="Depot Road"), position=Position(13.40, 52.52)
    )
    await dispatch.create_depot(session, name="Depot", place_id=place.id, timezone="UTC", by=BY)
    account = await accounts.create_account(session, name="Bench", code="BENCH", by=BY)
    return account.id


async def build_warehouse(session: AsyncSession, *, bins: int = 20) -> list[UUID]:
    """The bins of one warehouse."""
    warehouse = await inventory.create_location(
        session, kind="warehouse", code="W1", position=Position(13.40, 52.52), by=BY
    )
    made = [
        await inventory.create_location(
            session, kind="bin", code=f"B{number:02d}", parent_id=warehouse.id, by=BY
        )
        for number in range(bins)
    ]
    return [each.id for each in made]
