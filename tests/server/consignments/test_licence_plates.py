"""Cages and bags: what is in what, also when many hands are at it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from server.consignments import service
from server.consignments.licence_plate_lookup import ContainerView, get_container, read_scans
from server.consignments.licence_plates import (
    MAX_DEPTH,
    AlreadyContained,
    ContainerSealed,
    JourneyOver,
    NestedInItself,
    NotContained,
    TooDeep,
    create_container,
    open_container,
    plate_of,
    put_in,
    seal_container,
    take_out,
)
from server.consignments.models import ContainedParcel, CustodyEvent
from server.consignments.sscc import is_sscc
from server.identity.access import Role
from server.kit.db import Database
from server.kit.errors import Conflict, IllegalMove
from tests.conftest import SignIn

from .conftest import DAY, MakeConsignment, Report


async def a_cage(db: Database, kind: str = "cage") -> str:
    async with db.transaction() as session:
        made = await create_container(session, kind=kind, by="test")  # type: ignore[arg-type]
    return made.barcode


async def put(db: Database, cage: str, *things: str) -> ContainerView:
    async with db.transaction() as session:
        return await put_in(session, cage, things, by="test")


async def take(db: Database, cage: str, *things: str) -> ContainerView:
    async with db.transaction() as session:
        return await take_out(session, cage, things, by="test")


async def inside(db: Database, *scanned: str) -> set[str]:
    """The parcels that one has scanned with these."""
    async with db.transaction() as session:
        scans = await read_scans(session, scanned)
    return {scan.parcel.barcode for scan in scans if scan.parcel}


@pytest.fixture
def make_parcels(
    make_consignment: MakeConsignment,
) -> Callable[[Database, int], Awaitable[list[str]]]:
    async def make(db: Database, count: int) -> list[str]:
        async with db.transaction() as session:
            made = await make_consignment(session, parcels=count)
        return [parcel.barcode for parcel in made.parcels]

    return make


MakeParcels = Callable[[Database, int], Awaitable[list[str]]]


def test_plates_have_a_check_digit() -> None:
    plates = {plate_of(number) for number in range(200)}
    assert len(plates) == 200
    assert {len(plate) for plate in plates} == {12}


async def test_scanning_a_cage_is_scanning_all_that_is_in_it(
    db: Database, make_parcels: MakeParcels
) -> None:
    parcels = await make_parcels(db, 4)
    cage, bag = await a_cage(db), await a_cage(db, "bag")
    await put(db, bag, parcels[0], parcels[1])
    await put(db, cage, bag, parcels[2])
    assert await inside(db, cage) == set(parcels[:3])
    assert await inside(db, bag, parcels[3]) == {*parcels[:2], parcels[3]}
    async with db.transaction() as session:
        scans = await read_scans(session, [cage, parcels[0], "nothing", await a_cage(db)])
    assert [scan.parcel.barcode for scan in scans if scan.parcel].count(parcels[0]) == 1
    assert [scan.barcode for scan in scans if scan.is_unknown] == ["nothing"]


async def test_the_chain_of_custody_names_the_cage_that_was_scanned(
    db: Database, make_consignment: MakeConsignment
) -> None:
    cage = await a_cage(db)
    async with db.transaction() as session:
        made = await make_consignment(session, parcels=2)
        await put_in(session, cage, [made.parcels[0].barcode], by="test")
        scans = await read_scans(session, [cage, made.parcels[1].barcode])
        await service.record_custody(
            session,
            parcel_ids=[scan.parcel.parcel_id for scan in scans if scan.parcel],
            state="at_depot",
            occurred_at=DAY,
            received_at=DAY,
            by="test",
            containers=service.parcels_in(scans),
        )
        container = await get_container(session, cage)
        story = await service.story(session, made.id)
    told = {entry.barcodes: entry.container_id for entry in story if entry.state == "at_depot"}
    assert told == {
        (made.parcels[0].barcode,): container.id,
        (made.parcels[1].barcode,): None,
    }


async def test_with_a_gs1_prefix_the_plate_is_an_sscc_and_is_read_with_its_identifier(
    db: Database, make_parcels: MakeParcels
) -> None:
    (parcel,) = await make_parcels(db, 1)
    async with db.transaction() as session:
        cage = await create_container(session, kind="cage", gs1_prefix="9501234", by="test")
    assert is_sscc(cage.barcode)
    await put(db, f"]C100{cage.barcode}", parcel)
    assert await inside(db, f"(00){cage.barcode}") == {parcel}


async def test_a_parcel_is_in_one_container_at_most(
    db: Database, make_parcels: MakeParcels
) -> None:
    parcels = await make_parcels(db, 2)
    first, second = await a_cage(db), await a_cage(db)
    await put(db, first, parcels[0])
    await put(db, first, parcels[0])
    with pytest.raises(AlreadyContained, match=first):
        await put(db, second, *parcels)
    assert (await inside(db, first), await inside(db, second)) == ({parcels[0]}, set())
    await take(db, first, parcels[0])
    assert (await put(db, second, *parcels)).parcels == tuple(parcels)


async def test_what_is_not_in_it_cannot_be_taken_out(
    db: Database, make_parcels: MakeParcels
) -> None:
    parcels = await make_parcels(db, 2)
    cage, bag = await a_cage(db), await a_cage(db, "bag")
    await put(db, bag, parcels[0])
    await put(db, cage, bag)
    for thing in (*parcels, cage):
        with pytest.raises(NotContained):
            await take(db, cage, thing)
    assert (await take(db, cage, bag)).containers == ()


async def test_no_container_comes_to_stand_in_itself(db: Database) -> None:
    outer, middle, inner = [await a_cage(db) for _ in range(3)]
    await put(db, middle, inner)
    await put(db, outer, middle)
    for into in (outer, middle, inner):
        with pytest.raises(NestedInItself):
            await put(db, into, outer)


async def test_containers_stand_only_so_deep_in_each_other(db: Database) -> None:
    chain = [await a_cage(db) for _ in range(MAX_DEPTH + 1)]
    for outer, inner in zip(chain[1:MAX_DEPTH], chain, strict=False):
        await put(db, outer, inner)
    with pytest.raises(TooDeep):
        await put(db, chain[MAX_DEPTH], chain[MAX_DEPTH - 1])
    with pytest.raises(TooDeep):
        await put(db, chain[0], chain[MAX_DEPTH])


async def test_nothing_goes_in_or_out_of_what_is_sealed_at_any_depth(
    db: Database, make_parcels: MakeParcels
) -> None:
    parcels = await make_parcels(db, 2)
    cage, bag = await a_cage(db), await a_cage(db, "bag")
    await put(db, bag, parcels[0])
    await put(db, cage, bag)
    async with db.transaction() as session:
        sealed = await seal_container(session, cage, seal="S-1", by="test")
    assert (sealed.state, sealed.seal) == ("sealed", "S-1")
    for act in (put(db, bag, parcels[1]), take(db, bag, parcels[0]), take(db, cage, bag)):
        with pytest.raises(ContainerSealed, match=cage):
            await act
    async with db.transaction() as session:
        with pytest.raises(IllegalMove):
            await seal_container(session, cage, seal="S-2", by="test")
        await open_container(session, cage, by="test")
    await take(db, bag, parcels[0])
    assert await inside(db, cage) == set()


async def test_a_delivered_parcel_is_in_no_cage_any_more(
    db: Database, make_consignment: MakeConsignment, report: Report
) -> None:
    cage = await a_cage(db)
    async with db.transaction() as session:
        made = await make_consignment(session, parcels=2)
    barcodes = [parcel.barcode for parcel in made.parcels]
    await put(db, cage, *barcodes)
    async with db.transaction() as session:
        await report(session, made, "delivered", parcels=[0])
    assert await inside(db, cage) == {barcodes[1]}
    with pytest.raises(JourneyOver):
        await put(db, cage, barcodes[0])


async def test_two_people_cannot_put_one_parcel_into_two_cages(
    own_db: Database, make_parcels: MakeParcels
) -> None:
    parcels = await make_parcels(own_db, 6)
    cages = [await a_cage(own_db) for _ in range(6)]

    async def fill(number: int) -> bool:
        order = parcels if number % 2 else parcels[::-1]
        try:
            await put(own_db, cages[number], *order)
        except AlreadyContained:
            return False
        return True

    assert sum(await asyncio.gather(*map(fill, range(6)))) == 1
    holding = [len(await inside(own_db, cage)) for cage in cages]
    assert sorted(holding) == [0, 0, 0, 0, 0, 6]


async def test_many_hands_never_make_a_ring_of_cages(own_db: Database) -> None:
    cages = [await a_cage(own_db) for _ in range(4)]

    async def nest(number: int) -> bool:
        try:
            await put(own_db, cages[number], cages[(number + 1) % 4])
        except Conflict:
            return False
        return True

    assert sum(await asyncio.gather(*map(nest, range(4)))) == 3
    async with own_db.transaction() as session:
        views = [await get_container(session, cage) for cage in cages]
    assert [view.inside for view in views].count(None) == 1


async def test_deliveries_and_emptying_at_once_end_without_a_deadlock(
    own_db: Database, make_consignment: MakeConsignment, report: Report
) -> None:
    cage = await a_cage(own_db)
    async with own_db.transaction() as session:
        made = [await make_consignment(session, parcels=5) for _ in range(4)]
    barcodes = [parcel.barcode for each in made for parcel in each.parcels]
    await put(own_db, cage, *barcodes)

    async def deliver(number: int) -> None:
        async with own_db.transaction() as session:
            await report(session, made[number], "delivered")

    async def empty() -> None:
        with suppress(NotContained):
            await take(own_db, cage, *reversed(barcodes))

    await asyncio.gather(empty(), *map(deliver, range(4)), empty())
    async with own_db.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(ContainedParcel)) in (0, None)


@seed(20260302)
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    moves=st.lists(
        st.tuples(
            st.sampled_from(["put", "take", "seal", "open"]), st.integers(0, 3), st.integers(0, 6)
        ),
        max_size=25,
    )
)
async def test_whatever_is_done_everything_is_in_one_place(
    db: Database, make_parcels: MakeParcels, moves: list[tuple[str, int, int]]
) -> None:
    """Things 0 to 3 are containers, 4 to 6 parcels; a model of plain dicts says where they are."""
    containers = [await a_cage(db) for _ in range(4)]
    things = [*containers, *await make_parcels(db, 3)]
    where: dict[str, str] = {}
    sealed: set[str] = set()

    def around(thing: str) -> list[str]:
        return [thing, *(around(where[thing]) if thing in where else [])]

    async def act(what: str, cage: str, thing: str) -> bool:
        try:
            if what == "put":
                await put(db, cage, thing)
            elif what == "take":
                await take(db, cage, thing)
            else:
                async with db.transaction() as session:
                    if what == "seal":
                        await seal_container(session, cage, seal="", by="test")
                    else:
                        await open_container(session, cage, by="test")
        except Conflict:
            return False
        return True

    for what, number, other in moves:
        cage, thing = containers[number], things[other]
        shut = bool(sealed & set(around(cage)))
        is_free = where.get(thing, cage) == cage and thing not in around(cage)
        may = {
            "put": not shut and is_free,
            "take": not shut and where.get(thing) == cage,
            "seal": cage not in sealed,
            "open": cage in sealed,
        }
        assert await act(what, cage, thing) == may[what], (what, number, other)
        if not may[what]:
            continue
        if what == "put":
            where[thing] = cage
        elif what == "take":
            del where[thing]
        else:
            sealed ^= {cage}
    for cage in containers:
        expected = {thing for thing in things[4:] if cage in around(thing)}
        assert await inside(db, cage) == expected


async def test_cages_over_http(db: Database, sign_in: SignIn, make_parcels: MakeParcels) -> None:
    parcels = await make_parcels(db, 2)
    client = await sign_in(Role.WAREHOUSE)
    made = await client.post("/api/containers", json={"kind": "cage", "name": "A 1"})
    plate = made.json()["barcode"]
    filled = await client.post(f"/api/containers/{plate}/put", json={"barcodes": parcels})
    assert filled.json()["parcels"] == parcels
    unknown = await client.post(f"/api/containers/{plate}/put", json={"barcodes": ["nothing"]})
    assert unknown.json()["code"] == "consignments.unknown_barcode"
    await client.post(f"/api/containers/{plate}/seal", json={"seal": "7"})
    refused = await client.post(f"/api/containers/{plate}/take", json={"barcodes": parcels})
    assert (refused.status_code, refused.json()["code"]) == (409, "consignments.container_sealed")
    assert (await client.post(f"/api/containers/{plate}/open")).json()["state"] == "open"
    await client.post(f"/api/containers/{plate}/take", json={"barcodes": parcels[:1]})
    seen = (await client.get(f"/api/containers/{plate}")).json()
    assert seen["parcels"] == parcels[1:]
    assert [each["barcode"] for each in (await client.get("/api/containers")).json()["items"]] == [
        plate
    ]
    assert (await client.get("/api/containers/LP0")).status_code == 404


async def test_a_cage_scanned_twice_by_one_command_counts_once(
    db: Database, make_consignment: MakeConsignment
) -> None:
    cage = await a_cage(db)
    async with db.transaction() as session:
        made = await make_consignment(session)
        await put_in(session, cage, [made.parcels[0].barcode], by="test")
        scans = await read_scans(session, [cage, cage])
        for _ in range(2):
            await service.record_custody(
                session,
                parcel_ids=[scan.parcel.parcel_id for scan in scans if scan.parcel],
                state="at_depot",
                occurred_at=DAY,
                received_at=DAY,
                by="test",
                source_id="once",
                containers=service.parcels_in(scans),
            )
        links = await session.scalars(
            select(CustodyEvent.state).where(CustodyEvent.parcel_id == made.parcels[0].id)
        )
    assert sorted(links) == ["announced", "at_depot"]
