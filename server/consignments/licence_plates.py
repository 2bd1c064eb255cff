"""Cages, bags and pallets: whoever scans one has scanned all that is in it.

Each has a licence plate of its own and may stand in another. What is in what changes in one queue
for the whole company: such changes are short and few beside scans, and in a queue no two of them
can put one parcel into two cages, a cage into itself, or anything into what is just being sealed.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments.licence_plate_lookup import (
    ContainerKind,
    ContainerView,
    contents_of,
    find_container,
    find_containers,
    lock_places,
    views_of,
)
from server.consignments.lifecycle import PARCEL
from server.consignments.lookup import UnknownBarcode, find_parcels
from server.consignments.models import PLATE_NUMBERS, ContainedParcel, Container, Parcel
from server.consignments.sscc import next_sscc, read_scan
from server.consignments.waybill import check_digit
from server.identity.service import record_audit
from server.kit import clock
from server.kit.errors import Conflict
from server.kit.lifecycle import Lifecycle, moves

PREFIX = "LP"

MAX_DEPTH = 4
"""A bag in a box in a cage on a pallet; deeper is a mistake."""

MAX_PARCELS = 5000
"""In one container with all that stands in it."""

CONTAINER = Lifecycle("The container", moves(open="sealed", sealed="open"))


class ContainerSealed(Conflict):
    """{barcode} is sealed. Open it before anything goes in or out."""

    code = "consignments.container_sealed"


class AlreadyContained(Conflict):
    """{barcode} is already in {container}. Take it out there first."""

    code = "consignments.already_contained"


class NotContained(Conflict):
    """{barcode} is not in {container}."""

    code = "consignments.not_contained"


class NestedInItself(Conflict):
    """{barcode} cannot go into {container}, which stands in it."""

    code = "consignments.nested_in_itself"


class TooDeep(Conflict):
    """Containers stand at most {depth} deep in each other."""

    code = "consignments.nested_too_deep"


class TooFull(Conflict):
    """A container holds at most {parcels} parcels, with all that stands in it."""

    code = "consignments.container_too_full"


class JourneyOver(Conflict):
    """Parcel {barcode} is {state} and travels no more."""

    code = "consignments.journey_over"


def plate_of(number: int) -> str:
    """`LP` + nine digits + check digit."""
    digits = f"{number:09d}"
    return f"{PREFIX}{digits}{check_digit(digits)}"


async def create_container(
    session: AsyncSession, *, kind: ContainerKind, name: str = "", gs1_prefix: str = "", by: str
) -> ContainerView:
    """An empty one. Its licence plate is an SSCC when the company has a GS1 prefix."""
    if gs1_prefix:
        barcode = await next_sscc(session, gs1_prefix)
    else:
        barcode = plate_of(await session.scalar(PLATE_NUMBERS.next_value()) or 0)
    now = clock.now()
    row = Container(
        barcode=barcode,
        kind=kind,
        name=name,
        state="open",
        created_at=now,
        created_by=by,
        changed_at=now,
    )
    session.add(row)
    await session.flush()
    await _audit(session, row, "created", by)
    return (await views_of(session, [row]))[0]


async def put_in(
    session: AsyncSession, barcode: str, things: Sequence[str], *, by: str
) -> ContainerView:
    """Put parcels and other containers into it: all of them or, when one cannot go in, none.
    What is in it already may be put in again.

    Raises
    ------
    UnknownContainer, UnknownBarcode, ContainerSealed, AlreadyContained, NestedInItself, TooDeep,
    TooFull, JourneyOver
    """
    await _queue_up(session)
    into = await find_container(session, barcode)
    above = await _check_open(session, into)
    scans = list(dict.fromkeys(map(read_scan, things)))
    containers = await find_containers(session, scans)
    for each in containers.values():
        await _nest(session, each, into, above)
    await _put_parcels(session, into, [scan for scan in scans if scan not in containers], by)
    await session.flush()
    outermost = above[-1] if above else into
    if len(await contents_of(session, [outermost.id])) > MAX_PARCELS:
        raise TooFull(parcels=MAX_PARCELS)
    into.changed_at = clock.now()
    await _audit(session, into, "filled", by, things=scans)
    return (await views_of(session, [into]))[0]


async def take_out(
    session: AsyncSession, barcode: str, things: Sequence[str], *, by: str
) -> ContainerView:
    """Take out what is directly in it: all of it or, when one thing is not there, nothing.

    Raises
    ------
    UnknownContainer, UnknownBarcode, ContainerSealed, NotContained
    """
    await _queue_up(session)
    source = await find_container(session, barcode)
    await _check_open(session, source)
    scans = list(dict.fromkeys(map(read_scan, things)))
    containers = await find_containers(session, scans)
    for each in containers.values():
        if each.parent_id != source.id:
            raise NotContained(barcode=each.barcode, container=source.barcode)
        each.parent_id = None
        each.changed_at = clock.now()
    parcels = await _parcels(session, [scan for scan in scans if scan not in containers])
    places = await lock_places(session, parcels.values())
    for scan, parcel_id in parcels.items():
        if parcel_id not in places or places[parcel_id].container_id != source.id:
            raise NotContained(barcode=scan, container=source.barcode)
    await session.execute(
        delete(ContainedParcel).where(ContainedParcel.parcel_id.in_(parcels.values()))
    )
    source.changed_at = clock.now()
    await session.flush()
    await _audit(session, source, "emptied", by, things=scans)
    return (await views_of(session, [source]))[0]


async def seal_container(
    session: AsyncSession, barcode: str, *, seal: str, by: str
) -> ContainerView:
    """Close it, and with it all that stands in it. seal: the number on the seal, if it has one.

    Raises
    ------
    UnknownContainer, IllegalMove
    """
    return await _move(session, barcode, "sealed", seal, by)


async def open_container(session: AsyncSession, barcode: str, *, by: str) -> ContainerView:
    """Break the seal.

    Raises
    ------
    UnknownContainer, IllegalMove
    """
    return await _move(session, barcode, "open", None, by)


async def _queue_up(session: AsyncSession) -> None:
    """Wait until nobody else changes what is in what; held until the transaction ends."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("container", 0))))


async def _move(
    session: AsyncSession, barcode: str, state: str, seal: str | None, by: str
) -> ContainerView:
    await _queue_up(session)
    row = await find_container(session, barcode)
    CONTAINER.check(row.state, state)
    row.state, row.seal, row.changed_at = state, seal, clock.now()
    await session.flush()
    await _audit(session, row, "sealed" if state == "sealed" else "opened", by, seal=seal)
    return (await views_of(session, [row]))[0]


async def _parcels(session: AsyncSession, barcodes: Sequence[str]) -> dict[str, UUID]:
    refs = await find_parcels(session, barcodes)
    for barcode in barcodes:
        if barcode not in refs:
            raise UnknownBarcode(barcode=barcode)
    return {barcode: refs[barcode].parcel_id for barcode in barcodes}


async def _containers_above(session: AsyncSession, container: Container) -> list[Container]:
    """Those that it stands in, the nearest first."""
    above: list[Container] = []
    parent_id = container.parent_id
    while parent_id is not None:
        above.append(await session.get_one(Container, parent_id, populate_existing=True))
        parent_id = above[-1].parent_id
    return above


async def _check_open(session: AsyncSession, container: Container) -> list[Container]:
    """It and all that it stands in; those are returned."""
    above = await _containers_above(session, container)
    for each in (container, *above):
        if each.state == "sealed":
            raise ContainerSealed(barcode=each.barcode)
    return above


async def _nest(
    session: AsyncSession, child: Container, into: Container, above: Sequence[Container]
) -> None:
    if child.id in {into.id, *(each.id for each in above)}:
        raise NestedInItself(barcode=child.barcode, container=into.barcode)
    if child.parent_id == into.id:
        return
    if child.parent_id is not None:
        holder = await session.get_one(Container, child.parent_id)
        raise AlreadyContained(barcode=child.barcode, container=holder.barcode)
    if len(above) + 1 + await _height(session, child) > MAX_DEPTH:
        raise TooDeep(depth=MAX_DEPTH)
    child.parent_id = into.id
    child.changed_at = clock.now()


async def _height(session: AsyncSession, container: Container) -> int:
    """How many levels of containers it is, itself among them."""
    height, level = 0, [container.id]
    while level:
        height += 1
        level = list(
            await session.scalars(select(Container.id).where(Container.parent_id.in_(level)))
        )
    return height


async def _put_parcels(
    session: AsyncSession, into: Container, scans: Sequence[str], by: str
) -> None:
    parcels = await _parcels(session, scans)
    rows = await session.scalars(select(Parcel).where(Parcel.id.in_(parcels.values())))
    for row in rows:
        if PARCEL.is_final(row.state):
            raise JourneyOver(barcode=row.barcode, state=row.state)
    places = await lock_places(session, parcels.values())
    for scan, parcel_id in parcels.items():
        if parcel_id in places and places[parcel_id].container_id != into.id:
            holder = await session.get_one(Container, places[parcel_id].container_id)
            raise AlreadyContained(barcode=scan, container=holder.barcode)
    session.add_all(
        ContainedParcel(parcel_id=each, container_id=into.id, put_at=clock.now(), put_by=by)
        for each in sorted(set(parcels.values()) - places.keys())
    )


async def _audit(
    session: AsyncSession, container: Container, what: str, by: str, **details: object
) -> None:
    await record_audit(
        session,
        by=by,
        action=f"container.{what}",
        subject=f"container:{container.barcode}",
        details=dict(details),
    )
