"""The chain of custody in the database."""

import asyncio
import random
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from server.consignments import service
from server.consignments.lifecycle import PARCEL, Report, consignment_state, custody_of
from server.consignments.models import CustodyEvent, Parcel
from server.consignments.service import NewParcel, UnknownParcels
from server.kit.db import Database
from server.kit.errors import IllegalMove
from server.kit.geo import Position
from server.kit.ids import new_id
from server.kit.outbox import OutboxEvent

DAY = datetime(2026, 3, 2, 8, tzinfo=UTC)


async def changes(session) -> list[dict]:
    rows = await session.scalars(
        select(OutboxEvent.body)
        .where(OutboxEvent.name == "consignments.CustodyChanged")
        .order_by(OutboxEvent.id)
    )
    return list(rows)


async def test_parcels_go_their_way_and_the_consignment_with_them(db, make_consignment, report):
    async with db.transaction() as session:
        made = await make_consignment(session, parcels=2)
        for minute, state in enumerate(["at_depot", "loaded", "out_for_delivery", "delivered"]):
            made = await report(session, made, state, minute=minute)
            assert made.state == state
            assert {parcel.state for parcel in made.parcels} == {state}
        said = [(each["state"], each["parcel_state"]) for each in await changes(session)]
        assert said[-1] == ("delivered", "delivered")
        assert len(said) == 4
        told = await service.story(session, made.id)
        assert sorted(entry.state for entry in told) == sorted(
            ["announced", "at_depot", "loaded", "out_for_delivery", "delivered"]
        )
        assert {len(entry.barcodes) for entry in told} == {2}


async def test_partly_delivered_waits_for_the_rest(db, make_consignment, report):
    async with db.transaction() as session:
        made = await make_consignment(session, parcels=2)
        made = await report(session, made, "out_for_delivery")
        made = await report(session, made, "delivered", minute=1, parcels=[0])
        assert made.state == "out_for_delivery"
        made = await report(session, made, "refused", minute=2, parcels=[1])
        assert made.state == "delivered"
        assert [parcel.state for parcel in made.parcels] == ["delivered", "refused"]


async def test_illegal_move_is_refused_and_leaves_no_trace(db, make_consignment, report):
    async with db.transaction() as session:
        made = await make_consignment(session)
        await report(session, made, "delivered")
    with pytest.raises(IllegalMove):
        async with db.transaction() as session:
            await report(session, made, "loaded", minute=5)
    async with db.transaction() as session:
        assert len(await service.story(session, made.id)) == 2


async def test_report_from_the_street_that_does_not_fit_is_kept_as_conflicting(
    db, make_consignment, report
):
    async with db.transaction() as session:
        made = await report(session, await make_consignment(session), "delivered")
        made = await report(session, made, "attempted", minute=5, strict=False)
        assert made.state == "delivered"
        conflicting = [e.state for e in await service.story(session, made.id) if e.conflicting]
        assert conflicting == ["attempted"]
        assert len(await changes(session)) == 1


async def test_late_delivery_overrules_the_attempt_that_came_after_it(db, make_consignment, report):
    """One driver delivered without network; another, sent meanwhile, found nobody."""
    async with db.transaction() as session:
        made = await report(session, await make_consignment(session), "out_for_delivery")
        made = await report(session, made, "attempted", minute=30, strict=False)
        made = await report(session, made, "delivered", minute=10, strict=False)
        assert made.state == "delivered"
        assert (await changes(session))[-1]["parcel_state"] == "delivered"


async def test_late_scan_does_not_move_a_parcel_back(db, make_consignment, report):
    async with db.transaction() as session:
        made = await report(session, await make_consignment(session), "at_depot", minute=600)
        made = await report(session, made, "loaded", minute=5, strict=False)
        assert made.state == "at_depot"
        assert len(await changes(session)) == 1


async def test_same_command_again_adds_nothing(db, make_consignment, report):
    async with db.transaction() as session:
        made = await make_consignment(session)
        for state in ("loaded", "delivered", "loaded"):
            made = await report(session, made, state, minute=1, source_id=f"command {state}")
        assert made.state == "delivered"
        assert len(await service.story(session, made.id)) == 3
        assert len(await changes(session)) == 2


async def test_street_report_on_a_cancelled_consignment_is_a_fact_all_the_same(
    db, make_consignment, report
):
    async with db.transaction() as session:
        made = await make_consignment(session)
        await service.cancel_consignment(session, made.id, by="test", reason="not needed")
        with pytest.raises(IllegalMove):
            await report(session, made, "loaded")
        made = await report(session, made, "loaded", strict=False)
        assert made.state == "loaded"
        made = await report(session, made, "at_depot", minute=9)
        assert made.state == "cancelled"
        assert [e.state for e in await service.story(session, made.id) if e.conflicting] == [
            "loaded"
        ]


async def test_unknown_parcels_are_named(db, make_consignment):
    unknown = new_id()
    async with db.transaction() as session:
        made = await make_consignment(session)
        with pytest.raises(UnknownParcels, match=str(unknown)):
            await service.record_custody(
                session,
                parcel_ids=[made.parcels[0].id, unknown],
                state="loaded",
                occurred_at=DAY,
                received_at=DAY,
                by="test",
            )


async def test_impossible_position_is_left_out_of_the_fact(db, make_consignment, report):
    async with db.transaction() as session:
        made = await make_consignment(session)
        await report(session, made, "loaded", position=Position(9.5, 47.1))
        await report(session, made, "delivered", minute=1, position=Position(1e300, 91.0))
        places = {entry.state: entry.position for entry in await service.story(session, made.id)}
        assert places["loaded"] == Position(9.5, 47.1)
        assert places["delivered"] is None


@pytest.mark.parametrize("table", ["custody_event", "proof", "proof_file"])
@pytest.mark.parametrize("change", ["update {} set {} = {}", "delete from {}", "truncate {}"])
async def test_history_cannot_be_changed_even_by_sql(db, make_consignment, table, change):
    column = "received_at" if table != "proof_file" else "added_at"
    if change.startswith("truncate") and table == "proof":
        change += ", custody_event, proof_file"
    async with db.transaction() as session:
        await make_consignment(session)
    with pytest.raises(IntegrityError, match="append-only"):
        async with db.transaction() as session:
            await session.execute(text(change.format(table, column, column)))


async def test_two_scans_at_once_leave_the_truth_about_both_parcels(
    own_db: Database, make_consignment, report
):
    async with own_db.transaction() as session:
        made = await make_consignment(session, parcels=6)

    async def scan(number: int, state: str, minute: int) -> None:
        async with own_db.transaction() as session:
            await report(session, made, state, parcels=[number], minute=minute, strict=False)

    scans = [(number, state) for number in range(6) for state in ("loaded", "delivered")]
    random.Random(7).shuffle(scans)
    await asyncio.gather(
        *(scan(number, state, 1 if state == "loaded" else 2) for number, state in scans)
    )
    async with own_db.transaction() as session:
        after = await service.get_consignment(session, made.id)
        assert after.state == "delivered"
        assert {parcel.state for parcel in after.parcels} == {"delivered"}
        said = await changes(session)
        assert [each["state"] for each in said].count("delivered") == 1


async def test_same_command_from_two_connections_counts_once(
    own_db: Database, make_consignment, report
):
    async with own_db.transaction() as session:
        made = await make_consignment(session, parcels=3)

    async def scan() -> None:
        async with own_db.transaction() as session:
            await report(session, made, "loaded", source_id="command 1")

    await asyncio.gather(*(scan() for _ in range(6)))
    async with own_db.transaction() as session:
        rows = await session.scalars(select(CustodyEvent).where(CustodyEvent.state == "loaded"))
        assert len(rows.all()) == 3


async def test_cancelling_and_loading_at_once_never_both_succeed(
    own_db: Database, make_consignment, report
):
    async def cancel(made) -> str:
        async with own_db.transaction() as session:
            await service.cancel_consignment(session, made.id, by="test", reason="late")
        return "cancelled"

    async def load(made) -> str:
        async with own_db.transaction() as session:
            await report(session, made, "loaded")
        return "loaded"

    for _ in range(5):
        async with own_db.transaction() as session:
            made = await make_consignment(session)
        done = await asyncio.gather(cancel(made), load(made), return_exceptions=True)
        (winner,) = [each for each in done if isinstance(each, str)]
        async with own_db.transaction() as session:
            assert (await service.get_consignment(session, made.id)).state == winner


async def test_old_label_means_the_parcel_that_comes_back(db, make_consignment, report):
    async with db.transaction() as session:
        out = await make_consignment(session, parcels=(NewParcel(barcode="4006381"),))
        back = await make_consignment(
            session, parcels=(NewParcel(former_barcode="4006381"),), kind="return"
        )
        found = await service.find_parcels(session, ["4006381", "nobody's"])
        assert {code: ref.parcel_id for code, ref in found.items()} == {
            "4006381": out.parcels[0].id
        }
        await report(session, out, "delivered")
        found = await service.find_parcels(session, ["4006381", back.parcels[0].barcode])
        assert {ref.parcel_id for ref in found.values()} == {back.parcels[0].id}


moves = st.lists(
    st.tuples(
        st.sampled_from(PARCEL.states),
        st.integers(0, 500),
        st.sets(st.integers(0, 2), min_size=1),
        st.sampled_from([None, "a", "b"]),
    ),
    max_size=8,
)


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(moves, st.booleans())
async def test_replaying_the_chain_gives_the_states_that_are_kept(
    db, make_consignment, report, moves, cancelled
):
    async with db.transaction() as session:
        made = await make_consignment(session, parcels=3)
        if cancelled:
            await service.cancel_consignment(session, made.id, by="test", reason="")
        for state, minute, parcels, source_id in moves:
            await report(
                session,
                made,
                state,
                minute=minute,
                parcels=sorted(parcels),
                source_id=source_id,
                strict=False,
            )
        chains: dict = {}
        rows = await session.execute(
            select(Parcel.barcode, CustodyEvent)
            .join(Parcel, Parcel.id == CustodyEvent.parcel_id)
            .where(Parcel.consignment_id == made.id)
            .order_by(CustodyEvent.id)
        )
        for barcode, event in rows:
            chain = chains.setdefault(barcode, [])
            chain.append(Report(event.state, event.occurred_at, len(chain)))
        after = await service.get_consignment(session, made.id)
        replayed = [custody_of(chains[parcel.barcode]).state for parcel in after.parcels]
        assert [parcel.state for parcel in after.parcels] == replayed
        assert after.state == consignment_state(replayed, cancelled=cancelled)
        said = await changes(session)
        mine = [each for each in said if each["consignment_id"] == str(made.id)]
        if mine:
            assert mine[-1]["state"] == after.state
