"""The tables of consignments."""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geography
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006_consignments"
down_revision = "0005_tracking"

PARCEL_STATES = """(
    'announced', 'collected', 'at_depot', 'loaded', 'out_for_delivery', 'attempted', 'refused',
    'damaged', 'lost', 'returning', 'delivered', 'returned'
)"""
CONSIGNMENT_STATES = PARCEL_STATES.replace(")", ", 'cancelled')")
APPEND_ONLY = ("custody_event", "proof", "proof_file")


def upgrade() -> None:
    op.execute("create sequence waybill_number")
    create_consignment()
    create_parcel()
    create_proof()
    create_custody_event()
    create_tracking_link()
    forbid_changes()


def create_consignment() -> None:
    op.create_table(
        "consignment",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("waybill", sa.Text(), nullable=False, unique=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Uuid()),
        sa.Column("account_id", sa.Uuid(), sa.ForeignKey("account.id")),
        sa.Column("consignor_name", sa.Text(), nullable=False),
        sa.Column("consignor_phone", sa.Text(), nullable=False),
        sa.Column("consignor_place_id", sa.Uuid(), sa.ForeignKey("place.id")),
        sa.Column("consignee_name", sa.Text(), nullable=False),
        sa.Column("consignee_phone", sa.Text(), nullable=False),
        sa.Column("consignee_place_id", sa.Uuid(), sa.ForeignKey("place.id")),
        sa.Column("origin_depot_id", sa.Uuid()),
        sa.Column("window_start_at", sa.DateTime(timezone=True)),
        sa.Column("window_end_at", sa.DateTime(timezone=True)),
        sa.Column("pickup_window_start_at", sa.DateTime(timezone=True)),
        sa.Column("pickup_window_end_at", sa.DateTime(timezone=True)),
        sa.Column("service_level", sa.Text()),
        sa.Column("instructions", sa.Text(), nullable=False),
        sa.Column("skills", JSONB(), nullable=False),
        sa.Column("proof", JSONB(), nullable=False),
        sa.Column("pin", sa.Text()),
        sa.Column("cash_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("amended_at", sa.DateTime(timezone=True)),
        sa.Column("amended_by", sa.Text()),
        sa.Column("cancelled_at", sa.DateTime(timezone=True)),
        sa.Column("cancelled_by", sa.Text()),
        sa.Column("cancel_reason", sa.Text()),
        sa.CheckConstraint("kind in ('delivery', 'courier', 'return')", name="kind"),
        sa.CheckConstraint(f"state in {CONSIGNMENT_STATES}", name="state"),
        sa.CheckConstraint("cash_minor >= 0", name="cash_minor"),
    )
    op.create_index("ix_consignment_order_id", "consignment", ["order_id"])
    op.create_index("ix_consignment_account_id_id", "consignment", ["account_id", "id"])


def create_parcel() -> None:
    op.create_table(
        "parcel",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("consignment_id", sa.Uuid(), sa.ForeignKey("consignment.id"), nullable=False),
        sa.Column("piece", sa.Integer(), nullable=False),
        sa.Column("barcode", sa.Text(), nullable=False, unique=True),
        sa.Column("former_barcode", sa.Text()),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("weight_g", sa.Integer(), nullable=False),
        sa.Column("length_mm", sa.Integer(), nullable=False),
        sa.Column("width_mm", sa.Integer(), nullable=False),
        sa.Column("height_mm", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), sa.ForeignKey("person.id")),
        sa.CheckConstraint(f"state in {PARCEL_STATES}", name="state"),
        sa.CheckConstraint(
            "weight_g >= 0 and length_mm >= 0 and width_mm >= 0 and height_mm >= 0", name="size"
        ),
    )
    op.create_index("ix_parcel_consignment_id", "parcel", ["consignment_id"])
    op.create_index(
        "ix_parcel_former_barcode",
        "parcel",
        ["former_barcode"],
        postgresql_where=sa.text("former_barcode is not null"),
    )


def create_proof() -> None:
    op.create_table(
        "proof",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("consignment_id", sa.Uuid(), sa.ForeignKey("consignment.id"), nullable=False),
        sa.Column("task_id", sa.Uuid()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("recipient_name", sa.Text()),
        sa.Column("pin_matched", sa.Boolean()),
        sa.Column("scans", JSONB(), nullable=False),
        sa.Column("age_checked", sa.Boolean()),
        sa.Column("note", sa.Text()),
        sa.Column("position", Geography("POINT", srid=4326, spatial_index=False)),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("driver_id", sa.Uuid(), sa.ForeignKey("person.id")),
        sa.Column("command_id", sa.Text()),
        sa.CheckConstraint("kind in ('POD', 'POC', 'POA')", name="kind"),
    )
    op.create_index("ix_proof_consignment_id", "proof", ["consignment_id"])
    op.create_index(
        "uq_proof_command",
        "proof",
        ["driver_id", "command_id", "consignment_id"],
        unique=True,
        postgresql_where=sa.text("command_id is not null"),
    )
    op.create_table(
        "proof_file",
        sa.Column("proof_id", sa.Uuid(), sa.ForeignKey("proof.id"), primary_key=True),
        sa.Column("sha256", sa.Text(), primary_key=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.CheckConstraint("kind in ('photo', 'signature')", name="kind"),
    )


def create_custody_event() -> None:
    op.create_table(
        "custody_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("parcel_id", sa.Uuid(), sa.ForeignKey("parcel.id"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), sa.ForeignKey("person.id")),
        sa.Column("position", Geography("POINT", srid=4326, spatial_index=False)),
        sa.Column("outcome_code", sa.Text()),
        sa.Column("proof_id", sa.Uuid(), sa.ForeignKey("proof.id")),
        sa.Column("source_id", sa.Text()),
        sa.Column("conflicting", sa.Boolean(), nullable=False),
        sa.CheckConstraint(f"state in {PARCEL_STATES}", name="state"),
    )
    op.create_index("ix_custody_event_parcel_id", "custody_event", ["parcel_id"])
    op.create_index(
        "uq_custody_event_source",
        "custody_event",
        ["parcel_id", "source_id", "state"],
        unique=True,
        postgresql_where=sa.text("source_id is not null"),
    )


def create_tracking_link() -> None:
    op.create_table(
        "tracking_link",
        sa.Column("token_hash", sa.Text(), primary_key=True),
        sa.Column("consignment_id", sa.Uuid(), sa.ForeignKey("consignment.id"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
    )
    op.create_index("ix_tracking_link_consignment_id", "tracking_link", ["consignment_id"])


def forbid_changes() -> None:
    op.execute(
        """
        create function consignments_append_only() returns trigger language plpgsql as $$
        begin
            raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
        end $$
        """
    )
    for table in APPEND_ONLY:
        op.execute(
            f"create trigger append_only before update or delete or truncate on {table} "
            "for each statement execute function consignments_append_only()"
        )
