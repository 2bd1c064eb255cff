"""A photo may be here in a small size first; doors are known by earlier deliveries."""

import sqlalchemy as sa
from alembic import op

revision = "0037_phone"
down_revision = "0034_rooms"


def upgrade() -> None:
    op.add_column("proof_file", sa.Column("small_sha256", sa.Text(), nullable=True))
    op.create_index("ix_consignment_consignee_place_id", "consignment", ["consignee_place_id"])
