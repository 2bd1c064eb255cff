"""Links under which anyone who has one may follow a consignment, until they end."""

import hashlib
import secrets
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments.lookup import UnknownConsignment
from server.consignments.models import Consignment, TrackingLink
from server.kit import clock
from server.kit.errors import NotFound

TOKEN_BYTES = 16


class TrackingLinkUnknown(NotFound):
    """This tracking link is not valid, or not any more. Ask the sender for a new one."""

    code = "consignments.tracking_link_unknown"


async def open_tracking_link(
    session: AsyncSession, consignment_id: UUID, *, expires_at: datetime, by: str = "system"
) -> str:
    """A new token of 128 bits. Only its hash is kept, so it cannot be shown a second time."""
    if await session.get(Consignment, consignment_id) is None:
        raise UnknownConsignment(consignment_id=consignment_id)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    session.add(
        TrackingLink(
            token_hash=_hash(token),
            consignment_id=consignment_id,
            created_at=clock.now(),
            created_by=by,
            expires_at=expires_at,
        )
    )
    await session.flush()
    return token


async def revoke_tracking_links(session: AsyncSession, consignment_id: UUID) -> int:
    """End every link of the consignment at once; how many were still open."""
    ended = await session.scalars(
        update(TrackingLink)
        .where(TrackingLink.consignment_id == consignment_id, TrackingLink.revoked_at.is_(None))
        .values(revoked_at=clock.now())
        .returning(TrackingLink.token_hash)
    )
    return len(ended.all())


async def consignment_of_token(session: AsyncSession, token: str) -> UUID:
    """The consignment that this link follows.

    Raises
    ------
    TrackingLinkUnknown
        The same for a link that never was, has expired or was revoked: an outsider who guesses
        must not learn which. A link follows the time of the business, as deliveries do.
    """
    found = await session.scalar(
        select(TrackingLink.consignment_id).where(
            TrackingLink.token_hash == _hash(token),
            TrackingLink.revoked_at.is_(None),
            TrackingLink.expires_at > clock.now(),
        )
    )
    if found is None:
        raise TrackingLinkUnknown
    return found


def _hash(token: str) -> str:
    # 128 random bits cannot be guessed, so a plain hash is enough; no salt, to look it up by.
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
