"""What is remembered of phones, in columns that are quick to write each time that they send."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0022_live"
down_revision = "0021_arrivals"

SPOTS = ("last", "doubted")


def upgrade() -> None:
    for name in ("handled_first", "handled_through"):
        op.add_column("tracked_device", sa.Column(name, sa.BigInteger()))
    op.add_column("tracked_device", sa.Column("handled_before", JSONB()))
    for spot in SPOTS:
        for axis in ("lon", "lat"):
            op.add_column("tracked_device", sa.Column(f"{spot}_{axis}", sa.Float()))
    op.execute(
        """
        update tracked_device set
            handled_first = cast(handled_seqs -> -1 ->> 0 as bigint),
            handled_through = cast(handled_seqs -> -1 ->> 1 as bigint),
            handled_before = case
                when jsonb_array_length(handled_seqs) > 1 then handled_seqs - (-1)
            end,
            last_lon = st_x(last_position::geometry),
            last_lat = st_y(last_position::geometry),
            doubted_lon = st_x(doubted_position::geometry),
            doubted_lat = st_y(doubted_position::geometry)
        """
    )
    op.drop_column("tracked_device", "handled_seqs")
    for spot in SPOTS:
        op.drop_column("tracked_device", f"{spot}_position")
    # Nobody looks drivers up by where they are; keeping the index cost more than the row.
    op.drop_index("ix_live_position_position", table_name="live_position")
    # Room in each page for the next state of a row, so that no index hears of a mere update.
    for table in ("tracked_device", "live_position"):
        op.execute(f"alter table {table} set (fillfactor = 50)")
