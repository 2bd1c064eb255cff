"""Labels, the gate of a depot and the load check over HTTP, for the people at the depot."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody, PathParameter, QueryParameter
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments.service import Direction, label_pdf, label_zpl
from server.dispatch import depot_gate, labelling, load_check
from server.dispatch.depot_gate import GateAnswer
from server.dispatch.load_check import LoadAnswer, LoadCheckView
from server.identity.access import OFFICE, Principal, Role, allow
from server.kit.idempotency import answer_once
from server.kit.inputs import NO_NUL, SOME_TEXT, Moment, Note
from server.kit.settings import Settings

MAY_LABEL = allow(*OFFICE, Role.WAREHOUSE, Role.ACCOUNT_USER, scope="labels:read")
MAY_SEE_LOAD = allow(*OFFICE, Role.WAREHOUSE, scope="dispatch:read")
MAY_SCAN = allow(*OFFICE, Role.WAREHOUSE, scope="depots:scan")

Barcode = Annotated[str, Meta(min_length=1, max_length=200, pattern=SOME_TEXT)]
ScanId = Annotated[str, Meta(min_length=1, max_length=100, pattern=SOME_TEXT)]
BarcodePath = Annotated[str, PathParameter(max_length=200, pattern=NO_NUL)]
Ids = Annotated[list[UUID], QueryParameter(min_items=1, max_items=200)]

PDF = {200: ResponseSpec(bytes, description="The labels.", media_type="application/pdf")}
ZPL = {200: ResponseSpec(bytes, description="ZPL II, 203 dpi.", media_type="application/zpl")}


class GateScans(msgspec.Struct, forbid_unknown_fields=True):
    """scan_id: made by the scanner; sent again with the same one, nothing happens twice."""

    direction: Direction
    barcodes: Annotated[list[Barcode], Meta(min_length=1, max_length=500)]
    occurred_at: Moment
    scan_id: ScanId


class LoadScan(msgspec.Struct, forbid_unknown_fields=True):
    """scan_id: made by the scanner; sent again with the same one, it gets the same answer."""

    barcode: Barcode
    occurred_at: Moment
    scan_id: ScanId


class Finish(msgspec.Struct, forbid_unknown_fields=True):
    reason: Note = ""


@get("/api/consignments/labels.pdf", guards=[MAY_LABEL], responses=PDF)
async def print_labels(
    ids: Ids,
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    settings: NamedDependency[Settings],
) -> Response[bytes]:
    """The labels of all parcels of up to 200 consignments, an A6 page each."""
    labels = await labelling.labels_of_consignments(
        session, ids, settings=settings, account_id=principal.own_account_only()
    )
    return paper(await label_pdf(labels), "application/pdf")


@get("/api/parcels/{barcode:str}/label.pdf", guards=[MAY_LABEL], responses=PDF)
async def print_label(
    barcode: BarcodePath,
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    settings: NamedDependency[Settings],
) -> Response[bytes]:
    """The label of one parcel, A6."""
    labels = await labelling.labels_of_barcode(
        session, barcode, settings=settings, account_id=principal.own_account_only()
    )
    return paper(await label_pdf(labels), "application/pdf")


@get("/api/parcels/{barcode:str}/label.zpl", guards=[MAY_LABEL], responses=ZPL)
async def print_label_zpl(
    barcode: BarcodePath,
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    settings: NamedDependency[Settings],
) -> Response[bytes]:
    """The same for a label printer."""
    labels = await labelling.labels_of_barcode(
        session, barcode, settings=settings, account_id=principal.own_account_only()
    )
    return paper(label_zpl(labels).encode(), "application/zpl")


@post("/api/depots/{depot_id:uuid}/scans", guards=[MAY_SCAN], status_code=200)
async def scan_at_gate(
    depot_id: FromPath[UUID],
    data: JSONBody[GateScans],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> list[GateAnswer]:
    """Parcels, or containers with all that is in them, come in or go out. Never refused; the
    answers say what to do with each parcel."""
    return await answer_once(
        session,
        scope=f"depot_scan:{depot_id}",
        key=data.scan_id,
        body=data,
        answer_type=list[GateAnswer],
        act=lambda: depot_gate.scan_at_gate(
            session, depot_id, **msgspec.structs.asdict(data), by=principal.label
        ),
    )


@get("/api/runs/{run_id:uuid}/load-check", guards=[MAY_SEE_LOAD])
async def get_load_check(
    run_id: FromPath[UUID], session: NamedDependency[AsyncSession]
) -> LoadCheckView:
    """What the run takes along from the depot, and what of it is missing."""
    return await load_check.read_load_check(session, run_id)


@post("/api/runs/{run_id:uuid}/load-check/scans", guards=[MAY_SCAN], status_code=200)
async def scan_into_run(
    run_id: FromPath[UUID],
    data: JSONBody[LoadScan],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> list[LoadAnswer]:
    """Ask whether a parcel belongs into this van; if so, it is loaded. One answer, or one for each
    parcel of a container."""
    return await answer_once(
        session,
        scope=f"load_check:{run_id}",
        key=data.scan_id,
        body=data,
        answer_type=list[LoadAnswer],
        act=lambda: load_check.scan_into_run(
            session, run_id, **msgspec.structs.asdict(data), by=principal.label
        ),
    )


@post("/api/runs/{run_id:uuid}/load-check/finish", guards=[MAY_SCAN], status_code=200)
async def finish_load_check(
    run_id: FromPath[UUID],
    data: JSONBody[Finish],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> LoadCheckView:
    """The van may leave. When something is missing, a reason is needed, and dispatch is told."""
    return await load_check.finish_load_check(
        session, run_id, reason=data.reason, by=principal.label
    )


def paper(content: bytes, media_type: str) -> Response[bytes]:
    return Response(content, media_type=media_type, headers={"Cache-Control": "private, no-store"})


WAREHOUSE_ROUTES = [
    print_labels,
    print_label,
    print_label_zpl,
    scan_at_gate,
    get_load_check,
    scan_into_run,
    finish_load_check,
]
