"""The tables of places."""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geography

revision = "0003_places"
down_revision = "0002_identity"


def upgrade() -> None:
    op.execute("create extension if not exists fuzzystrmatch")
    op.create_table(
        "map_name",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("street", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("postcode", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("folded_name", sa.Text(), nullable=False),
        sa.Column("folded_city", sa.Text(), nullable=False),
        sa.Column("position", Geography("POINT", srid=4326, spatial_index=False), nullable=False),
        sa.Column("osm_id", sa.Text(), nullable=False),
        sa.CheckConstraint("kind in ('street', 'place', 'house')", name="kind"),
    )
    op.create_index(
        "ix_map_name_folded",
        "map_name",
        ["folded"],
        postgresql_using="gin",
        postgresql_ops={"folded": "gin_trgm_ops"},
    )
    op.create_table(
        "map_address",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column(
            "name_id",
            sa.BigInteger(),
            sa.ForeignKey("map_name.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("house_number", sa.Text(), nullable=False),
        sa.Column("number_key", sa.Text(), nullable=False),
        sa.Column("first_number", sa.Integer()),
        sa.Column("last_number", sa.Integer()),
        sa.Column("postcode", sa.Text(), nullable=False),
        sa.Column("position", Geography("POINT", srid=4326, spatial_index=False), nullable=False),
        sa.Column("osm_id", sa.Text(), nullable=False),
    )
    op.create_index(
        "ix_map_address_name_id_first_number", "map_address", ["name_id", "first_number"]
    )
    op.create_index("ix_map_address_position", "map_address", ["position"], postgresql_using="gist")
    op.create_table(
        "place",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("street", sa.Text(), nullable=False),
        sa.Column("house_number", sa.Text(), nullable=False),
        sa.Column("postcode", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("extra", sa.Text(), nullable=False),
        sa.Column("address_key", sa.Text(), nullable=False),
        sa.Column("position", Geography("POINT", srid=4326, spatial_index=False)),
        sa.Column("precision", sa.Text(), nullable=False),
        sa.Column("access_note", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "precision in ('pin', 'given', 'house', 'street', 'locality', 'none')",
            name="precision",
        ),
        sa.CheckConstraint("(position is null) = (precision = 'none')", name="position"),
    )
    op.create_index("ix_place_address_key", "place", ["address_key"])
    op.create_index(
        "ix_place_needs_pin",
        "place",
        ["id"],
        postgresql_where=sa.text("precision in ('street', 'locality', 'none')"),
    )
