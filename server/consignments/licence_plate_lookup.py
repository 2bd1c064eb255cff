"""Looking at cages and bags, and into them: what a scanner's reading means."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments.lifecycle import PARCEL
from server.consignments.lookup import find_parcels, ref_of
from server.consignments.models import ContainedParcel, Container, Parcel
from server.consignments.sscc import read_scan
from server.consignments.views import ParcelRef
from server.kit.errors import NotFound

JOURNEY_OVER = tuple(state for state in PARCEL.states if PARCEL.is_final(state))

ContainerKind = Literal["cage", "bag", "pallet"]


class UnknownContainer(NotFound):
    """No cage, bag or pallet bears the licence plate {barcode!r}."""

    code = "consignments.unknown_container"


class ContainerView(msgspec.Struct, frozen=True, kw_only=True):
    """inside: the plate of the container that it stands in. containers, parcels: the barcodes of
    what is directly in it."""

    id: UUID
    barcode: str
    kind: ContainerKind
    name: str
    state: str
    seal: str | None
    inside: str | None
    containers: tuple[str, ...]
    parcels: tuple[str, ...]
    created_at: datetime
    changed_at: datetime


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """One parcel in a container; container_id: that which it is directly in."""

    parcel: ParcelRef
    container_id: UUID


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """One parcel that was scanned, or something that is none.

    barcode: what the scanner read. parcel: None when nobody knows it, and for an empty container.
    container: the licence plate when a container was scanned, and container_id that of the
        container which the parcel is in.
    """

    barcode: str
    parcel: ParcelRef | None = None
    container: str | None = None
    container_id: UUID | None = None

    @property
    def is_unknown(self) -> bool:
        return self.parcel is None and self.container is None


def parcels_in(scans: Iterable[Scan]) -> dict[UUID, UUID]:
    """Parcel -> the container that it is in, of those that were scanned by a container."""
    return {
        scan.parcel.parcel_id: scan.container_id
        for scan in scans
        if scan.parcel is not None and scan.container_id is not None
    }


async def read_scans(session: AsyncSession, barcodes: Collection[str]) -> list[Scan]:
    """What was scanned, in that order. A parcel that was scanned itself does not count again for
    the container around it."""
    plates = {barcode: read_scan(barcode) for barcode in dict.fromkeys(barcodes)}
    containers = await find_containers(session, set(plates.values()))
    refs = await find_parcels(session, [each for each in plates if plates[each] not in containers])
    scans: list[Scan] = []
    seen = {ref.parcel_id for ref in refs.values()}
    for barcode, plate in plates.items():
        if plate not in containers:
            scans.append(Scan(barcode=barcode, parcel=refs.get(barcode)))
            continue
        inside = await contents_of(session, [containers[plate].id])
        found = [
            Scan(
                barcode=barcode,
                parcel=each.parcel,
                container=plate,
                container_id=each.container_id,
            )
            for each in inside
            if each.parcel.parcel_id not in seen
        ]
        seen |= {each.parcel.parcel_id for each in inside}
        scans += found or [Scan(barcode=barcode, container=plate)]
    return scans


async def get_container(session: AsyncSession, barcode: str) -> ContainerView:
    return (await views_of(session, [await find_container(session, barcode)]))[0]


async def list_containers(
    session: AsyncSession, *, after: UUID | None = None, limit: int = 50
) -> list[ContainerView]:
    """Newest first."""
    query = select(Container).order_by(Container.id.desc()).limit(limit)
    if after is not None:
        query = query.where(Container.id < after)
    return await views_of(session, (await session.scalars(query)).all())


async def contents_of(
    session: AsyncSession, container_ids: Collection[UUID]
) -> tuple[Content, ...]:
    """The parcels in these containers and in those that stand in them."""
    inner = select(Container.id).where(Container.id.in_(container_ids)).cte(recursive=True)
    inner = inner.union(select(Container.id).join(inner, Container.parent_id == inner.c.id))
    rows = await session.execute(
        select(Parcel, ContainedParcel.container_id)
        .join(ContainedParcel, ContainedParcel.parcel_id == Parcel.id)
        .where(
            ContainedParcel.container_id.in_(select(inner.c.id)),
            Parcel.state.not_in(JOURNEY_OVER),
            Parcel.withdrawn_at.is_(None),
        )
        .order_by(Parcel.id)
    )
    return tuple(
        Content(parcel=ref_of(parcel), container_id=container_id) for parcel, container_id in rows
    )


async def leave_containers(session: AsyncSession, parcels: Iterable[Parcel]) -> None:
    """Parcels whose journey is over are in no container any more."""
    over = [parcel.id for parcel in parcels if PARCEL.is_final(parcel.state)]
    if over and await lock_places(session, over):
        await session.execute(delete(ContainedParcel).where(ContainedParcel.parcel_id.in_(over)))


async def find_container(session: AsyncSession, barcode: str) -> Container:
    found = await find_containers(session, [read_scan(barcode)])
    if not found:
        raise UnknownContainer(barcode=barcode)
    return found[read_scan(barcode)]


async def find_containers(session: AsyncSession, barcodes: Collection[str]) -> dict[str, Container]:
    """Read afresh: others may have changed them while we waited in the queue."""
    rows = await session.scalars(
        select(Container)
        .where(Container.barcode.in_(barcodes))
        .order_by(Container.id)
        .execution_options(populate_existing=True)
    )
    return {row.barcode: row for row in rows}


async def lock_places(
    session: AsyncSession, parcel_ids: Iterable[UUID]
) -> dict[UUID, ContainedParcel]:
    """In the order of ids: a delivery may end a parcel's stay while others are taken out."""
    rows = await session.scalars(
        select(ContainedParcel)
        .where(ContainedParcel.parcel_id.in_(set(parcel_ids)))
        .order_by(ContainedParcel.parcel_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {row.parcel_id: row for row in rows}


async def views_of(session: AsyncSession, rows: Sequence[Container]) -> list[ContainerView]:
    ids = [row.id for row in rows]
    plates = {
        row.id: row.barcode
        for row in await session.scalars(
            select(Container).where(Container.id.in_([row.parent_id for row in rows]))
        )
    }
    containers: dict[UUID, list[str]] = {each: [] for each in ids}
    for inner in await session.scalars(
        select(Container).where(Container.parent_id.in_(ids)).order_by(Container.id)
    ):
        if inner.parent_id is not None:
            containers[inner.parent_id].append(inner.barcode)
    parcels: dict[UUID, list[str]] = {each: [] for each in ids}
    for container_id, barcode in await session.execute(
        select(ContainedParcel.container_id, Parcel.barcode)
        .join(Parcel, Parcel.id == ContainedParcel.parcel_id)
        .where(ContainedParcel.container_id.in_(ids), Parcel.withdrawn_at.is_(None))
        .order_by(Parcel.id)
    ):
        parcels[container_id].append(barcode)
    return [
        ContainerView(
            id=row.id,
            barcode=row.barcode,
            kind=row.kind,  # type: ignore[arg-type]  # held to the three by a check constraint
            name=row.name,
            state=row.state,
            seal=row.seal,
            inside=plates[row.parent_id] if row.parent_id else None,
            containers=tuple(containers[row.id]),
            parcels=tuple(parcels[row.id]),
            created_at=row.created_at,
            changed_at=row.changed_at,
        )
        for row in rows
    ]
