"""Links for the public: unguessable, and over when they are over."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from server.consignments import service
from server.consignments.service import TrackingLinkUnknown, UnknownConsignment
from server.kit import clock
from server.kit.ids import new_id

DAY = datetime(2026, 3, 2, 8, tzinfo=UTC)


async def test_link_leads_to_its_consignment(db, make_consignment):
    async with db.transaction() as session:
        made = await make_consignment(session)
        expires_at = clock.now() + timedelta(days=1)
        tokens = {
            await service.open_tracking_link(session, made.id, expires_at=expires_at)
            for _ in range(20)
        }
        assert len(tokens) == 20
        for token in tokens:
            assert len(base64.urlsafe_b64decode(f"{token}==")) == 16
            assert await service.consignment_of_token(session, token) == made.id


async def test_database_does_not_hold_the_token(db, make_consignment):
    async with db.transaction() as session:
        made = await make_consignment(session)
        token = await service.open_tracking_link(
            session, made.id, expires_at=clock.now() + timedelta(days=1)
        )
        rows = await session.execute(text("select row_to_json(t)::text from tracking_link t"))
        assert token not in "".join(row[0] for row in rows)


async def test_expired_revoked_and_invented_links_give_the_same_answer(db, make_consignment):
    async with db.transaction() as session:
        made = await make_consignment(session)
        with clock.running(lambda: DAY):
            expiring, revoked = [
                await service.open_tracking_link(
                    session, made.id, expires_at=DAY + timedelta(hours=1)
                )
                for _ in range(2)
            ]
            assert await service.consignment_of_token(session, expiring) == made.id
        with clock.running(lambda: DAY + timedelta(hours=1)):
            expired_answer = await problem_of(session, expiring)
        with clock.running(lambda: DAY):
            assert await service.revoke_tracking_links(session, made.id) == 2
            assert await service.revoke_tracking_links(session, made.id) == 0
            answers = [
                await problem_of(session, token) for token in (revoked, "invented", "", "\0\ud800")
            ]
        assert all(answer == expired_answer for answer in answers)


async def problem_of(session, token: str) -> dict:
    with pytest.raises(TrackingLinkUnknown) as error:
        await service.consignment_of_token(session, token)
    return error.value.problem()


async def test_link_to_nothing_is_not_made(db):
    async with db.transaction() as session:
        with pytest.raises(UnknownConsignment):
            await service.open_tracking_link(session, new_id(), expires_at=DAY)
