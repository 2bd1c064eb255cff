"""What other rooms may ask of tracking."""

from server.tracking.devices import SignOfLife, last_signs, record_heartbeat
from server.tracking.fences import Fence, set_fences
from server.tracking.ingest import Batch, Ingested, ingest_batches, ingest_fixes, newest_claim
from server.tracking.partitions import drop_partitions_before, ensure_partitions
from server.tracking.positions import (
    LivePosition,
    TrailPoint,
    breadcrumb,
    driven_m,
    fix_rejections,
    latest_positions,
)

__all__ = [
    "Batch",
    "Fence",
    "Ingested",
    "LivePosition",
    "SignOfLife",
    "TrailPoint",
    "breadcrumb",
    "driven_m",
    "drop_partitions_before",
    "ensure_partitions",
    "fix_rejections",
    "ingest_batches",
    "ingest_fixes",
    "last_signs",
    "latest_positions",
    "newest_claim",
    "record_heartbeat",
    "set_fences",
]
