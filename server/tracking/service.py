"""What other rooms may ask of tracking."""

from server.tracking.fences import Fence, set_fences
from server.tracking.ingest import Ingested, ingest_fixes, record_heartbeat
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
    "Fence",
    "Ingested",
    "LivePosition",
    "TrailPoint",
    "breadcrumb",
    "driven_m",
    "drop_partitions_before",
    "ensure_partitions",
    "fix_rejections",
    "ingest_fixes",
    "latest_positions",
    "record_heartbeat",
    "set_fences",
]
