"""The chain of custody: adding what was reported, and telling the story of a consignment."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import structs
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments.events import CustodyChanged
from server.consignments.licence_plate_lookup import leave_containers
from server.consignments.lifecycle import (
    STAYS_PUT,
    Report,
    consignment_state,
    custody_of,
)
from server.consignments.lookup import UnknownConsignment
from server.consignments.models import Consignment, CustodyEvent, Parcel
from server.consignments.street import possible
from server.consignments.views import StoryEntry
from server.kit.errors import IllegalMove, NotFound
from server.kit.geo import Position
from server.kit.outbox import emit

NOT_CONTAINED: Mapping[UUID, UUID] = {}


class UnknownParcels(NotFound):
    """There are no parcels {parcel_ids}."""

    code = "consignments.unknown_parcels"


async def record_custody(
    session: AsyncSession,
    *,
    parcel_ids: Collection[UUID],
    state: str,
    occurred_at: datetime,
    received_at: datetime,
    by: str,
    driver_id: UUID | None = None,
    position: Position | None = None,
    outcome_code: str | None = None,
    proof_id: UUID | None = None,
    source_id: str | None = None,
    containers: Mapping[UUID, UUID] = NOT_CONTAINED,
    strict: bool = True,
) -> None:
    """Add one link to the chain of each parcel, and bring the states up to date.

    driver_id: who holds the parcels from then on; None when no driver does.
    source_id: the command that says so; the same one again changes nothing.
    containers: of parcels that were not scanned themselves: the container which they are in.
    strict: refuse what does not fit. What comes from the street is a fact and never refused: pass
        False, and a report that does not fit is kept with `conflicting`.

    Raises
    ------
    UnknownParcels, IllegalMove
    """
    parcels, consignments = await _lock(session, parcel_ids)
    chains, known_sources = await _read_chains(session, parcel_ids)
    links = []
    for parcel_id in dict.fromkeys(parcel_ids):
        if source_id is not None and (source_id, state) in known_sources[parcel_id]:
            continue
        parcel = parcels[parcel_id]
        fault = _conflict(
            parcel,
            consignments[parcel.consignment_id],
            chains[parcel_id],
            Report(state, occurred_at, len(chains[parcel_id]), driver_id),
        )
        if strict and fault is not None:
            raise IllegalMove(thing=f"Parcel {parcel.barcode}", state=fault, wanted=state)
        links.append(
            CustodyEvent(
                parcel_id=parcel_id,
                state=state,
                occurred_at=occurred_at,
                received_at=received_at,
                by=by,
                driver_id=driver_id,
                position=possible(position),
                outcome_code=outcome_code,
                proof_id=proof_id,
                source_id=source_id,
                container_id=containers.get(parcel_id),
                conflicting=fault is not None,
            )
        )
    session.add_all(links)
    await session.flush()
    changed = _move_parcels([parcels[each.parcel_id] for each in links], chains)
    await leave_containers(session, changed)
    _move_consignments(consignments.values(), parcels.values())
    _tell(session, consignments, changed, occurred_at)


async def story(session: AsyncSession, consignment_id: UUID) -> tuple[StoryEntry, ...]:
    """All that happened to a consignment, in the order in which it happened. What was reported for
    several parcels at once is one entry."""
    consignment = await session.get(Consignment, consignment_id)
    if consignment is None:
        raise UnknownConsignment(consignment_id=consignment_id)
    rows = await session.execute(
        select(CustodyEvent, Parcel.barcode)
        .join(Parcel, Parcel.id == CustodyEvent.parcel_id)
        .where(Parcel.consignment_id == consignment_id)
        .order_by(CustodyEvent.id)
    )
    barcodes = {row[0]: row[1] for row in rows}
    unfit = _find_unfit(barcodes)
    together: dict[StoryEntry, list[str]] = defaultdict(list)
    for link, barcode in sorted(barcodes.items(), key=lambda each: each[0].occurred_at):
        together[_entry(link, conflicting=link.conflicting or link in unfit)].append(barcode)
    entries = [structs.replace(entry, barcodes=tuple(each)) for entry, each in together.items()]
    if consignment.cancelled_at is not None:
        entries.append(
            StoryEntry(
                state="cancelled",
                occurred_at=consignment.cancelled_at,
                received_at=consignment.cancelled_at,
                by=consignment.cancelled_by or "",
                reason=consignment.cancel_reason,
            )
        )
    return tuple(sorted(entries, key=lambda entry: entry.occurred_at))


async def count_attempts(session: AsyncSession, consignment_id: UUID) -> int:
    """How often somebody stood at the door in vain; several parcels at once are one attempt."""
    attempts = await session.scalar(
        select(func.count(CustodyEvent.occurred_at.distinct()))
        .join(Parcel, Parcel.id == CustodyEvent.parcel_id)
        .where(Parcel.consignment_id == consignment_id, CustodyEvent.state == "attempted")
    )
    return attempts or 0


async def lock_parcels(session: AsyncSession, parcel_ids: Collection[UUID]) -> None:
    """For who records different states of several parcels in one transaction: first all of them
    are locked, in the one order in which everybody does it.

    Raises
    ------
    UnknownParcels
    """
    await _lock(session, parcel_ids)


async def _lock(
    session: AsyncSession, parcel_ids: Collection[UUID]
) -> tuple[dict[UUID, Parcel], dict[UUID, Consignment]]:
    """All parcels of the consignments concerned, which stay locked until the transaction ends.

    The lock is on the consignment, so that two scans of its parcels at once project one after
    the other; in the order of ids, so that nobody waits in a circle.
    """
    concerned = select(Parcel.consignment_id).where(Parcel.id.in_(parcel_ids))
    consignments = await session.scalars(
        select(Consignment)
        .where(Consignment.id.in_(concerned))
        .order_by(Consignment.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    by_id = {each.id: each for each in consignments}
    parcels = await session.scalars(
        select(Parcel)
        .where(Parcel.consignment_id.in_(by_id))
        .execution_options(populate_existing=True)
    )
    found = {each.id: each for each in parcels}
    if missing := set(parcel_ids) - set(found):
        raise UnknownParcels(parcel_ids=", ".join(sorted(map(str, missing))))
    return found, by_id


async def _read_chains(
    session: AsyncSession, parcel_ids: Collection[UUID]
) -> tuple[dict[UUID, list[Report]], dict[UUID, set[tuple[str, str]]]]:
    """The chain of each parcel, and which (source, state) it has already."""
    chains: dict[UUID, list[Report]] = defaultdict(list)
    sources: dict[UUID, set[tuple[str, str]]] = defaultdict(set)
    links = await session.scalars(
        select(CustodyEvent).where(CustodyEvent.parcel_id.in_(parcel_ids)).order_by(CustodyEvent.id)
    )
    for link in links:
        chain = chains[link.parcel_id]
        chain.append(Report(link.state, link.occurred_at, len(chain), link.driver_id))
        if link.source_id is not None:
            sources[link.parcel_id].add((link.source_id, link.state))
    return chains, sources


def _conflict(
    parcel: Parcel, consignment: Consignment, chain: list[Report], report: Report
) -> str | None:
    """Add the report to the chain; the state that it contradicts, or None when it fits."""
    chain.append(report)
    if report.recorded in custody_of(chain).conflicting:
        return parcel.state
    if consignment.cancelled_at is not None and report.state not in STAYS_PUT:
        return "cancelled"
    return None


def _move_parcels(touched: Sequence[Parcel], chains: dict[UUID, list[Report]]) -> list[Parcel]:
    """Bring the parcels up to date with their chains; those that are different now."""
    changed = []
    for parcel in touched:
        custody = custody_of(chains[parcel.id])
        if (parcel.state, parcel.holder_id) != (custody.state, custody.holder_id):
            parcel.state, parcel.holder_id = custody.state, custody.holder_id
            changed.append(parcel)
    return changed


def _move_consignments(consignments: Iterable[Consignment], parcels: Iterable[Parcel]) -> None:
    states: dict[UUID, list[str]] = defaultdict(list)
    for parcel in parcels:
        if parcel.withdrawn_at is None:
            states[parcel.consignment_id].append(parcel.state)
    for each in consignments:
        each.state = consignment_state(states[each.id], cancelled=each.cancelled_at is not None)


def _tell(
    session: AsyncSession,
    consignments: dict[UUID, Consignment],
    changed: Sequence[Parcel],
    occurred_at: datetime,
) -> None:
    """One event for each consignment and state that its parcels have come to."""
    together: dict[tuple[UUID, str], list[UUID]] = defaultdict(list)
    for parcel in changed:
        together[parcel.consignment_id, parcel.state].append(parcel.id)
    for (consignment_id, parcel_state), parcel_ids in together.items():
        consignment = consignments[consignment_id]
        emit(
            session,
            CustodyChanged(
                consignment_id=consignment_id,
                order_id=consignment.order_id,
                kind=consignment.kind,
                state=consignment.state,
                parcel_ids=tuple(parcel_ids),
                parcel_state=parcel_state,
                occurred_at=occurred_at,
            ),
        )


def _find_unfit(links: Iterable[CustodyEvent]) -> set[CustodyEvent]:
    """What does not fit into its chain as it is known by now. links: as we heard of them."""
    chains: dict[UUID, list[CustodyEvent]] = defaultdict(list)
    for link in links:
        chains[link.parcel_id].append(link)
    unfit = set()
    for chain in chains.values():
        reports = [
            Report(link.state, link.occurred_at, number, link.driver_id)
            for number, link in enumerate(chain)
        ]
        unfit |= {chain[number] for number in custody_of(reports).conflicting}
    return unfit


def _entry(event: CustodyEvent, *, conflicting: bool) -> StoryEntry:
    return StoryEntry(
        state=event.state,
        occurred_at=event.occurred_at,
        received_at=event.received_at,
        by=event.by,
        driver_id=event.driver_id,
        position=event.position,
        outcome_code=event.outcome_code,
        proof_id=event.proof_id,
        container_id=event.container_id,
        conflicting=conflicting,
    )
