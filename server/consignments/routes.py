"""Consignments over HTTP: looking at them and their proofs, and giving out tracking links."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody, PathParameter, QueryParameter
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments import service
from server.consignments.plate_routes import PLATE_ROUTES
from server.consignments.views import ConsignmentState, ConsignmentView, ProofView, StoryEntry
from server.identity.access import OFFICE, Principal, Role, allow
from server.kit import clock
from server.kit.blobs import Blobs
from server.kit.inputs import NO_NUL, Limit
from server.kit.pictures import show_picture
from server.kit.settings import Settings

MAY_READ = allow(*OFFICE, Role.WAREHOUSE, Role.ACCOUNT_USER, scope="consignments:read")
MAY_SHARE = allow(*OFFICE, Role.ACCOUNT_USER, scope="consignments:share")


# Litestar keeps the name `state` to itself.
StateQuery = Annotated[ConsignmentState | None, QueryParameter(name="state")]


class ConsignmentPage(msgspec.Struct):
    items: list[ConsignmentView]
    next: UUID | None


class ConsignmentDetail(msgspec.Struct):
    consignment: ConsignmentView
    story: tuple[StoryEntry, ...]
    proofs: tuple[ProofView, ...]


class LinkRequest(msgspec.Struct, forbid_unknown_fields=True):
    days: Annotated[int, Meta(ge=1, le=90)] = 30


class TrackingLink(msgspec.Struct):
    token: str
    url: str


@get("/api/consignments", guards=[MAY_READ])
async def list_consignments(
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    *,
    order_id: FromQuery[UUID | None] = None,
    in_state: StateQuery = None,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> ConsignmentPage:
    """Newest first."""
    own = principal.own_account_only()
    items = await service.list_consignments(
        session,
        account_id=own,
        order_id=order_id,
        state=in_state,
        limit=limit + 1,
        after=after,
    )
    more = items[limit - 1].id if len(items) > limit else None
    return ConsignmentPage(items[:limit], more)


@get("/api/consignments/{consignment_id:uuid}", guards=[MAY_READ])
async def get_consignment(
    consignment_id: FromPath[UUID],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> ConsignmentDetail:
    """With its story and its proofs."""
    own = principal.own_account_only()
    consignment = await service.get_consignment(session, consignment_id, account_id=own)
    story = await service.story(session, consignment_id)
    return ConsignmentDetail(consignment, story, await service.proofs_of(session, consignment_id))


@get("/api/consignments/by-barcode/{barcode:str}", guards=[MAY_READ])
async def get_consignment_by_barcode(
    barcode: Annotated[str, PathParameter(max_length=200, pattern=NO_NUL)],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> ConsignmentView:
    """The consignment of the parcel that bears this barcode now; a waybill is found as well."""
    own = principal.own_account_only()
    return await service.consignment_of_number(session, barcode, account_id=own)


@post("/api/consignments/{consignment_id:uuid}/tracking-links", guards=[MAY_SHARE])
async def open_tracking_link(
    consignment_id: FromPath[UUID],
    data: JSONBody[LinkRequest],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    settings: NamedDependency[Settings],
) -> TrackingLink:
    """A link for the consignee. It is shown only now; whoever has it can follow the parcel."""
    own = principal.own_account_only()
    await service.get_consignment(session, consignment_id, account_id=own)
    expires_at = clock.now() + timedelta(days=data.days)
    token = await service.open_tracking_link(
        session, consignment_id, expires_at=expires_at, by=principal.label
    )
    return TrackingLink(token, f"{settings.base_url}/t/{token}")


@delete("/api/consignments/{consignment_id:uuid}/tracking-links", guards=[MAY_SHARE])
async def revoke_tracking_links(
    consignment_id: FromPath[UUID],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> None:
    """End every link that was given out for this consignment."""
    own = principal.own_account_only()
    await service.get_consignment(session, consignment_id, account_id=own)
    await service.revoke_tracking_links(session, consignment_id)


@get(
    "/api/proofs/{proof_id:uuid}/blobs/{sha256:str}",
    guards=[MAY_READ],
    responses={200: ResponseSpec(bytes, description="The file.", media_type="*/*")},
)
async def get_proof_file(
    proof_id: FromPath[UUID],
    sha256: Annotated[str, PathParameter(pattern=r"^[0-9a-f]{64}$")],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    blobs: NamedDependency[Blobs],
) -> Response[bytes]:
    """A photo or signature; only by way of a proof that one may see."""
    own = principal.own_account_only()
    file = await service.proof_file(session, proof_id, sha256, account_id=own)
    return show_picture(service.read_proof_file(blobs, file))


ROUTES: list[Any] = [
    list_consignments,
    get_consignment,
    get_consignment_by_barcode,
    open_tracking_link,
    revoke_tracking_links,
    get_proof_file,
    *PLATE_ROUTES,
]
