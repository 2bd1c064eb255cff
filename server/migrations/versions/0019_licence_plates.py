"""SSCCs, cages and bags with licence plates, scans at the depot, hand-overs, load checks."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0019_licence_plates"
down_revision = "0018_invoices"

SEQUENCES = ("sscc_serial", "licence_plate_number", "handover_number")
APPEND_ONLY = ("parcel_sscc", "depot_scan", "handover")


def upgrade() -> None:
    for name in SEQUENCES:
        op.execute(f"create sequence {name}")
    create_parcel_sscc()
    create_container()
    create_depot_scan()
    create_handover()
    create_load_check()
    for table in APPEND_ONLY:
        op.execute(
            f"create trigger append_only before update or delete or truncate on {table} "
            "for each statement execute function consignments_append_only()"
        )


def create_parcel_sscc() -> None:
    op.create_table(
        "parcel_sscc",
        sa.Column("parcel_id", sa.Uuid(), sa.ForeignKey("parcel.id"), primary_key=True),
        sa.Column("sscc", sa.Text(), nullable=False, unique=True),
    )


def create_container() -> None:
    op.create_table(
        "container",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("barcode", sa.Text(), nullable=False, unique=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("seal", sa.Text()),
        sa.Column("parent_id", sa.Uuid(), sa.ForeignKey("container.id")),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind in ('cage', 'bag', 'pallet')", name="kind"),
        sa.CheckConstraint("state in ('open', 'sealed')", name="state"),
        sa.CheckConstraint("parent_id <> id", name="not_in_itself"),
    )
    op.create_index("ix_container_parent_id", "container", ["parent_id"])
    op.create_table(
        "contained_parcel",
        sa.Column("parcel_id", sa.Uuid(), sa.ForeignKey("parcel.id"), primary_key=True),
        sa.Column("container_id", sa.Uuid(), sa.ForeignKey("container.id"), nullable=False),
        sa.Column("put_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("put_by", sa.Text(), nullable=False),
    )
    op.create_index("ix_contained_parcel_container_id", "contained_parcel", ["container_id"])
    op.add_column(
        "custody_event", sa.Column("container_id", sa.Uuid(), sa.ForeignKey("container.id"))
    )


def create_depot_scan() -> None:
    op.create_table(
        "depot_scan",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("scan_id", sa.Text(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("barcode", sa.Text(), nullable=False),
        sa.Column("parcel_id", sa.Uuid(), sa.ForeignKey("parcel.id")),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.CheckConstraint("direction in ('in', 'out')", name="direction"),
    )
    op.create_index(
        "ix_depot_scan_parcel_id_occurred_at", "depot_scan", ["parcel_id", "occurred_at"]
    )
    op.create_index("ix_depot_scan_depot_id_id", "depot_scan", ["depot_id", "id"])


def create_handover() -> None:
    op.create_table(
        "handover",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("number", sa.Text(), nullable=False, unique=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("given_by", sa.Text(), nullable=False),
        sa.Column("taken_by", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("vehicle", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), sa.ForeignKey("person.id")),
        sa.Column("signature", JSONB(), nullable=False),
        sa.Column("lines", JSONB(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.CheckConstraint("kind in ('loading', 'linehaul', 'agent', 'shop')", name="kind"),
    )


def create_load_check() -> None:
    op.create_table(
        "load_check",
        sa.Column("run_id", sa.Uuid(), sa.ForeignKey("run.id"), primary_key=True),
        sa.Column("missing", JSONB(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_by", sa.Text(), nullable=False),
    )
