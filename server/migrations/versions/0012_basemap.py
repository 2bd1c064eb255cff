"""The drawn map."""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry

revision = "0012_basemap"
down_revision = "0011_live"


def upgrade() -> None:
    op.create_table(
        "map_shape",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("layer", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("min_zoom", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text()),
        sa.Column("shape", Geometry(srid=3857, spatial_index=False), nullable=False),
    )
    op.create_index("ix_map_shape_shape", "map_shape", ["shape"], postgresql_using="gist")
